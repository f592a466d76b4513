-- The seven flows of examples/reference-flows.sql on some readings of four households. household-4 is silent for most of an hour. In the
-- second step its voltage gets bounds, those of household-1 are narrower, and household-1 has moved to another transformer.
-- FLOWS ../../examples/reference-flows.sql
-- PARTITIONS 1
-- NOT IN DUCKDB alarms: bounds change meanwhile
-- NOT IN DUCKDB alarm_states: bounds change meanwhile
-- NOT IN DUCKDB alarm_changes: LAG
-- NOT IN DUCKDB group_totals: a district's name changes meanwhile
-- NOT IN DUCKDB gateway_activity: EMIT BOUNDS
-- NOT IN DUCKDB silence_alarms: LAG
-- INPUT
INSERT INTO metrics VALUES
  ('household-1', 'ELECTRICITY', 'VOLTAGE', '2006-12-16T22:58:00Z', 235), ('household-4', 'ELECTRICITY', 'VOLTAGE', '2006-12-16T22:58:10Z', 229.5),
  ('household-1', 'ELECTRICITY', 'VOLTAGE', '2006-12-16T22:58:30Z', 237), ('household-2', 'ELECTRICITY', 'ACTIVE_POWER', '2006-12-16T22:59:00Z', 2.5),
  ('household-2', 'ELECTRICITY', 'ACTIVE_POWER', '2006-12-16T22:59:30Z', 4.25), ('household-3', 'ELECTRICITY', 'ACTIVE_POWER', '2006-12-16T22:59:40Z', 1.125),
  ('household-1', 'ELECTRICITY', 'VOLTAGE', '2006-12-16T23:01:00Z', 231), ('household-1', 'ELECTRICITY', 'VOLTAGE', '2006-12-16T23:01:00Z', 231),
  ('household-1', 'ELECTRICITY', 'ACTIVE_POWER', '2006-12-16T23:02:00Z', 0.5), ('household-3', 'WATER', 'VOLUME', '2006-12-16T23:03:00Z', 17),
  ('household-2', 'ELECTRICITY', 'VOLTAGE', '2006-12-16T23:04:00Z', 240.5), ('household-1', 'ELECTRICITY', 'VOLTAGE', '2006-12-16T23:20:00Z', 233),
  ('household-2', 'ELECTRICITY', 'ACTIVE_POWER', '2006-12-16T23:21:00Z', 3.5), ('household-3', 'ELECTRICITY', 'ACTIVE_POWER', '2006-12-16T23:35:00Z', 2);
-- THEN
INSERT INTO alarm_thresholds VALUES ('household-1.ELECTRICITY.VOLTAGE', 234.5, 236), ('household-4.ELECTRICITY.VOLTAGE', 230, NULL);
INSERT INTO transformers_of_gateways VALUES ('household-1', '2006-12-17T00:00:00Z', 'T2');
INSERT INTO districts_of_transformers VALUES ('T2', 'south-east');
INSERT INTO metrics VALUES
  ('household-4', 'ELECTRICITY', 'VOLTAGE', '2006-12-16T23:50:00Z', 229.75), ('household-1', 'ELECTRICITY', 'VOLTAGE', '2006-12-16T23:50:00Z', 235.5),
  ('household-2', 'ELECTRICITY', 'ACTIVE_POWER', '2006-12-16T23:51:00Z', 3.75), ('household-1', 'ELECTRICITY', 'ACTIVE_POWER', '2006-12-16T23:52:00Z', 0.75),
  ('household-1', 'ELECTRICITY', 'VOLTAGE', '2006-12-17T00:05:00Z', 236.5), ('household-1', 'ELECTRICITY', 'ACTIVE_POWER', '2006-12-17T00:06:00Z', 0.25),
  ('household-2', 'ELECTRICITY', 'ACTIVE_POWER', '2006-12-17T00:07:00Z', 1.5), ('household-3', 'ELECTRICITY', 'ACTIVE_POWER', '2006-12-17T00:08:00Z', 2.25),
  ('household-2', 'ELECTRICITY', 'VOLTAGE', '2006-12-17T00:08:00Z', 239), ('household-3', 'WATER', 'VOLUME', '2006-12-17T00:09:00Z', 4);
