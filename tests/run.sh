#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# All tests: installs what is missing, builds, and runs them.
#
#   ./tests/run.sh             lint, unit and system tests, and 40 seconds of
#                              fuzzing for each parser of archives
#   ./tests/run.sh --full      also those that take minutes
#   ./tests/run.sh --unit      only these; --system, --lint, --fuzz likewise
#   ./tests/run.sh -k EXPR     only the system tests that match (pytest -k)
#
# The last line is "N passed, N failed, N skipped".
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/lib/install.sh

# Debian's Python, because the packages are Debian's.
PYTHON=/usr/bin/python3
BUILD=build
ARCHIVE_PARSERS="mbox labels eml maildir packed wire pst rtf tnef"
passed=0 failed=0 skipped=0 fuzzing=""
full="" match="" parts=""

usage() {
	sed -n '3,12s/^# \{0,1\}//p' tests/run.sh
	trap - EXIT
	exit "$1"
}

summary() {
	local status=$?
	[ -z "$fuzzing" ] || kill "$fuzzing" 2>/dev/null
	if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
		failed=1
	fi
	printf '\n%d passed, %d failed, %d skipped\n' \
		"$passed" "$failed" "$skipped"
	[ "$failed" -eq 0 ] || exit 1
}
trap summary EXIT
trap 'exit 130' INT TERM

while [ $# -gt 0 ]; do
	case $1 in
	--full) full=--full ;;
	--unit | --system | --lint | --fuzz) parts="$parts ${1#--}" ;;
	-k)
		[ $# -ge 2 ] || usage 64
		match=$2
		shift
		;;
	-h | --help) usage 0 ;;
	*) usage 64 ;;
	esac
	shift
done
if [ -z "$parts" ]; then
	parts="lint unit fuzz system"
	[ -z "$match" ] || parts=system
fi

wants() {
	case " $parts " in *" $1 "*) return 0 ;; *) return 1 ;; esac
}

heading() {
	printf '\n=== %s\n' "$*"
}

build() {
	heading "build"
	if [ -f $BUILD/build.ninja ]; then
		meson configure $BUILD --werror -Dbuildtype=debugoptimized \
			-Dtests=true || return 1
	else
		meson setup $BUILD --werror -Dbuildtype=debugoptimized || return 1
	fi
	ninja -C $BUILD
}

lint() {
	local check start
	for check in layers format hardened tidy; do
		heading "lint: $check"
		start=$SECONDS
		if tests/lint/$check $full; then
			passed=$((passed + 1))
			printf 'ok: %s (%d s)\n' "$check" $((SECONDS - start))
		elif [ $? -eq 77 ]; then
			skipped=$((skipped + 1))
			printf 'skipped: %s\n' "$check"
		else
			failed=$((failed + 1))
			printf 'FAILED: %s\n' "$check"
		fi
	done
}

# Adds "passed failed skipped", which a script of Python printed.
add() {
	local p f s
	if ! read -r p f s; then
		p=0 f=1 s=0
	fi
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

unit() {
	heading "unit"
	rm -f $BUILD/meson-logs/testlog.json
	meson test -C $BUILD --no-rebuild --suite unit -t 4 \
		--print-errorlogs
	add < <("$PYTHON" tests/lib/count.py meson \
		$BUILD/meson-logs/testlog.json)
}

system() {
	heading "system"
	rm -f $BUILD/system.xml
	MAILHAUL_BIN=$PWD/$BUILD/src/mailhaul PYTHONDONTWRITEBYTECODE=1 \
		"$PYTHON" -m pytest -c tests/system/pytest.ini tests/system \
		-ra -q --durations=10 --junitxml=$BUILD/system.xml $full \
		${match:+-k "$match"}
	add < <("$PYTHON" tests/lib/count.py junit $BUILD/system.xml)
}

# Beside the system tests, which wait for servers most of their time.
fuzz() {
	if ! command -v clang >/dev/null; then
		printf 'skipped: fuzz (no clang)\n'
		skipped=$((skipped + 1))
		return
	fi
	nice -n 15 tests/fuzz/run.sh 40 $ARCHIVE_PARSERS \
		>$BUILD/fuzz.log 2>&1 &
	fuzzing=$!
}

fuzz_end() {
	local ok found
	[ -n "$fuzzing" ] || return 0
	heading "fuzz"
	wait "$fuzzing"
	fuzzing=""
	ok=$(grep -c '^ok: ' $BUILD/fuzz.log)
	found=$(grep -c '^FOUND: ' $BUILD/fuzz.log)
	[ "$ok" -gt 0 ] || [ "$found" -gt 0 ] || found=1
	[ "$found" -eq 0 ] || tail -n 50 $BUILD/fuzz.log
	tail -n 1 $BUILD/fuzz.log
	passed=$((passed + ok)) failed=$((failed + found))
}

install_missing "$BUILD_PACKAGES" "$SERVER_PACKAGES" "$TEST_PACKAGES" ||
	exit 1
if ! build; then
	say "The build failed." >&2
	failed=1
	exit 1
fi
! wants lint || lint
! wants unit || unit
! wants fuzz || fuzz
! wants system || system
fuzz_end
[ "$failed" -eq 0 ]
