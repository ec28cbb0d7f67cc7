#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Measures the readers of archives against the least that reading costs, and
# prints the table of docs/performance.md. Not a test.
#
#	run_archives.sh [--full] [--rounds N] [--only ITEM]...
#	run_archives.sh --pst [--rounds N] [--only ITEM]...
#
# --pst: Outlook's files instead, of the generator in $MAILHAUL_SHARED,
# against readpst (4 GB of disk).
# --full: the memory that 10 GB take, too (20 GB of disk, ten minutes).
#
# MAILHAUL_BUILD	a build with -Dtests=true (build)
# MAILHAUL_BENCH_DIR	data, kept (/var/tmp/mailhaul-bench)
set -eu

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=${MAILHAUL_BUILD:-$top/build}
dir=${MAILHAUL_BENCH_DIR:-/var/tmp/mailhaul-bench}/archives

for need in "$build/src/mailhaul" "$build/tests/tools/archive_dump"; do
	[ -x "$need" ] && continue
	echo "run_archives.sh: no $need: meson setup -Dtests=true, ninja" >&2
	exit 69
done
mkdir -p "$dir/bin/src" "$dir/bin/tests/tools"
libraries="openssl sqlite3 zlib jansson libcurl gmime-3.0 libarchive"
for more in libsecret-1 libseccomp libqrencode; do
	if pkg-config --exists $more; then
		libraries="$libraries $more"
	fi
done
# A copy: a build beside the bench must not change what is measured.
cp "$build/src/mailhaul" "$dir/bin/src/"
cp "$build/tests/tools/archive_dump" "$dir/bin/tests/tools/"
flags="-std=gnu17 -D_GNU_SOURCE -O2 -Wall -Wextra -Wno-unused-parameter"
# shellcheck disable=SC2086
{
	gcc $flags -o "$dir/bin/hash_files" "$here/hash_files.c" -lcrypto
	gcc $flags -o "$dir/bin/unpack" "$here/unpack.c" -larchive
	gcc $flags -I"$top/include" -I"$top/src" -o "$dir/bin/sandbox_price" \
		"$here/sandbox_price.c" "$build/src/libmailhaul.a" \
		$(pkg-config --libs $libraries) -letpan -lpthread
}
export PYTHONDONTWRITEBYTECODE=1
script=archives.py
if [ "${1:-}" = --pst ]; then
	script=pst.py
	shift
fi
exec /usr/bin/python3 "$here/$script" --dir "$dir" "$@"
