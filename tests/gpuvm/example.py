#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Is the code in a document the code that is compiled and tested?

    example.py DOCUMENT.rst SOURCE...

Every C example has to be a literalinclude out of one of the sources, by markers that
are there once and in order and have something in between. Prints a line per piece and
what is wrong; exit status 1 if anything is, or if there are no examples.
"""
import os
import re
import sys

INCLUDE = re.compile(r"^\.\. literalinclude:: (\S+)\n((?:   :.*\n)+)", re.M)


def option(options, name):
    found = re.search(rf"^   :{name}: (.+)$", options, re.M)
    return found and found.group(1)


def check_piece(path, options):
    """Returns what is wrong, or None."""
    begin, end = option(options, "start-after"), option(options, "end-before")
    if not begin or not end:
        return "has no markers"
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if text.count(begin) != 1 or text.count(end) != 1:
        return f"{begin} and {end} are not there once each"
    piece = text[text.find(begin) + len(begin):max(text.find(end), 0)]
    if "\n{\n" not in piece:
        return f"no function between {begin} and {end}"
    return None


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    document, sources = sys.argv[1], {os.path.realpath(path) for path in sys.argv[2:]}
    with open(document, encoding="utf-8") as file:
        text = file.read()
    pieces, wrong = INCLUDE.findall(text), []
    if not pieces:
        wrong.append("there are no examples")
    if re.search(r"^ {4,}(?:ret = \w+\(|if \(ret\)|struct \w+ \*?\w+;)", text, re.M) or \
            ".. code-block:: c" in text:
        wrong.append("there is C that nobody compiles")
    for name, options in pieces:
        path = os.path.realpath(os.path.join(os.path.dirname(document), name))
        problem = check_piece(path, options) if path in sources else "is not compiled by a test"
        print(f"{os.path.relpath(path)}: {option(options, 'start-after')}: {problem or 'good'}")
        if problem:
            wrong.append(f"{name}: {problem}")
    for line in wrong:
        print(line)
    return bool(wrong)


sys.exit(main())
