# SPDX-License-Identifier: MIT
# What the rules share. Each is a script of this folder: it gets the path of a finished build tree, prints what it finds
# wrong, one line each, and ends with status 0 (kept), 1 (broken) or 77 (cannot be told here; the last line says why).

set -u -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
BUILD=${1:-build/normal}
broken=0

# complain TEXT: the rule is broken; the script goes on to find the rest.
complain() {
	printf '%s\n' "$*"
	broken=1
}

skip() {
	printf '%s\n' "$*"
	exit 77
}

in_git() {
	[ -e .git ] && command -v git >/dev/null && git rev-parse --git-dir >/dev/null 2>&1
}

# The files of the project, one per line: what git knows or would take up, else everything but what a build makes.
project_files() {
	if in_git; then
		git -c core.quotePath=off ls-files --cached --others --exclude-standard
	else
		find . \( -name .git -o -name node_modules -o -name build -o -name build-aux -o -name autom4te.cache -o -name .deps \) -prune -o \
			-type f ! -name '*.[ao]' -print | sed 's|^\./||' | grep -vE '^(configure~?|aclocal\.m4|Makefile(\.in)?|config\.(log|status))$'
	fi | sort -u | while read -r f; do [ -f "$f" ] && printf '%s\n' "$f"; done
}

c_files() {
	project_files | grep -E '\.[ch]$'
}
