#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds every fuzz target with AddressSanitizer and UBSan and lets each run
# for a while, from a few seeds made here.
#
#   ./tests/fuzz/run.sh [SECONDS [TARGET...]]     60 seconds each, all targets
#
# Needs clang. Seeds come from examples/, and from the samples in
# $MAILHAUL_SHARED/corpora where those are. $BUILD (build-fuzz) holds the
# build, the inputs found so far (they are used again) and, in findings/, what
# makes a target fail; the last line says what ran. Fails on a finding.
set -u
cd "$(dirname "$0")/../.." || exit 1
seconds=${1:-60}
[ $# -eq 0 ] || shift
case $seconds in
'' | *[!0-9]*)
	sed -n '6p' tests/fuzz/run.sh >&2
	exit 64
	;;
esac
BUILD=${BUILD:-build-fuzz}
SAMPLES=${MAILHAUL_SHARED:-../shared}/corpora
LARGEST=65536

if [ $# -gt 0 ]; then
	targets=("$@")
else
	targets=()
	for file in tests/fuzz/fuzz_*.c; do
		name=${file##*/fuzz_}
		targets+=("${name%.c}")
	done
fi

build() {
	if [ ! -f "$BUILD/build.ninja" ]; then
		CC=clang meson setup "$BUILD" --werror -Dfuzz=true \
			-Db_sanitize=address,undefined -Db_lundef=false || return 1
	fi
	ninja -C "$BUILD" "${targets[@]/#/tests/fuzz/fuzz_}"
}

# At most $2 small files below the folders $3...: copied to folder $1.
pick() {
	local to=$1 most=$2
	shift 2
	find "$@" -type f -size "-$((LARGEST / 1024))k" -print0 2>/dev/null |
		sort -z | awk -v RS='\0' -v ORS='\0' -v most="$most" '
			{ all[NR] = $0 }
			END {
				step = NR > most ? NR / most : 1
				for (i = 0; int(i * step) < NR; i++)
					print all[int(i * step) + 1]
			}' |
		while IFS= read -r -d '' file; do
			cp "$file" "$to/$(sha1sum <"$file" | cut -c1-16)"
		done
}

seed_csv() {
	local file first
	for file in examples/*.csv; do
		for first in 0 1 2 3; do
			{
				printf '%b' "\\x0$first"
				cat "$file"
			} >"$1/${file##*/}-$first"
		done
	done
	printf '\1user,name,to-password,since\nada,Ada,"p,""w",2020-01-31\n' \
		>"$1/template"
	printf '\2from;to;exclude\nimaps://a%%40b@h;maildir:x;"A|B*"\n' \
		>"$1/semicolon"
}

seed_message() {
	pick "$1" 20 examples/sample
	pick "$1" 60 "$SAMPLES/mail"
	pick "$1" 200 "$SAMPLES/mime"
}
seed_fingerprint() { seed_message "$1"; }
seed_repair() { seed_message "$1"; }
seed_graph_mail() { seed_message "$1"; }

seed_mbox() {
	local file
	for file in examples/sample/*/*; do
		printf 'From ada@example.org Thu Jan  1 00:00:00 2026\n'
		cat "$file"
		printf '\n'
	done | head -c $((LARGEST / 2)) >"$1/sample"
	printf 'From a Thu Jan  1 00:00:00 2026\nX-Status: AF\n%s\n\n' \
		$'Status: RO\nContent-Length: 3\n\nx\n>From y' >"$1/made"
	pick "$1" 60 "$SAMPLES/mbox" "$SAMPLES/mime"
}

seed_imap_reply() {
	local n=0 line
	while IFS= read -r line; do
		n=$((n + 1))
		printf '%b%b\r\nT0 OK done\r\nT1 NO [INUSE] x\r\nT2 BAD y\r\n' \
			"\\x0$((n % 2))" "$line" >"$1/$n"
	done <<-'LINES'
	* OK [CAPABILITY IMAP4rev1 LITERAL+ UIDPLUS AUTH=PLAIN] ready
	* LIST (\\HasNoChildren \\Sent) "/" "Sent &AOk-"
	* LIST () "." {3}\r\na\\b
	* NAMESPACE (("" "/")) (("~" "/")) NIL
	* STATUS INBOX (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 7 SIZE 99)
	* SEARCH 1 2 3 9
	* ESEARCH (TAG "T0") UID ALL 1:3,9 COUNT 4
	* OK [PERMANENTFLAGS (\\Seen $Forwarded \\*)] ok\r\n* FLAGS (\\Seen)
	* OK [UIDVALIDITY 7] x\r\n* OK [HIGHESTMODSEQ 5] x\r\n* 3 EXISTS
	* 1 FETCH (UID 7 FLAGS (\\Seen work) RFC822.SIZE 5 BODY[] {5}\r\na\r\nbc)
	* 2 FETCH (UID 8 INTERNALDATE " 1-Jan-2026 00:00:00 +0100" MODSEQ (9))
	* 3 FETCH (UID 9 BODY[]<0> ~{4}\r\na\0bc BODY[HEADER] NIL BODY[] "x")
	* OK [APPENDUID 7 1:3] x\r\n* OK [COPYUID 7 1,2 3:4] x
	+ go on\r\n* BYE [UNAVAILABLE] later
	* NO [OVERQUOTA] full\r\n* NO [ALERT] [THROTTLED] wait 5 seconds
	LINES
}

seed_utf7() {
	printf 'INBOX' >"$1/1"
	printf 'Entw&APw-rfe' >"$1/2"
	printf '&U,BTFw-/&ZeVnLIqe-' >"$1/3"
	printf 'A &- B' >"$1/4"
	printf '&2D3eAA-' >"$1/5"
	printf 'Entw\303\274rfe \360\237\230\200 & \\"' >"$1/6"
}

# What a target has tried, from its log.
tried() {
	sed -n 's/^stat::number_of_executed_units: *//p' "$1"
}

run() {
	local name=$1 work=$BUILD/fuzz/$1 log=$BUILD/fuzz/$1.log count
	mkdir -p "$work/seeds" "$work/found" "$BUILD/findings"
	"seed_$name" "$work/seeds"
	if "$BUILD/tests/fuzz/fuzz_$name" -max_total_time="$seconds" \
		-timeout=20 -rss_limit_mb=2048 -max_len=$LARGEST \
		-print_final_stats=1 \
		-artifact_prefix="$BUILD/findings/$name-" \
		"$work/found" "$work/seeds" >"$log" 2>&1; then
		count=$(tried "$log")
		inputs=$((inputs + ${count:-0}))
		printf 'ok: %s, %s inputs\n' "$name" "${count:-?}"
	else
		findings=$((findings + 1))
		grep -E '^==|SUMMARY|runtime error|Test unit' "$log" ||
			tail -n 20 "$log"
		printf 'FOUND: %s, see %s and %s/findings\n' "$name" "$log" \
			"$BUILD"
	fi
}

for name in "${targets[@]}"; do
	if [ ! -f "tests/fuzz/fuzz_$name.c" ] ||
		! declare -F "seed_$name" >/dev/null; then
		printf 'There is no target %s, or no seeds for it.\n' "$name" >&2
		exit 64
	fi
done
build || exit 1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
inputs=0 findings=0
for name in "${targets[@]}"; do
	run "$name"
done
printf '%d targets, %d seconds each, %d inputs, %d with findings\n' \
	"${#targets[@]}" "$seconds" "$inputs" "$findings"
[ "$findings" -eq 0 ]
