"""Golden cases: a .sql file with statements and their input, and beside it the .expected file with the rows of every topic that is
computed, which a person has read. golden_test.py and tests/integration/kafka_golden_test.py run them.

A case is the file that `meterstream run` runs, up to the line "-- INPUT". What follows are INSERTs, by "-- THEN" in steps: after each
step the file runs until it is idle, and only after the last one windows are closed. Further lines of this kind:
  -- FLOWS path            the statements are those of that file
  -- PARTITIONS n          of topics that do not say how many (4)
  -- AVRO SCHEMA {...}     of the values with columns of their own, for a cluster without a registry
  -- NOT IN DUCKDB name: reason   what DuckDB makes of the finished input differs, as when a table changes meanwhile
A table without windows, or with EMIT CHANGES, is the last record of each key; everything else is all records, in any order. A
table with windows and EMIT CHANGES selects WINDOWSTART AS windowStart."""
import dataclasses
import datetime
import json
import math
import pathlib
import re

try:
    import duckdb
except ImportError:  # the Python of .venv has it
    duckdb = None

FOLDER = pathlib.Path(__file__).resolve().parent
READINGS = ("gateway", "metricType", "metricAttribute", "timestamp", "value")


def split(text, separator):
    """At the separator, where it stands in no quotes, brackets or comments."""
    parts, depth, begin, at = [], 0, 0, 0
    while at < len(text):
        char = text[at]
        if char in "'\"`":
            at = text.index(char, at + 1)
        elif text.startswith("--", at):
            at = (text + "\n").index("\n", at)
        elif char in "(":
            depth += 1
        elif char in ")":
            depth -= 1
        elif char == separator and depth == 0:
            parts.append(text[begin:at])
            begin = at + 1
        at += 1
    return [part.strip() for part in parts + [text[begin:]] if without_comments(part).strip()]


def without_comments(text):
    return re.sub(r"--[^\n]*", "", text)


@dataclasses.dataclass
class Relation:
    """A stream or table that the case declares or computes."""
    name: str
    topic: str
    is_table: bool
    is_computed: bool
    statement: str

    @property
    def is_windowed(self):
        return re.search(r"\bWINDOW\b", self.statement) is not None

    @property
    def is_refined(self):
        return self.is_computed and self.is_table and not re.search(r"EMIT\s+(FINAL|BOUNDS)", self.statement)

    @property
    def has_times(self):
        return re.search(r"\btimestamp\s*=", self.statement) is not None

    def latest(self, records):
        """The records that count."""
        if not self.is_refined and not (self.is_table and not self.is_computed and not self.has_times):
            return records
        rows = {}
        for record in records:
            window = None
            if self.is_windowed:
                window = record["value"]["windowStart"] if record["value"] else record["headers"][0]["value"]
            rows[record["key"], window] = record
        return [record for record in rows.values() if record["value"] is not None]


