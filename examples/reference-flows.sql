-- The reference flows of a metering platform, on one stream of readings:
--   meterstream replay --type electricity --data household_power_consumption.txt --households 1-100
--   meterstream run examples/reference-flows.sql --until-idle
--   meterstream sql --schema examples/reference-flows.sql --execute "EXPLAIN group_totals"
CREATE STREAM metrics (
  gateway VARCHAR, metricType VARCHAR, metricAttribute VARCHAR, timestamp TIMESTAMP, value DOUBLE
) WITH (topic = 'metrics', value_format = 'AVRO', timestamp = 'timestamp', deduplicate = '1 hour');

-- 1. Some of the readings as JSON in a topic of their own, results of windows as streams, and how many there are of each kind.
CREATE STREAM metrics_ WITH (topic = 'metrics_') AS
SELECT gateway, metricType, metricAttribute, timestamp, value
FROM metrics
WHERE gateway IN ('household-1', 'household-2') AND metricAttribute = 'VOLTAGE';

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

CREATE STREAM aggregates_60 (
  windowStart TIMESTAMP, windowEnd TIMESTAMP, sampleCount BIGINT, min DOUBLE, max DOUBLE, average DOUBLE,
  metricType VARCHAR, metricAttribute VARCHAR, gateway VARCHAR
) WITH (topic = 'metrics-aggregates-60', value_format = 'JSON', timestamp = 'windowEnd');

CREATE STREAM aggregates_3600 (
  windowStart TIMESTAMP, windowEnd TIMESTAMP, sampleCount BIGINT, min DOUBLE, max DOUBLE, average DOUBLE,
  metricType VARCHAR, metricAttribute VARCHAR, gateway VARCHAR
) WITH (topic = 'metrics-aggregates-3600', value_format = 'JSON', timestamp = 'windowEnd');

CREATE STREAM december WITH (topic = 'december') AS
SELECT gateway, metricAttribute, windowStart, average, max - min AS spread
FROM aggregates_3600
WHERE windowStart BETWEEN '2006-12-01T00:00:00Z' AND '2006-12-31T23:59:59Z' AND metricType = 'ELECTRICITY';

CREATE TABLE readings_by_attribute WITH (topic = 'readings-by-attribute') AS
SELECT metricAttribute, COUNT(*) AS readings FROM metrics GROUP BY metricAttribute;

-- 2. Alarms by thresholds that are changed while this runs, each result outside of its bounds, and only changes of state.
CREATE TABLE alarm_thresholds (
  id VARCHAR PRIMARY KEY, lowerBound DOUBLE, upperBound DOUBLE
) WITH (topic = 'alarm_thresholds', value_format = 'JSON');
INSERT INTO alarm_thresholds VALUES ('household-1.ELECTRICITY.VOLTAGE', 232, 240), ('household-2.ELECTRICITY.ACTIVE_POWER', 0, 3);

CREATE STREAM alarms WITH (topic = 'alarms') AS
SELECT a.gateway, a.metricType, a.metricAttribute, a.windowStart, a.windowEnd, a.average, t.lowerBound, t.upperBound,
       CASE WHEN a.average < t.lowerBound THEN 'UNDER' ELSE 'OVER' END AS alarm
FROM aggregates_60 a JOIN alarm_thresholds t ON CONCAT_WS('.', a.gateway, a.metricType, a.metricAttribute) = t.id
WHERE a.average < t.lowerBound OR a.average > t.upperBound;

CREATE STREAM alarm_states WITH (topic = 'alarm_states') AS
SELECT a.gateway, a.metricType, a.metricAttribute, a.windowEnd, a.average,
       CASE WHEN a.average < t.lowerBound THEN 'UNDER' WHEN a.average > t.upperBound THEN 'OVER' ELSE 'NORMAL' END AS state
FROM aggregates_60 a JOIN alarm_thresholds t ON CONCAT_WS('.', a.gateway, a.metricType, a.metricAttribute) = t.id;

CREATE STREAM alarm_changes WITH (topic = 'alarm_changes') AS
SELECT gateway, metricType, metricAttribute, windowEnd, average, LAG(state, 1, 'NORMAL') AS was, state
FROM alarm_states WHERE state <> LAG(state, 1, 'NORMAL');

