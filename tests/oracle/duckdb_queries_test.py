"""Random pull queries with joins and groups, over rows that were inserted, beside DuckDB with the same rows and the same text."""
import collections
import json
import os
import pathlib
import random
import sys
import unittest

import duckdb

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
from program import ProgramTest  # noqa: E402

SEED = int(os.environ.get("METERSTREAM_SEED", "1"))
QUERIES = int(os.environ.get("METERSTREAM_QUERIES", "400"))
# Of each: columns, and whether the first one is a primary key.
TABLES = {
    "meters": ([("id", "VARCHAR"), ("street", "VARCHAR"), ("floor", "BIGINT"), ("share", "DOUBLE"), ("open", "BOOLEAN")], True),
    "streets": ([("name", "VARCHAR"), ("town", "VARCHAR"), ("rank", "BIGINT"), ("share", "DOUBLE")], True),
    "visits": ([("meter", "VARCHAR"), ("seen", "TIMESTAMP"), ("rank", "BIGINT"), ("cost", "DOUBLE"), ("town", "VARCHAR")], False),
}
TEXTS = ["a", "ab", "abc", "b", "b.a", "b!", "c", ""]
AGGREGATES = ["COUNT({})", "MIN({})", "MAX({})"]
OF_NUMBERS = ["SUM({})", "AVG({})", "STDDEV_POP({})", "VAR_POP({})"]


def literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return "'" + value + "'"
    return str(value).upper() if isinstance(value, bool) else repr(value)


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def value(self, kind):
        chosen = self.random
        if chosen.random() < 0.15:
            return None
        if kind == "VARCHAR":
            return chosen.choice(TEXTS)
        if kind == "BIGINT":
            return chosen.randint(-2, 5)
        if kind == "DOUBLE":
            return chosen.randint(-8, 20) / 4
        if kind == "BOOLEAN":
            return chosen.random() < 0.5
        return f"2024-01-0{chosen.randint(1, 3)}T0{chosen.randint(0, 9)}:30:00Z"

    def rows(self, name):
        columns, has_key = TABLES[name]
        rows = []
        for number in range(40 if name == "visits" else 12):
            row = [self.value(kind) for _, kind in columns]
            if has_key:
                row[0] = TEXTS[number] if number < len(TEXTS) - 1 else f"k{number}"
            if name == "visits":
                row[1] = row[1] or "2024-01-05T00:30:00Z"
            rows.append(row)
        return rows

    def columns(self, sources, kinds=None):
        return [(f"{alias}.{column}", kind) for alias, name in sources for column, kind in TABLES[name][0]
                if kinds is None or kind in kinds]

    def condition(self, sources):
        chosen = self.random
        column, kind = chosen.choice(self.columns(sources))
        if kind == "BOOLEAN":
            return chosen.choice([f"{column}", f"NOT {column}"])
        if kind == "VARCHAR" and chosen.random() < 0.4:
            return f"{column} LIKE '{chosen.choice(['a%', 'b%', 'ab_', '%c', 'a_%', ''])}'"
        if kind == "TIMESTAMP":
            return f"{column} {chosen.choice(['>', '<=', '='])} '2024-01-02T05:30:00Z'"
        given = [literal(self.value(kind) if kind != "VARCHAR" else chosen.choice(TEXTS)) for _ in range(3)]
        return chosen.choice([f"{column} = {given[0]}", f"{column} > {given[0]}", f"{column} <= {given[0]}", f"{given[0]} < {column}",
                              f"{column} BETWEEN {given[0]} AND {given[1]}", f"{column} IN ({', '.join(given)})", f"{column} IS NOT NULL"])

    def join(self, sources, alias, name):
        chosen = self.random
        keys = []
        for _ in range(chosen.choice([1, 1, 1, 2])):
            column, kind = chosen.choice([("VARCHAR", "VARCHAR"), ("BIGINT", "BIGINT"), ("BIGINT", "DOUBLE")])
            left = self.columns(sources, [column])
            right = self.columns([(alias, name)], [kind])
            sides = [chosen.choice(left)[0], chosen.choice(right)[0]]
            if column == "BIGINT" and chosen.random() < 0.3:
                sides[0] += " + 1"
            chosen.shuffle(sides)
            keys.append(" = ".join(sides))
        return f" {chosen.choice(['JOIN', 'JOIN', 'LEFT JOIN', 'FULL JOIN'])} {name} {alias} ON {' AND '.join(keys)}"

    def query(self, number):
        chosen = self.random
        sources = [("a", chosen.choice(list(TABLES)))]
        text = f"FROM {sources[0][1]} a"
        for alias in ["b", "c"][:chosen.choice([0, 0, 1, 1, 2])]:
            name = chosen.choice(list(TABLES))
            text += self.join(sources, alias, name)
            sources.append((alias, name))
        if chosen.random() < 0.7:
            text += " WHERE " + chosen.choice([" AND ", " OR "]).join(self.condition(sources) for _ in range(chosen.choice([1, 2])))
        items = []
        if chosen.random() < 0.35:
            items = [column for column, _ in chosen.sample(self.columns(sources), 3)]
        else:
            groups = [column for column, kind in chosen.sample(self.columns(sources), chosen.choice([0, 1, 2])) if kind != "DOUBLE"]
            for _ in range(chosen.choice([1, 2, 3])):
                column, kind = chosen.choice(self.columns(sources, ["BIGINT", "DOUBLE", "VARCHAR", "TIMESTAMP"]))
                calls = AGGREGATES + (OF_NUMBERS if kind in ("BIGINT", "DOUBLE") else [])
                items.append(chosen.choice(calls).format(column))
            items = groups + items + ["COUNT(*)"]
            if groups:
                text += " GROUP BY " + ", ".join(groups)
            if chosen.random() < 0.3:
                text += f" HAVING COUNT(*) > {chosen.choice([0, 1, 2, 40])}"
        return f"SELECT {', '.join(f'{item} AS v{index}' for index, item in enumerate(items))}, {number} AS q {text};"


