WITH hops AS (
  -- A bid lies in five windows.
  SELECT auction, time_bucket(INTERVAL 2 SECONDS, dateTime, TIMESTAMP '1970-01-01') - n * INTERVAL 2 SECONDS AS starttime
  FROM bid, range(5) AS offsets(n)),
counts AS (SELECT auction, starttime, COUNT(*) AS num FROM hops GROUP BY auction, starttime)
SELECT auction, num, starttime FROM counts
QUALIFY num = MAX(num) OVER (PARTITION BY starttime)
