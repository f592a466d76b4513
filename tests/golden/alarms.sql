-- Alarms by bounds that are changed while the flow runs: a row for each reading outside, and one for each change of state.
CREATE STREAM metrics WITH (topic = 'metrics');
CREATE TABLE bounds (id VARCHAR PRIMARY KEY, low DOUBLE, high DOUBLE, phone VARCHAR) WITH (topic = 'bounds', partitions = 2);
CREATE STREAM alarms WITH (topic = 'alarms') AS
  SELECT m.gateway, m.timestamp, m.value, b.low, b.high, b.phone, CASE WHEN m.value < b.low THEN 'UNDER' ELSE 'OVER' END AS alarm
  FROM metrics m JOIN bounds b ON CONCAT_WS('.', m.gateway, m.metricAttribute) = b.id WHERE m.value < b.low OR m.value > b.high;
CREATE STREAM states WITH (topic = 'states') AS
  SELECT m.gateway, m.timestamp, CASE WHEN m.value < b.low THEN 'UNDER' WHEN m.value > b.high THEN 'OVER' ELSE 'NORMAL' END AS state
  FROM metrics m LEFT JOIN bounds b ON CONCAT_WS('.', m.gateway, m.metricAttribute) = b.id;
CREATE STREAM changes WITH (topic = 'changes') AS
  SELECT gateway, timestamp, LAG(state, 1, 'NORMAL') AS was, state, CASE WHEN state = 'NORMAL' THEN 'CLEARED' ELSE 'RAISED' END AS alarm
  FROM states WHERE state <> LAG(state, 1, 'NORMAL');
-- NOT IN DUCKDB alarms: bounds change meanwhile
-- NOT IN DUCKDB states: bounds change meanwhile
-- NOT IN DUCKDB changes: LAG
-- INPUT
INSERT INTO bounds VALUES ('a.VOLTAGE', 220, 240, '112'), ('b.VOLTAGE', 225, NULL, NULL);
INSERT INTO metrics VALUES
  ('a', 'E', 'VOLTAGE', '2024-01-01T00:00:00Z', 230), ('b', 'E', 'VOLTAGE', '2024-01-01T00:00:00Z', 230),
  ('a', 'E', 'VOLTAGE', '2024-01-01T00:01:00Z', 241), ('b', 'E', 'VOLTAGE', '2024-01-01T00:01:00Z', 250),
  ('a', 'E', 'VOLTAGE', '2024-01-01T00:02:00Z', 242), ('b', 'E', 'VOLTAGE', '2024-01-01T00:02:00Z', 224.5),
  ('a', 'E', 'VOLTAGE', '2024-01-01T00:03:00Z', 239), ('c', 'E', 'VOLTAGE', '2024-01-01T00:03:00Z', 500);
-- THEN
INSERT INTO bounds VALUES ('a.VOLTAGE', 230, 238, '113');
INSERT INTO bounds (id, high) VALUES ('b.VOLTAGE', 229);
INSERT INTO metrics VALUES
  ('a', 'E', 'VOLTAGE', '2024-01-01T00:04:00Z', 239), ('b', 'E', 'VOLTAGE', '2024-01-01T00:04:00Z', 224.5),
  ('a', 'E', 'VOLTAGE', '2024-01-01T00:05:00Z', 229), ('b', 'E', 'VOLTAGE', '2024-01-01T00:05:00Z', 229.5);
-- THEN
INSERT INTO bounds (id) VALUES ('a.VOLTAGE');
INSERT INTO metrics VALUES ('a', 'E', 'VOLTAGE', '2024-01-01T00:06:00Z', 100), ('b', 'E', 'VOLTAGE', '2024-01-01T00:06:00Z', 229);
