-- Totals of districts, which a gateway belongs to by its transformer. Which transformer is a question of the reading's time (since), whenever
-- it is told; which district is what the table says now, and it changes between the steps.
CREATE STREAM metrics WITH (topic = 'metrics', partitions = 2);
CREATE TABLE transformers (gateway VARCHAR PRIMARY KEY, since TIMESTAMP, transformer VARCHAR) WITH (topic = 'transformers', timestamp = 'since');
CREATE TABLE districts (transformer VARCHAR PRIMARY KEY, district VARCHAR) WITH (topic = 'districts', partitions = 1);
CREATE TABLE totals WITH (topic = 'totals') AS
  SELECT d.district, WINDOWSTART AS windowStart, COUNT(*) AS readings, SUM(m.value) AS total
  FROM metrics m JOIN transformers t ON m.gateway = t.gateway JOIN districts d ON t.transformer = d.transformer
  WINDOW TUMBLING (SIZE 15 MINUTES, GRACE PERIOD 1 DAY) GROUP BY d.district EMIT FINAL;
CREATE TABLE of_transformers WITH (topic = 'of-transformers') AS
  SELECT t.transformer, WINDOWSTART AS windowStart, COUNT(*) AS readings, SUM(m.value) AS total
  FROM metrics m LEFT JOIN transformers t ON m.gateway = t.gateway
  WINDOW TUMBLING (SIZE 15 MINUTES, GRACE PERIOD 1 DAY) GROUP BY t.transformer EMIT FINAL;
-- NOT IN DUCKDB totals: the district of T2 changes meanwhile
-- INPUT
INSERT INTO transformers VALUES ('a', '2024-01-01T00:00:00Z', 'T1'), ('b', '2024-01-01T00:00:00Z', 'T1'), ('c', '2024-01-01T00:20:00Z', 'T2'),
                                ('b', '2024-01-01T00:10:00Z', 'T2');
INSERT INTO districts VALUES ('T1', 'north'), ('T2', 'south');
INSERT INTO metrics VALUES
  ('a', 'E', 'P', '2024-01-01T00:00:00Z', 1), ('b', 'E', 'P', '2024-01-01T00:09:59Z', 10), ('b', 'E', 'P', '2024-01-01T00:10:00Z', 100),
  ('c', 'E', 'P', '2024-01-01T00:19:00Z', 1000), ('c', 'E', 'P', '2024-01-01T00:21:00Z', 10000), ('x', 'E', 'P', '2024-01-01T00:05:00Z', 0.5);
-- THEN
INSERT INTO districts VALUES ('T2', 'east');
INSERT INTO metrics VALUES
  ('b', 'E', 'P', '2024-01-01T00:22:00Z', 2), ('c', 'E', 'P', '2024-01-01T00:23:00Z', 20), ('a', 'E', 'P', '2024-01-01T00:24:00Z', 200);
