-- The variance of whole tenths, so that it is exact.
WITH hops AS (
  SELECT gateway, hour(timezone('Europe/Paris', timezone('UTC', timestamp))) AS hour, value, CAST(value * 10 AS BIGINT) AS tenths,
         date_trunc('day', timestamp) - n * INTERVAL 1 DAY AS windowStart
  FROM metrics, range(30) AS offsets(n))
SELECT gateway, hour, windowStart::TIMESTAMP AS windowStart, COUNT(*) AS readings,
       SUM(value)::DOUBLE AS sum, MIN(value)::DOUBLE AS min, MAX(value)::DOUBLE AS max, SUM(value)::DOUBLE / COUNT(*) AS mean,
       (COUNT(*) * SUM(tenths * tenths) - SUM(tenths) * SUM(tenths))::DOUBLE / (100.0 * COUNT(*) * COUNT(*)) AS populationVariance
FROM hops GROUP BY gateway, hour, windowStart
