# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# UML kernels with the KUnit suites of tests/kunit: making and running them.
# Sourced by scripts/kunit and scripts/kunit-mutants.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# What UML does not need of a kernel's source, three quarters of it.
UML_EXCLUDE=("${KERNEL_EXCLUDE[@]}" '*/drivers/gpu/drm/amd/*.[ch]' '*/drivers/net/*.[ch]')
# Where the suites are in the kernel's tree.
UML_DIR=drivers/gpu/drm/svm_kunit

# The compiler and the sources are in the build root.
inside_root() {
	[ -n "${AMDGPU_SVM_INSIDE:-}" ] ||
		exec "$TOP/scripts/buildroot" --exec env AMDGPU_SVM_INSIDE=1 "$TOP/scripts/${0##*/}" "$@"
}

# Kernels whose drm_gpuvm lacks the helpers are tested with drm_gpuvm_next.
uses_next() { ! grep -q drm_gpuvm_bo_put_deferred "$1/include/drm/drm_gpuvm.h"; }

uml_tarball() {
	local file=/usr/src/linux-source-$1.tar.xz
	[ -r "$file" ] || die "the build root has no linux-source-$1"
	printf '%s\n' "$file"
}

# The source tree of series $1 and the build directory of its variant $2. Both
# depend on nothing else, so every checkout uses them, one at a time.
uml_src() {
	printf '%s/kunit/src-%s-%s\n' "$CACHE" "$1" \
		"$(key "$(uml_tarball "$1")" -- "${UML_EXCLUDE[@]}" "$UML_DIR")"
}
uml_obj() { printf '%s-%s\n' "${1/src-/obj-}" "$2-$(key -- "$(gcc --version)")"; }

uml_extract() {
	local series=$1 src=$2
	[ -e "$src/.complete" ] && return
	say "extracting the source of Linux $series"
	rm -rf "$src"
	mkdir -p "$src"
	tar -xf "$(uml_tarball "$series")" -C "$src" --strip-components=1 \
		--no-same-owner "${UML_EXCLUDE[@]/#/--exclude=}"
	printf 'source "%s/Kconfig"\n' "$UML_DIR" >>"$src/drivers/gpu/drm/Kconfig"
	printf 'obj-y += %s/\n' "${UML_DIR##*/}" >>"$src/drivers/gpu/drm/Makefile"
	touch "$src/.complete"
}

has_gpusvm() { [ -e "$1/include/drm/drm_gpusvm.h" ]; }

# Copy $1 to $2 unless it is there: mtimes drive the rebuild.
install_if_new() {
	cmp -s "$1" "$2" || { mkdir -p "${2%/*}" && cp "$1" "$2"; }
}

