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

# A name, the size of reads, then the file.
seed_eml() {
	local file
	seed_message "$1"
	for file in "$1"/*; do
		{
			printf '\0\100'
			cat "$file"
		} >"$file.eml"
		rm "$file"
	done
	printf '\1\7%s\n%s<key>flags</key><integer>8590195717</integer>' 27 \
		$'Received: a; b\nSubject: c\n\n' >"$1/emlx"
	printf '\3\377Subject: a\n\nb\n' >"$1/maildir"
	printf '\4\1%s\n' '0 $Forwarded' '1 Work' >"$1/keywords"
}

# An mbox whose From_ lines are "@", for printf %b; the first octet is the
# size of the pieces.
made_mbox() {
	local text=~$1
	printf '%b' "${text//@/From a Thu Jan  1 00:00:00 2026\\n}"
}
seed_mbox() {
	local file
	{
		printf '~'
		for file in examples/sample/*/*; do
			printf 'From ada@example.org Thu Jan  1 00:00:00 2026\n'
			cat "$file"
			printf '\n'
		done
	} | head -c $((LARGEST / 2)) >"$1/sample"
	made_mbox '@X-Status: AF\nStatus: R\nContent-Length: 3\n\nx\n>From y\n' \
		>"$1/status"
	made_mbox '@Content-Length: 44\n\n>From x\n\n@y\n\n@A: b\n' >"$1/length"
	made_mbox '@X-Gmail-Labels: Inbox,"a, b",=?UTF-8?Q?Gr=C3=B6?=\n\n@A: b\n' \
		>"$1/labels"
	made_mbox '@A: b\n\nx\n@A: c\n\ny\n@A: d\n' >"$1/tight"
	made_mbox '@A: b\n\nFrom x\n>From y\n>>From z\n' >"$1/unquoted"
	pick "$1" 60 "$SAMPLES/mbox" "$SAMPLES/mime"
}

