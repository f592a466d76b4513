"""Random valid expressions of the dialect, each a tree of parts that can stand alone, so that a failing one can be cut down."""
import re

BIGINT, DOUBLE, VARCHAR, BOOLEAN, TIMESTAMP = "BIGINT", "DOUBLE", "VARCHAR", "BOOLEAN", "TIMESTAMP"
TYPES = (BIGINT, DOUBLE, VARCHAR, BOOLEAN, TIMESTAMP)
COMPARISONS = ("=", "<>", "!=", "<", "<=", ">", ">=")
ZONES = ("Europe/Athens", "Europe/Berlin", "UTC", "America/New_York", "+02:00", "-03:30")
FORMATS = ("yyyy-MM-dd", "EEE HH:mm", "dd.MM.yyyy HH:mm:ss", "yyyy-MM-dd''T''HH:mm:ss.SSS", "h:mm a", "D yy", "MMM d", "e ''day''")
TIME_PARTS = ("YEAR", "MONTH", "DAY", "DAY_OF_WEEK", "DAY_OF_YEAR", "HOUR", "MINUTE", "SECOND")
TEXTS = ("", "a", "GAS", "VOLTAGE", "ACTIVE_POWER", "volt", "  padded \t", "Αθήνα", "it's", "7", "-12", " 42 ", "3.5", "1e3", "true", "x.y",
         "⚡kWh", "%", "_", "9223372036854775808", "2024-03-31T12:00:00Z", "false", "+5", "+-5", "2024-03-31t12:00z", "2024-03-31T24:00:00Z", "a\"b\\c")
JSON_TEXTS = ('{"a": {"b c": [1, "two", null]}, "b c": false}', '[]', '[[1], {"a": "x"}, true, "GAS"]', '{ }', '"a"', ' 7 ', 'null', '{"a": 1', '{"a" 1}',
              '{"a": "\\u00e9\\n\\"", "é": null}', '[1, 2,]', '{"a": NaN}')
JSON_PATHS = ("$.a", "$['b c'][0]", "$", "$[1]", "$[1].a", "$.a[\"b c\"][1]", "$.é", "$.a.b", "$['b c']")
PATTERNS = ("%", "V%", "%E", "%_POWER", "_", "__%", "%a%", "GAS", "%\\%", "", "%.%", "_θ%")


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


class Part:
    """An expression: `template` with {} for each child. `features` are its own, without those of its children."""

    def __init__(self, kind, template, children=(), features=(), is_column=False):
        self.type, self.template, self.children = kind, template, tuple(children)
        self.features, self.is_column = tuple(features), is_column

    @property
    def text(self):
        pieces = self.template.split("{}")
        return pieces[0] + "".join(child.text + piece for child, piece in zip(self.children, pieces[1:]))

    def parts(self):
        yield self
        for child in self.children:
            yield from child.parts()

    def all_features(self):
        return {feature for part in self.parts() for feature in part.features}

    @property
    def has_column(self):
        return any(part.is_column for part in self.parts())


