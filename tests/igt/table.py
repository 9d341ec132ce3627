#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Compares igt_runner results of several drivers with what is expected.

    table.py EXPECTED NAME=RESULTS.json...

EXPECTED has a line per test, `BINARY@SUBTEST RESULT [SAYING]... [NAME=RESULT]... [# REASON]`,
where NAME=RESULT overrides RESULT for one driver and anything but pass needs a
reason; a SAYING is one of faults, loads, unplugs and resets: what the kernel says about that
is no warning there. Prints a table (as TAP comments) and an unnumbered TAP line per test and
driver: ok if the result is the expected one.
"""
import collections
import json
import re
import sys


def lines(*patterns):
    """Matches each line that has one of the patterns."""
    return re.compile(rf"^.*(?:{'|'.join(patterns)}).*\n?", re.M)


# In front of each line of a log.
TIME = re.compile(r"^<\d> \[ *[\d.]+\] ", re.M)

# What the kernel says on its own, once per boot and whenever it comes to it, so
# that any test may be the one that was running. Not about the GPU or our code:
# the base driver queues its periodic RAS work on a queue that the kernel renamed.
ANYTIME = lines(r"workqueue: work func umc_\w+ \[amdgpu\] enqueued on deprecated workqueue")

# What it says about a fatal GPU fault, our driver and the base driver.
FAULTS = lines("SVM: fatal GPU", "no-retry page fault", r"Process \S+ pid \d+ thread",
               "in page starting at address", "cookie node_id", "VM_L2_PROTECTION_FAULT_STATUS",
               "Faulty UTCL2 client", "MORE_FAULTS:", "WALKER_ERROR:", "PERMISSION_FAULTS:",
               "MAPPING_ERROR:", r"\bRW: 0x", "callbacks suppressed")

# What the base driver says when it finds a device: blocks left out by parameters, no SMU.
LOADS = lines(r"amdgpu \S+ disabled ip block: \d+ <\w+>",
              r"amdgpu \S+ Cannot access FRU, EEPROM accessor not initialized")

# A stack, in a place of the kernel's. All of it is looked at, so that nothing else passes as a
# part of it. The debug kernel's sources have another path.
def stack(path, function, more=r"(?!)"):
    return rf"""
    WARNING:\ (?:\.\./src/)?{path}:\d+\ at\ {function}\+.*\n
    (?:(?:Modules\ linked\ in|CPU|Tainted|Hardware\ name|Call\ Trace):.*\n
      |RIP:\ 0010:{function}\+.*\n|RIP:\ 0033:.*\n|Code:.*\n|{more}
      |(?:R[^I]\w|[FC]S|[CD]R\d|PKRU):.*\n
      |\ </?TASK>\n|\ (?:\?\ )?(?:[\w.]+\+)?0x[\da-f]+(?:/0x[\da-f]+)?(?:\ \[\w+\])?\n
      |(?:irq\ event\ stamp|(?:hard|soft)irqs\ last\ +(?:en|dis)abled\ at\ \(\d+\)):.*\n)*
    ---\[\ end\ trace\ \w+\ \]---\n?"""


# What it says when it loses one: two files of a folder that is gone are removed, which the
# kernel has a stack for, and jobs find no ring.
UNPLUGS = re.compile(rf"""
    ^kernfs:\ can\ not\ remove\ '(?:current|available)_memory_partition',\ no\ directory\n
    {stack("fs/kernfs/dir[.]c", "kernfs_remove_by_name_ns")}
    |^amdgpu\ \S+\ Failed\ to\ schedule\ partition\ \#\d+\.\n?""", re.M | re.X)

# What it says, with lockdep, if its scheduler starts a job in the moment before the reset
# stops it.
BY_SCHEDULER = r"Workqueue:\ \S+\ drm_sched_\w+\ \[gpu_sched\]\n"
RESETS = re.compile(rf"""
    ^(?=(?:.*\n){{1,8}}{BY_SCHEDULER})
    {stack("drivers/gpu/drm/amd/amdgpu/amdgpu_device[.]c", "amdgpu_device_skip_hw_access",
           BY_SCHEDULER)}""", re.M | re.X)

# Stacks last: what others say in the midst of one is gone then.
SAYINGS = {"faults": FAULTS, "loads": LOADS, "unplugs": UNPLUGS, "resets": RESETS}

WORDS = ("pass", "fail", "skip", "warn", "dmesg-warn", "dmesg-fail")

# Before the first dash in the names of tests that are a matrix
PREFIXES = ("once", "twice", "many", "threads", "processes")