# Tiny archives of each kind, with an octet in front that says how to read.
seed_packed() {
	/usr/bin/python3 - "$1" <<-'PYTHON'
	import bz2, gzip, io, lzma, os, sys, tarfile, zipfile

	EML = b"From: a@example.com\nSubject: x\n\nhello\n"
	MBOX = b"From a Thu Jan  1 00:00:00 2026\n" + EML
	FILES = (("a/1.eml", EML), ("Inbox.mbox", MBOX * 2),
	         ("M/cur/1.host:2,S", EML), ("../x\\y\201", b"no mail"))


	def zipped(files, how=zipfile.ZIP_DEFLATED):
	    out = io.BytesIO()
	    with zipfile.ZipFile(out, "w", how) as z:
	        for name, octets in files:
	            z.writestr(name, octets)
	    return out.getvalue()


	def tarred(files, form):
	    out = io.BytesIO()
	    with tarfile.open(fileobj=out, mode="w", format=form) as t:
	        for name, octets in files:
	            entry = tarfile.TarInfo(name)
	            entry.size = len(octets)
	            t.addfile(entry, io.BytesIO(octets))
	        link = tarfile.TarInfo("link")
	        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
	        t.addfile(link)
	    return out.getvalue()


	tar = tarred(FILES, tarfile.USTAR_FORMAT)
	made = [zipped(FILES), zipped(FILES, zipfile.ZIP_STORED), tar,
	        zipped(FILES, zipfile.ZIP_BZIP2),
	        zipped(FILES, zipfile.ZIP_LZMA),
	        tarred(FILES, tarfile.PAX_FORMAT),
	        tarred(FILES, tarfile.GNU_FORMAT), gzip.compress(tar),
	        bz2.compress(tar), lzma.compress(tar),
	        lzma.compress(MBOX, format=lzma.FORMAT_ALONE),
	        gzip.compress(MBOX), gzip.compress(MBOX) + gzip.compress(MBOX),
	        zipped([("in.tgz", gzip.compress(tar)),
	                ("in.zip", zipped(FILES))])]
	made += [m[:len(m) * 2 // 3] for m in made]
	for number, octets in enumerate(made):
	    for first in (0xf0, 0x51, 0x02):
	        name = os.path.join(sys.argv[1], f"{number}-{first}")
	        with open(name, "wb") as f:
	            f.write(bytes([first]) + octets)
	PYTHON
}

# Small PSTs of each form, by the writer of the system tests, with an octet in
# front that says what is asked of them.
seed_pst() {
	PYTHONPATH=tests/system /usr/bin/python3 - "$1" <<-'PYTHON'
	import sys
	from harness.pst_make import (File, Message, Named, Pst, embedded, lzfu,
	                              ole, reference, rtf)

	BOB = ("Bob", "bob@example.com")
	HTML = (rb"{\rtf1\ansi\ansicpg1252\fromhtml1{\fonttbl{\f0 Arial;}}"
	        rb"{\*\htmltag64 <p>}\htmlrtf x\htmlrtf0 \'fc{\*\htmltag72 </p>}}")


	def made(**how):
	    p = Pst(compact=True, **how)
	    inbox = p.folder("In", use="inbox")
	    inbox.hidden.append(Message("h", class_="IPM.Configuration.X"))
	    p.folder("Sent", inbox, use="sent")
	    p.folder("Search", search=True)
	    inbox.add(
	        Message("\1\5Re: a", text="t", to=[BOB], keywords=["Red"],
	                attachments=[
	                    File("a b.txt", b"octets" * 20), ole("o", b"x" * 50),
	                    reference("r", "C:\\a"), File("gone", None)]),
	        Message("b", html=b"<p>\xfc", packed_rtf=lzfu(HTML), cc=[BOB],
	                attachments=[embedded(Message("c", text="in"))]),
	        Message("d", packed_rtf=lzfu(rtf("plain")), headers="To: x\r\n"),
	        Message("e", text="x" * 4000, row=False),
	        Message("f", node=False),
	        Message("g", class_="IPM.Contact", props={0x3a06001f: "Cy"}),
	        Message("h", class_="IPM.Appointment", named=[
	            Named("APPOINTMENT", 0x820d, 0x40, 1 << 57),
	            Named("APPOINTMENT", 0x820e, 0x40, 1 << 57)]),
	        Message("i", class_="REPORT.IPM.Note.NDR", text="no"),
	        Message("j", class_="IPM.Note.SMIME.MultipartSigned",
	                attachments=[File("p7m", b"Content-Type: a/b\r\n\r\nx",
	                                  "multipart/signed")]))
	    return p.octets(), p.db.leaves[0x81][-1]


	SMALL = {"per_x": 3, "per_sub": 2, "pieces": 900, "heap_page": 300,
	         "btree_most": 48}
	for n, how in enumerate([
	        {"version": 14}, {"version": 15, "crypt": 2}, {},
	        {"crypt": 0}, SMALL, {"version": 14, **SMALL},
	        {"version": 36, "crypt": 0}, {"version": 37, "zipped": False},
	        {"ost": True, "crypt": 0}]):
	    octets, page = made(**how)
	    for first in (0, 1, 2, 4):
	        with open(f"{sys.argv[1]}/{n}-{first}", "wb") as f:
	            f.write(bytes([first]) + octets)
	    with open(f"{sys.argv[1]}/{n}-cut", "wb") as f:
	        f.write(b"\0" + octets[:len(octets) * 3 // 4])
	    with open(f"{sys.argv[1]}/{n}-page", "wb") as f:
	        f.write(b"\0" + octets[:page] + bytes(512) + octets[page + 512:])
	PYTHON
}

# RTF, packed and not, with an octet in front that says which.
seed_rtf() {
	PYTHONPATH=tests/system /usr/bin/python3 - "$1" <<-'PYTHON'
	import sys
	from harness.pst_make import lzfu, rtf

	TEXTS = [
	    rtf("plain\nGr\u00fc\u00dfe \u65e5"),
	    rb"{\rtf1\ansi\ansicpg932\fromtext\deff0{\fonttbl{\f0\fcharset128 "
	    rb"MS;}{\f1\fcharset0 A;}}\f0 \'93\'fa\f1 \'fc\par\u8364\'80 x}",
	    rb"{\rtf1\ansi\fromhtml1{\*\htmltag19 <html>}{\*\mhtmltag84 <img>}"
	    rb"{\*\htmltag64 <p>}\htmlrtf {\b\htmlrtf0 a\htmlrtf }\htmlrtf0 "
	    rb"\lquote\rquote\tab\~\_\line{\*\htmltag72 </p>}}",
	    rb"{\rtf1{\pict\bin5 abcde}{\*\generator x;}{\pntext 1.}\uc2\u1234"
	    rb"ab\uc0\u-1 {\upr{a}{\*\ud b}}\trowd\cell\row{\field{\fldinst x}"
	    rb"{\fldrslt y}}\page}"]
	for n, text in enumerate(TEXTS):
	    for first in range(4):
	        octets = lzfu(text) if first & 1 else text
	        with open(f"{sys.argv[1]}/{n}-{first}", "wb") as f:
	            f.write(bytes([first]) + octets)
	with open(f"{sys.argv[1]}/mela", "wb") as f:
	    f.write(b"\1" + lzfu(TEXTS[0], packed=False))
	PYTHON
}

# A winmail.dat with a body and a file; those of the corpora.
seed_tnef() {
	local file
	pick "$1" 40 "$SAMPLES/tnef"
	for file in "$1"/*; do
		[ -f "$file" ] || continue
		{ printf "\0" && cat "$file"; } >"$file.tnef"
		rm -f "$file"
	done
	/usr/bin/python3 - "$1" <<-'PYTHON'
	import struct, sys


	def attribute(level, name, octets):
	    return struct.pack("<BII", level, name, len(octets)) + octets \
	        + struct.pack("<H", sum(octets) & 0xffff)


	def text(s):
	    s = s.encode("utf-16-le") + b"\0\0"
	    return struct.pack("<II", 1, len(s)) + s + bytes(-len(s) % 4)


	props = struct.pack("<I", 3) + struct.pack("<HH", 0x1f, 0x37) \
	    + text("subject") + struct.pack("<HHI", 3, 0x17, 2) \
	    + struct.pack("<HH", 0x101e, 0x8000) + bytes(16) \
	    + struct.pack("<II", 0, 7) + struct.pack("<II", 1, 4) + b"abc\0"
	made = struct.pack("<IH", 0x223e9f78, 1) \
	    + attribute(1, 0x00089006, struct.pack("<I", 0x10000)) \
	    + attribute(1, 0x00069007, struct.pack("<II", 1252, 0)) \
	    + attribute(1, 0x00078008, b"IPM.Microsoft Mail.Note\0") \
	    + attribute(1, 0x0002800c, b"the body\0") \
	    + attribute(1, 0x00069003, props) \
	    + attribute(2, 0x00069002, bytes(14)) \
	    + attribute(2, 0x00018010, b"a.txt\0") \
	    + attribute(2, 0x0006800f, b"octets")
	for first in range(6):
	    with open(f"{sys.argv[1]}/made-{first}", "wb") as f:
	        f.write(bytes([first]) + made)
	PYTHON
}

# Records as a child sends them (src/reader/wire.h): a folder, a message and
# its end, something else.
seed_wire() {
	/usr/bin/python3 - "$1" <<-'END'
	import struct, sys
	def text(t):
	    t = t.encode()
	    return struct.pack("<I", len(t)) + t
	def record(kind, *parts):
	    p = b"".join(struct.pack("<Q", x) if isinstance(x, int) else x
	                 for x in parts)
	    return struct.pack("<BI", kind, len(p)) + p
	none = struct.pack("<I", 0xffffffff)
	folder = record(66, 1, 7, 9, text("Mail/in.mbox"), text("INBOX"))
	item = record(67, 65537, 90, 3, 1, 1700000000, 720, text("a.eml"),
	              text("work"))
	bare = record(67, 2, 0, 0, 0, 0, 0, none, none)
	end = record(69, 90, none)
	hole = record(69, 0, text("It ends in the middle."))
	other = record(70, text("a.ics"), text("a calendar"))
	for n, seed in enumerate([folder, item, bare, end, hole, other,
	                          record(71, text("a"), 5), record(74),
	                          record(65, 6, 1, 1, 1),
	                          folder + item + record(68, b"x\r\n") + end]):
	    open(f"{sys.argv[1]}/{n}", "wb").write(seed)
	END
}

seed_labels() {
	printf 'Inbox,Unread' >"$1/1"
	printf '=?UTF-8?Q?Gr=C3=B6=C3=9Fe?=,"a, b",Starred' >"$1/2"
	printf 'Posteingang,Gelesen,\r\n Wichtig,Arbeit/Kunden' >"$1/3"
	printf '=?utf-8?B?w4RrdGVu?= =?utf-8?Q?,x_y?=,IMAP_$Forwarded' >"$1/4"
}

seed_maildir() {
	local file n=0
	for file in examples/sample/*/* examples/sample/.*/cur/*; do
		n=$((n + 1))
		printf '%s\n0 $Forwarded\n1 work\n' "${file##*/}" >"$1/$n"
	done
	printf '1.M2P3.h,S=10,W=10:2,FSabz\n25 z\n26 no\n0 a b\n' >"$1/s"
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
		-timeout=60 -rss_limit_mb=2048 -max_len=$LARGEST \
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