class Expressions:
    """`columns`: names by type, of what the expressions may read; `leaves`: parts by type that are no columns, as aggregates."""
    HAS_JSON = True

    def __init__(self, random, columns, leaves=None):
        self.random, self.columns, self.leaves = random, columns, leaves or {}
        self.makers = {BIGINT: self.bigint, DOUBLE: self.double, VARCHAR: self.varchar, BOOLEAN: self.boolean, TIMESTAMP: self.timestamp}

    def make(self, kind, depth):
        if depth <= 0 or self.random.random() < 0.12:
            return self.leaf(kind)
        if self.random.random() < 0.12:
            return self.conditional(kind, depth - 1)
        return self.makers[kind](depth - 1)

    def leaf(self, kind):
        choices = [Part(kind, name, is_column=True) for name in self.columns.get(kind, ())] + list(self.leaves.get(kind, ()))
        if choices and self.random.random() < 0.75:
            return self.random.choice(choices)
        return self.literal(kind)

    def literal(self, kind):
        pick = self.random.choice
        if kind == BIGINT:
            return Part(kind, pick(("0", "1", "2", "7", "-1", "-3", "10", "1000000007", "9223372036854775807", "-9223372036854775808")))
        if kind == DOUBLE:
            return Part(kind, pick(("0.0", "1.0", "2.5", "-0.5", "0.001", "240.0", "1e300", "-1e-300", "3.14159", "1e15", "0.49999999999999994")))
        if kind == VARCHAR:
            return Part(kind, quoted(pick(TEXTS)))
        if kind == BOOLEAN:
            return Part(kind, pick(("TRUE", "FALSE")))
        return Part(kind, "CAST('%s' AS TIMESTAMP)" % pick(("2024-02-29T23:59:59.999Z", "2024-03-31T01:30:00Z", "1969-12-31T23:59:59Z")))

    def null(self, kind):
        return Part(kind, f"CAST(NULL AS {kind})")

    def number(self, depth):
        return self.make(self.random.choice((BIGINT, DOUBLE, DOUBLE)), depth)

    def numbers(self, depth, wanted):
        """A pair of numbers whose result is of type `wanted`."""
        if wanted == BIGINT:
            return self.make(BIGINT, depth), self.make(BIGINT, depth)
        left, right = self.random.choice(((DOUBLE, DOUBLE), (DOUBLE, DOUBLE), (BIGINT, DOUBLE), (DOUBLE, BIGINT)))
        return self.make(left, depth), self.make(right, depth)

    def call(self, kind, name, children, form=None):
        features = [name] if form is None else [name, f"{name}/{form}"]
        return Part(kind, f"{name}({', '.join(['{}'] * len(children))})", children, features)

    def cast(self, kind, child):
        return Part(kind, f"CAST({{}} AS {kind})", [child], ["CAST", f"CAST {child.type} AS {kind}"])

    def arithmetic(self, kind, depth):
        symbol = self.random.choice("+-*/%")
        return Part(kind, f"({{}} {symbol} {{}})", self.numbers(depth, kind), [symbol])

    def conditional(self, kind, depth):
        make = lambda: self.make(kind, depth)  # noqa: E731
        form = self.random.randrange(6)
        if form == 0:
            return Part(kind, "CASE WHEN {} THEN {} ELSE {} END", [self.make(BOOLEAN, depth), make(), make()], ["CASE WHEN"])
        if form == 1:
            return Part(kind, "CASE WHEN {} THEN {} WHEN {} THEN {} END",
                        [self.make(BOOLEAN, depth), make(), self.make(BOOLEAN, depth), make()], ["CASE WHEN"])
        if form == 2:
            compared = self.random.choice((BIGINT, VARCHAR))
            return Part(kind, "CASE {} WHEN {} THEN {} WHEN {} THEN NULL ELSE {} END",
                        [self.make(compared, depth), self.literal(compared), make(), self.make(compared, depth), make()], ["CASE x WHEN"])
        if form == 3:
            return self.call(kind, "COALESCE", [self.null(kind)] * self.random.randrange(2) + [make(), make()])
        if form == 4:
            return self.call(kind, "IFNULL", [make(), make()])
        return self.call(kind, "NULLIF", [make(), make()])

    def bigint(self, depth):
        make, pick = self.make, self.random.choice
        form = self.random.randrange(15)
        if form < 4:
            return self.arithmetic(BIGINT, depth)
        if form == 14 and self.HAS_JSON:
            return self.call(BIGINT, "JSON_ARRAY_LENGTH", [self.json(depth)])
        if form == 4:
            return Part(BIGINT, "(- {})", [self.operand(BIGINT, depth)], ["sign"])
        if form == 5:
            return self.call(BIGINT, pick(("ABS", "CEIL", "FLOOR", "ROUND", "SIGN", "TRUNC")), [make(BIGINT, depth)], "BIGINT")
        if form == 6:
            return self.call(BIGINT, pick(("ROUND", "ROUND", "SIGN")), [make(DOUBLE, depth)], "DOUBLE")
        if form == 7:
            return self.cast(BIGINT, make(pick((DOUBLE, VARCHAR, BOOLEAN, TIMESTAMP)), depth))
        if form == 8:
            return self.call(BIGINT, "LEN", [make(VARCHAR, depth)])
        if form == 9:
            return self.call(BIGINT, "INSTR", [make(VARCHAR, depth), make(VARCHAR, depth)])
        if form == 10:
            return self.call(BIGINT, "UNIX_TIMESTAMP", [make(TIMESTAMP, depth)])
        if form == 11:
            return self.call(BIGINT, pick(("GREATEST", "LEAST")), [make(BIGINT, depth) for _ in range(self.random.randrange(1, 4))], "BIGINT")
        if self.random.random() < 0.5:
            return self.call(BIGINT, pick(TIME_PARTS), [make(TIMESTAMP, depth)])
        return self.call(BIGINT, pick(TIME_PARTS), [make(TIMESTAMP, depth), Part(VARCHAR, quoted(pick(ZONES)))], "zone")

    def json(self, depth):
        """A text that is JSON, but for NULLs."""
        pick = self.random.choice
        if self.random.random() < 0.3:
            return Part(VARCHAR, quoted(pick(JSON_TEXTS)))
        children = [self.call(VARCHAR, "TO_JSON_STRING", [self.make(kind, depth - 1)])
                    for kind in (pick((BIGINT, VARCHAR)), pick((BOOLEAN, TIMESTAMP, VARCHAR)))]
        template = pick(("CONCAT('{\"a\":', {}, ',\"b c\": [', {}, ', null] }')", "CONCAT('[', {}, ', {\"a\":', {}, '}]')"))
        return Part(VARCHAR, template, children, ["CONCAT"])

    def operand(self, kind, depth):
        """Not a literal, whose sign would be part of it."""
        part = self.make(kind, depth)
        return part if part.has_column else Part(kind, "({} + {})", [part, self.leaf(kind)], ["+"])

    def double(self, depth):
        make, pick = self.make, self.random.choice
        form = self.random.randrange(12)
        if form < 5:
            return self.arithmetic(DOUBLE, depth)
        if form == 5:
            return Part(DOUBLE, "(- {})", [self.operand(DOUBLE, depth)], ["sign"])
        if form == 6:
            return self.call(DOUBLE, pick(("ABS", "CEIL", "FLOOR", "TRUNC")), [make(DOUBLE, depth)], "DOUBLE")
        if form == 7:
            return self.call(DOUBLE, pick(("COS", "DEGREES", "EXP", "LN", "LOG", "RADIANS", "SIN", "SQRT", "TAN")), [self.number(depth)])
        if form == 8:
            return self.call(DOUBLE, pick(("LOG", "POWER")), [self.number(depth), self.number(depth)], "two")
        if form == 9:
            return self.call(DOUBLE, "ROUND", [make(DOUBLE, depth), Part(BIGINT, pick(("0", "1", "2", "3", "-1", "9")))], "digits")
        if form == 10:
            return self.cast(DOUBLE, make(pick((BIGINT, VARCHAR, BOOLEAN, TIMESTAMP)), depth))
        return self.call(DOUBLE, pick(("GREATEST", "LEAST")), [make(DOUBLE, depth)] + [self.number(depth) for _ in range(self.random.randrange(3))],
                         "DOUBLE")

    def varchar(self, depth):
        make, pick = self.make, self.random.choice
        small = Part(BIGINT, pick(("0", "1", "3", "8", "-1", "-2", "20")))
        form = self.random.randrange(13)
        if form == 11 and self.HAS_JSON:
            return self.call(VARCHAR, "EXTRACTJSONFIELD", [self.json(depth), Part(VARCHAR, quoted(pick(JSON_PATHS)))])
        if form == 12 and self.HAS_JSON:
            return self.call(VARCHAR, "JSON_KEYS", [self.json(depth)])
        if form == 0:
            return self.call(VARCHAR, "CONCAT", [make(VARCHAR, depth) for _ in range(self.random.randrange(1, 4))])
        if form == 1:
            return self.call(VARCHAR, "CONCAT_WS", [self.leaf(VARCHAR)] + [make(VARCHAR, depth) for _ in range(self.random.randrange(1, 4))])
        if form == 2:
            return self.call(VARCHAR, pick(("LCASE", "UCASE", "TRIM", "REVERSE")), [make(VARCHAR, depth)])
        if form == 3:
            return self.call(VARCHAR, pick(("LPAD", "RPAD")), [make(VARCHAR, depth), pick((small, self.leaf(BIGINT))), self.leaf(VARCHAR)])
        if form == 4:
            return self.call(VARCHAR, "REPLACE", [make(VARCHAR, depth), self.leaf(VARCHAR), self.leaf(VARCHAR)])
        if form == 5:
            return self.call(VARCHAR, "SUBSTRING", [make(VARCHAR, depth), pick((small, self.leaf(BIGINT)))], "from")
        if form == 6:
            return self.call(VARCHAR, "SUBSTRING", [make(VARCHAR, depth), small, pick((small, self.leaf(BIGINT)))], "length")
        if form == 7:
            zone = [Part(VARCHAR, quoted(pick(ZONES)))] if self.random.random() < 0.5 else []
            return self.call(VARCHAR, "FORMAT_TIMESTAMP", [make(TIMESTAMP, depth), Part(VARCHAR, f"'{pick(FORMATS)}'")] + zone,
                             "zone" if zone else "UTC")
        return self.cast(VARCHAR, make(pick((BIGINT, BOOLEAN, TIMESTAMP)), depth))

    def boolean(self, depth):
        make, pick = self.make, self.random.choice
        form = self.random.randrange(15)
        if form == 13 and self.HAS_JSON:
            return self.call(BOOLEAN, "IS_JSON_STRING", [pick((self.json(depth), make(VARCHAR, depth)))])
        if form == 14 and self.HAS_JSON:
            return self.call(BOOLEAN, "JSON_ARRAY_CONTAINS", [self.json(depth), make(pick((VARCHAR, BOOLEAN)), 0)])
        if form < 3:
            if self.random.random() < 0.4:
                children = self.numbers(depth, DOUBLE)
            else:
                kind = pick(TYPES)
                children = make(kind, depth), make(kind, depth)
            symbol = pick(COMPARISONS)
            return Part(BOOLEAN, f"({{}} {symbol} {{}})", children, [symbol, f"compare {children[0].type}"])
        if form == 3:
            instant = pick(("2024-03-31T00:30:00Z", "2024-03-30 12:00:00+01:00"))
            return Part(BOOLEAN, f"({{}} {pick(COMPARISONS)} '{instant}')", [make(TIMESTAMP, depth)], ["compare with instant"])
        if form == 4:
            kind = pick(TYPES)
            negated = pick(("", "NOT "))
            return Part(BOOLEAN, f"({{}} {negated}BETWEEN {{}} AND {{}})", [make(kind, depth), make(kind, depth), make(kind, depth)],
                        [f"{negated}BETWEEN"])
        if form == 5:
            kind = pick((BIGINT, DOUBLE, VARCHAR, VARCHAR, BOOLEAN))
            negated = pick(("", "NOT "))
            items = [pick((self.literal(kind), make(kind, depth), Part(kind, "NULL"))) for _ in range(self.random.randrange(1, 5))]
            items = [item if item.text != "NULL" or number else self.literal(kind) for number, item in enumerate(items)]
            return Part(BOOLEAN, f"({{}} {negated}IN ({', '.join(['{}'] * len(items))}))", [make(kind, depth)] + items, [f"{negated}IN"])
        if form == 6:
            negated = pick(("", "NOT "))
            return Part(BOOLEAN, f"({{}} {negated}LIKE {{}})", [make(VARCHAR, depth), Part(VARCHAR, quoted(pick(PATTERNS)))], [f"{negated}LIKE"])
        if form == 7:
            negated = pick(("", "NOT "))
            return Part(BOOLEAN, f"({{}} IS {negated}NULL)", [make(pick(TYPES), depth)], [f"IS {negated}NULL"])
        if form in (8, 9):
            word = pick(("AND", "OR"))
            children = [make(BOOLEAN, depth) for _ in range(self.random.randrange(2, 4))]
            return Part(BOOLEAN, "(" + f" {word} ".join(["{}"] * len(children)) + ")", children, [word])
        if form == 10:
            return Part(BOOLEAN, "(NOT {})", [make(BOOLEAN, depth)], ["NOT"])
        if form == 11:
            return self.call(BOOLEAN, pick(("STARTS_WITH", "ENDS_WITH")), [make(VARCHAR, depth), self.leaf(VARCHAR)])
        return self.cast(BOOLEAN, make(pick((BIGINT, DOUBLE, VARCHAR)), depth))

    def timestamp(self, depth):
        """Only times that calendars know."""
        form = self.random.randrange(6)
        near = Part(BIGINT, "({} + {})", [self.call(BIGINT, "UNIX_TIMESTAMP", [self.leaf(TIMESTAMP)]), Part(BIGINT, "86400123")], ["+"])
        if form == 0:
            return self.call(TIMESTAMP, "FROM_UNIXTIME", [near])
        if form == 1:
            return self.cast(TIMESTAMP, near)
        if form == 2:
            return self.cast(TIMESTAMP, self.make(VARCHAR, depth) if self.random.random() < 0.5 else
                             self.cast(VARCHAR, self.leaf(TIMESTAMP)))
        if form == 3:
            pattern = self.random.choice(("yyyy-MM-dd HH:mm:ss", "dd.MM.yyyy HH:mm"))
            text = self.call(VARCHAR, "FORMAT_TIMESTAMP", [self.leaf(TIMESTAMP), Part(VARCHAR, f"'{pattern}'")], "UTC")
            return self.call(TIMESTAMP, "PARSE_TIMESTAMP", [text, Part(VARCHAR, f"'{pattern}'")])
        if form == 4:
            return self.cast(TIMESTAMP, self.cast(DOUBLE, near))
        return self.conditional(TIMESTAMP, depth)


def documented_functions(document):
    """Names of the table in docs/sql.md."""
    names = set()
    for line in document.splitlines():
        if line.startswith("| `") and line.count("|") >= 5:
            names.update(re.findall(r"([A-Z_]+)\(", line.split("|")[1]))
    return names
