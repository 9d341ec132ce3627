# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What suites share that put TAP together out of several programs' results: those print
# lines with a number or without.

# Numbers the tests on stdin and ends with the plan. Fails if one of them failed or if
# there is none.
number() {
	local line n=0 bad=0
	while IFS= read -r line; do
		if [[ $line =~ ^((not )?ok)\ [0-9]*\ ?-\ (.*) ]]; then
			n=$((n + 1))
			[ -z "${BASH_REMATCH[2]}" ] || bad=1
			line="${BASH_REMATCH[1]} $n - ${BASH_REMATCH[3]}"
		elif [[ $line =~ ^1\.\.[0-9]+ ]]; then
			continue
		fi
		printf '%s\n' "$line"
	done
	printf '1..%d\n' "$n"
	[ "$bad" = 0 ] && [ "$n" -gt 0 ]
}

# judge_file NAME FILE: what is in it should not be there.
judge_file() {
	if [ -s "$2" ]; then
		printf 'not ok - %s\n' "$1"
		sed 's/^/# /' "$2" | head -n 60
	else
		printf 'ok - %s\n' "$1"
	fi
}
