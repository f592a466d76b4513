-- Readings that are filtered and go on as JSON, results of windows as a stream, and conditions on timestamps.
CREATE STREAM metrics WITH (topic = 'metrics');
CREATE STREAM voltages WITH (topic = 'voltages') AS
  SELECT gateway, metricType, metricAttribute, timestamp, value, FORMAT_TIMESTAMP(timestamp, 'yyyy-MM-dd HH:mm', 'Europe/Paris') AS localTime
  FROM metrics WHERE gateway IN ('a', 'b') AND metricAttribute LIKE 'VOLT%';
CREATE STREAM everything WITH (topic = 'everything', partitions = 1) AS SELECT * FROM metrics WHERE NOT metricType = 'GAS' EMIT CHANGES;
CREATE STREAM in_march WITH (topic = 'in-march') AS
  SELECT gateway, value FROM metrics WHERE timestamp BETWEEN '2024-03-01T00:00:00Z' AND '2024-03-31T23:59:59.999Z' AND value IS NOT NULL;
CREATE TABLE minutes WITH (topic = 'minutes') AS
  SELECT gateway, metricType, metricAttribute, WINDOWSTART AS windowStart, WINDOWEND AS windowEnd, COUNT(*) AS n, MIN(value) AS least, MAX(value) AS most,
         SUM(value) AS total, AVG(value) AS average
  FROM metrics WINDOW TUMBLING (SIZE 1 MINUTE, GRACE PERIOD 10 DAYS) GROUP BY gateway, metricType, metricAttribute EMIT FINAL;
CREATE STREAM of_minutes (gateway VARCHAR, windowStart TIMESTAMP, windowEnd TIMESTAMP, n BIGINT, average DOUBLE)
  WITH (topic = 'minutes', value_format = 'JSON', timestamp = 'windowEnd');
CREATE STREAM busy_minutes WITH (topic = 'busy-minutes') AS
  SELECT gateway, windowStart, n, average * 2 AS twice FROM of_minutes WHERE n > 1 AND windowStart >= '2024-03-01T00:00:00Z';
CREATE TABLE by_attribute WITH (topic = 'by-attribute') AS
  SELECT metricAttribute, COUNT(*) AS readings, MAX(timestamp) AS latest FROM metrics GROUP BY metricAttribute;
-- INPUT
INSERT INTO metrics VALUES
  ('a', 'ELECTRICITY', 'VOLTAGE', '2024-02-29T23:59:30Z', 230.125), ('a', 'ELECTRICITY', 'VOLTAGE', '2024-03-01T00:00:00Z', 231),
  ('a', 'ELECTRICITY', 'VOLTAGE', '2024-03-01T00:00:59.999Z', 232.5), ('b', 'ELECTRICITY', 'VOLTAGE', '2024-03-01T00:01:00Z', 229),
  ('b', 'ELECTRICITY', 'ACTIVE_POWER', '2024-03-01T00:01:10Z', 0.1), ('b', 'ELECTRICITY', 'ACTIVE_POWER', '2024-03-01T00:01:20Z', 0.2),
  ('b', 'ELECTRICITY', 'ACTIVE_POWER', '2024-03-01T00:01:30Z', 0.3), ('c', 'GAS', 'VOLUME', '2024-03-01T00:01:00Z', -1),
  ('c', 'ELECTRICITY', 'VOLTAGE', '2024-03-01T00:02:00Z', 230), ('a', 'ELECTRICITY', 'VOLTAGE', '2024-03-31T23:59:59.999Z', 227),
  ('a', 'ELECTRICITY', 'VOLTAGE', '2024-04-01T00:00:00Z', 226), ('c', 'GAS', 'VOLUME', '2024-04-01T00:00:00Z', 1e-9);
