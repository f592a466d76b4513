"""The queries of Nexmark and Theodolite, what they read, and their results beside those of the same question to DuckDB."""
import pathlib
import re
import subprocess

try:
    import duckdb
except ImportError:
    duckdb = None  # not of .venv

HERE = pathlib.Path(__file__).resolve().parent
BENCHMARKS = HERE.parent

TIME = "make_timestamp(dateTime * 1000)"
# Relation -> file of the generator, columns of its JSON, and what they become.
RELATIONS = {
    "bid": ("bid.json", {"auction": "BIGINT", "bidder": "BIGINT", "price": "BIGINT", "dateTime": "BIGINT", "extra": "VARCHAR"},
            f"* REPLACE ({TIME} AS dateTime)"),
    "person": ("person.json", {"id": "BIGINT", "name": "VARCHAR", "dateTime": "BIGINT"}, f"* REPLACE ({TIME} AS dateTime)"),
    "auction": ("auction.json", {"id": "BIGINT", "seller": "BIGINT", "dateTime": "BIGINT"}, f"* REPLACE ({TIME} AS dateTime)"),
    # Decimals, so that sums are exact.
    "metrics": ("metrics.json", {"gateway": "VARCHAR", "timestamp": "BIGINT", "value": "DECIMAL(18,1)"},
                "* REPLACE (make_timestamp(timestamp * 1000) AS timestamp)"),
    "groups": ("groups.json", {"child": "VARCHAR", "since": "BIGINT", "parent": "VARCHAR"},
               "* REPLACE (make_timestamp(since * 1000) AS since)"),
}


class Load:
    """What one call of the generator makes. `scale` changes how much."""

    def __init__(self, command, arguments, relations):
        self.command = command
        self.arguments = arguments
        self.relations = relations

    def generate(self, program, place, folder=None, size=None):
        """`place`: --data-dir or --kafka, and what follows them."""
        command = [program, *place, self.command, *self.arguments(size)]
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            command += ["--files", folder]
        subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)


def nexmark_load(size):
    return ["--events", size or 5_000_000]


def sensor_load(size):
    return ["--sensors", 1_000, "--rounds", (size or 5_000_000) // 1_000]


def long_load(size):
    """Two months and more, whatever the size, of a fifth as many readings: each lies in 30 windows."""
    sensors = max(2, (size or 5_000_000) // 100_000)
    return ["--topic", "metrics-months", "--sensors", sensors, "--rounds", 20_000, "--period-ms", 300_000]


LOADS = {
    "nexmark": Load("nexmark", nexmark_load, ("bid", "person", "auction")),
    "sensors": Load("sensors", sensor_load, ("metrics", "groups")),
    "months": Load("sensors", long_load, ("metrics", "groups")),
}


class Query:
    """`near`: columns whose last digits are an engine's own; the others tell the rows of such a query apart. `closed`: of which rows Kafka
    Streams, whose time stands still at the end of its input, has given the final result. `peer_results`: see differences()."""

    def __init__(self, suite, name, load="nexmark", reads=("bid",), near=(), closed=None, peer_results=None):
        self.name = name
        self.load = load
        self.reads = reads
        self.near = near
        self.has_peer = closed is not None
        self.closed = closed
        self.peer_results = peer_results
        self.sql = BENCHMARKS / suite / f"{name}.sql"
        self.duckdb = BENCHMARKS / suite / f"{name}.duckdb.sql"
        self.topic = f"{suite}-{name}"
        self.input_topic = "nexmark-bid" if load == "nexmark" else "metrics-months" if load == "months" else "metrics"

    def sql_with_topics(self, suffix):
        """With topics of its own for what a run of it writes."""
        text = self.sql.read_text()
        for topic in re.findall(r"topic = '([^']+)'[^)]*\) AS", text):
            text = text.replace(f"'{topic}'", f"'{topic}-{suffix}'")
        return text


# The last record of a window has all rows that share its most.
OF_WINDOWS = """
SELECT UNNEST(rows, recursive := TRUE) FROM (
  SELECT CAST(value->'rows' AS STRUCT({shape})[]) AS rows
  FROM read_json('{file}', format='newline_delimited', columns={{key: 'VARCHAR', "offset": 'BIGINT', value: 'JSON'}})
  QUALIFY ROW_NUMBER() OVER (PARTITION BY key ORDER BY "offset" DESC) = 1)"""
REFINED = """
SELECT value.* FROM read_json('{file}', format='newline_delimited', columns={{"offset": 'BIGINT', value: 'STRUCT({shape})'}})
QUALIFY ROW_NUMBER() OVER (PARTITION BY value.gateway, value.hour, value."windowStart" ORDER BY "offset" DESC) = 1"""
STATISTICS = ("mean", "populationVariance")
SUITES = {
    "nexmark": [
        Query("nexmark", "q0"), Query("nexmark", "q1"), Query("nexmark", "q2"),
        Query("nexmark", "q5", closed="starttime < (SELECT MAX(dateTime) - INTERVAL 20 SECONDS FROM bid)", peer_results=OF_WINDOWS),
        Query("nexmark", "q7", closed="dateTime < (SELECT MAX(dateTime) - INTERVAL 20 SECONDS FROM bid)", peer_results=OF_WINDOWS),
        Query("nexmark", "q8", reads=("person", "auction")), Query("nexmark", "q11"), Query("nexmark", "q12")],
    "theodolite": [
        Query("theodolite", "uc1", "sensors", ("metrics",)),
        Query("theodolite", "uc2", "sensors", ("metrics",), STATISTICS,
              "windowStart < (SELECT MAX(timestamp) - INTERVAL 2 MINUTES FROM metrics)"),
        Query("theodolite", "uc3", "months", ("metrics",), STATISTICS,
              "windowStart < (SELECT MAX(timestamp) - INTERVAL 31 DAYS FROM metrics)", REFINED),
        Query("theodolite", "uc4", "sensors", ("metrics",))],
}


def load_relations(connection, folder, relations):
    """Makes a table of each file; gives how many rows each has. `connection` None: DuckDB's default one of this process."""
    connection = connection or duckdb.default_connection()
    connection.execute("SET enable_progress_bar = false")
    rows = {}
    for name in relations:
        file, columns, select = RELATIONS[name]
        connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT {select} FROM read_json(?, format='newline_delimited', columns=?)",
                           [str(folder / file), columns])
        rows[name] = connection.execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0]
    return rows


