#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Measures mailhaul against Debian's mbsync, interimap and doveadm backup, and
# prints the table of docs/performance.md. Not a test.
#
#	run.sh [--quick] [--only ITEM]... [--rounds N] [--all-peers] [--markdown]
#
# MAILHAUL			the program (build/src/mailhaul)
# MAILHAUL_BENCH_DIR	mailboxes and results, kept (/var/tmp/mailhaul-bench)
set -eu

here=$(cd "$(dirname "$0")" && pwd)
dir=${MAILHAUL_BENCH_DIR:-/var/tmp/mailhaul-bench}
program=${MAILHAUL:-$here/../../build/src/mailhaul}

need() {
	PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null && return
	echo "run.sh: '$1' is missing: apt-get install $2" >&2
	exit 69
}
need dovecot dovecot-imapd
need gcc gcc
need mbsync isync
need interimap interimap

mkdir -p "$dir/bin"
exec 9>"$dir/lock"
if ! flock -n 9; then
	echo "run.sh: another bench works in $dir" >&2
	exit 75
fi
for tool in delay measure replay; do
	gcc -std=c17 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror \
		-o "$dir/bin/$tool" "$here/$tool.c"
done
# A copy: a build beside the bench must not change what is measured.
rm -f "$dir/bin/mailhaul"
if [ -x "$program" ]; then
	cp "$program" "$dir/bin/mailhaul"
fi
mkdir -p "$dir/bin/lib"
cp "$here"/*.py "$dir/bin/lib/"

export MAILHAUL_BENCH_DIR="$dir" MAILHAUL="$dir/bin/mailhaul"
export PYTHONDONTWRITEBYTECODE=1
set -- /usr/bin/python3 "$dir/bin/lib/bench.py" "$@"
# Dovecot refuses mail to root, and the bench needs nothing of root's.
if [ "$(id -u)" = 0 ]; then
	chown -R nobody:nogroup "$dir"
	set -- setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"
fi
cd "$dir"
exec "$@"
