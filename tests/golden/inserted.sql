-- INSERT INTO ... SELECT: two queries write into a stream that is declared, another one into a stream that is computed, and others read both.
-- The readings that are read have columns of their own in AVRO.
-- AVRO SCHEMA {"type":"record","name":"water","namespace":"meterstream","fields":[{"name":"at","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null},{"name":"liters","type":["null","long"],"default":null},{"name":"from","type":["null","string"],"default":null},{"name":"ok","type":["null","boolean"],"default":null}]}
CREATE STREAM water (meter VARCHAR KEY, at TIMESTAMP, liters BIGINT, "from" VARCHAR, ok BOOLEAN) WITH (topic = 'water', partitions = 2);
CREATE SOURCE STREAM gas (meter VARCHAR KEY, at TIMESTAMP, volume DOUBLE) WITH (topic = 'gas', value_format = 'JSON', timestamp = 'at', partitions = 2);
CREATE STREAM gas_input (meter VARCHAR KEY, at TIMESTAMP, volume DOUBLE) WITH (topic = 'gas', value_format = 'JSON', timestamp = 'at', partitions = 2);
CREATE STREAM uses (meter VARCHAR KEY, at TIMESTAMP, kind VARCHAR, amount DOUBLE) WITH (topic = 'uses', value_format = 'JSON', partitions = 2);
INSERT INTO uses SELECT meter, at, 'water' AS kind, liters AS amount FROM water WHERE ok;
INSERT INTO uses SELECT meter, volume AS Amount, at, 'gas' AS kind FROM gas EMIT CHANGES;
CREATE STREAM large WITH (topic = 'large', partitions = 2) AS SELECT meter, at, liters FROM water WHERE liters > 100;
INSERT INTO large SELECT meter, at, CAST(volume * 1000 AS BIGINT) AS liters FROM gas WHERE volume > 0.1;
CREATE TABLE totals WITH (topic = 'totals') AS
  SELECT meter, WINDOWSTART AS windowStart, COUNT(*) AS n, SUM(amount) AS total, MAX(kind) AS kind FROM uses
  WINDOW TUMBLING (SIZE 1 HOUR, GRACE PERIOD 1 DAY) GROUP BY meter EMIT FINAL;
CREATE TABLE large_ones WITH (topic = 'large-ones') AS SELECT meter, COUNT(*) AS n, MAX(liters) AS most FROM large GROUP BY meter;
-- INPUT
INSERT INTO water VALUES
  ('w1', '2024-01-01T00:00:00Z', 5, 'kitchen', TRUE), ('w2', '2024-01-01T00:10:00Z', 101, NULL, TRUE), ('w1', '2024-01-01T00:20:00Z', 200, 'bath', FALSE),
  ('w1', '2024-01-01T01:00:00Z', 7, '', NULL), ('w2', '2024-01-01T01:10:00Z', NULL, 'garden', TRUE);
INSERT INTO gas_input VALUES ('g1', '2024-01-01T00:05:00Z', 0.25), ('w1', '2024-01-01T00:15:00Z', 0.05), ('g1', '2024-01-01T01:05:00Z', 1.5);
