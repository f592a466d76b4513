"""Random valid queries over random rows: what the stream engine wrote beside what the query that EXPLAIN gives for DuckDB answers. Rows
are compared exactly, in any order. Every second run of the engine stops half-way and goes on with another number of threads.
METERSTREAM_SEED repeats a run, METERSTREAM_QUERIES=10000 makes it longer. Of a query that differs the least expression that differs is told."""
import collections
import datetime
import json
import math
import os
import pathlib
import random
import re
import sys
import time
import unittest

import duckdb

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import random_queries  # noqa: E402
from program import ProgramTest  # noqa: E402
from random_expressions import BIGINT, BOOLEAN, COMPARISONS, DOUBLE, TIMESTAMP, TYPES, VARCHAR, documented_functions  # noqa: E402

QUERIES = int(os.environ.get("METERSTREAM_QUERIES", 1000))
QUERIES_OF_A_RUN = 100
SEED = int(os.environ.get("METERSTREAM_SEED", 20240331))
DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "sql.md"
OTHERS = {"+", "-", "*", "/", "%", "sign", *COMPARISONS, "BETWEEN", "NOT BETWEEN", "IN", "NOT IN", "LIKE", "NOT LIKE", "IS NULL", "IS NOT NULL",
          "AND", "OR", "NOT", "CASE WHEN", "CASE x WHEN", "CAST", "compare with instant", "WHERE", "GROUP BY expression", "HAVING", "calculation",
          "TUMBLING", "HOPPING", "without WINDOW", "JOIN", "LEFT JOIN", "join names", "join owners", "WINDOWSTART", "WINDOWEND", "COUNT(*)",
          "COUNT", "MIN", "MAX", "SUM", "AVG", "VAR_SAMP", "VARIANCE", "VAR_POP", "STDDEV_SAMP", "STDDEV", "STDDEV_POP"}
# Compared by duckdb_text_test.py.
COMPARED_ELSEWHERE = {"COUNT_DISTINCT", "EARLIEST_BY_OFFSET", "HISTOGRAM", "INCREASE", "JSON_CONCAT", "LATEST_BY_OFFSET", "PERCENTILE", "RATE",
                      "TIME_WEIGHTED_AVG", "TOPK", "TOPKDISTINCT"}
SIGN_OF_ZERO_IS_OPEN = {"MIN", "MAX", "GREATEST", "LEAST"}


def whole_number(text):
    """JSON knows no -0 that is whole."""
    return -0.0 if text == "-0" else int(text)


def of_engine(value, kind):
    if value is None or kind != DOUBLE:
        return value
    return float(value)


def of_batch(value):
    if isinstance(value, datetime.datetime):
        return value.isoformat(timespec="milliseconds" if value.microsecond else "seconds") + "Z"
    return float(value) if hasattr(value, "quantize") else value


def comparable(value, item):
    """A text by which equal values are equal and others are not: 1 is not 1.0, and 0.0 not -0.0."""
    if isinstance(value, float) and value == 0 and item.part.all_features() & SIGN_OF_ZERO_IS_OPEN:
        value = 0.0
    return f"{type(value).__name__} {value!r}"


def sorted_rows(rows, items):
    """(exact columns, near columns), sorted."""
    split = [(tuple(comparable(row[item.name], item) for item in items if not item.is_near),
              tuple(row[item.name] for item in items if item.is_near)) for row in rows]
    return sorted(split, key=lambda row: (row[0], [(value is None, value or 0) for value in row[1]]))


def is_near(one, other):
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=2e-9)


