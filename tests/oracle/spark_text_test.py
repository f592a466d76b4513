"""The queries that EXPLAIN gives for Spark, run by Spark: the cases and the random queries of the tests with DuckDB, and what they ask. All of
it in one session. METERSTREAM_SEED repeats a run, METERSTREAM_QUERIES makes it longer."""
import atexit
import copy
import datetime
import functools
import os
import pathlib
import sys
import time
import unittest
import warnings

os.environ["TZ"] = "UTC"  # in which Python gets Spark's times
time.tzset()
os.environ.setdefault("METERSTREAM_QUERIES", "100")

import pyarrow  # noqa: E402
from pyspark.sql import SparkSession  # noqa: E402

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import duckdb_random_queries_test  # noqa: E402
import duckdb_reference_flows_test  # noqa: E402
import duckdb_text_test  # noqa: E402
import random_queries  # noqa: E402
from random_expressions import DOUBLE, TIMESTAMP, Expressions  # noqa: E402

SETTINGS = {
    # What the queries expect of a session.
    "spark.sql.ansi.enabled": "true", "spark.sql.session.timeZone": "UTC",
    # Small data: no compilation, no threads, no ports that others may use.
    "spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN", "spark.sql.shuffle.partitions": "1",
    "spark.default.parallelism": "1", "spark.sql.adaptive.enabled": "false", "spark.ui.enabled": "false", "spark.driver.memory": "1g",
    "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1", "spark.ui.showConsoleProgress": "false",
    # A short life: Java's first compiler is enough.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto",
}
# Of Java and of C; they differ in the last digit.
FUNCTIONS_OF_LIBRARIES = {"COS", "EXP", "LN", "LOG", "POWER", "SIN", "TAN", "DEGREES", "RADIANS"}


@functools.cache
def session():
    warnings.simplefilter("ignore", ResourceWarning)  # sockets that pyspark leaves to the collector
    builder = SparkSession.builder.master("local[1]")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    atexit.register(spark.stop)
    return spark


def schema_of(columns):
    return ", ".join(f"`{name}` {'STRING' if kind == 'VARCHAR' else kind}" for name, kind in columns.items())


def converted(value, kind):
    if value is None:
        return None
    if kind == TIMESTAMP:
        return datetime.datetime.fromisoformat(value)
    return float(value) if kind == DOUBLE else value


class InSpark:
    SYSTEM = "spark"

    def relation(self, name, rows, columns):
        path = self.write(f"{name}.json", "\n".join(duckdb_text_test.json.dumps(row) for row in rows))
        session().read.schema(schema_of(columns)).json(str(path)).cache().createOrReplaceTempView(name)

    def answer(self, query):
        return [row.asDict(recursive=True) for row in session().sql(query).collect()]


class SparkText(InSpark, duckdb_text_test.DuckDbText):
    VIEWS = tuple(name for name in duckdb_text_test.VIEWS if name != "documents")  # of JSON


class SparkDaysOfPlaces(InSpark, duckdb_text_test.DaysOfPlaces):
    pass


class SparkOddValues(InSpark, duckdb_text_test.OddValues):
    pass


class SparkReferenceFlows(InSpark, duckdb_reference_flows_test.ReferenceFlows):
    def test_the_real_household(self):
        self.skipTest("the small one is enough")


class SparkRandomQueries(duckdb_random_queries_test.RandomQueries):
    SYSTEM = "spark"

    def connect(self):
        Expressions.HAS_JSON = False  # Spark has no counterpart of it
        session()

    def relation(self, name, columns, rows):
        # Of an Arrow table Spark keeps the rows in the plan, so that a query without groups needs no job.
        types = {"BIGINT": pyarrow.int64(), "BOOLEAN": pyarrow.bool_(), DOUBLE: pyarrow.float64(), "VARCHAR": pyarrow.string(),
                 TIMESTAMP: pyarrow.timestamp("us", "UTC")}
        arrays = [pyarrow.array([converted(row[column], kind) for row in rows], types[kind]) for column, kind in columns.items()]
        session().createDataFrame(pyarrow.Table.from_arrays(arrays, list(columns))).createOrReplaceTempView(name)

    def answer(self, query):
        return [{name: duckdb_random_queries_test.of_batch(value) for name, value in row.asDict().items()}
                for row in session().sql(query).collect()]

    def difference(self, query, engine, expected):
        query = copy.copy(query)
        features = {item.name: item.part.all_features() for item in query.items}
        # A rest makes the last digit the first.
        query.items = [random_queries.Item(item.part, item.name,
                                           item.is_near or item.part.type == DOUBLE and bool(features[item.name] & FUNCTIONS_OF_LIBRARIES))
                       for item in query.items if not (features[item.name] & FUNCTIONS_OF_LIBRARIES and "%" in features[item.name])]
        return super().difference(query, engine, expected)


if __name__ == "__main__":
    unittest.main()
