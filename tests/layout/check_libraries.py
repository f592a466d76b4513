#!/usr/bin/env python3
"""Checks that a program loads the installed libraries before those of the Arrow wheel that export other versions of the same
functions: check_libraries.py PROGRAM"""
import re
import subprocess
import sys

EXPORTED_TWICE = ("libsimdjson", "libssl", "libcrypto")


def main():
    text = subprocess.run(["readelf", "-d", sys.argv[1]], capture_output=True, text=True, check=True).stdout
    order = re.findall(r"NEEDED.*\[(.*)\]", text)
    wheel = next((place for place, name in enumerate(order) if name.startswith("libparquet")), None)
    if wheel is None:
        print("no Arrow in this program")
        return 0
    late = [name for name in order[wheel:] if name.startswith(EXPORTED_TWICE)]
    missing = [name for name in EXPORTED_TWICE if not any(one.startswith(name) for one in order)]
    if late or missing:
        print(f"loaded after libparquet, whose versions would be called: {late}; not named by the program: {missing}")
        return 1
    print("the installed libraries come first")
    return 0


if __name__ == "__main__":
    sys.exit(main())