def comparable(value):
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, (int, float)):
        # An average is a decimal with nine places.
        return f"{round(float(value), 7) + 0.0:g}"
    if hasattr(value, "isoformat"):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(value)


class Queries(ProgramTest):
    def test_random_queries_give_what_duckdb_gives(self):
        generator = Generator(SEED)
        database = duckdb.connect()
        script = ""
        for name, (columns, has_key) in TABLES.items():
            rows = generator.rows(name)
            declared = ", ".join(f"{column} {kind}" for column, kind in columns)
            database.execute(f"CREATE TABLE {name} ({declared})")
            database.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(columns))})", rows)
            if has_key:
                declared = declared.replace("VARCHAR", "VARCHAR PRIMARY KEY", 1)
            script += f"CREATE {'TABLE' if has_key else 'STREAM'} {name} ({declared}) WITH (topic = '{name}', value_format = 'JSON');\n"
            values = ", ".join("(" + ", ".join(map(literal, row)) + ")" for row in rows)
            script += f"INSERT INTO {name} VALUES {values};\n"
        queries = [generator.query(number) for number in range(QUERIES)]
        (self.folder / "queries.sql").write_text(script + "\n".join(queries))
        result = self.run_program("sql", "--file", "queries.sql", "--json")
        self.assert_exit(result, 0)
        found = collections.defaultdict(collections.Counter)
        for line in result.stdout.splitlines():
            row = json.loads(line)
            if "q" in row:
                found[row.pop("q")][tuple(map(comparable, row.values()))] += 1
        for number, query in enumerate(queries):
            expected = collections.Counter(tuple(map(comparable, row[:-1])) for row in database.execute(query).fetchall())
            self.assertEqual(found[number], expected, f"METERSTREAM_SEED={SEED}: {query}")
        self.assertGreater(sum(len(rows) > 1 for rows in found.values()), QUERIES // 3)


if __name__ == "__main__":
    unittest.main()
