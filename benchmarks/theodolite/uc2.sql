-- Theodolite's UC2, downsampling: the statistics of each sensor and minute. There each reading may refine the result of its window;
-- here each window gives its final one.
CREATE STREAM metrics WITH (topic = 'metrics', value_format = 'AVRO');

CREATE TABLE uc2 WITH (topic = 'theodolite-uc2') AS
  SELECT gateway, WINDOWSTART AS windowStart, COUNT(*) AS readings, SUM(value) AS sum, MIN(value) AS min, MAX(value) AS max,
         AVG(value) AS mean, VAR_POP(value) AS populationVariance
  FROM metrics WINDOW TUMBLING (SIZE 1 MINUTE, GRACE PERIOD 0 SECONDS)
  GROUP BY gateway, metricType, metricAttribute EMIT FINAL;
