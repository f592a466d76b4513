-- The whole platform: readings of electricity, water and gas, their results in three sizes of window, and where all of it is kept.
-- Cassandra has results for months, Redis the latest, the lake every reading for good. Where these are says meterstream.toml:
--   meterstream run examples/platform.sql --kafka localhost:9092 --registry http://localhost:8081
CREATE STREAM metrics (
  gateway VARCHAR,
  metricType VARCHAR,
  metricAttribute VARCHAR,
  timestamp TIMESTAMP,
  value DOUBLE
) WITH (topic = 'metrics', value_format = 'AVRO', timestamp = 'timestamp', deduplicate = '1 hour');

CREATE TABLE metrics_aggregates_60 WITH (topic = 'metrics-aggregates-60') AS
SELECT WINDOWSTART AS windowStart, WINDOWEND AS windowEnd, COUNT(*) AS sampleCount, MIN(value) AS min, MAX(value) AS max,
       SUM(value) AS sum, AVG(value) AS average, metricType, metricAttribute, gateway
FROM metrics WINDOW TUMBLING (SIZE 1 MINUTE, GRACE PERIOD 5 MINUTES)
GROUP BY gateway, metricType, metricAttribute EMIT FINAL;

CREATE TABLE metrics_aggregates_3600 WITH (topic = 'metrics-aggregates-3600') AS
SELECT WINDOWSTART AS windowStart, WINDOWEND AS windowEnd, COUNT(*) AS sampleCount, MIN(value) AS min, MAX(value) AS max,
       SUM(value) AS sum, AVG(value) AS average, metricType, metricAttribute, gateway
FROM metrics WINDOW TUMBLING (SIZE 1 HOUR, GRACE PERIOD 5 MINUTES)
GROUP BY gateway, metricType, metricAttribute EMIT FINAL;

CREATE TABLE metrics_aggregates_86400 WITH (topic = 'metrics-aggregates-86400') AS
SELECT WINDOWSTART AS windowStart, WINDOWEND AS windowEnd, COUNT(*) AS sampleCount, MIN(value) AS min, MAX(value) AS max,
       SUM(value) AS sum, AVG(value) AS average, metricType, metricAttribute, gateway
FROM metrics WINDOW TUMBLING (SIZE 1 DAY, GRACE PERIOD 1 HOUR)
GROUP BY gateway, metricType, metricAttribute EMIT FINAL;

-- Medium term. A bucket is the part of a series that Cassandra keeps together; a day's results need none.
CREATE SINK cassandra_60 WITH (
  type = 'cassandra', topic = 'metrics-aggregates-60', table = 'metrics_aggregates_60', bucket = 'days', ttl = '180 days'
);
CREATE SINK cassandra_3600 WITH (
  type = 'cassandra', topic = 'metrics-aggregates-3600', table = 'metrics_aggregates_3600', bucket = 'months', ttl = '730 days'
);
CREATE SINK cassandra_86400 WITH (
  type = 'cassandra', topic = 'metrics-aggregates-86400', table = 'metrics_aggregates_86400'
);
-- When each gateway was last heard of, and the last value of each of its series.
CREATE SINK latest WITH (type = 'redis', topic = 'metrics', contents = 'both');
-- Every reading. uri, here or as [lake] uri, is a directory or s3://bucket/prefix.
CREATE SINK lake WITH (type = 'lake', topic = 'metrics');
