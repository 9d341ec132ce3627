#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Makes a table and JSON of what the measurements print (see bench/bench.h).

    report.py OUTPUT.json [KEY=VALUE]... <LINES

The table goes to stdout; KEY=VALUE says under which conditions they were made. Exit
status 1 if a limit was exceeded or there is nothing to report.
"""
import json
import sys


def parse(lines):
    """Maps each measurement to its values and ratios, in the order printed."""
    benches, current = {}, None
    for number, line in enumerate(lines, 1):
        kind, *rest = line.rstrip("\n").split("\t")
        if kind == "bench" and len(rest) == 1:
            current = benches.setdefault(rest[0], {"values": [], "ratios": []})
        elif kind == "value" and current is not None and len(rest) == 3:
            current["values"].append({"name": rest[0], "median": float(rest[1]), "unit": rest[2]})
        elif kind == "ratio" and current is not None and len(rest) in (2, 3):
            ratio = {"name": rest[0], "ratio": float(rest[1])}
            if len(rest) == 3:
                ratio["limit"] = float(rest[2])
                ratio["kept"] = ratio["ratio"] <= ratio["limit"]
            current["ratios"].append(ratio)
        else:
            sys.exit(f"line {number} is not one of a measurement: {line!r}")
    return benches


def print_table(benches):
    names = [x["name"] for bench in benches.values() for x in bench["values"] + bench["ratios"]]
    width = max(map(len, names))
    for name, bench in benches.items():
        print(name)
        for value in bench["values"]:
            print(f"  {value['name']:{width}} {value['median']:12.1f} {value['unit']}")
        for ratio in bench["ratios"]:
            limit = ""
            if "limit" in ratio:
                limit = f"  at most {ratio['limit']:g}: {'yes' if ratio['kept'] else 'NO'}"
            print(f"  {ratio['name']:{width}} {ratio['ratio']:12.2f} x{limit}")


def main():
    if len(sys.argv) < 2 or any("=" not in arg for arg in sys.argv[2:]):
        sys.exit(__doc__)
    benches = parse(sys.stdin)
    if not any(bench["ratios"] for bench in benches.values()):
        sys.exit("nothing was measured")
    print_table(benches)
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump({"conditions": dict(arg.split("=", 1) for arg in sys.argv[2:]),
                   "measurements": benches}, file, indent=1)
        file.write("\n")
    return any(not ratio.get("kept", True) for bench in benches.values()
               for ratio in bench["ratios"])


sys.exit(main())
