-- Joins of two streams (inner, left, full), of a stream with tables (one with times), and a table over a join.
CREATE STREAM power (meter VARCHAR KEY, timestamp TIMESTAMP, watts DOUBLE) WITH (topic = 'power', value_format = 'JSON', partitions = 2);
CREATE STREAM switches (meter VARCHAR KEY, at TIMESTAMP, state VARCHAR) WITH (topic = 'switches', value_format = 'JSON', partitions = 2);
CREATE TABLE meters (id VARCHAR PRIMARY KEY, street VARCHAR, tariff BIGINT) WITH (topic = 'meters');
CREATE TABLE owners (id VARCHAR PRIMARY KEY, since TIMESTAMP, owner VARCHAR) WITH (topic = 'owners', timestamp = 'since');
CREATE STREAM inner_pairs WITH (topic = 'inner-pairs') AS
  SELECT p.meter, p.timestamp, p.watts, s.state, s.at FROM power p
  JOIN switches s WITHIN (5 MINUTES, 30 SECONDS) GRACE PERIOD 1 DAY ON p.meter = s.meter WHERE p.watts > 10;
CREATE STREAM left_pairs WITH (topic = 'left-pairs') AS
  SELECT p.meter, p.timestamp, p.watts, s.state FROM power p
  LEFT JOIN switches s WITHIN 1 MINUTE GRACE PERIOD 1 DAY ON p.meter = s.meter;
CREATE STREAM full_pairs WITH (topic = 'full-pairs') AS
  SELECT COALESCE(p.meter, s.meter) AS meter, COALESCE(p.timestamp, s.at) AS time, p.watts, s.state FROM power p
  FULL JOIN switches s WITHIN 1 MINUTE GRACE PERIOD 1 DAY ON p.meter = s.meter;
CREATE STREAM costs WITH (topic = 'costs') AS
  SELECT p.meter, p.timestamp, m.street, o.owner, p.watts * m.tariff AS cost FROM power p
  JOIN meters m ON p.meter = m.id LEFT JOIN owners o ON p.meter = o.id WHERE m.tariff IS NOT NULL;
CREATE STREAM unknown_meters WITH (topic = 'unknown-meters') AS
  SELECT p.meter, p.timestamp FROM power p LEFT JOIN meters m ON p.meter = m.id WHERE m.id IS NULL;
CREATE TABLE by_state WITH (topic = 'by-state') AS
  SELECT state, WINDOWSTART AS windowStart, COUNT(*) AS n, SUM(watts) AS total FROM inner_pairs
  WINDOW TUMBLING (SIZE 1 HOUR, GRACE PERIOD 1 DAY) GROUP BY state EMIT FINAL;
-- INPUT
INSERT INTO meters VALUES ('a', 'Main Street', 2), ('b', 'Side Street', NULL), ('c', NULL, 3);
INSERT INTO owners VALUES ('a', '2024-01-01T00:01:00Z', 'Ann'), ('a', '2024-01-01T00:10:00Z', 'Bob'), ('c', '2020-01-01T00:00:00Z', 'Cem');
INSERT INTO switches VALUES
  ('a', '2024-01-01T00:00:00Z', 'ON'), ('b', '2024-01-01T00:00:10Z', 'ON'), ('a', '2024-01-01T00:05:30Z', 'OFF'),
  ('c', '2024-01-01T00:06:00Z', 'ON'), ('d', '2024-01-01T00:20:00Z', 'ON'), ('a', '2024-01-01T00:10:30Z', 'ON');
INSERT INTO power VALUES
  ('a', '2024-01-01T00:00:00Z', 100), ('a', '2024-01-01T00:05:00Z', 5), ('a', '2024-01-01T00:05:00Z', 50), ('b', '2024-01-01T00:01:10Z', 20),
  ('b', '2024-01-01T00:05:10Z', 30), ('c', '2024-01-01T00:05:30Z', 11), ('c', '2024-01-01T00:11:00.001Z', 12), ('x', '2024-01-01T00:12:00Z', 1),
  ('a', '2024-01-01T00:11:30Z', 1000);