# Suites, headers and, where it is to be tested, drm_gpuvm_next into the tree.
# What an earlier run put there and this one does not goes away.
uml_sync() {
	local series=$1 src=$2 new old file tree
	new=$(mktemp -d)
	cp "$TOP"/tests/kunit/*.[ch] "$TOP"/tests/kunit/{Kconfig,Makefile} "$new/"
	cp "$TOP"/samples/drm_gpuvm/vm_bind.[ch] "$new/"
	mkdir -p "$new/include/drm"
	cp "$TOP/include/drm/drm_gpuvm_compat.h" "$TOP/include/uapi/drm/amdgpu_drm_svm.h" \
		"$new/include/drm/"
	cp "$TOP"/drivers/gpu/drm/amd/amdgpu/amdgpu_svm_{attr,mtype}.[ch] "$new/"
	if uses_next "$src"; then
		tree=$("$TOP/scripts/prepare-base" --gpuvm "$series")
		cp -r "$tree/drivers" "$new/"
		cp "$tree"/include/drm/*.h "$new/include/drm/"
	fi
	while read -r file; do
		install_if_new "$new/$file" "$src/$UML_DIR/$file"
	done < <(cd "$new" && find . -type f \( -name '*.[ch]' -o -name Kbuild -o -name Kconfig -o -name Makefile \))
	while read -r old; do
		[ -e "$new/$old" ] || rm -f "$src/$UML_DIR/$old"
	done < <(cd "$src/$UML_DIR" && find . -type f)
	rm -rf "$new"
}

uml_config() {
	local src=$1 obj=$2 variant=$3 configs=("$TOP/tests/kunit/kunitconfig")
	mkdir -p "$obj"
	[ "$variant" = plain ] || configs+=("$TOP/tests/kunit/checked.config")
	cat "${configs[@]}" >"$obj/wanted.new"
	if uses_next "$src"; then
		printf 'CONFIG_DRM_GPUVM_NEXT=y\n' >>"$obj/wanted.new"
	fi
	if has_gpusvm "$src"; then
		printf 'CONFIG_DRM_GPUSVM_KUNIT_TEST=y\n' >>"$obj/wanted.new"
	fi
	cmp -s "$obj/wanted.new" "$obj/wanted" && return
	(cd "$src" && python3 tools/testing/kunit/kunit.py config --build_dir="$obj" \
		--kunitconfig="$obj/wanted.new") >"$obj.log" 2>&1 ||
		{ tail -n 20 "$obj.log" >&2; die "the kernel cannot be configured"; }
	mv "$obj/wanted.new" "$obj/wanted"
}

uml_make() {
	local src=$1 obj=$2
	[ -e "$obj/linux" ] || say "building a UML kernel, about 8 minutes (log $obj.log)"
	(cd "$src" && nice make ARCH=um O="$obj" CC='ccache gcc' -j"$(nproc)") >"$obj.log" 2>&1 ||
		{ grep -E ' error: |[*][*][*]' "$obj.log" | head -20 >&2; die "the build failed, see $obj.log"; }
}

uml_update() {
	local series=$1 variant=$2 src obj
	src=$(uml_src "$series")
	obj=$(uml_obj "$src" "$variant")
	uml_extract "$series" "$src"
	mkdir -p "$src/$UML_DIR"
	uml_sync "$series" "$src"
	uml_config "$src" "$obj" "$variant"
	uml_make "$src" "$obj"
}

# Bring the kernel of series $1, variant $2, up to date.
uml_kernel() {
	mkdir -p "$CACHE/kunit"
	with_lock "kunit-$1" uml_update "$1" "$2"
}

# RESULT<tab>NAME<tab>NOTE for each case in the KTAP on stdin; of a case with
# parameters one line per parameter.
ktap_leaves() {
	awk '
	function indent(s) { match(s, /^ */); return RLENGTH }
	/^ *# Subtest: / && indent($0) == 4 { suite = $3 }
	/^ *(not )?ok [0-9]+ / {
		depth = indent($0)
		if (depth == 0) next
		line = $0
		sub(/^ */, "", line)
		result = (line ~ /^not ok/) ? "not ok" : "ok"
		sub(/^(not )?ok [0-9]+ (- )?/, "", line)
		note = ""
		if (i = index(line, " # ")) {
			note = substr(line, i); line = substr(line, 1, i - 1)
		}
		if (depth == 8) {
			param[++params] = result "\t%s." line "\t" note
			next
		}
		name = suite "." line
		if (!params) printf "%s\t%s\t%s\n", result, name, note
		for (i = 1; i <= params; i++) {
			text = param[i]; sub(/%s/, name, text); print text
		}
		params = 0
	}'
}

# SUITE.CASE of all that match $2.
uml_list() {
	cd "$1"
	{ timeout 60 ./linux kunit.action=list kunit.filter_glob="$2" mem=512M kunit_shutdown=halt || :; } \
		</dev/null 2>/dev/null | sed -n -E 's/\r$//; s/^([a-z_0-9]+\.[a-z_0-9]+)$/\1/p'
}

# Run the cases that match $3, log in $4, results on stdout. A kernel that crashes
# or hangs leaves the case it was in without a result: that is a failure as well.
uml_run() {
	local series=$1 variant=$2 filter=$3 log=$4 src obj name
	src=$(uml_src "$series")
	obj=$(uml_obj "$src" "$variant")
	(cd "$src" && python3 tools/testing/kunit/kunit.py exec --build_dir="$obj" \
		--raw_output=all --timeout "${UML_TIMEOUT:-300}" "$filter") >"$log" 2>&1 || :
	ktap_leaves <"$log" >"$log.results"
	cat "$log.results"
	uml_list "$obj" "$filter" | while read -r name; do
		grep -qE $'\t'"$name"$'(\\.|\t)' "$log.results" ||
			printf 'not ok\t%s\t # no result, see %s\n' "$name" "$log"
	done
}
