WITH placed AS (
  SELECT g.parent, m.gateway, time_bucket(INTERVAL 5 SECONDS, m.timestamp, TIMESTAMP '1970-01-01') AS windowStart, m.timestamp, m.value
  FROM metrics m ASOF JOIN groups g ON m.gateway = g.child AND m.timestamp >= g.since),
last_values AS (SELECT parent, windowStart, ARG_MAX(value, timestamp) AS watts FROM placed GROUP BY gateway, parent, windowStart),
level1 AS (SELECT parent AS identifier, windowStart, SUM(watts) AS sumInW FROM last_values GROUP BY ALL),
level2 AS (
  SELECT g.parent AS identifier, l.windowStart, SUM(l.sumInW) AS sumInW
  FROM level1 l ASOF JOIN groups g ON l.identifier = g.child AND l.windowStart >= g.since GROUP BY ALL)
SELECT g.parent AS identifier, l.windowStart, COUNT(*) AS members, SUM(l.sumInW)::DOUBLE AS sumInW
FROM level2 l ASOF JOIN groups g ON l.identifier = g.child AND l.windowStart >= g.since GROUP BY ALL
