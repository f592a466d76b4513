SELECT b.auction, b.price, b.bidder, b.dateTime, b.extra
FROM bid b JOIN (
  SELECT time_bucket(INTERVAL 10 SECONDS, dateTime, TIMESTAMP '1970-01-01') + INTERVAL 10 SECONDS AS endtime, MAX(price) AS maxprice
  FROM bid GROUP BY ALL) m
ON b.price = m.maxprice AND b.dateTime BETWEEN m.endtime - INTERVAL 10 SECONDS AND m.endtime
