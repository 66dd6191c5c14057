# SPDX-License-Identifier: MIT
# Build trees below build/, all made from the files that `make dist` would ship: a file missing from the tarball is missing there.
# For tests/run-tests and tests/run-fuzz, which set TOP, JOBS and RESULTS, the folder for the logs.

SOURCE=$TOP/build/source

# The tree with AddressSanitizer and UndefinedBehaviorSanitizer is clang's, and has the fuzz targets, too; elsewhere than on Debian there
# may be no clang.
ASAN_FLAGS=(--enable-werror --enable-asan CFLAGS='-O1 -g1')
HAVE_CLANG=$(command -v clang || true)
[ -z "$HAVE_CLANG" ] || ASAN_FLAGS+=(CC=clang --enable-fuzzing)

# The files of the tarball in build/source. Their times are kept, so that the trees are rebuilt only where needed.
make_source() {
	make -s distdir distdir="build/source" >"$RESULTS/source.log" 2>&1 || {
		tail -n 30 "$RESULTS/source.log"
		return 1
	}
}

tree_failed() { # LOG
	echo "the build failed; the end of $1:"
	tail -n 40 "$1"
	return 1
}

# Which source includes which header is not tracked: that is a third of what configure and make have to do for a tree that is made once.
# Where a header has changed all is compiled again.
configure_tree() { # NAME CONFIGURE-FLAGS...: build/NAME, where it is not there yet
	local name=$1 log=$RESULTS/configure-$1.log
	shift
	[ ! -f "build/$name/Makefile" ] || return 0
	echo "configuring build/$name ($*)"
	mkdir -p "build/$name" && (
		cd "build/$name" || exit 1
		"$SOURCE/configure" --disable-dependency-tracking "$@" || exit 1
		# Where siocast, run from its build tree, looks for what it serves.
		ln -sfn "$TOP/client-js" client-js
	) >"$log" 2>&1 </dev/null || tree_failed "$log"
}

make_tree() { # NAME TARGET...: in build/NAME, which is configured
	local name=$1 log=$RESULTS/build-$1.log target
	shift
	echo "building build/$name"
	: >"$log"
	if [ -f "build/$name/headers.stamp" ] && find "$SOURCE" -name '*.h' -newer "build/$name/headers.stamp" | grep -q .; then
		make -s -C "build/$name" clean >>"$log" 2>&1
	fi
	touch "build/$name/headers.stamp"
	for target in "$@"; do
		make -C "build/$name" -j"$JOBS" "$target" >>"$log" 2>&1 </dev/null || tree_failed "$log" || return
	done
}
