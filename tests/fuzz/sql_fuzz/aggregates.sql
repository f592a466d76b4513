-- The platform's aggregates: every series of readings, in windows of a minute, an hour and a day.
--
--   meterstream run examples/aggregates.sql                follows the topic for ever
--   meterstream run examples/aggregates.sql --until-idle   works through what is there, closes the windows, and exits

-- Readings as they arrive, Avro in the Confluent wire format. The columns could be left out: these are the default.
-- deduplicate drops a reading that comes again and keeps one that comes again with another value in metrics-rejected.
CREATE STREAM metrics (
  gateway         VARCHAR,
  metricType      VARCHAR,    -- ELECTRICITY, WATER, GAS
  metricAttribute VARCHAR,    -- ACTIVE_POWER, VOLTAGE, WATER_SUMMATION, ...
  timestamp       TIMESTAMP,  -- when the meter read it: the time that windows go by
  value           DOUBLE
) WITH (
  topic        = 'metrics',
  value_format = 'AVRO',
  timestamp    = 'timestamp',
  deduplicate  = '1 hour',
  idle_timeout = '30 seconds', -- a partition without data for so long stops holding the others back
  max_ahead    = '1 minute'    -- a meter's clock that is further ahead does not close everybody's windows
);

-- One minute. A window's only result is written when no reading up to 5 minutes late can come any more.
-- Later readings go to metrics-aggregates-60-late.
CREATE TABLE metrics_aggregates_60 WITH (topic = 'metrics-aggregates-60') AS
SELECT
  WINDOWSTART AS windowStart,
  WINDOWEND   AS windowEnd,
  COUNT(*)    AS sampleCount,
  MIN(value)  AS min,
  MAX(value)  AS max,
  SUM(value)  AS sum,
  AVG(value)  AS average,
  metricType,
  metricAttribute,
  gateway
FROM metrics
WINDOW TUMBLING (SIZE 1 MINUTE, GRACE PERIOD 5 MINUTES)
GROUP BY gateway, metricType, metricAttribute
EMIT FINAL;

-- One hour. All tables over one stream share one pass over its topic.
CREATE TABLE metrics_aggregates_3600 WITH (topic = 'metrics-aggregates-3600') AS
SELECT
  WINDOWSTART AS windowStart,
  WINDOWEND   AS windowEnd,
  COUNT(*)    AS sampleCount,
  MIN(value)  AS min,
  MAX(value)  AS max,
  SUM(value)  AS sum,
  AVG(value)  AS average,
  metricType,
  metricAttribute,
  gateway
FROM metrics
WINDOW TUMBLING (SIZE 1 HOUR, GRACE PERIOD 5 MINUTES)
GROUP BY gateway, metricType, metricAttribute
EMIT FINAL;

-- One day, from midnight to midnight UTC.
CREATE TABLE metrics_aggregates_86400 WITH (topic = 'metrics-aggregates-86400') AS
SELECT
  WINDOWSTART AS windowStart,
  WINDOWEND   AS windowEnd,
  COUNT(*)    AS sampleCount,
  MIN(value)  AS min,
  MAX(value)  AS max,
  SUM(value)  AS sum,
  AVG(value)  AS average,
  metricType,
  metricAttribute,
  gateway
FROM metrics
WINDOW TUMBLING (SIZE 1 DAY, GRACE PERIOD 5 MINUTES)
GROUP BY gateway, metricType, metricAttribute
EMIT FINAL;

-- Tables that queries read. A bucket is the part of a series that is stored together; a day's results need none.
CREATE SINK store_60 WITH (
  type = 'embedded', topic = 'metrics-aggregates-60', table = 'metrics_aggregates_60', bucket = 'days'
);
CREATE SINK store_3600 WITH (
  type = 'embedded', topic = 'metrics-aggregates-3600', table = 'metrics_aggregates_3600', bucket = 'months'
);
CREATE SINK store_86400 WITH (
  type = 'embedded', topic = 'metrics-aggregates-86400', table = 'metrics_aggregates_86400', bucket = 'none'
);