-- 3. How many readings a gateway sent in five minutes.
CREATE TABLE device_uplink_count WITH (topic = 'device_uplink_count') AS
SELECT gateway, WINDOWSTART AS windowStart, COUNT(*) AS readings
FROM metrics WINDOW TUMBLING (SIZE 5 MINUTES, RETENTION 20 MINUTES, GRACE PERIOD 3 MINUTES)
GROUP BY gateway EMIT FINAL;

-- 4. When a gateway was last heard of. CREATE SINK with type 'redis' over topic metrics keeps the same in Redis (docs/stores.md).
CREATE TABLE latest_activity WITH (topic = 'latest_activity') AS
SELECT gateway, MAX(timestamp) AS timestamp FROM metrics GROUP BY gateway;

-- 5. A gateway that sent nothing for half an hour: raised while it is silent, cleared when it sends again, once each.
CREATE TABLE gateway_activity WITH (topic = 'gateway_activity') AS
SELECT gateway, WINDOWSTART AS activeSince, WINDOWEND AS lastSeen, COUNT(*) AS readings
FROM metrics WINDOW SESSION (30 MINUTES, GRACE PERIOD 1 MINUTE)
GROUP BY gateway EMIT BOUNDS;

CREATE STREAM activity (
  gateway VARCHAR KEY, activeSince TIMESTAMP, lastSeen TIMESTAMP
) WITH (topic = 'gateway_activity', value_format = 'JSON', timestamp = 'activeSince');

CREATE STREAM silence_alarms WITH (topic = 'silence_alarms') AS
SELECT gateway, CASE WHEN lastSeen IS NULL THEN 'CLEARED' ELSE 'RAISED' END AS alarm,
       CASE WHEN lastSeen IS NULL THEN LAG(lastSeen) ELSE lastSeen END AS silentSince, activeSince
FROM activity WHERE lastSeen IS NOT NULL OR LAG(lastSeen) IS NOT NULL;

CREATE TABLE gateway_sessions WITH (topic = 'gateway_sessions') AS
SELECT gateway, WINDOWSTART AS windowStart, WINDOWEND AS windowEnd, COUNT(*) AS readings
FROM metrics WINDOW SESSION (30 MINUTES, GRACE PERIOD 1 MINUTE)
GROUP BY gateway EMIT FINAL;

-- 6. Totals of districts: a gateway hangs on a transformer, that in a district. Who moves counts where he was at the time.
CREATE TABLE transformers_of_gateways (gateway VARCHAR PRIMARY KEY, since TIMESTAMP, transformer VARCHAR)
  WITH (topic = 'transformers_of_gateways', timestamp = 'since');
CREATE TABLE districts_of_transformers (transformer VARCHAR PRIMARY KEY, district VARCHAR)
  WITH (topic = 'districts_of_transformers');
INSERT INTO transformers_of_gateways VALUES
  ('household-1', '2000-01-01T00:00:00Z', 'T1'), ('household-2', '2000-01-01T00:00:00Z', 'T1'),
  ('household-3', '2000-01-01T00:00:00Z', 'T2'), ('household-2', '2006-12-17T00:00:00Z', 'T2');
INSERT INTO districts_of_transformers VALUES ('T1', 'north'), ('T2', 'south');

CREATE TABLE group_totals WITH (topic = 'group_totals') AS
SELECT d.district, WINDOWSTART AS windowStart, COUNT(*) AS readings, SUM(m.value) AS total
FROM metrics m
JOIN transformers_of_gateways t ON m.gateway = t.gateway
JOIN districts_of_transformers d ON t.transformer = d.transformer
WINDOW TUMBLING (SIZE 15 MINUTES, GRACE PERIOD 5 MINUTES)
WHERE m.metricAttribute = 'ACTIVE_POWER'
GROUP BY d.district EMIT FINAL;

-- 7. The profile of each gateway by hour of the day and day of the week, in local time.
CREATE TABLE load_profile WITH (topic = 'load_profile') AS
SELECT gateway, HOUR(timestamp, 'Europe/Paris') AS hour, DAY_OF_WEEK(timestamp, 'Europe/Paris') AS weekday, COUNT(*) AS readings,
       AVG(value) AS average, MAX(value) AS peak
FROM metrics WHERE metricAttribute = 'ACTIVE_POWER'
GROUP BY gateway, HOUR(timestamp, 'Europe/Paris'), DAY_OF_WEEK(timestamp, 'Europe/Paris');