class Case:
    def __init__(self, path):
        self.name, self.path = path.stem, path
        self.expected_path = path.with_suffix(".expected")
        flows, *steps = re.split(r"^-- (?:INPUT|THEN)\b.*\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        other = re.search(r"^-- FLOWS (\S+)", flows, flags=re.MULTILINE)
        self.flows = (path.parent / other[1]).read_text(encoding="utf-8") if other else flows
        partitions = re.search(r"^-- PARTITIONS (\d+)", flows, flags=re.MULTILINE)
        self.partitions = int(partitions[1]) if partitions else 4
        schema = re.search(r"^-- AVRO SCHEMA (.+)$", flows, flags=re.MULTILINE)
        self.schema = schema[1] if schema else None
        self.not_in_duckdb = dict(re.findall(r"^-- NOT IN DUCKDB (\w+): (.+)$", flows, flags=re.MULTILINE))
        self.statements = split(self.flows, ";")
        self.relations = [relation for relation in map(self.relation, self.statements) if relation]
        self.outputs = []
        for relation in self.relations:
            insert = any(re.match(rf"INSERT\s+INTO\s+{relation.name}\s+SELECT", without_comments(text).strip())
                         for text in self.statements)
            if relation.is_computed or insert:
                self.outputs.append(relation)
        self.steps = [[self.rows(text) for text in split(step, ";")] for step in steps]
        tables = {relation.name for relation in self.relations if relation.is_table}
        self.is_table = tables.__contains__

    @staticmethod
    def relation(statement):
        text = without_comments(statement).strip()
        head = re.match(r"CREATE\s+(?:SOURCE\s+)?(STREAM|TABLE)\s+(\w+)", text)
        if not head:
            return None
        topic = re.search(r"\btopic\s*=\s*'([^']+)'", text)
        assert topic, f"{head[2]} needs its topic, as tests on a cluster rename it"
        return Relation(head[2], topic[1], head[1] == "TABLE", re.search(r"\bAS\s+SELECT\b", text) is not None, text)

    @staticmethod
    def rows(statement):
        """("INSERT INTO x (...) VALUES", rows)"""
        head, target, values = re.match(r"(INSERT\s+INTO\s+(\w+)[^;]*?\bVALUES)\s*(.*)", without_comments(statement).strip(), re.DOTALL).groups()
        return head, target, split(values, ",")

    def declarations(self, topic_of):
        """Of what rows can be inserted into."""
        return with_topics("".join(relation.statement + ";\n" for relation in self.relations if not relation.is_computed), topic_of)

    def halves(self, step):
        """The rows of tables are all in the first one: who finds them must not depend on where it stops."""
        streams = sum(len(rows) for _, target, rows in step if not self.is_table(target))
        first, second, taken = [], [], 0
        for head, target, rows in step:
            count = len(rows) if self.is_table(target) else max(0, min(len(rows), (streams + 1) // 2 - taken))
            taken += 0 if self.is_table(target) else len(rows)
            for half, part in ((first, rows[:count]), (second, rows[count:])):
                if part:
                    half.append((head, target, part))
        return [half for half in (first, second) if half]


def with_topics(text, topic_of):
    return re.sub(r"(\btopic\s*=\s*')([^']+)'", lambda match: f"{match[1]}{topic_of(match[2])}'", text)


def cases():
    return [Case(path) for path in sorted(FOLDER.glob("*.sql"))]


class Run:
    """One way of running a case. `program(*arguments)` runs meterstream and gives its standard output."""

    def __init__(self, case, program, folder, topics="", options=(), engine=""):
        self.case, self.program, self.topics = case, program, topics
        name = f"golden-{case.name}"
        configuration = folder / f"{case.name}.toml"
        configuration.write_text(f"[replay]\npartitions = {case.partitions}\n[kafka]\npartitions = {case.partitions}\n[engine]\ndurable = false\n{engine}\n")
        if case.schema:
            schema = folder / f"{case.name}.avsc"
            schema.write_text(case.schema)
            with configuration.open("a") as file:
                file.write(f'[registry]\nschema_file = "{schema}"\n')
        self.options = [*options, "--config", configuration]
        self.names = {"sql": ["--service-id", name], "run": ["--application-id", name], "console": []}
        self.flows = folder / f"{case.name}.flows.sql"
        self.flows.write_text(with_topics(case.flows, self.topic), encoding="utf-8")

    def topic(self, name):
        return self.topics + name

    def insert(self, step, is_first):
        text = self.case.declarations(self.topic) if is_first else ""
        for head, _, rows in step:
            text += f"{head} {', '.join(rows)};\n"
        self.program("sql", "--execute", text, *self.names["sql"], *self.options)

    def run(self, *options):
        self.program("run", self.flows, "--until-idle", *options, *self.names["run"], *self.options)

    def straight(self, *options):
        for number, step in enumerate(self.case.steps):
            self.insert(step, number == 0)
            self.run(*([] if number + 1 == len(self.case.steps) else ["--keep-open"]), *options)
        return self.results()

    def stopped(self):
        """Half of each step on one thread, the rest on three."""
        is_first = True
        for number, step in enumerate(self.case.steps):
            halves = self.case.halves(step)
            for half, rows in enumerate(halves):
                self.insert(rows, is_first)
                is_first = False
                is_last = number + 1 == len(self.case.steps) and half + 1 == len(halves)
                self.run(*([] if is_last else ["--keep-open"]), "--threads", 1 if half + 1 < len(halves) else 3)
        return self.results()

    def records(self):
        """By topic, in the order of their offsets."""
        topics = {self.topic(relation.topic): relation.topic for relation in self.case.relations}
        records = {topic: [] for topic in topics.values()}
        for line in self.program("console", *topics, "--json", *self.options).splitlines():
            record = json.loads(line)
            records[topics[record["topic"]]].append(record)
        return records

    def results(self):
        """The text of a file of expected rows."""
        records = self.records()
        text = ""
        for relation in self.case.outputs:
            rows = sorted(f"{record['key']}  {json.dumps(record['value'], ensure_ascii=False)}"
                          for record in relation.latest(records[relation.topic]))
            text += f"== {relation.name}\n" + "".join(row + "\n" for row in rows)
        return text


def same(value):
    """Whole numbers as they are, others to nine digits: DuckDB adds the squares of a deviation as doubles."""
    if isinstance(value, datetime.datetime):
        return value.isoformat(timespec="milliseconds" if value.microsecond else "seconds") + "Z"
    if isinstance(value, list):
        return [same(one) for one in value]
    if isinstance(value, dict):
        return {name: same(one) for name, one in value.items()}
    if hasattr(value, "quantize") or isinstance(value, float):
        if not math.isfinite(value):
            return value
        value = int(value) if value == int(value) else float(value)
    if type(value) is int:
        return str(value)
    return f"{value:.9g}" if isinstance(value, float) else value


def sorted_rows(rows):
    return sorted(({name: same(value) for name, value in row.items()} for row in rows), key=lambda row: json.dumps(row, sort_keys=True))


class InDuckDb:
    """The queries of EXPLAIN over what the topics of a run hold in the end."""

    def __init__(self, run, scratch):
        """`scratch` runs the program in an empty data directory."""
        self.case = run.case
        self.records = run.records()
        self.database = duckdb.connect()
        self.database.execute("SET TimeZone = 'UTC'")
        self.database.execute("SET threads = 1")
        creates = "".join(text + ";\n" for text in self.case.statements if re.match(r"CREATE\b", without_comments(text).strip()))
        asked = "".join(f"DEFINE asked = '{relation.name}'; DESCRIBE {relation.name};" for relation in self.case.relations)
        columns = []
        for line in scratch("sql", "--json", "--execute", creates + asked).splitlines():
            row = json.loads(line)
            if "message" in row:
                columns.append([])
            else:
                columns[-1].append(row)
        described = columns[-len(self.case.relations):]
        for relation, own in zip(self.case.relations, described):
            self.fill(relation, own)
        names = "; ".join(f"EXPLAIN {relation.name}" for relation in self.case.outputs)
        self.explained = {row["name"]: row for row in
                          map(json.loads, scratch("sql", "--json", "--schema", run.flows, "--execute", names).splitlines())}

    def fill(self, relation, columns):
        rows = [record for record in relation.latest(self.records[relation.topic]) if record["value"] is not None]
        kinds = {column["column"]: column["type"] for column in columns}
        self.database.execute(f"""CREATE TABLE "{relation.name}" ({', '.join(f'"{name}" {kind}' for name, kind in kinds.items())})""")
        key = None if relation.is_computed else next((column["column"] for column in columns if column["key"]), None)
        if re.search(r"\bdeduplicate\s*=", relation.statement):
            rows = list({json.dumps([record["key"], record["value"]]): record for record in rows}.values())
        for record in rows:
            row = {**record["value"], **({key: record["key"]} if key else {})}
            values = [row.get(name) for name in kinds]
            values = [value.replace("Z", "") if kind == "TIMESTAMP" and value else value for value, kind in zip(values, kinds.values())]
            values = [json.dumps(value) if isinstance(value, (list, dict)) else value for value in values]
            self.database.execute(f"""INSERT INTO "{relation.name}" VALUES ({', '.join('?' * len(values))})""", values)

    def differences(self):
        """What differs, a text each. What DuckDB makes otherwise, or has no counterpart of, must be said in the case, and nothing else."""
        found = []
        for relation in self.case.outputs:
            difference = self.difference(relation)
            if relation.name not in self.case.not_in_duckdb:
                found += [difference] if difference else []
            elif difference is None:
                found.append(f"{relation.name}: the same in DuckDB; take the line -- NOT IN DUCKDB {relation.name} away")
        return found

    def difference(self, relation):
        explained = self.explained[relation.name]
        if explained["duckdbFault"] is not None:
            return f"{relation.name}: {explained['duckdbFault']}; say so by -- NOT IN DUCKDB {relation.name}: reason"
        try:
            result = self.database.execute(explained["duckdb"])
        except duckdb.Error as error:
            return f"{relation.name}: {error}"
        names = [column[0] for column in result.description]
        theirs = sorted_rows(dict(zip(names, row)) for row in result.fetchall())
        ours = sorted_rows(record["value"] for record in relation.latest(self.records[relation.topic]))
        if ours == theirs:
            return None
        only = [row for row in ours if row not in theirs][:3], [row for row in theirs if row not in ours][:3]
        return f"{relation.name}: {len(ours)} rows here, {len(theirs)} in DuckDB\n  only here: {only[0]}\n  only DuckDB: {only[1]}"
