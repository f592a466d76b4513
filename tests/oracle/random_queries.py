"""Random rows, and random streams and tables over them, from one seed."""
from random_expressions import (BIGINT, BOOLEAN, COMPARISONS, DOUBLE, TEXTS, TIMESTAMP, TYPES, VARCHAR, Expressions, Part, quoted)

COLUMNS = {"id": VARCHAR, "ts": TIMESTAMP, "g": VARCHAR, "k": VARCHAR, "t": VARCHAR, "i": BIGINT, "big": BIGINT, "v": DOUBLE, "d": DOUBLE,
           "b": BOOLEAN, "u": TIMESTAMP}
NAMES = {"id": VARCHAR, "label": VARCHAR, "rank": BIGINT, "factor": DOUBLE}
OWNERS = {"g": VARCHAR, "since": TIMESTAMP, "district": VARCHAR, "level": BIGINT}
START_MS = 1_711_800_000_000  # 2024-03-30T12:00:00Z, before the clocks change
GATEWAYS = ("7", "8", "gateway-9", "Αθήνα")
KINDS = ("GAS", "WATER", "VOLTAGE", "ACTIVE_POWER", "")
DOUBLES = (0.0, -0.0, 0.1, -2.5, 2.5, 0.5, 9e19, -9e19, 5e-324, 1e15, 9007199254740993.0, 9223372036854775807.0, -9223372036854775808.0,
           0.49999999999999994, 240.0, 1 / 3, 4503599627370497.5)
BIGINTS = (0, 1, -1, 2**63 - 1, -2**63, 2**53 + 1, 10**12, -7)
GRACE = "GRACE PERIOD 30 DAYS"  # so that nothing is late
WINDOWS = (None, None, "TUMBLING (SIZE 1 HOUR, {})", "TUMBLING (SIZE 1 DAY, {})", "TUMBLING (SIZE 7 MINUTES, {})",
           "HOPPING (SIZE 1 HOUR, ADVANCE BY 20 MINUTES, {})", "HOPPING (SIZE 50 MINUTES, ADVANCE BY 35 MINUTES, {})")


def instant(time_ms):
    days, in_day = divmod(time_ms, 86_400_000)
    import datetime
    text = (datetime.datetime(1970, 1, 1) + datetime.timedelta(days=days, milliseconds=in_day)).isoformat(timespec="milliseconds")
    return text.removesuffix(".000") + "Z"


def random_rows(random, count):
    maybe = lambda value, share=0.2: None if random.random() < share else value  # noqa: E731
    rows = []
    for _ in range(count):
        gateway = random.choice(GATEWAYS)
        time_ms = START_MS + random.randrange(0, 40 * 3_600_000, 250)
        rows.append({
            "id": f"{gateway}.{random.choice(KINDS)}", "ts": instant(time_ms), "g": gateway, "k": maybe(random.choice(KINDS)),
            "t": maybe(random.choice(TEXTS)), "i": maybe(random.randrange(-20, 300)),
            "big": maybe(random.choice(BIGINTS + (random.randrange(-10**9, 10**9),))), "v": random.randrange(-5_000, 300_000) / 1000,
            "d": maybe(random.choice(DOUBLES + (random.uniform(-1e3, 1e3), random.gauss(0, 1e9)))), "b": maybe(random.random() < 0.5),
            "u": maybe(instant(time_ms + random.randrange(-10**9, 10**9)))})
    return rows


def random_names(random):
    keys = [f"{gateway}.{kind}" for gateway in GATEWAYS for kind in KINDS] + list(GATEWAYS)
    return [{"id": key, "label": random.choice(TEXTS + (None,)), "rank": random.choice((None, 1, 2, -3)),
             "factor": random.choice((None, 1.5, -0.25, 1e-9))} for key in random.sample(keys, 14)]


def random_owners(random):
    rows = [{"g": gateway, "since": instant(START_MS + random.randrange(0, 40) * 3_600_000 + number), "district": random.choice(("north", "south", None)),
             "level": random.choice((None, 1, 2, 10))} for number, gateway in enumerate(random.choices(GATEWAYS[:3], k=8))]
    return rows


def value_text(value):
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        return quoted(value)
    return repr(value)