def differences(connection, query, console_file, condition="TRUE", results=None):
    """How many rows DuckDB's answer has, and some that only it or only the engine has. The file is of `console --json`; `results` makes
    rows of the answer's columns of its records, where each is not a row already."""
    connection = connection or duckdb.default_connection()
    connection.execute(f"CREATE OR REPLACE TABLE answer AS {query.duckdb.read_text()}")
    columns = [(row[0], row[1]) for row in connection.execute("DESCRIBE answer").fetchall()]
    shape = ", ".join(f'"{name}" {"VARCHAR" if kind == "TIMESTAMP" else kind}' for name, kind in columns)
    if results is None:
        values = f"SELECT value.* FROM read_json('{console_file}', format='newline_delimited', columns={{value: 'STRUCT({shape})'}})"
    else:
        values = results.format(file=console_file, shape=shape)
    select = ", ".join(f'CAST(REPLACE("{name}", \'Z\', \'\') AS TIMESTAMP) AS "{name}"' if kind == "TIMESTAMP" else f'"{name}"'
                       for name, kind in columns)
    connection.execute(f"CREATE OR REPLACE TABLE results AS SELECT {select} FROM ({values})")
    found = {"rows": connection.execute(f"SELECT COUNT(*) FROM answer WHERE {condition}").fetchone()[0]}
    exact = ", ".join(f'"{name}"' for name, _ in columns if name not in query.near)
    for name, one, other in (("missing", "answer", "results"), ("unexpected", "results", "answer")):
        found[name] = connection.execute(f"SELECT {exact} FROM {one} WHERE {condition} EXCEPT ALL "
                                         f"SELECT {exact} FROM {other} WHERE {condition} LIMIT 10").fetchall()
    for name in query.near:
        found["unexpected"] += connection.execute(
            f'SELECT {exact}, answer."{name}", results."{name}" FROM answer JOIN results USING ({exact}) WHERE answer."{name}" IS NULL '
            f'OR results."{name}" IS NULL OR ABS(answer."{name}" - results."{name}") > 1e-9 * GREATEST(1, ABS(answer."{name}")) '
            "LIMIT 10").fetchall()
    return found
