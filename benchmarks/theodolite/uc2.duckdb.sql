-- The variance of whole tenths, so that it is exact.
SELECT gateway, time_bucket(INTERVAL 1 MINUTE, timestamp, TIMESTAMP '1970-01-01') AS windowStart, COUNT(*) AS readings,
       SUM(value)::DOUBLE AS sum, MIN(value)::DOUBLE AS min, MAX(value)::DOUBLE AS max, SUM(value)::DOUBLE / COUNT(*) AS mean,
       (COUNT(*) * SUM(tenths * tenths) - SUM(tenths) * SUM(tenths))::DOUBLE / (100.0 * COUNT(*) * COUNT(*)) AS populationVariance
FROM (SELECT *, CAST(value * 10 AS BIGINT) AS tenths FROM metrics) GROUP BY gateway, windowStart
