#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Measures both ways into Microsoft 365 against the limits of the practice
# tenant (tests/practice), and prints the table of docs/performance.md. Not a
# test.
#
#	run_m365.sh [--quick] [--only ITEM]... [--markdown]
#
# MAILHAUL			the program (build/src/mailhaul)
# MAILHAUL_BENCH_DIR	mail and results (/var/tmp/mailhaul-bench)
set -eu

here=$(cd "$(dirname "$0")" && pwd)
dir=${MAILHAUL_BENCH_DIR:-/var/tmp/mailhaul-bench}
program=${MAILHAUL:-$here/../../build/src/mailhaul}

if ! /usr/bin/python3 -c 'import cryptography, h2' 2>/dev/null; then
	echo "run_m365.sh: the practice tenant needs" \
		"python3-cryptography and python3-h2" >&2
	exit 69
fi
if [ ! -x "$program" ]; then
	echo "run_m365.sh: $program is not there" >&2
	exit 69
fi
if ! command -v gcc >/dev/null; then
	echo "run_m365.sh: 'gcc' is missing: apt-get install gcc" >&2
	exit 69
fi
mkdir -p "$dir/bin"
exec 9>"$dir/lock"
if ! flock -n 9; then
	echo "run_m365.sh: another bench works in $dir" >&2
	exit 75
fi
gcc -std=c17 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror \
	-o "$dir/bin/measure" "$here/measure.c"
# A copy: a build beside the bench must not change what is measured.
rm -f "$dir/bin/mailhaul"
cp "$program" "$dir/bin/mailhaul"

export MAILHAUL_BENCH_DIR="$dir" MAILHAUL="$dir/bin/mailhaul"
export PYTHONDONTWRITEBYTECODE=1
exec /usr/bin/python3 "$here/m365.py" "$@"
