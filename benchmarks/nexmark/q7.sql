-- Nexmark query 7, highest bid: the bids with the highest price of each 10 seconds. As there, the join takes a bid of that price
-- at the very end of the window, too. A group is needed: auction IS NULL makes one of all.
CREATE STREAM bid (auctionKey VARCHAR KEY, auction BIGINT, bidder BIGINT, price BIGINT, channel VARCHAR, url VARCHAR,
                   dateTime TIMESTAMP, extra VARCHAR)
  WITH (topic = 'nexmark-bid', value_format = 'JSON');

CREATE TABLE highest WITH (topic = 'nexmark-q7-highest') AS
  SELECT MAX(price) AS maxprice, WINDOWEND AS endtime, auction IS NULL AS oneGroup
  FROM bid WINDOW TUMBLING (SIZE 10 SECONDS, GRACE PERIOD 0 SECONDS)
  GROUP BY auction IS NULL EMIT FINAL;
CREATE STREAM maxima (maxprice BIGINT, endtime TIMESTAMP) WITH (topic = 'nexmark-q7-highest', value_format = 'JSON');

CREATE STREAM q7 WITH (topic = 'nexmark-q7') AS
  SELECT b.auction, b.price, b.bidder, b.dateTime, b.extra
  FROM bid b JOIN maxima m WITHIN (0 SECONDS, 10 SECONDS) GRACE PERIOD 0 SECONDS ON b.price = m.maxprice;
