#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Shows on this machine, with invented mail, what mailhaul does: moves a
# sample archive into a Maildir, then from a mail server into a practice
# tenant of Microsoft 365, by IMAP and by Graph; is interrupted on the way,
# goes on, is joined by a file that comes later, and proves that nothing is
# lost. Your own mail is not touched, and nothing leaves this machine.
#
#   ./examples/quickstart.sh
#   MAILHAUL_QUICKSTART=/some/folder ./examples/quickstart.sh
set -eu
cd "$(dirname "$0")/.."
. tests/lib/install.sh

WORK=${MAILHAUL_QUICKSTART:-$HOME/mailhaul-quickstart}
MARK=$WORK/.made-by-mailhaul-quickstart
SERVERS=""
PIDS=""
PATH=$PATH:/usr/sbin:/sbin

step=0
tell() {
	step=$((step + 1))
	printf '\n--- %d. %s\n' "$step" "$1"
	shift
	[ $# -eq 0 ] || printf '%s\n' "$@" | fold -s -w 78
}

fail() {
	printf '\nThis did not work: %s\n' "$1" | fold -s -w 78 >&2
	exit 1
}

cleanup() {
	local status=$? pid
	for pid in $PIDS; do
		kill "$pid" 2>/dev/null || true
	done
	for pid in $PIDS; do
		wait "$pid" 2>/dev/null || true
	done
	[ -z "$SERVERS" ] || rm -rf "$SERVERS"
	if [ "$status" -ne 0 ]; then
		printf '\nThe quickstart stopped early (exit %d).' "$status" >&2
		printf ' Nothing outside %s was changed.\n' "$WORK" >&2
	fi
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

fresh_folder() {
	if [ -e "$WORK" ] && [ ! -e "$MARK" ] &&
		[ -n "$(ls -A "$WORK" 2>/dev/null)" ]; then
		fail "$WORK is there already and holds other things. Please \
name another folder: MAILHAUL_QUICKSTART=/some/folder $0"
	fi
	mkdir -p "$WORK"
	chmod 700 "$WORK"
	touch "$MARK"
	rm -rf "$WORK/sample" "$WORK/maildir" "$WORK/new-server-mail" \
		"$WORK/new-mailbox" "$WORK/tls" "$WORK/password" "$WORK/secret" \
		"$WORK/tenant" "$WORK/state" "$WORK/mailhaul.db" \
		"$WORK/report.csv" "$WORK/contacts-and-calendar" \
		"$WORK/mailhaul.db-wal" "$WORK/mailhaul.db-shm"
}

build() {
	if [ ! -f build/build.ninja ]; then
		meson setup build -Dbuildtype=debugoptimized \
			>"$WORK/build.log" 2>&1 || {
			tail -n 20 "$WORK/build.log" >&2
			fail "mailhaul could not be configured (see $WORK/build.log)."
		}
	fi
	ninja -C build src/mailhaul >>"$WORK/build.log" 2>&1 || {
		tail -n 20 "$WORK/build.log" >&2
		fail "mailhaul could not be built (see $WORK/build.log)."
	}
	MAILHAUL=$PWD/build/src/mailhaul
	[ -x "$MAILHAUL" ] || fail "the program is not where it should be."
}

# git keeps no file dates; a message's date of arrival is in its file name.
unpack_sample() {
	local file name
	cp -r examples/sample "$WORK/sample"
	find "$WORK/sample" -type f | while IFS= read -r file; do
		name=${file##*/}
		touch -d "@${name%%.*}" "$file"
	done
	find "$WORK/sample" \( -name cur -o -name new \) -type d |
		while IFS= read -r file; do
			mkdir -p "${file%/*}/cur" "${file%/*}/new" "${file%/*}/tmp"
		done
}

make_certificates() {
	mkdir -p "$WORK/tls"
	cat >"$WORK/tls/server.cnf" <<-'END'
		basicConstraints = critical,CA:false
		extendedKeyUsage = serverAuth
		subjectAltName = DNS:localhost,IP:127.0.0.1
	END
	(
		cd "$WORK/tls"
		openssl req -x509 -newkey rsa:2048 -nodes -days 30 \
			-subj "/CN=mailhaul quickstart authority" \
			-addext "basicConstraints=critical,CA:true" \
			-addext "keyUsage=critical,keyCertSign,cRLSign" \
			-keyout ca.key -out ca.pem
		openssl req -newkey rsa:2048 -nodes -subj /CN=localhost \
			-keyout server.key -out server.csr
		openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key \
			-CAcreateserial -days 30 -extfile server.cnf -out server.pem
	) >"$WORK/tls/openssl.log" 2>&1 ||
		fail "no certificate could be made (see $WORK/tls/openssl.log)."
}

free_port() {
	local port
	while :; do
		port=$((20000 + RANDOM % 30000))
		if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
			echo "$port"
			return
		fi
	done
}

# A private Dovecot: own folder, own port, only on this machine. Mail never
# belongs to root, so as root it is nobody's.
start_server() { # name port
	local home=$SERVERS/$1 uid gid lines="" tries=0
	uid=$(id -u) gid=$(id -g)
	if [ "$uid" -eq 0 ]; then
		uid=$(id -u nobody) gid=$(id -g nobody)
		chown -R "$uid:$gid" "$home/mail"
	else
		lines="default_internal_user = $(id -un)
default_internal_group = $(id -gn)
default_login_user = $(id -un)"
	fi
	cat >"$home/dovecot.conf" <<-END
		protocols = imap
		listen = 127.0.0.1
		base_dir = $home/run
		state_dir = $home/state
		log_path = $home/log
		instance_name = mailhaul-quickstart-$1
		first_valid_uid = 1
		first_valid_gid = 1
		mail_location = maildir:~/Maildir
		ssl = required
		ssl_cert = <$WORK/tls/server.pem
		ssl_key = <$WORK/tls/server.key
		passdb {
		  driver = static
		  args = password=$(cat "$WORK/password")
		}
		userdb {
		  driver = static
		  args = uid=$uid gid=$gid home=$home/mail/%u
		}
		namespace inbox {
		  inbox = yes
		  separator = /
		}
		service imap-login {
		  chroot =
		  inet_listener imap {
		    port = 0
		  }
		  inet_listener imaps {
		    port = $2
		    ssl = yes
		  }
		}
		service anvil {
		  chroot =
		}
		service stats {
		  chroot =
		}
		$lines
	END
	dovecot -F -c "$home/dovecot.conf" >"$home/out" 2>&1 &
	PIDS="$PIDS $!"
	while ! (exec 3<>"/dev/tcp/127.0.0.1/$2") 2>/dev/null; do
		tries=$((tries + 1))
		if [ $tries -gt 100 ]; then
			cat "$home/out" "$home/log" >&2 2>/dev/null || true
			fail "the mail server for the demonstration did not start."
		fi
		sleep 0.1
	done
}

count_messages() { # Maildir
	(cd "$1" 2>/dev/null && find . -type f \
		\( -path '*/cur/*' -o -path '*/new/*' \)) | wc -l
}

# Microsoft 365 as it can be had on one machine: sign-in, IMAP and Graph. It
# approves the sign-in of ann by itself, where else a person types a code.
start_tenant() {
	local tries=0
	mkdir -p "$WORK/tenant"
	./tests/practice/tenant --dir "$WORK/tenant" --device auto:ann:1 \
		--device-interval 1 --latency-ms 30 >"$WORK/tenant/out" 2>&1 &
	PIDS="$PIDS $!"
	while [ ! -e "$WORK/tenant/tenant.json" ]; do
		tries=$((tries + 1))
		if [ $tries -gt 200 ]; then
			cat "$WORK/tenant/out" >&2
			fail "the practice tenant did not start."
		fi
		sleep 0.1
	done
	MAILHAUL_LOGIN_URL=$(tenant_is login_url)
	MAILHAUL_GRAPH_URL=$(tenant_is graph_url)
	MAILHAUL_M365_IMAP=$(tenant_is imap)
	MAILHAUL_CLIENT_ID=$(tenant_is client_id)
	export MAILHAUL_LOGIN_URL MAILHAUL_GRAPH_URL MAILHAUL_M365_IMAP \
		MAILHAUL_CLIENT_ID
	# Not among your own sign-ins.
	export XDG_STATE_HOME=$WORK/state MAILHAUL_KEYRING=no
}

tenant_is() {
	/usr/bin/python3 -c 'import json, sys
print(json.load(open(sys.argv[1]))[sys.argv[2]])' \
		"$WORK/tenant/tenant.json" "$1"
}

# Messages in a mailbox of the tenant; "export DIR" writes all of it there.
tenant_holds() { # address
	/usr/bin/python3 -c 'import json, sys, urllib.request
with urllib.request.urlopen(sys.argv[1] + "/state") as answer:
    boxes = json.load(answer)["mailboxes"]
print(sum(f["messages"] for b in boxes if b["address"] == sys.argv[2]
          for f in b["folders"]))' "$(tenant_is control_url)" "$1"
}

tenant_export() { # folder
	/usr/bin/python3 -c 'import json, sys, urllib.request
urllib.request.urlopen(sys.argv[1] + "/export",
                       json.dumps({"dir": sys.argv[2]}).encode())' \
		"$(tenant_is control_url)" "$1"
}

tell "Installing what is missing, and building mailhaul" \
	"Nothing is removed, and no service is started. The first time this \
takes a minute or two."
install_missing "$BUILD_PACKAGES" "$SERVER_PACKAGES"
fresh_folder
build
export MAILHAUL_STORE=$WORK/mailhaul.db
unpack_sample
total=$(count_messages "$WORK/sample")

tell "An archive becomes a Maildir" \
	"$total invented messages: several folders and languages, attachments, \
drafts, a message that is there twice. The archive itself is only read."
"$MAILHAUL" copy "maildir:$WORK/sample" "maildir:$WORK/maildir"

tell "An old mail server, and Microsoft 365 to practise with" \
	"Both run on this machine only, encrypted, and end with this script. \
The old server holds the mail; the mailboxes of ann and bob in the practice \
tenant contoso.com are empty."
umask 077
(LC_ALL=C tr -dc 'a-zA-Z0-9' </dev/urandom || true) | head -c 20 \
	>"$WORK/password"
make_certificates
SERVERS=$(mktemp -d /tmp/mailhaul-qs.XXXXXX)
chmod 755 "$SERVERS"
mkdir -p "$SERVERS/old/mail/owner"
chmod 755 "$SERVERS/old" "$SERVERS/old/mail"
cp -a "$WORK/maildir" "$SERVERS/old/mail/owner/Maildir"
old_port=$(free_port)
start_server old "$old_port"
start_tenant
cat "$WORK/tls/ca.pem" "$WORK/tenant/ca.pem" >"$WORK/tls/both.pem"
old="imaps://owner@localhost:$old_port"
options=(--ca-file "$WORK/tls/both.pem" --from-password-file "$WORK/password")

tell "Ann signs in" \
	"On a page of Microsoft's, with a code; mailhaul never sees her \
password. Here the practice tenant plays her part, so just watch."
"$MAILHAUL" login contoso.com --account ann@contoso.com \
	--ca-file "$WORK/tls/both.pem"

tell "What can be known before"
"$MAILHAUL" add "$old" m365:ann@contoso.com "${options[@]}" --name ann
"$MAILHAUL" check ann

tell "The move begins, and is interrupted" \
	"mailhaul moves the mail slowly now (--rate), so that there is time to \
kill it in the middle of its work, as a power cut would."
"$MAILHAUL" copy "$old" m365:ann@contoso.com "${options[@]}" --lanes 1 \
	--rate 20K &
mover=$!
PIDS="$PIDS $mover"
for _ in $(seq 300); do
	[ "$(tenant_holds ann@contoso.com)" -lt 5 ] || break
	kill -0 "$mover" 2>/dev/null || break
	sleep 0.1
done
if kill -9 "$mover" 2>/dev/null; then
	wait "$mover" 2>/dev/null || true
	printf '\nKilled. %d of %d messages had arrived.\n' \
		"$(tenant_holds ann@contoso.com)" "$total"
else
	wait "$mover" || true
	printf '\n(It was done before it could be killed.)\n'
fi

tell "It goes on" \
	"The same command again, or 'mailhaul run': what has arrived is not \
sent a second time, what was in doubt is looked up at Microsoft 365."
"$MAILHAUL" copy "$old" m365:ann@contoso.com "${options[@]}" --rate 100M

tell "The proof" \
	"Every message is read back from Microsoft 365 and compared with what \
was sent."
"$MAILHAUL" verify --deep ann
now=$(tenant_holds ann@contoso.com)
[ "$now" -eq "$total" ] ||
	fail "$now messages have arrived and not $total."

tell "Three weeks later a file comes" \
	"An export of the same mailbox from Google Takeout, zipped, has five \
messages that the old server had lost. It joins ann's mailbox: what is there \
already is recognised, whatever the export made of it, and only the gaps are \
filled. 'plan' shows it before anything is written."
"$MAILHAUL" add examples/archives/takeout.zip m365:ann@contoso.com \
	--ca-file "$WORK/tls/both.pem" --name ann-takeout
"$MAILHAUL" plan ann-takeout
"$MAILHAUL" run ann-takeout
"$MAILHAUL" verify ann ann-takeout
now=$(tenant_holds ann@contoso.com)
[ "$now" -eq $((total + 5)) ] ||
	fail "$now messages are there now and not $((total + 5))."

tell "And the cache of Outlook on ann's old PC" \
	"An .ost file. 'plan' alone tells what is in it; what is no mail is \
saved as files; two messages were nowhere else."
"$MAILHAUL" plan examples/archives/ann.ost
"$MAILHAUL" add examples/archives/ann.ost m365:ann@contoso.com \
	--ca-file "$WORK/tls/both.pem" --name ann-ost
"$MAILHAUL" run ann-ost --items "$WORK/contacts-and-calendar"
"$MAILHAUL" verify ann ann-takeout ann-ost
now=$(tenant_holds ann@contoso.com)
[ "$now" -eq $((total + 7)) ] ||
	fail "$now messages are there now and not $((total + 7))."
"$MAILHAUL" report ann ann-takeout ann-ost --csv "$WORK/report.csv"

tell "The same mail for bob, by Graph" \
	"Bob's mailbox has IMAP switched off, so mailhaul goes by Graph, and \
as an app with a secret instead of a person. Graph rebuilds messages from \
their parts; what a reader could miss is told as a note."
printf 'practice-secret\n' >"$WORK/secret"
/usr/bin/python3 -c 'import json, sys, urllib.request
urllib.request.urlopen(sys.argv[1] + "/mailbox", json.dumps({
    "address": "bob@contoso.com", "imap_enabled": False}).encode())' \
	"$(tenant_is control_url)"
# The first refusal of IMAP may be a passing one; here it need not be waited
# for.
MAILHAUL_TEST_BACKOFF_MS=100 "$MAILHAUL" copy "$old" m365:bob@contoso.com \
	"${options[@]}" --name bob --client-secret-file "$WORK/secret"
"$MAILHAUL" problems bob
now=$(tenant_holds bob@contoso.com)
[ "$now" -eq "$total" ] ||
	fail "$now messages have arrived and not $total."
"$MAILHAUL" status

tell "Where the mail is"
tenant_export "$WORK/new-mailbox"
for pid in $PIDS; do
	kill "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
done
PIDS=""
cat <<END
The archive as it was           $WORK/sample
As a Maildir                    $WORK/maildir
As the practice tenant had it   $WORK/new-mailbox/mailboxes
The job store                   $WORK/mailhaul.db
What became of each message     $WORK/report.csv
Contacts and calendar           $WORK/contacts-and-calendar

All $total messages arrived in both mailboxes, each exactly once, and seven
more from the two files. A small archive of every kind is in examples/archives.
To move your own mail to Microsoft 365, read docs/microsoft365.md; to another
server:

    $MAILHAUL copy imaps://you%40example.com@OLD-SERVER \\
        imaps://you@NEW-SERVER

It asks for the passwords, never changes the old mailbox, and may be
interrupted at any moment. docs/guide-owner.md tells more.
To be rid of this demonstration: rm -r $WORK
END
