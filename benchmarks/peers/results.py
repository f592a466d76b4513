"""Compares the results of an engine with what the readings must give."""
import datetime
import hashlib
import json

# A sum of doubles in another order differs in its last digits.
TOLERANCE = 1e-9


def read_expected(path):
    """(series, start of the window in ms) -> (count, least, greatest, sum) of the windows that close."""
    expected = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            series, start, count, least, greatest, total = line.rstrip("\n").split("\t")
            expected[series, int(start)] = (int(count), int(least) / 1000, int(greatest) / 1000, int(total) / 1000)
    return expected


def milliseconds(text, known={}):
    """Of an ISO-8601 instant; few different ones come, so each is parsed once."""
    if text not in known:
        known[text] = round(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)
    return known[text]


def close(number, wanted):
    return abs(number - wanted) <= TOLERANCE * max(1.0, abs(wanted))


def fits(result, wanted):
    count, least, greatest, total = wanted
    return (result["sampleCount"] == count and result["min"] == least and result["max"] == greatest
            and close(result["sum"], total) and close(result["average"], total / count))


def compare(expected, lines):
    """`lines`: key, tab, JSON value, as bytes. Windows that start after all expected ones are still open, and left out."""
    last = max((start for _, start in expected), default=0)
    seen, duplicates, wrong, unexpected = set(), 0, 0, 0
    for line in lines:
        key, _, value = line.partition(b"\t")
        result = json.loads(value)
        start = milliseconds(result["windowStart"])
        if start > last:
            continue
        place = (key.decode(), start)
        if place in seen:
            duplicates += 1
            continue
        seen.add(place)
        wanted = expected.get(place)
        if wanted is None:
            unexpected += 1
        elif not fits(result, wanted):
            wrong += 1
    missing = len(expected) - (len(seen) - unexpected)
    found = {"results": len(seen), "missing": missing, "duplicated": duplicates, "different": wrong, "unexpected": unexpected,
             "checksum": checksum(seen, expected)}
    found["wrong"] = bool(missing or duplicates or wrong or unexpected)
    return found


def checksum(places, expected):
    """Of series, start and count of each window, in the order of the series."""
    digest = hashlib.sha256()
    for place in sorted(places):
        digest.update(f"{place[0]}|{place[1]}|{expected.get(place, (0,))[0]}\n".encode())
    return digest.hexdigest()[:16]


def sentence(row):
    if not row["wrong"]:
        return f"{row['results']:,} right"
    parts = [f"{row[name]:,} {name}" for name in ("missing", "duplicated", "different", "unexpected") if row[name]]
    return f"{row['results']:,}: WRONG, " + ", ".join(parts)
