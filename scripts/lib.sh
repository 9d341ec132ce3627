# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What every script of this project shares: where things are, how to say
# something, how to fail, how to put a result into the cache atomically.

set -euo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=${AMDGPU_SVM_CACHE:-${HOME:-/root}/.cache/amdgpu-svm}
export TOP CACHE
mkdir -p "$CACHE"

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$*"; exit 1; }

# Hash of the named files' contents and the given strings: a cache key.
# key FILE... [-- STRING...]
key() {
	local files=() f
	while [ $# -gt 0 ] && [ "$1" != -- ]; do files+=("$1"); shift; done
	[ $# -gt 0 ] && shift
	{
		for f in "${files[@]+"${files[@]}"}"; do sha256sum <"$f"; done
		printf '%s\n' "$@"
	} | sha256sum | cut -c1-16
}

# Run CMD with $1 locked, so that two builders of one cache entry queue up.
# with_lock NAME CMD...
with_lock() {
	local name=$1
	shift
	mkdir -p "$CACHE/locks"
	(
		flock 9
		"$@" 9>&-
	) 9>"$CACHE/locks/$name"
}

# What tar leaves out of a kernel's source: no kernel that is built here needs it.
# shellcheck disable=SC2034
KERNEL_EXCLUDE=(
	'*/asic_reg' '*/arch/*/boot/dts' '*/sound/*.[ch]' '*/drivers/media/*.[ch]'
	'*/drivers/infiniband/*.[ch]' '*/drivers/accel/*.[ch]' '*/drivers/staging/*.[ch]'
	'*/drivers/scsi/*.[ch]' '*/fs/xfs/*.[ch]'
	'*/tools/perf' '*/tools/testing/selftests' '*/Documentation/[a-z]*'
)
