-- Nexmark query 7, highest bid: the bids with the highest price of each 10 seconds. As there, the join takes a bid of that price
-- at the very end of the window, too. A group is needed: price IS NULL makes one of all, in one partition: others would be without data,
-- and a join waits for all.
CREATE STREAM bid (auctionKey VARCHAR KEY, auction BIGINT, bidder BIGINT, price BIGINT, channel VARCHAR, url VARCHAR,
                   dateTime TIMESTAMP, extra VARCHAR)
  WITH (topic = 'nexmark-bid', value_format = 'JSON');

CREATE TABLE highest WITH (topic = 'nexmark-q7-highest', partitions = 1) AS
  SELECT MAX(price) AS maxprice, WINDOWEND AS endtime, price IS NULL AS oneGroup
  FROM bid WINDOW TUMBLING (SIZE 10 SECONDS, GRACE PERIOD 0 SECONDS)
  GROUP BY price IS NULL EMIT FINAL;
CREATE STREAM maxima (maxprice BIGINT, endtime TIMESTAMP) WITH (topic = 'nexmark-q7-highest', value_format = 'JSON', partitions = 1);

CREATE STREAM q7 WITH (topic = 'nexmark-q7') AS
  SELECT b.auction, b.price, b.bidder, b.dateTime, b.extra
  FROM bid b JOIN maxima m WITHIN (0 SECONDS, 10 SECONDS) GRACE PERIOD 0 SECONDS ON b.price = m.maxprice;