class RandomQueries(ProgramTest):
    """A subclass takes another log, or another system than DuckDB."""
    ALWAYS_STOPS = False
    SYSTEM = "duckdb"

    def setUp(self):
        super().setUp()
        self.generated, self.with_value = collections.Counter(), collections.Counter()
        self.spent = collections.Counter()

    def timed(self, what, call, *arguments):
        started = time.monotonic()
        result = call(*arguments)
        self.spent[what] += time.monotonic() - started
        return result

    def on_log(self, *arguments):
        return self.succeed(*arguments)

    def insert(self, relation, rows):
        self.on_log("sql", "--schema", "input.sql", "--execute", random_queries.insert_text(relation, rows))

    def fill(self, source, stops):
        """Random rows in the log and in DuckDB; with `stops` half of them come to the log later."""
        self.connect()
        self.write("input.sql", random_queries.INPUT)
        self.later = []
        for relation, topic, columns, rows in (
                ("rows", "rows_in", random_queries.COLUMNS, random_queries.random_rows(source, 250)),
                ("names", "names", random_queries.NAMES, random_queries.random_names(source)),
                ("owners", "owners", random_queries.OWNERS, random_queries.random_owners(source))):
            if stops and relation == "rows":
                self.later = rows[len(rows) // 2:]
            self.insert(topic, rows[:len(rows) - len(self.later)] if relation == "rows" else rows)
            self.relation(relation, columns, rows)

    def connect(self):
        self.database = duckdb.connect()
        for setting in ("TimeZone = 'UTC'", "memory_limit = '1GB'", "threads = 1"):
            self.database.execute(f"SET {setting}")

    def relation(self, name, columns, rows):
        self.database.execute(f"CREATE TABLE {name} ({random_queries.columns_text(columns)})")
        for row in rows:
            values = [value.replace("Z", "") if columns[column] == TIMESTAMP and value else value for column, value in row.items()]
            self.database.execute(f"INSERT INTO {name} VALUES ({', '.join('?' * len(values))})", values)

    def run_queries(self, queries):
        """(engine's rows, the system's rows or what it refused) of each query."""
        self.write("flows.sql", random_queries.SOURCES + "".join(query.sql for query in queries))
        if self.later:
            self.timed("run", self.on_log, "run", "flows.sql", "--until-idle", "--keep-open", "--threads", 1)
            self.insert("rows_in", self.later)
            self.later = []
        self.timed("run", self.on_log, "run", "flows.sql", "--until-idle", "--threads", 2)
        statements = "; ".join(f"EXPLAIN {query.name}" for query in queries)
        output = self.timed("explain", self.succeed, "sql", "--schema", "flows.sql", "--execute", statements, "--json").stdout
        explanations = {row["name"]: row for row in map(json.loads, output.splitlines())}
        written = {query.name: [] for query in queries}
        for line in self.timed("console", self.on_log, "console", *written, "--json").stdout.splitlines():
            record = json.loads(line, parse_int=whole_number)
            written[record["topic"]].append(record["value"])
        return [(self.engine_rows(query, written[query.name]), self.timed(self.SYSTEM, self.batch_rows, explanations[query.name]))
                for query in queries]

    @staticmethod
    def engine_rows(query, rows):
        rows = [{item.name: of_engine(row[item.name], item.part.type) for item in query.items} for row in rows]
        if query.is_running:
            rows = list({json.dumps([row[f"g{number}"] for number in range(len(query.groups))]): row for row in rows}.values())
        return rows

    def batch_rows(self, explanation):
        if explanation[f"{self.SYSTEM}Fault"] is not None:
            return explanation[f"{self.SYSTEM}Fault"]
        try:
            return self.answer(explanation[self.SYSTEM])
        except Exception as error:  # whatever the system raises
            return f"{error}\n{explanation[self.SYSTEM]}"

    def answer(self, query):
        result = self.database.execute(query)
        names = [column[0] for column in result.description]
        return [{name: of_batch(value) for name, value in zip(names, row)} for row in result.fetchall()]

    def difference(self, query, engine, expected):
        """None when both are the same."""
        if isinstance(expected, str):
            return f"no answer of {self.SYSTEM}: {expected}"
        ours, theirs = sorted_rows(engine, query.items), sorted_rows(expected, query.items)
        exact = collections.Counter(row[0] for row in ours), collections.Counter(row[0] for row in theirs)
        if exact[0] != exact[1]:
            return (f"{len(ours)} rows here, {len(theirs)} in {self.SYSTEM}\n  only here:   {list((exact[0] - exact[1]).elements())[:2]}\n"
                    f"  only there:  {list((exact[1] - exact[0]).elements())[:2]}")
        for (_, one), (_, other) in zip(ours, theirs):
            if not all(map(is_near, one, other)):
                return f"not near: {one} here, {other} in {self.SYSTEM}"
        return None

    def count_features(self, query, rows):
        parts = [item.part for item in query.items]
        for feature in set().union(query.features, *(part.all_features() for part in parts)):
            self.generated[feature] += 1
        with_value = set(query.features) if rows else set()
        if rows and query.where:
            with_value |= query.where.all_features()
        for item in query.items:
            if any(row[item.name] is not None for row in rows):
                with_value |= item.part.all_features()
        self.with_value.update(with_value)

    def least_difference(self, query):
        """The smallest part of the query's expressions that differs when it stands alone."""
        parts = {part.text: part for whole in query.expressions_over_rows() for part in whole.parts()
                 if part.text != "NULL" and not part.text.startswith("CAST(NULL AS")}
        streams = []
        for number, part in enumerate(sorted(parts.values(), key=lambda part: len(part.text))):
            stream = random_queries.Query(f"least{len(os.listdir(self.folder))}_{self.least}_{number}", False)
            stream.source, stream.items = query.source, [random_queries.Item(part, "x")]
            streams.append(stream)
        self.least += 1
        for stream, (engine, expected) in zip(streams, self.run_queries(streams) if streams else ()):
            difference = self.difference(stream, engine, expected)
            if difference:
                return f"least part: {stream.items[0].part.text}\n  {difference}"
        return "no part of it differs alone"

    def test_give_the_same_rows(self):
        source = random.Random(SEED)
        failures, self.least = [], 0
        for first in range(0, QUERIES, QUERIES_OF_A_RUN):
            self.data_dir = f"data{first}"
            self.fill(source, stops=self.ALWAYS_STOPS or first // QUERIES_OF_A_RUN % 2 == 1)
            maker = random_queries.Queries(source)
            queries = [maker.make(f"q{first + number}") for number in range(min(QUERIES_OF_A_RUN, QUERIES - first))]
            for query, (engine, expected) in zip(queries, self.run_queries(queries)):
                self.count_features(query, engine)
                difference = self.difference(query, engine, expected)
                if difference and len(failures) < 12:
                    failures.append(f"{query.sql}{difference}\n{self.least_difference(query)}")
        self.report()
        self.assertFalse(failures, f"METERSTREAM_SEED={SEED}, {len(failures)} differ:\n\n" + "\n\n".join(failures))
        self.check_coverage()

    def report(self):
        print(f"METERSTREAM_SEED={SEED}: {QUERIES} queries; seconds: " + ", ".join(f"{what} {spent:.1f}" for what, spent in self.spent.items()))
        print("in how many of them, and in how many with a value: "
              + ", ".join(f"{name} {count}/{self.with_value[name]}" for name, count in sorted(self.generated.items())))

    def check_coverage(self):
        if QUERIES < 1000:
            return
        wanted = (documented_functions(DOCUMENT.read_text(encoding="utf-8")) | OTHERS) - COMPARED_ELSEWHERE
        self.assertGreater(len(wanted), 80)
        self.assertEqual(sorted(name for name in wanted if not self.with_value[name]), [], "never generated, or always NULL")


if __name__ == "__main__":
    unittest.main()
