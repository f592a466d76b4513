-- Nexmark query 0, pass through: each bid as it is.
CREATE STREAM bid (auctionKey VARCHAR KEY, auction BIGINT, bidder BIGINT, price BIGINT, channel VARCHAR, url VARCHAR,
                   dateTime TIMESTAMP, extra VARCHAR)
  WITH (topic = 'nexmark-bid', value_format = 'JSON');

CREATE STREAM q0 WITH (topic = 'nexmark-q0') AS
  SELECT auction, bidder, price, dateTime, extra FROM bid;
