#!/usr/bin/env python3
"""Checks the source tree against the rules of its layout: check_layout.py [ROOT]; check_layout.py --self-test

- Includes go only in the direction of the table below.
- Files stay under 500 lines and functions under 70.
- Headers under src/ say their purpose first. One that needs a heavy library stays inside its module.
"""
import pathlib
import re
import sys
import tempfile

# Which modules a module's files may include, besides itself.
ALLOWED = {
    "base": set(),
    "metering": {"base"},
    "state": {"base"},
    "log": {"base", "metering", "state"},
    "stream": {"base", "metering", "state", "log"},
    "sql": {"base", "metering", "state", "log", "stream"},
    "http": {"base"},
    "server": {"base", "metering", "state", "log", "stream", "sql", "http"},
    "testing": {"base", "metering", "state", "log", "stream", "sql"},
    # Each folder of connectors/ is a module. They see the ports that they implement, not each other.
    "connectors/kafka": {"base", "metering", "state", "log", "stream"},
    "connectors/registry": {"base", "metering"},
    "connectors/cassandra": {"base", "metering", "state", "log", "stream"},
    "connectors/redis": {"base", "metering", "state"},
    "connectors/lake": {"base", "metering", "log", "stream"},
}
SOURCE_MODULES = set(ALLOWED)
APPS_ALLOWED = SOURCE_MODULES | {"apps"}
# Only tests may reach for src/testing, which depends on everything.
TEST_SUFFIXES = ("_test.cc", "_fuzz.cc", "_benchmark.cc")
HEAVY_LIBRARIES = ("rocksdb/", "curl/", "tao/", "simdjson", "zstd", "zlib", "zip.h", "CLI/", "toml++", "isa-l", "librdkafka", "hiredis/", "openssl/",
                        "arrow/", "parquet/", "boost/", "nghttp2/")
MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 70

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')
CLASS = re.compile(r"^(template\s*<.*>\s*)?(class|struct|union)\b|^ *(public|private|protected):")
NOT_A_FUNCTION = re.compile(r"^\s*(namespace|class|struct|enum|union|extern|template\s*<[^()]*>\s*(class|struct))\b")


def module_of(parts):
    """Module of a path below src/: its first folder, or two below connectors/."""
    return "/".join(parts[:2]) if parts[0] == "connectors" else parts[0]


def allowed_modules(path):
    """Modules that the file may include, or None when any is allowed."""
    parts = path.parts
    if parts[0] == "apps":
        return APPS_ALLOWED
    if parts[0] != "src":
        return None
    module = module_of(parts[1:])
    allowed = ALLOWED.get(module, set()) | {module}
    if path.name.endswith(TEST_SUFFIXES):
        allowed = allowed | {"testing"} | ALLOWED["testing"]
    return allowed


def check_includes(path, lines):
    allowed = allowed_modules(path)
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quote, target = match.groups()
        if quote == "<":
            continue
        module = module_of(target.split("/"))
        if "/" not in target and path.parts[0] in ("src", "apps"):
            yield number, f'write #include "{target}" with its module in front'
        elif allowed is not None and module not in allowed:
            yield number, f'{"/".join(path.parts[:2])} may not include "{target}" (allowed: {", ".join(sorted(allowed))})'


def includes_of(lines):
    """(line number, quote, target) of every include."""
    matches = ((number, INCLUDE.match(line)) for number, line in enumerate(lines, 1))
    return [(number, *match.groups()) for number, match in matches if match]


def check_heavy_headers(texts):
    """Heavy headers are those that include a heavy library, straight or through another header of src/."""
    headers = {"/".join(path.parts[1:]): path for path in texts if path.parts[0] == "src" and path.suffix == ".h"}
    heavy = {name: library for name, path in headers.items() for _, quote, library in includes_of(texts[path])
             if quote == "<" and library.startswith(HEAVY_LIBRARIES)}
    while True:
        found = {name: heavy[target] for name, path in headers.items() if name not in heavy
                 for _, quote, target in includes_of(texts[path]) if quote == '"' and target in heavy}
        if not found:
            break
        heavy.update(found)
    for path, lines in texts.items():
        module = module_of(path.parts[1:]) if path.parts[0] == "src" else path.parts[0]
        for number, quote, target in includes_of(lines):
            if quote == '"' and target in heavy and module_of(target.split("/")) != module:
                yield f'{path}:{number}: "{target}" brings <{heavy[target]}> out of its module; hide it in a .cc file'


def check_functions(lines):
    """Relies on clang-format: a block's first line and its closing brace have the same indentation."""
    for indent in ("", "  "):
        start = None
        head = ""
        in_class = False
        for number, line in enumerate(lines, 1):
            text = line.rstrip()
            if text[:1] not in ("", " ", "#", "/"):
                in_class = not text.startswith("}") and bool(CLASS.match(text))
            if indent and not in_class:
                start = None
                continue
            if not text.startswith(indent) or text[len(indent):len(indent) + 1] in (" ", "", "#", "/"):
                continue
            body = text[len(indent):]
            if body.startswith("}"):
                if start is not None and number - start + 1 > MAX_FUNCTION_LINES:
                    yield start, f"function of {number - start + 1} lines (at most {MAX_FUNCTION_LINES}): {head}"
                start = None
            elif start is None and not body.startswith(")") and not NOT_A_FUNCTION.match(body) and "(" in body:
                # A one-line definition, a declaration or a macro call does not open a block.
                if text.endswith(("{", "(", ",")) or "{" in text and not text.endswith(("}", ";")):
                    start, head = number, body[:60]
            elif start is not None and body.startswith(("namespace", "class ", "struct ", "enum ", "union ")):
                start = None


