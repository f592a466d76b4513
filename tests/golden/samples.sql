-- Aggregates that remember samples: of texts, of registers that are reset or roll over, and of values.
CREATE STREAM metrics WITH (topic = 'metrics', partitions = 1);
CREATE TABLE registers WITH (topic = 'registers') AS
  SELECT gateway, WINDOWSTART AS windowStart, INCREASE(value) AS consumed, INCREASE(value, 1000) AS rolled, RATE(value) * 3600 AS perHour,
         TIME_WEIGHTED_AVG(value) AS held
  FROM metrics WINDOW TUMBLING (SIZE 1 HOUR, GRACE PERIOD 1 DAY) WHERE metricAttribute = 'INDEX' GROUP BY gateway EMIT FINAL;
CREATE TABLE values_of WITH (topic = 'values-of') AS
  SELECT gateway, WINDOWSTART AS windowStart, PERCENTILE(value, 0.5) AS median, PERCENTILE(value, 0.9) AS p90, TOPK(value, 3) AS highest,
         TOPKDISTINCT(value, 2) AS two, COUNT_DISTINCT(value) AS values, MIN(metricAttribute) AS least, MAX(metricAttribute) AS most,
         HISTOGRAM(metricAttribute) AS attributes
  FROM metrics WINDOW HOPPING (SIZE 2 HOURS, ADVANCE BY 1 HOUR, GRACE PERIOD 1 DAY) GROUP BY gateway HAVING COUNT(*) > 2 EMIT FINAL;
CREATE TABLE last_and_first WITH (topic = 'last-and-first') AS
  SELECT gateway, LATEST_BY_OFFSET(value) AS latest, EARLIEST_BY_OFFSET(value) AS earliest, LATEST_BY_OFFSET(metricAttribute, 3) AS three FROM metrics
  GROUP BY gateway;
-- NOT IN DUCKDB last_and_first: LATEST_BY_OFFSET
-- INPUT
INSERT INTO metrics VALUES
  ('a', 'E', 'INDEX', '2024-01-01T00:00:00Z', 100), ('a', 'E', 'INDEX', '2024-01-01T00:30:00Z', 150.5), ('a', 'E', 'VOLTAGE', '2024-01-01T00:31:00Z', 230),
  ('b', 'E', 'INDEX', '2024-01-01T00:10:00Z', 990), ('b', 'E', 'INDEX', '2024-01-01T00:20:00Z', 15), ('a', 'E', 'INDEX', '2024-01-01T00:45:00Z', 0),
  ('a', 'E', 'INDEX', '2024-01-01T00:40:00Z', 160.5), ('a', 'E', 'VOLTAGE', '2024-01-01T01:10:00Z', 231), ('a', 'E', 'VOLTAGE', '2024-01-01T01:20:00Z', 230),
  ('a', 'E', 'INDEX', '2024-01-01T01:50:00Z', 20), ('b', 'E', 'INDEX', '2024-01-01T01:00:00Z', 20), ('b', 'E', 'CURRENT', '2024-01-01T01:05:00Z', -2);
