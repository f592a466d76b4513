-- Nexmark query 8, new users: who came and opened an auction in the same 10 seconds.
CREATE STREAM person (personKey VARCHAR KEY, id BIGINT, name VARCHAR, dateTime TIMESTAMP)
  WITH (topic = 'nexmark-person', value_format = 'JSON');
CREATE STREAM auction (auctionKey VARCHAR KEY, id BIGINT, seller BIGINT, dateTime TIMESTAMP)
  WITH (topic = 'nexmark-auction', value_format = 'JSON');

CREATE TABLE new_persons WITH (topic = 'nexmark-q8-persons') AS
  SELECT id, name, WINDOWSTART AS starttime, COUNT(*) AS events
  FROM person WINDOW TUMBLING (SIZE 10 SECONDS, GRACE PERIOD 0 SECONDS) GROUP BY id, name EMIT FINAL;
CREATE TABLE sellers WITH (topic = 'nexmark-q8-sellers') AS
  SELECT seller, WINDOWSTART AS starttime, COUNT(*) AS auctions
  FROM auction WINDOW TUMBLING (SIZE 10 SECONDS, GRACE PERIOD 0 SECONDS) GROUP BY seller EMIT FINAL;
CREATE STREAM p (id BIGINT, name VARCHAR, starttime TIMESTAMP) WITH (topic = 'nexmark-q8-persons', value_format = 'JSON');
CREATE STREAM a (seller BIGINT, starttime TIMESTAMP) WITH (topic = 'nexmark-q8-sellers', value_format = 'JSON');

CREATE STREAM q8 WITH (topic = 'nexmark-q8') AS
  SELECT p.id, p.name, p.starttime
  FROM p JOIN a WITHIN 0 SECONDS GRACE PERIOD 0 SECONDS ON p.id = a.seller;
