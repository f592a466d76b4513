-- Nexmark query 11, user sessions: how many bids each bidder made until 10 seconds without one. There a session ends a gap after its
-- last bid; WINDOWEND is the time of the last bid.
CREATE STREAM bid (auctionKey VARCHAR KEY, auction BIGINT, bidder BIGINT, price BIGINT, channel VARCHAR, url VARCHAR,
                   dateTime TIMESTAMP, extra VARCHAR)
  WITH (topic = 'nexmark-bid', value_format = 'JSON');

CREATE TABLE q11 WITH (topic = 'nexmark-q11') AS
  SELECT bidder, COUNT(*) AS bid_count, WINDOWSTART AS starttime,
         FROM_UNIXTIME(UNIX_TIMESTAMP(WINDOWEND) + 10000) AS endtime
  FROM bid WINDOW SESSION (10 SECONDS, GRACE PERIOD 0 SECONDS)
  GROUP BY bidder EMIT FINAL;
