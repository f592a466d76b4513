"""The queries of Nexmark and Theodolite, what they read, and their results beside those of the same question to DuckDB."""
import json
import pathlib
import subprocess

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
    """Two months and more, whatever the size."""
    sensors = max(2, (size or 5_000_000) // 20_000)
    return ["--sensors", sensors, "--rounds", 20_000, "--period-ms", 300_000]


LOADS = {
    "nexmark": Load("nexmark", nexmark_load, ("bid", "person", "auction")),
    "sensors": Load("sensors", sensor_load, ("metrics", "groups")),
    "months": Load("sensors", long_load, ("metrics", "groups")),
}


class Query:
    """`near`: columns whose last digits are an engine's own. The others tell the rows of such a query apart."""

    def __init__(self, suite, name, load, reads, near=()):
        self.name = name
        self.near = near
        self.load = load
        self.reads = reads
        self.sql = BENCHMARKS / suite / f"{name}.sql"
        self.duckdb = BENCHMARKS / suite / f"{name}.duckdb.sql"
        self.topic = f"{suite}-{name}"


def nexmark(name, *reads):
    return Query("nexmark", name, "nexmark", reads or ("bid",))


STATISTICS = ("mean", "populationVariance")
SUITES = {
    "nexmark": [*map(nexmark, ("q0", "q1", "q2", "q5", "q7")), nexmark("q8", "person", "auction"), nexmark("q11"), nexmark("q12")],
    "theodolite": [Query("theodolite", "uc1", "sensors", ("metrics",)), Query("theodolite", "uc2", "sensors", ("metrics",), STATISTICS),
                   Query("theodolite", "uc3", "months", ("metrics",), STATISTICS), Query("theodolite", "uc4", "sensors", ("metrics",))],
}


def load_relations(connection, folder, relations):
    """Makes a table of each file; gives how many rows each has."""
    rows = {}
    for name in relations:
        file, columns, select = RELATIONS[name]
        connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT {select} FROM read_json(?, format='newline_delimited', columns=?)",
                           [str(folder / file), columns])
        rows[name] = connection.execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0]
    return rows


def differences(connection, query, console_file, condition="TRUE"):
    """How many rows DuckDB's answer has, and some that only it or only the engine has. The file is of `console --json`."""
    connection.execute(f"CREATE OR REPLACE TABLE answer AS {query.duckdb.read_text()}")
    columns = [(row[0], row[1]) for row in connection.execute("DESCRIBE answer").fetchall()]
    shape = ", ".join(f'"{name}" {"VARCHAR" if kind == "TIMESTAMP" else kind}' for name, kind in columns)
    values = ", ".join(f'CAST(REPLACE(value."{name}", \'Z\', \'\') AS TIMESTAMP) AS "{name}"' if kind == "TIMESTAMP"
                       else f'value."{name}" AS "{name}"' for name, kind in columns)
    connection.execute(f"CREATE OR REPLACE TABLE results AS SELECT {values} FROM read_json(?, format='newline_delimited', columns=?)",
                       [str(console_file), {"value": f"STRUCT({shape})"}])
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


def own_report(text):
    """The last line, when it is a JSON object."""
    lines = text.strip().splitlines()
    try:
        found = json.loads(lines[-1]) if lines else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
