CREATE STREAM m (k VARCHAR KEY, gateway VARCHAR, timestamp TIMESTAMP, value DOUBLE) WITH (value_format = 'JSON');
CREATE TABLE b (id VARCHAR PRIMARY KEY, since TIMESTAMP, high DOUBLE) WITH (timestamp = 'since', partitions = 2);
INSERT INTO b (id, since, high) VALUES ('a', '2007-01-01T00:00:00Z', 1 + 1), (CONCAT('b', 'c'), NULL, -.5);
CREATE STREAM s AS SELECT a.k, LAG(a.value, 1, 0) AS was, t.high FROM m a LEFT OUTER JOIN b t ON a.gateway = t.id
INNER JOIN b AS u ON u.id = CONCAT(t.id, 'x') WHERE a.value > t.high AND a.value <> LAG(a.value);
CREATE TABLE c AS SELECT gateway, MAX(timestamp) AS latest FROM m GROUP BY gateway;
CREATE TABLE d AS SELECT k, WINDOWSTART AS w, STDDEV(value) FROM m WINDOW HOPPING (SIZE 1 HOUR, ADVANCE BY 7 MINUTES) GROUP BY k HAVING COUNT(*) > 1;
EXPLAIN d;