def read_expected(path):
    """Maps each test, in the file's order, to (RESULT, {NAME: RESULT}, REASON, SAYINGS)."""
    tests = {}
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        text, _, reason = line.partition("#")
        words = text.split()
        if not words:
            continue
        where = f"{path}:{number}: {words[0]}"
        sayings = [SAYINGS[word] for word in SAYINGS if word in words]
        words = [word for word in words if word not in SAYINGS]
        results = words[1:2] + [word.partition("=")[2] for word in words[2:]]
        if not results or any(result not in WORDS for result in results):
            sys.exit(f"{where}: each result is one of {', '.join(WORDS)}")
        if words[0] in tests:
            sys.exit(f"{where} is there twice")
        if set(results) != {"pass"} and not reason.strip():
            sys.exit(f"{where} is not to pass: give a reason")
        per_driver = dict(word.split("=") for word in words[2:])
        tests[words[0]] = (words[1], per_driver, reason.strip(), sayings)
    return tests


def read_results(path, sayings):
    """Maps each test, in lower case as igt_runner has it, to (result, seconds)."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            found = json.load(file)["tests"]
    except (OSError, ValueError, KeyError) as error:
        print(f"# {path}: {error}")
        return {}
    results = {}
    for name, test in found.items():
        time = test.get("time", {})
        seconds = time.get("end", 0) - time.get("start", 0)
        name = name.removeprefix("igt@").lower()
        results[name] = (result_of(test, sayings.get(name, [])), seconds)
    return results


def result_of(test, sayings):
    """The result, without warnings that could come at any time or were asked for."""
    warnings = rest = TIME.sub("", test.get("dmesg-warnings", ""))
    for saying in [ANYTIME] + sayings:
        rest = saying.sub("", rest)
    if test["result"] in ("dmesg-warn", "dmesg-fail") and warnings.strip() and not rest.strip():
        return {"dmesg-warn": "pass", "dmesg-fail": "fail"}[test["result"]]
    return test["result"]


def print_table(expected, results):
    width = max(map(len, expected))
    print(f"# {'test':{width}}", *(f"{name:17}" for name in results), "expected")
    for test, (want, per_driver, reason, _) in expected.items():
        row = []
        for found in results.values():
            result, seconds = found.get(test.lower(), ("no result", 0))
            row.append(f"{result:10} {seconds:4.1f} s")
        other = "".join(f", {name} {result}" for name, result in per_driver.items())
        print(f"# {test:{width}}", *row, f"{want}{other}{reason and f': {reason}'}")
    for name, found in results.items():
        counts = collections.Counter(found.get(test.lower(), ("no result",))[0] for test in expected)
        print(f"# {name}:", ", ".join(f"{n} {result}" for result, n in counts.most_common()))


def print_matrix(expected, name, found):
    """Prints the tests of one driver that are named BINARY@PREFIX-MODE, a row per mode."""
    rows = collections.defaultdict(dict)
    for test in expected:
        prefix, _, mode = test.partition("@")[2].partition("-")
        if prefix in PREFIXES:
            rows[mode][prefix] = found.get(test.lower(), ("no result",))[0]
    if not rows:
        return
    width = max(map(len, rows))
    print(f"# {name:{width}}", *(f"{prefix:10}" for prefix in PREFIXES))
    for mode, row in rows.items():
        print(f"# {mode:{width}}", *(f"{row.get(prefix, '-'):10}" for prefix in PREFIXES))


def judge(expected, name, found):
    """Prints a line per test of one driver, returns how many are not as expected."""
    bad = 0
    for test, (want, per_driver, reason, _) in expected.items():
        want = per_driver.get(name, want)
        got = found.get(test.lower(), ("no result",))[0]
        if got != want:
            bad += 1
            print(f"not ok - {name}: {test}: {got}, expected {want}")
        elif want == "skip":
            print(f"ok - {name}: {test} # SKIP {reason}")
        else:
            # What is known not to pass is not counted as if it did.
            print(f"ok - {name}: {test}{'' if want == 'pass' else f': {want}, as expected'}")
    return bad


def main():
    if len(sys.argv) < 3 or not all(re.fullmatch(r"\w+=.+", arg) for arg in sys.argv[2:]):
        sys.exit(__doc__)
    expected = read_expected(sys.argv[1])
    sayings = {test.lower(): sayings for test, (*_, sayings) in expected.items()}
    results = {}
    for arg in sys.argv[2:]:
        name, path = arg.split("=", 1)
        results[name] = read_results(path, sayings)
    print_table(expected, results)
    for name, found in results.items():
        print_matrix(expected, name, found)
    return sum([judge(expected, name, found) for name, found in results.items()]) > 0


sys.exit(main())
