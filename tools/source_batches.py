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


def batches(files):
    """Lists of files, in their order."""
    folders = collections.defaultdict(list)
    for file in files:
        own = internal_names(file)
        for members, names in folders[file.parent]:
            if len(members) < MOST_FILES and not names & own:
                members.append(file)
                names |= own
                break
        else:
            folders[file.parent].append(([file], own))
    return [members for folder in folders.values() for members, _ in folder]
