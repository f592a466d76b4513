-- Windows of all kinds, final and refined, over the same readings; some of them out of order, some exactly on a bound.
CREATE STREAM metrics WITH (topic = 'metrics', partitions = 1);
CREATE TABLE tumbling WITH (topic = 'tumbling') AS
  SELECT gateway, WINDOWSTART AS windowStart, WINDOWEND AS windowEnd, COUNT(*) AS n, SUM(value) AS total FROM metrics
  WINDOW TUMBLING (SIZE 10 MINUTES, GRACE PERIOD 1 HOUR) GROUP BY gateway EMIT FINAL;
CREATE TABLE refined WITH (topic = 'refined') AS
  SELECT gateway, WINDOWSTART AS windowStart, COUNT(*) AS n, AVG(value) AS average FROM metrics
  WINDOW TUMBLING (SIZE 10 MINUTES, GRACE PERIOD 1 HOUR) GROUP BY gateway EMIT CHANGES;
CREATE TABLE hopping WITH (topic = 'hopping') AS
  SELECT gateway, WINDOWSTART AS windowStart, WINDOWEND AS windowEnd, COUNT(*) AS n, MIN(value) AS least, MAX(value) AS most FROM metrics
  WINDOW HOPPING (SIZE 10 MINUTES, ADVANCE BY 4 MINUTES, GRACE PERIOD 1 HOUR) GROUP BY gateway EMIT FINAL;
CREATE TABLE sessions WITH (topic = 'sessions') AS
  SELECT gateway, WINDOWSTART AS windowStart, WINDOWEND AS windowEnd, COUNT(*) AS n, SUM(value) AS total FROM metrics
  WINDOW SESSION (5 MINUTES, GRACE PERIOD 1 HOUR) GROUP BY gateway EMIT FINAL;
CREATE TABLE refined_sessions WITH (topic = 'refined-sessions') AS
  SELECT gateway, WINDOWSTART AS windowStart, WINDOWEND AS windowEnd, COUNT(*) AS n FROM metrics
  WINDOW SESSION (5 MINUTES, GRACE PERIOD 1 HOUR) GROUP BY gateway;
CREATE TABLE running WITH (topic = 'running') AS
  SELECT gateway, COUNT(*) AS n, SUM(value) AS total, STDDEV_SAMP(value) AS deviation, VAR_POP(value) AS variance, MIN(timestamp) AS first FROM metrics
  GROUP BY gateway;
CREATE STREAM once WITH (topic = 'metrics', deduplicate = '1 hour');
CREATE TABLE without_repeats WITH (topic = 'without-repeats') AS
  SELECT gateway, WINDOWSTART AS windowStart, COUNT(*) AS n FROM once WINDOW TUMBLING (SIZE 1 DAY, GRACE PERIOD 1 HOUR) GROUP BY gateway EMIT FINAL;
-- INPUT
INSERT INTO metrics VALUES
  ('a', 'E', 'P', '2024-01-01T00:00:00Z', 1), ('a', 'E', 'P', '2024-01-01T00:04:00Z', 2), ('b', 'E', 'P', '2024-01-01T00:05:00Z', 0.1),
  ('a', 'E', 'P', '2024-01-01T00:14:00Z', 4), ('a', 'E', 'P', '2024-01-01T00:09:00Z', 8), ('b', 'E', 'P', '2024-01-01T00:10:00Z', 0.2),
  ('a', 'E', 'P', '2024-01-01T00:10:00Z', 16), ('a', 'E', 'P', '2024-01-01T00:10:00Z', 16), ('b', 'E', 'P', '2024-01-01T00:15:00.001Z', 0.3);
-- THEN
INSERT INTO metrics VALUES
  ('a', 'E', 'P', '2024-01-01T00:30:00Z', 32), ('b', 'E', 'P', '2024-01-01T00:31:00Z', -0.1), ('a', 'E', 'P', '2024-01-01T00:24:59Z', 64),
  ('b', 'E', 'P', '2024-01-01T00:27:00Z', 1e6);
