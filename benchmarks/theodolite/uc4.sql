-- Theodolite's UC4, hierarchical aggregation: the sums of the groups of sensors, of the groups of these groups and so on, in windows of
-- 5 seconds, of the last value of each sensor in each. The table of groups may change at any time: a row is valid from `since` on.
-- There the sums come back as values of sensors; here each level of groups is a statement of its own, and a sensor is in one group
-- at a time. Groups by gateway alone: one task reads all partitions in the order of time, so that no level gets a window too late.
CREATE STREAM metrics WITH (topic = 'metrics', value_format = 'AVRO');
CREATE TABLE groups (child VARCHAR PRIMARY KEY, since TIMESTAMP, parent VARCHAR)
  WITH (topic = 'sensor-groups', value_format = 'JSON', timestamp = 'since');

CREATE TABLE last_values WITH (topic = 'theodolite-uc4-last-values') AS
  SELECT g.parent, WINDOWSTART AS windowStart, LATEST_BY_OFFSET(m.value) AS watts, m.gateway
  FROM metrics m JOIN groups g ON m.gateway = g.child
  WINDOW TUMBLING (SIZE 5 SECONDS, GRACE PERIOD 5 SECONDS)
  GROUP BY m.gateway, g.parent EMIT FINAL;
CREATE STREAM values (parent VARCHAR, windowStart TIMESTAMP, watts DOUBLE)
  WITH (topic = 'theodolite-uc4-last-values', value_format = 'JSON', timestamp = 'windowStart');

CREATE TABLE level1 WITH (topic = 'theodolite-uc4-level1') AS
  SELECT parent AS identifier, WINDOWSTART AS windowStart, COUNT(*) AS members, SUM(watts) AS sumInW
  FROM values WINDOW TUMBLING (SIZE 5 SECONDS, GRACE PERIOD 0 SECONDS) GROUP BY parent EMIT FINAL;
CREATE STREAM sums1 (identifier VARCHAR, windowStart TIMESTAMP, sumInW DOUBLE)
  WITH (topic = 'theodolite-uc4-level1', value_format = 'JSON', timestamp = 'windowStart');

CREATE TABLE level2 WITH (topic = 'theodolite-uc4-level2') AS
  SELECT g.parent AS identifier, WINDOWSTART AS windowStart, COUNT(*) AS members, SUM(s.sumInW) AS sumInW
  FROM sums1 s JOIN groups g ON s.identifier = g.child
  WINDOW TUMBLING (SIZE 5 SECONDS, GRACE PERIOD 0 SECONDS) GROUP BY g.parent EMIT FINAL;
CREATE STREAM sums2 (identifier VARCHAR, windowStart TIMESTAMP, sumInW DOUBLE)
  WITH (topic = 'theodolite-uc4-level2', value_format = 'JSON', timestamp = 'windowStart');

CREATE TABLE uc4 WITH (topic = 'theodolite-uc4') AS
  SELECT g.parent AS identifier, WINDOWSTART AS windowStart, COUNT(*) AS members, SUM(s.sumInW) AS sumInW
  FROM sums2 s JOIN groups g ON s.identifier = g.child
  WINDOW TUMBLING (SIZE 5 SECONDS, GRACE PERIOD 0 SECONDS) GROUP BY g.parent EMIT FINAL;
