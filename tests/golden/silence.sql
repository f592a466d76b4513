-- A gateway that sent nothing for half an hour is raised, and cleared when it sends again. Gateway b is silent for long; of c's silence it is
-- not known yet at the end whether it is one. Also the uplinks in five minutes, and when a gateway was last heard of.
CREATE STREAM metrics WITH (topic = 'metrics', partitions = 1);
CREATE TABLE sessions WITH (topic = 'sessions') AS
  SELECT gateway, WINDOWSTART AS activeSince, WINDOWEND AS lastSeen, COUNT(*) AS readings
  FROM metrics WINDOW SESSION (30 MINUTES, GRACE PERIOD 1 MINUTE) GROUP BY gateway EMIT BOUNDS;
CREATE STREAM activity (gateway VARCHAR KEY, activeSince TIMESTAMP, lastSeen TIMESTAMP)
  WITH (topic = 'sessions', value_format = 'JSON', timestamp = 'activeSince');
CREATE STREAM silence WITH (topic = 'silence') AS
  SELECT gateway, CASE WHEN lastSeen IS NULL THEN 'CLEARED' ELSE 'RAISED' END AS alarm,
         CASE WHEN lastSeen IS NULL THEN LAG(lastSeen) ELSE lastSeen END AS silentSince, activeSince
  FROM activity WHERE lastSeen IS NOT NULL OR LAG(lastSeen) IS NOT NULL;
CREATE TABLE uplinks WITH (topic = 'uplinks') AS
  SELECT gateway, WINDOWSTART AS windowStart, COUNT(*) AS readings
  FROM metrics WINDOW TUMBLING (SIZE 5 MINUTES, RETENTION 20 MINUTES, GRACE PERIOD 3 MINUTES) GROUP BY gateway EMIT FINAL;
CREATE TABLE latest WITH (topic = 'latest') AS SELECT gateway, MAX(timestamp) AS latest, COUNT(*) AS readings FROM metrics GROUP BY gateway;
-- NOT IN DUCKDB sessions: EMIT BOUNDS
-- NOT IN DUCKDB silence: LAG
-- INPUT
INSERT INTO metrics VALUES
  ('a', 'E', 'P', '2024-01-01T00:00:00Z', 1), ('b', 'E', 'P', '2024-01-01T00:01:00Z', 1), ('a', 'E', 'P', '2024-01-01T00:10:00Z', 1),
  ('b', 'E', 'P', '2024-01-01T00:12:00Z', 1), ('c', 'E', 'P', '2024-01-01T00:20:00Z', 1), ('a', 'E', 'P', '2024-01-01T00:30:00Z', 1),
  ('a', 'E', 'P', '2024-01-01T00:43:00Z', 1), ('c', 'E', 'P', '2024-01-01T00:44:00Z', 1);
-- THEN
INSERT INTO metrics VALUES
  ('a', 'E', 'P', '2024-01-01T01:00:00Z', 1), ('a', 'E', 'P', '2024-01-01T01:01:00Z', 1), ('b', 'E', 'P', '2024-01-01T01:10:00Z', 1),
  ('b', 'E', 'P', '2024-01-01T01:10:01Z', 1), ('a', 'E', 'P', '2024-01-01T01:14:30Z', 1);
