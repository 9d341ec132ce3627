#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Which results tests/igt/table.py takes for a pass. TAP on stdout."""
import json
import pathlib
import subprocess
import sys
import tempfile

TABLE = pathlib.Path(__file__).parents[1] / "igt" / "table.py"
GPU = "<4> [   12.345678] amdgpu 0000:01:00.0: "
FENCE = GPU + "Fence fallback timer expired on ring sdma0.1\n"
FAULT = GPU + "SVM: fatal GPU write fault of pid 1 (x), pasid 2 at 0x3000: no memory at this address\n"
OTHER = GPU + "ring sdma0.1 timeout\n"


def passes(warnings="", report=None, result=None, expected="b@t pass"):
    """Is the test that said @warnings in the kernel log as @expected has it?"""
    result = result or ("dmesg-warn" if warnings else "pass")
    test = {"result": result, "dmesg-warnings": warnings, "time": {"start": 1, "end": 2}}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "expected").write_text(expected + "\n")
        (folder / "results").write_text(json.dumps({"tests": {"igt@b@t": test}}))
        what = f"svm={folder}/results"
        if report is not None:
            (folder / "report").write_text(report)
            what += f",{folder}/report"
        run = subprocess.run([sys.executable, TABLE, folder / "expected", what],
                             capture_output=True, text=True, check=False)
    good = "\nok - svm: b@t" in run.stdout
    assert good == (run.returncode == 0) and ("not ok - " in run.stdout) != good, run
    return good


def waited(microseconds):
    return f"verdicts: 0\ncounters:\nih.longest_wait_us: {microseconds}\nih.overflows: 0\n"


CASES = {
    "a_test_passes_if_it_does": passes(),
    "a_failure_fails": not passes(result="fail"),
    "a_failure_may_be_expected": passes(result="fail", expected="b@t fail # a reason"),
    "a_warning_fails": not passes(OTHER),
    "a_fault_that_was_not_asked_for_fails": not passes(FAULT),
    "a_fault_that_was_asked_for_passes": passes(FAULT, expected="b@t pass faults"),
    "a_fence_without_late_interrupts_passes": passes(FENCE, waited(499999)),
    "a_fence_with_a_late_interrupt_fails": not passes(FENCE, waited(500000)),
    "a_fence_fails_if_nothing_is_known_of_interrupts": not passes(FENCE),
    "a_fence_fails_if_the_report_does_not_say": not passes(FENCE, "verdicts: 0\n"),
    "a_fence_hides_no_other_warning": not passes(FENCE + OTHER, waited(1)),
    "a_fence_hides_no_failure": not passes(FENCE, waited(1), result="dmesg-fail"),
}

for number, (case, good) in enumerate(CASES.items(), 1):
    print("ok" if good else "not ok", number, "-", case)
print(f"1..{len(CASES)}")
sys.exit(not all(CASES.values()))