def lines_of(file):
    lines = file.read_text(encoding="utf-8").split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    return lines


def check_file(path, lines):
    if len(lines) >= MAX_FILE_LINES:
        yield len(lines), f"{len(lines)} lines (under {MAX_FILE_LINES} wanted): split it by responsibility"
    if path.suffix == ".h":
        if path.parts[0] == "src" and not "".join(lines[:1]).startswith("// Purpose: "):
            yield 1, 'a header begins with "// Purpose: ..."'
        if "#pragma once" not in lines:
            yield 1, "#pragma once is missing"
    yield from check_includes(path, lines)
    yield from check_functions(lines)


def check_tree(root):
    """All violations as "path:line: message"."""
    found = []
    texts = {}
    for top in ("src", "apps", "benchmarks", "tests"):
        for file in sorted((root / top).rglob("*")) if (root / top).is_dir() else []:
            if file.suffix not in (".h", ".cc"):
                continue
            path = file.relative_to(root)
            if path.parts[0] == "src" and module_of(path.parts[1:]) not in SOURCE_MODULES:
                found.append(f"{path}:1: module {module_of(path.parts[1:])} is not in the table of tests/layout/check_layout.py")
            texts[path] = lines_of(file)
            found += [f"{path}:{line}: {message}" for line, message in check_file(path, texts[path])]
    return found + list(check_heavy_headers(texts))


def self_test():
    """A tree with one of each fault must be refused, and its repaired twin accepted."""
    long_function = "int f(int a,\n      int b) {\n" + "  ++a;\n" * 70 + "  return a;\n}\n"
    long_method = "class A {\n public:\n  int g() {\n" + "    ++a_;\n" * 70 + "  }\n};\n"
    header = "// Purpose: a.\n#pragma once\n"
    bad = {
        "src/base/a.h": (header + '#include "metering/reading.h"\n', "may not include"),
        "src/metering/b.cc": ('#include "state/store.h"\n', "may not include"),
        "src/sql/c.cc": ('#include "state/d.h"\n', "out of its module"),
        "src/stream/d.h": ("#pragma once\n", "Purpose"),
        "src/stream/e.h": ("// Purpose: e.\n", "pragma once"),
        "src/stream/f.cc": (long_function, "function of 74 lines"),
        "src/stream/g.cc": (long_method, "function of 72 lines"),
        "src/sql/h.cc": ("\n" * 500, "500 lines"),
        "src/sql/i.cc": ('#include "i.h"\n', "module in front"),
        "src/sql/j.cc": ('#include "testing/clock.h"\n', "may not include"),
        "src/unknown/k.cc": ("", "not in the table"),
        "src/connectors/kafka/m.cc": ('#include "connectors/registry/n.h"\n', "may not include"),
        "src/connectors/registry/o.cc": ('#include "log/p.h"\n', "may not include"),
        "src/connectors/unknown/q.cc": ("", "not in the table"),
        "src/log/r.cc": ('#include "connectors/kafka/s.h"\n', "may not include"),
        "apps/l.cc": ('#include "elsewhere/x.h"\n', "may not include"),
    }
    neutral = {
        "src/state/c.h": header + "#include <rocksdb/db.h>\n",
        "src/state/d.h": header + '#include "state/c.h"\n',
        "src/state/d.cc": '#include "state/c.h"\n',
    }
    good = {
        "src/sql/k.cc": "void f() {\n  call(\n      1);\n  if (a) {\n  }\n" + "}\n\nvoid g() {\n  h(\n      2);\n}\n" * 60,
        "src/base/a.h": header + "#include <vector>\n",
        "src/log/b.cc": '#include <rocksdb/db.h>\n\n#include "metering/reading.h"\n#include "state/store.h"\n',
        "src/log/b_test.cc": '#include "testing/clock.h"\n',
        "src/stream/c.cc": "namespace meterstream {\n" + "int f() {\n  return 1;\n}\n\n" * 60 + "}  // namespace meterstream\n",
        "src/stream/d.cc": "class A {\n public:\n" + "  int g() { return 1; }\n  int h();\n" * 60 + "};\n",
        "src/connectors/kafka/d.cc": '#include "connectors/kafka/d.h"\n#include "log/p.h"\n',
        "apps/e.cc": '#include "sql/parser.h"\n#include "apps/e.h"\n#include "connectors/kafka/d.h"\n',
    }
    for files, texts in ((bad, [text for text, _ in bad.values()]), (good, list(good.values()))):
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            for name, text in [*zip(files, texts), *neutral.items()]:
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            found = check_tree(root)
        if files is good:
            assert found == [], found
            continue
        for name, (_, message) in bad.items():
            assert any(line.startswith(name + ":") and message in line for line in found), (name, message, found)
        assert len(found) == len(bad), found
    print(f"{len(bad)} faults found, {len(good)} sound files accepted")


def main():
    if sys.argv[1:] == ["--self-test"]:
        self_test()
        return 0
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2]
    found = check_tree(root)
    print("\n".join(found) if found else "layout is as the table says")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
