WITH marked AS (
  SELECT bidder, dateTime,
         CASE WHEN dateTime - LAG(dateTime) OVER following <= INTERVAL 10 SECONDS THEN 0 ELSE 1 END AS is_first
  FROM bid WINDOW following AS (PARTITION BY bidder ORDER BY dateTime)),
numbered AS (
  SELECT bidder, dateTime, SUM(is_first) OVER (PARTITION BY bidder ORDER BY dateTime ROWS UNBOUNDED PRECEDING) AS session FROM marked)
SELECT bidder, COUNT(*) AS bid_count, MIN(dateTime) AS starttime, MAX(dateTime) + INTERVAL 10 SECONDS AS endtime
FROM numbered GROUP BY bidder, session
