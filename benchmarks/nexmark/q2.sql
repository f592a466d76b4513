-- Nexmark query 2, selection: the bids for every 123rd auction. dateTime is selected because a stream has an event time.
CREATE STREAM bid (auctionKey VARCHAR KEY, auction BIGINT, bidder BIGINT, price BIGINT, channel VARCHAR, url VARCHAR,
                   dateTime TIMESTAMP, extra VARCHAR)
  WITH (topic = 'nexmark-bid', value_format = 'JSON');

CREATE STREAM q2 WITH (topic = 'nexmark-q2') AS
  SELECT auction, price, dateTime FROM bid WHERE auction % 123 = 0;
