-- HAVING, CASE, groups that are expressions, NULLs, LAG, and numbers that have no result.
CREATE STREAM readings (id VARCHAR KEY, meter VARCHAR, at TIMESTAMP, liters BIGINT, pressure DOUBLE, leaking BOOLEAN)
  WITH (topic = 'readings', value_format = 'JSON', timestamp = 'at', partitions = 1);
CREATE TABLE hours WITH (topic = 'hours') AS
  SELECT meter, WINDOWSTART AS windowStart, COUNT(*) AS n, COUNT(pressure) AS known, SUM(liters) AS liters, MAX(pressure) - MIN(pressure) AS spread,
         CASE WHEN MAX(pressure) > 5 THEN 'OVER' WHEN MIN(pressure) < 1 THEN 'UNDER' ELSE 'OK' END AS state, SUM(liters) / COUNT(*) AS each
  FROM readings WINDOW TUMBLING (SIZE 1 HOUR, GRACE PERIOD 1 DAY) GROUP BY meter HAVING COUNT(*) > 1 AND NOT meter = 'hidden' EMIT FINAL;
CREATE TABLE classes WITH (topic = 'classes') AS
  SELECT leaking, liters / 10 AS tens, COUNT(*) AS n, MAX(at) AS latest FROM readings WHERE liters >= 0 OR leaking GROUP BY leaking, liters / 10;
CREATE STREAM projected WITH (topic = 'projected') AS
  SELECT id, CASE meter WHEN 'a' THEN 'first' WHEN 'b' THEN 'second' END AS place, -liters % 7 AS rest, pressure / (liters - 10) AS ratio,
         SQRT(pressure - 3) AS root, COALESCE(pressure, -1) AS known, leaking IS NULL AS unsure, CAST(pressure AS BIGINT) AS whole,
         pressure BETWEEN 1 AND 3 AS usual, UCASE(meter) AS loud, HOUR(at) AS hour FROM readings;
CREATE STREAM steps WITH (topic = 'steps') AS
  SELECT id, at, liters - LAG(liters) AS used, LAG(meter, 1, 'none') AS before FROM readings WHERE LAG(liters) IS NOT NULL;
-- NOT IN DUCKDB steps: LAG
-- INPUT
INSERT INTO readings VALUES
  ('k1', 'a', '2024-01-01T00:10:00Z', 10, 2.5, FALSE), ('k2', 'b', '2024-01-01T00:11:00Z', -3, NULL, TRUE), ('k1', 'a', '2024-01-01T00:20:00Z', 25, 6, NULL),
  ('k2', 'b', '2024-01-01T00:21:00Z', 40, 0.5, FALSE), ('k3', 'hidden', '2024-01-01T00:30:00Z', 1, 1, FALSE), ('k3', 'hidden', '2024-01-01T00:31:00Z', 2, 1, FALSE),
  ('k1', 'a', '2024-01-01T01:00:00Z', NULL, 3, TRUE), ('k1', 'a', '2024-01-01T01:30:00Z', 7, NULL, FALSE), ('k2', 'b', '2024-01-01T02:00:00Z', 9, 1, FALSE),
  ('k4', NULL, '2024-01-01T02:10:00Z', 9223372036854775807, 1e19, FALSE), ('k4', NULL, '2024-01-01T02:20:00Z', 0, 3, FALSE);
