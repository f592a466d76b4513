SELECT p.id, p.name, p.starttime
FROM (SELECT DISTINCT id, name, time_bucket(INTERVAL 10 SECONDS, dateTime, TIMESTAMP '1970-01-01') AS starttime FROM person) p
JOIN (SELECT DISTINCT seller, time_bucket(INTERVAL 10 SECONDS, dateTime, TIMESTAMP '1970-01-01') AS starttime FROM auction) a
ON p.id = a.seller AND p.starttime = a.starttime
