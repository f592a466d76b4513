-- Profiles in local time and days of a place, over the days when the clocks of Paris go forward (2024-03-31, 23 hours) and back
-- (2024-10-27, 25 hours): 02:30 is not there on the one, and twice on the other.
CREATE STREAM metrics WITH (topic = 'metrics');
CREATE TABLE profile WITH (topic = 'profile') AS
  SELECT gateway, HOUR(timestamp, 'Europe/Paris') AS hour, DAY_OF_WEEK(timestamp, 'Europe/Paris') AS weekday, COUNT(*) AS readings,
         AVG(value) AS average, MAX(value) AS peak
  FROM metrics GROUP BY gateway, HOUR(timestamp, 'Europe/Paris'), DAY_OF_WEEK(timestamp, 'Europe/Paris');
CREATE TABLE days WITH (topic = 'days') AS
  SELECT gateway, WINDOWSTART AS windowStart, WINDOWEND AS windowEnd, COUNT(*) AS readings, SUM(value) AS total
  FROM metrics WINDOW TUMBLING (SIZE 1 DAY, TIMEZONE 'Europe/Paris', GRACE PERIOD 400 DAYS) GROUP BY gateway EMIT FINAL;
CREATE STREAM local WITH (topic = 'local') AS
  SELECT gateway, timestamp, FORMAT_TIMESTAMP(timestamp, 'EEE dd.MM. HH:mm XXX', 'Europe/Paris') AS there FROM metrics;
-- NOT IN DUCKDB local: the pattern has no counterpart
-- INPUT
INSERT INTO metrics VALUES
  ('a', 'E', 'P', '2024-03-30T22:59:59Z', 1), ('a', 'E', 'P', '2024-03-30T23:00:00Z', 2), ('a', 'E', 'P', '2024-03-31T00:30:00Z', 4),
  ('a', 'E', 'P', '2024-03-31T01:30:00Z', 8), ('a', 'E', 'P', '2024-03-31T21:59:59Z', 16), ('a', 'E', 'P', '2024-03-31T22:00:00Z', 32),
  ('b', 'E', 'P', '2024-10-26T21:59:00Z', 1), ('b', 'E', 'P', '2024-10-26T22:00:00Z', 2), ('b', 'E', 'P', '2024-10-27T00:30:00Z', 4),
  ('b', 'E', 'P', '2024-10-27T01:30:00Z', 8), ('b', 'E', 'P', '2024-10-27T22:59:59Z', 16), ('b', 'E', 'P', '2024-10-27T23:00:00Z', 32);