def insert_text(table, rows):
    lines = (", ".join(value_text(value) for value in row.values()) for row in rows)
    return f"INSERT INTO {table} VALUES " + ",\n".join(f"({line})" for line in lines) + ";\n"


def columns_text(columns, key=None):
    return ", ".join(f"{name} {kind}{' ' + key if key and not number else ''}" for number, (name, kind) in enumerate(columns.items()))


TABLES = (f"CREATE TABLE names ({columns_text(NAMES, 'PRIMARY KEY')}) WITH (topic = 'names', partitions = 1);\n"
          f"CREATE TABLE owners ({columns_text(OWNERS, 'PRIMARY KEY')}) WITH (topic = 'owners', timestamp = 'since', partitions = 1);\n")
INPUT = f"CREATE TABLE rows_in ({columns_text(COLUMNS, 'PRIMARY KEY')}) WITH (topic = 'rows', partitions = 2);\n" + TABLES
SOURCES = (f"CREATE STREAM rows ({columns_text(COLUMNS, 'KEY')}) WITH (topic = 'rows', value_format = 'JSON', timestamp = 'ts', partitions = 2);\n"
           + TABLES)


class Item:
    def __init__(self, part, name, is_near=False):
        self.part, self.name, self.is_near = part, name, is_near

    @property
    def text(self):
        return f"{self.part.text} AS {self.name}"


class Query:
    def __init__(self, name, is_table):
        self.name, self.is_table, self.items, self.features = name, is_table, [], set()
        self.source, self.where, self.window, self.groups, self.having = "rows r", None, None, [], None
        self.is_running = False

    @property
    def sql(self):
        text = f"CREATE {'TABLE' if self.is_table else 'STREAM'} {self.name} WITH (partitions = 1) AS\n  SELECT "
        text += ",\n    ".join(item.text for item in self.items) + f"\n  FROM {self.source}"
        if self.window:
            text += f"\n  WINDOW {self.window}"
        if self.where:
            text += f"\n  WHERE {self.where.text}"
        if self.groups:
            text += f"\n  GROUP BY {', '.join(group.text for group in self.groups)}"
        if self.having:
            text += f"\n  HAVING {self.having.text}"
        if self.is_table:
            text += "\n  EMIT CHANGES" if self.is_running else "\n  EMIT FINAL"
        return text + ";\n"

    def expressions_over_rows(self):
        """What can stand in the SELECT of a stream over the same source."""
        parts = [self.where] if self.where else []
        parts += self.groups if self.is_table else [item.part for item in self.items]
        for item in self.items if self.is_table else ():
            parts += [child for part in item.part.parts() if "aggregate" in part.features for child in part.children]
        return parts


