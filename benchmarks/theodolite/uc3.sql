-- Theodolite's UC3, hours of the day: the statistics of each sensor and hour of the day in Paris over 30 days, each day.
CREATE STREAM metrics WITH (topic = 'metrics-months', value_format = 'AVRO');

CREATE TABLE uc3 WITH (topic = 'theodolite-uc3') AS
  SELECT gateway, HOUR(timestamp, 'Europe/Paris') AS hour, WINDOWSTART AS windowStart, COUNT(*) AS readings, SUM(value) AS sum,
         MIN(value) AS min, MAX(value) AS max, AVG(value) AS mean, VAR_POP(value) AS populationVariance
  FROM metrics WINDOW HOPPING (SIZE 30 DAYS, ADVANCE BY 1 DAY, GRACE PERIOD 0 SECONDS)
  GROUP BY gateway, metricType, metricAttribute, HOUR(timestamp, 'Europe/Paris') EMIT FINAL;
