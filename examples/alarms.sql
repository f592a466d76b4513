-- Alarms with thresholds that can be changed while this runs:
--   meterstream run examples/alarms.sql
--   meterstream sql --schema examples/alarms.sql --execute "INSERT INTO alarm_thresholds (id, lowerBound, upperBound)
--     VALUES ('household-1.ELECTRICITY.VOLTAGE', 225, 245)"
-- The name of a threshold is that of a series: gateway.TYPE.ATTRIBUTE.
CREATE STREAM metrics WITH (topic = 'metrics', value_format = 'AVRO', deduplicate = '1 hour');

CREATE TABLE metrics_aggregates_60 WITH (topic = 'metrics-aggregates-60') AS
SELECT WINDOWSTART AS windowStart, WINDOWEND AS windowEnd, COUNT(*) AS sampleCount, MIN(value) AS min, MAX(value) AS max,
       SUM(value) AS sum, AVG(value) AS average, metricType, metricAttribute, gateway
FROM metrics WINDOW TUMBLING (SIZE 1 MINUTE, GRACE PERIOD 5 MINUTES)
GROUP BY gateway, metricType, metricAttribute EMIT FINAL;

CREATE STREAM aggregates_60 (
  windowStart TIMESTAMP, windowEnd TIMESTAMP, sampleCount BIGINT, min DOUBLE, max DOUBLE, average DOUBLE,
  metricType VARCHAR, metricAttribute VARCHAR, gateway VARCHAR
) WITH (topic = 'metrics-aggregates-60', value_format = 'JSON', timestamp = 'windowEnd');

CREATE TABLE alarm_thresholds (
  id VARCHAR PRIMARY KEY, lowerBound DOUBLE, upperBound DOUBLE
) WITH (topic = 'alarm_thresholds', value_format = 'JSON');

-- What there is to begin with. A row that is there already stays as it is.
INSERT INTO alarm_thresholds (id, lowerBound, upperBound) VALUES ('household-1.ELECTRICITY.VOLTAGE', 225, 245);

-- Every result outside of its bounds.
CREATE STREAM alarms WITH (topic = 'alarms') AS
SELECT a.gateway, a.metricType, a.metricAttribute, a.windowStart, a.windowEnd, a.average, t.lowerBound, t.upperBound,
       CASE WHEN a.average < t.lowerBound THEN 'UNDER' ELSE 'OVER' END AS alarm
FROM aggregates_60 a
JOIN alarm_thresholds t ON CONCAT_WS('.', a.gateway, a.metricType, a.metricAttribute) = t.id
WHERE a.average < t.lowerBound OR a.average > t.upperBound;

-- Each result beside its bounds, and how it stands to them.
CREATE STREAM alarm_states WITH (topic = 'alarm_states') AS
SELECT a.gateway, a.metricType, a.metricAttribute, a.windowEnd, a.average,
       CASE WHEN a.average < t.lowerBound THEN 'UNDER' WHEN a.average > t.upperBound THEN 'OVER' ELSE 'NORMAL' END AS state
FROM aggregates_60 a
JOIN alarm_thresholds t ON CONCAT_WS('.', a.gateway, a.metricType, a.metricAttribute) = t.id;

-- Only when it changes: raised, from one alarm into the other, or cleared.
CREATE STREAM alarm_changes WITH (topic = 'alarm_changes') AS
SELECT gateway, metricType, metricAttribute, windowEnd, average, LAG(state, 1, 'NORMAL') AS was, state
FROM alarm_states
WHERE state <> LAG(state, 1, 'NORMAL');
