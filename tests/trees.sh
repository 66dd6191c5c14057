# SPDX-License-Identifier: MIT
# Build trees below build/, all made from the files that `make dist` would ship: a file missing from the tarball is missing there.
# For tests/run-tests and tests/run-fuzz, which set TOP, JOBS and RESULTS, the folder for the logs.

SOURCE=$TOP/build/source
FUZZ_FLAGS=(CC=clang --enable-fuzzing --enable-asan CFLAGS='-O1 -g')

# The files of the tarball in build/source. Their times are kept, so that the trees are rebuilt only where needed.
make_source() {
	make -s distdir distdir="build/source" >"$RESULTS/source.log" 2>&1 || {
		tail -n 30 "$RESULTS/source.log"
		return 1
	}
}

make_tree() { # NAME TARGETS CONFIGURE-FLAGS...: build/NAME with these targets in it, words in one argument
	local name=$1 targets log=$RESULTS/build-$1.log
	read -ra targets <<<"$2"
	shift 2
	echo "building build/$name ($*)"
	mkdir -p "build/$name" && (
		cd "build/$name" || exit 1
		[ -f Makefile ] || "$SOURCE/configure" "$@" || exit 1
		# Where siocast, run from its build tree, looks for what it serves.
		ln -sfn "$TOP/client-js" client-js
		for target in "${targets[@]}"; do make -j"$JOBS" "$target" || exit 1; done
	) >"$log" 2>&1 </dev/null && return
	echo "the build failed; the end of $log:"
	tail -n 40 "$log"
	return 1
}
