-- Nexmark query 5, hot items: the auctions with the most bids in the last 10 seconds, each 2 seconds, all of them where several have as many.
-- There it is one statement with subqueries; here the bids of each auction and window, the most of each window, and
-- the join of both. auctionKey is the auction as the records' key: a group by it lies in one partition.
CREATE STREAM bid (auctionKey VARCHAR KEY, auction BIGINT, bidder BIGINT, price BIGINT, channel VARCHAR, url VARCHAR,
                   dateTime TIMESTAMP, extra VARCHAR)
  WITH (topic = 'nexmark-bid', value_format = 'JSON');

CREATE TABLE auction_bids WITH (topic = 'nexmark-q5-auction-bids') AS
  SELECT CAST(auctionKey AS BIGINT) AS auction, COUNT(*) AS num, WINDOWSTART AS starttime
  FROM bid WINDOW HOPPING (SIZE 10 SECONDS, ADVANCE BY 2 SECONDS, GRACE PERIOD 0 SECONDS)
  GROUP BY auctionKey EMIT FINAL;
CREATE STREAM counts (auction BIGINT, num BIGINT, starttime TIMESTAMP)
  WITH (topic = 'nexmark-q5-auction-bids', value_format = 'JSON', max_ahead = '1 hour');

-- The windows begin 2 seconds apart, so each of these holds those of one start. A group is needed: auction IS NULL makes one of all, in one
-- partition: others would be without data, and a join waits for all.
CREATE TABLE max_bids WITH (topic = 'nexmark-q5-max-bids', partitions = 1) AS
  SELECT MAX(num) AS maxn, WINDOWSTART AS starttime, auction IS NULL AS oneGroup
  FROM counts WINDOW TUMBLING (SIZE 2 SECONDS, GRACE PERIOD 0 SECONDS)
  GROUP BY auction IS NULL EMIT FINAL;
CREATE STREAM maxima (maxn BIGINT, starttime TIMESTAMP) WITH (topic = 'nexmark-q5-max-bids', value_format = 'JSON', partitions = 1);

CREATE STREAM q5 WITH (topic = 'nexmark-q5') AS
  SELECT c.auction, c.num, c.starttime
  FROM counts c JOIN maxima m WITHIN 0 SECONDS GRACE PERIOD 0 SECONDS ON c.starttime = m.starttime
  WHERE c.num >= m.maxn;
