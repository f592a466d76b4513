"""What each job should reach, and whether it does: `judge` adds to a row `aim` (text) and `met` (True, False, or None where the
other row is missing). Rows without an aim are there to compare with."""

CASSANDRA_TIMES = 25
CASSANDRA_CLIENT_US = 2.0
LAKE_US_A_READING = 1 / 3
LAKE_BYTES = 9.0
S3_SHARE = 0.7
REDIS_UPDATES = 500_000


def judge(rows):
    good = [row for row in rows if "failed" not in row]
    for row in good:
        judge_of = {"Cassandra": judge_cassandra, "lake": judge_lake, "Redis": judge_redis}[row["store"]]
        judge_of(row, good)


def rate_of(rows, **wanted):
    """The best of the rows with these values; None when there is none."""
    return max((row["rows_per_second"] for row in rows if all(row.get(key) == value for key, value in wanted.items())), default=None)


def judge_cassandra(row, rows):
    if row.get("kind") != "batches":
        return
    one, java = rate_of(rows, store="Cassandra", kind="one"), rate_of(rows, store="Cassandra", kind="java")
    parts, met = [], []
    if one:
        times = row["rows_per_second"] / one
        parts.append(f"{times:.0f} times one at a time (aim {CASSANDRA_TIMES})")
        met.append(times >= CASSANDRA_TIMES)
    if java:
        parts.append(f"{row['rows_per_second'] / java:.2f} times the Java driver's best (aim 1)")
        met.append(row["rows_per_second"] > java)
    parts.append(f"client {row['client_us']:.2f} us (aim below {CASSANDRA_CLIENT_US:g})")
    met.append(row["client_us"] < CASSANDRA_CLIENT_US)
    row["aim"], row["met"] = "; ".join(parts), all(met)


def judge_lake(row, rows):
    if row["kind"] == "rows_to_directory":
        row["aim"] = (f"{1 / row['client_us']:.1f} M a second of CPU time (aim {1 / LAKE_US_A_READING:.0f}); "
                      f"{row['bytes_per_reading']:.2f} bytes (aim {LAKE_BYTES:g})")
        row["met"] = row["client_us"] <= LAKE_US_A_READING and row["bytes_per_reading"] <= LAKE_BYTES
    elif row["kind"] == "sink_to_s3":
        local = rate_of(rows, store="lake", kind="sink_to_directory")
        share = row["rows_per_second"] / local if local else None
        row["aim"] = (f"{share:.0%} of a directory " if share else "") + f"(aim {S3_SHARE:.0%})"
        row["met"] = share >= S3_SHARE if share else None


def judge_redis(row, _):
    if row["job"].startswith("latest table"):
        row["aim"] = f"aim {REDIS_UPDATES / 1000:.0f} k/s"
        row["met"] = row["rows_per_second"] >= REDIS_UPDATES


def sentence(row):
    if "aim" not in row:
        return ""
    return {True: "met", False: "NOT met", None: "unknown"}[row["met"]] + ": " + row["aim"]
