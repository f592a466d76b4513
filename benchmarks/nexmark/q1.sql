-- Nexmark query 1, currency conversion: each bid with its price in euros. The price is DOUBLE here, DECIMAL there.
CREATE STREAM bid (auctionKey VARCHAR KEY, auction BIGINT, bidder BIGINT, price BIGINT, channel VARCHAR, url VARCHAR,
                   dateTime TIMESTAMP, extra VARCHAR)
  WITH (topic = 'nexmark-bid', value_format = 'JSON');

CREATE STREAM q1 WITH (topic = 'nexmark-q1') AS
  SELECT auction, bidder, 0.908 * price AS price, dateTime, extra FROM bid;
