"""Sources that may be compiled as one: batches of files of one directory whose own (internal) names differ.

The names are found by the layout that clang-format gives the code: what stands in the first column of an unnamed namespace.
"""
import collections
import re

MOST_FILES = 16
DECLARATION = re.compile(r"^(?:template <.*> )?(?:(?:class|struct|enum class|enum|union|using|concept) (\w+)"
                         r"|[\w:<>,&*\s\[\]]+?[\s&*](\w+)\s*(?:\(|=|\{|\[|;))")


def internal_names(file):
    found = set()
    is_unnamed = False
    for line in file.read_text().splitlines():
        if line.startswith("namespace {"):
            is_unnamed = True
        elif line == "}  // namespace":
            is_unnamed = False
        elif line and line[0] not in " }/#)" and (is_unnamed or line.startswith("static ")):
            declared = DECLARATION.match(line)
            if declared:
                found.add(declared.group(1) or declared.group(2))
    return found


def types(file):
    """Names written as types are."""
    return set(re.findall(r"\b[A-Z]\w+", file.read_text()))


class Batch:
    def __init__(self, is_alone):
        self.members, self.names, self.types, self.is_alone = [], set(), set(), is_alone

    def takes(self, own, used):
        """Whether no name of one file means something else in another."""
        is_clear = not own & self.names and not own & self.types and not used & self.names
        return is_clear and not self.is_alone and len(self.members) < MOST_FILES

    def add(self, file, own, used):
        self.members.append(file)
        self.names |= own
        self.types |= used


def batches(files):
    """Lists of files, in their order. A file with a type called as one of the headers is alone."""
    folders = collections.defaultdict(list)
    headers = {}
    for file in files:
        folder = file.parent
        if folder not in headers:
            headers[folder] = {header: types(header) for header in folder.glob("*.h")}
        own, used = internal_names(file), types(file)
        is_alone = any(own & names for names in headers[folder].values())
        batch = next((batch for batch in folders[folder] if not is_alone and batch.takes(own, used)), None)
        if batch is None:
            batch = Batch(is_alone)
            folders[folder].append(batch)
        batch.add(file, own, used)
    return [batch.members for folder in folders.values() for batch in folder]
