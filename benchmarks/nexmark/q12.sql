-- Nexmark query 12, windows: how many bids each bidder made in each 10 seconds. By event time, not by the time of processing
-- as there, which this dialect does not have; so the results can be checked.
CREATE STREAM bid (auctionKey VARCHAR KEY, auction BIGINT, bidder BIGINT, price BIGINT, channel VARCHAR, url VARCHAR,
                   dateTime TIMESTAMP, extra VARCHAR)
  WITH (topic = 'nexmark-bid', value_format = 'JSON');

CREATE TABLE q12 WITH (topic = 'nexmark-q12') AS
  SELECT bidder, COUNT(*) AS bid_count, WINDOWSTART AS starttime, WINDOWEND AS endtime
  FROM bid WINDOW TUMBLING (SIZE 10 SECONDS, GRACE PERIOD 0 SECONDS)
  GROUP BY bidder EMIT FINAL;