class Queries:
    def __init__(self, random):
        self.random = random

    def make(self, name):
        return self.table(name) if self.random.random() < 0.45 else self.stream(name)

    def columns_of(self, query):
        """Joins, maybe; the columns that there are then, by type."""
        columns = {kind: [f"r.{name}" for name, of in COLUMNS.items() if of == kind] for kind in TYPES}

        def add(alias, added):
            for name, kind in added.items():
                columns[kind].append(f"{alias}.{name}")
        for table, alias, added in (("names", "n", NAMES), ("owners", "o", OWNERS)):
            if self.random.random() > 0.2:
                continue
            side = self.random.choice(("JOIN", "INNER JOIN", "LEFT JOIN", "LEFT OUTER JOIN"))
            key = "r.g" if table == "owners" else self.random.choice(("r.id", "r.g", "CONCAT_WS('.', r.g, r.k)"))
            query.source += f"\n  {side} {table} {alias} ON {key} = {alias}.{next(iter(added))}"
            query.features |= {"LEFT JOIN" if "LEFT" in side else "JOIN", f"join {table}"}
            add(alias, added)
        return columns

    def stream(self, name):
        query = Query(name, False)
        expressions = Expressions(self.random, self.columns_of(query))
        for number in range(self.random.randrange(2, 7)):
            query.items.append(Item(expressions.make(self.random.choice(TYPES), self.random.randrange(1, 4)), f"x{number}"))
        if self.random.random() < 0.5:
            query.where = expressions.make(BOOLEAN, 2)
            query.features.add("WHERE")
        return query

    def group(self, expressions, query):
        """A column or an expression that has few values."""
        if self.random.random() < 0.6:
            part = Part(*self.random.choice(((VARCHAR, "r.g"), (VARCHAR, "r.k"), (BOOLEAN, "r.b"), (VARCHAR, "r.t"), (BIGINT, "r.i"))), is_column=True)
        else:
            part = expressions.make(self.random.choice((VARCHAR, BIGINT, BOOLEAN, BOOLEAN, TIMESTAMP)), 2)
            query.features.add("GROUP BY expression")
        texts = [group.text for group in query.groups]
        return part if part.has_column and part.text not in texts else None

    def aggregate(self, expressions):
        """(part, whether DuckDB's answer is only near ours: it adds doubles otherwise)."""
        pick = self.random.choice
        form = self.random.randrange(7)

        def call(kind, name, argument):
            return Part(kind, f"{name}({{}})", [argument], [name, "aggregate"])
        if form == 0:
            return Part(BIGINT, "COUNT(*)", (), ["COUNT(*)", "aggregate"]), False
        if form == 1:
            return call(BIGINT, "COUNT", expressions.make(pick(TYPES), 2)), False
        if form in (2, 3):
            kind = pick((BIGINT, DOUBLE, TIMESTAMP))
            return call(kind, pick(("MIN", "MAX")), expressions.make(kind, 2)), False
        small = pick((Part(BIGINT, "r.i", is_column=True), Part(BIGINT, "LEN({})", [expressions.make(VARCHAR, 1)], ["LEN"])))
        meter = pick((Part(DOUBLE, "r.v", is_column=True), Part(DOUBLE, "(r.v * 2.0)", (), ["*"], True),
                      Part(DOUBLE, "CASE WHEN {} THEN r.v END", [expressions.make(BOOLEAN, 2)], ["CASE WHEN"], True)))
        if form == 4:
            argument = pick((small, meter))
            return call(argument.type, "SUM", argument), False
        if form == 5:
            return call(DOUBLE, "AVG", pick((small, meter))), True
        name = pick(("VAR_SAMP", "VARIANCE", "VAR_POP", "STDDEV_SAMP", "STDDEV", "STDDEV_POP"))
        return call(DOUBLE, name, pick((small, meter))), True

    def table(self, name):
        query = Query(name, True)
        rows = Expressions(self.random, self.columns_of(query))
        window = self.random.choice(WINDOWS)
        query.is_running = window is None
        query.window = window and window.format(GRACE)
        query.features.add(window.split()[0] if window else "without WINDOW")
        while len(query.groups) < self.random.randrange(1, 4):
            group = self.group(rows, query)
            if group:
                query.groups.append(group)
        if self.random.random() < 0.4:
            query.where = rows.make(BOOLEAN, 2)
            query.features.add("WHERE")
        # The groups are selected, so that a row of a running table is known again.
        query.items = [Item(group, f"g{number}") for number, group in enumerate(query.groups)]
        leaves = {kind: [Part(kind, group.text) for group in query.groups if group.type == kind] for kind in TYPES}
        if window:
            bounds = [Part(TIMESTAMP, bound, (), [bound]) for bound in ("WINDOWSTART", "WINDOWEND")]
            leaves[TIMESTAMP] += bounds
            query.items += [Item(bound, f"w{number}") for number, bound in enumerate(bounds)]
        for number in range(self.random.randrange(1, 5)):
            part, is_near = self.aggregate(rows)
            if not is_near:
                leaves[part.type].append(part)
            query.items.append(Item(part, f"a{number}", is_near))
        results = Expressions(self.random, {}, leaves)
        for number in range(self.random.randrange(0, 3)):
            part = results.make(self.random.choice(TYPES), 2)
            query.features.add("calculation")
            query.items.append(Item(part, f"c{number}"))
        if not query.is_running and self.random.random() < 0.4:
            count = Part(BOOLEAN, f"(COUNT(*) {self.random.choice(COMPARISONS)} 2)", (), ["COUNT(*)"])
            query.having = self.random.choice((count, results.make(BOOLEAN, 2)))
            query.features.add("HAVING")
        return query
