SELECT bidder, COUNT(*) AS bid_count, starttime, starttime + INTERVAL 10 SECONDS AS endtime
FROM (SELECT bidder, time_bucket(INTERVAL 10 SECONDS, dateTime, TIMESTAMP '1970-01-01') AS starttime FROM bid)
GROUP BY bidder, starttime
