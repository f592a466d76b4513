-- Joins of two tables by their keys: of a declared table and of a computed one. A row changes its tariff, one goes out of WHERE, and meters
-- come that were counted before.
CREATE STREAM metrics WITH (topic = 'metrics');
CREATE TABLE meters (id VARCHAR PRIMARY KEY, street VARCHAR, tariff VARCHAR) WITH (topic = 'meters');
CREATE TABLE notes (meter VARCHAR PRIMARY KEY, text VARCHAR) WITH (topic = 'notes');
CREATE TABLE counts WITH (topic = 'counts') AS SELECT gateway, COUNT(*) AS readings, MAX(timestamp) AS latest FROM metrics GROUP BY gateway;
CREATE TABLE overview WITH (topic = 'overview') AS
  SELECT m.id, m.street, c.readings, c.latest FROM meters m LEFT JOIN counts c ON m.id = c.gateway WHERE m.tariff <> 'none';
CREATE TABLE both WITH (topic = 'both') AS SELECT m.id, n.text, m.tariff FROM meters m JOIN notes n ON n.meter = m.id;
CREATE TABLE whole WITH (topic = 'whole') AS
  SELECT COALESCE(m.id, n.meter) AS id, m.street, n.text FROM meters m FULL JOIN notes n ON m.id = n.meter;
CREATE STREAM of_meters WITH (topic = 'of-meters') AS
  SELECT m.gateway, m.timestamp, t.street FROM metrics m LEFT JOIN meters t ON m.gateway = t.id;
-- NOT IN DUCKDB of_meters: meters change meanwhile
-- INPUT
INSERT INTO meters VALUES ('a', 'Main Street', 'day'), ('b', 'Side Street', 'none'), ('c', NULL, 'night');
INSERT INTO notes VALUES ('a', 'old'), ('z', 'nobody''s');
INSERT INTO metrics VALUES
  ('a', 'E', 'P', '2024-01-01T00:00:00Z', 1), ('b', 'E', 'P', '2024-01-01T00:01:00Z', 1), ('a', 'E', 'P', '2024-01-01T00:02:00Z', 1),
  ('d', 'E', 'P', '2024-01-01T00:03:00Z', 1);
-- THEN
INSERT INTO meters VALUES ('a', 'Main Street', 'none'), ('b', 'Side Street', 'day'), ('d', 'New Street', 'night');
INSERT INTO notes VALUES ('a', 'new'), ('d', NULL);
INSERT INTO metrics VALUES ('d', 'E', 'P', '2024-01-01T00:04:00Z', 1), ('c', 'E', 'P', '2024-01-01T00:05:00Z', 1);
