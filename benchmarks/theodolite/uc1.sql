-- Theodolite's UC1, storage: each reading in the form of the store, which here is a topic of the log.
CREATE STREAM metrics WITH (topic = 'metrics', value_format = 'AVRO');

CREATE STREAM uc1 WITH (topic = 'theodolite-uc1') AS
  SELECT gateway AS identifier, timestamp, value AS valueInW FROM metrics;
