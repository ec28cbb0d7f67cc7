#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Shows on this machine, with invented mail, what mailhaul does: moves a
# sample archive into a Maildir, then by IMAP from one mail server to
# another; is interrupted on the way, goes on, and proves that nothing is
# lost. Your own mail is not touched.
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
		"$WORK/tls" "$WORK/password" "$WORK/mailhaul.db" \
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

tell "Two mail servers of our own" \
	"They run on this machine only, encrypted, and end with this script. \
The old one holds the mail; the new one is empty."
umask 077
(LC_ALL=C tr -dc 'a-zA-Z0-9' </dev/urandom || true) | head -c 20 \
	>"$WORK/password"
make_certificates
SERVERS=$(mktemp -d /tmp/mailhaul-qs.XXXXXX)
chmod 755 "$SERVERS"
for name in old new; do
	mkdir -p "$SERVERS/$name/mail/owner"
	chmod 755 "$SERVERS/$name" "$SERVERS/$name/mail"
done
cp -a "$WORK/maildir" "$SERVERS/old/mail/owner/Maildir"
old_port=$(free_port)
start_server old "$old_port"
new_port=$(free_port)
start_server new "$new_port"
old="imaps://owner@localhost:$old_port"
new="imaps://owner@localhost:$new_port"
options=(--ca-file "$WORK/tls/ca.pem"
	--from-password-file "$WORK/password"
	--to-password-file "$WORK/password")
arrived=$SERVERS/new/mail/owner/Maildir

tell "The move begins, and is interrupted" \
	"mailhaul moves the mail slowly now (--rate), so that there is time to \
kill it in the middle of its work, as a power cut would."
"$MAILHAUL" copy "$old" "$new" "${options[@]}" --lanes 1 --rate 20K &
mover=$!
PIDS="$PIDS $mover"
for _ in $(seq 600); do
	[ "$(count_messages "$arrived")" -lt 5 ] || break
	kill -0 "$mover" 2>/dev/null || break
	sleep 0.1
done
if kill -9 "$mover" 2>/dev/null; then
	wait "$mover" 2>/dev/null || true
	printf '\nKilled. %d of %d messages had arrived.\n' \
		"$(count_messages "$arrived")" "$total"
else
	wait "$mover" || true
	printf '\n(It was done before it could be killed.)\n'
fi

tell "It goes on" \
	"The same command again, or 'mailhaul run': what has arrived is not \
sent a second time, what was in doubt is looked up at the new server."
"$MAILHAUL" copy "$old" "$new" "${options[@]}" --rate 100M

tell "The proof" \
	"Every message is read back from the new server and compared with what \
was sent."
"$MAILHAUL" verify --deep
"$MAILHAUL" status
now=$(count_messages "$arrived")
[ "$now" -eq "$total" ] ||
	fail "$now messages have arrived and not $total."

tell "Where the mail is"
for pid in $PIDS; do
	kill "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
done
PIDS=""
cp -a "$arrived" "$WORK/new-server-mail"
if [ "$(id -u)" -eq 0 ]; then
	chown -R 0:0 "$WORK/new-server-mail"
fi
cat <<END
The archive as it was      $WORK/sample
As a Maildir               $WORK/maildir
As the new server had it   $WORK/new-server-mail
The job store              $WORK/mailhaul.db

All $total messages arrived, each exactly once. To move your own mail:

    $MAILHAUL copy imaps://you%40example.com@OLD-SERVER \\
        imaps://you@NEW-SERVER

It asks for the passwords, never changes the old mailbox, and may be
interrupted at any moment. docs/guide-owner.md tells more.
To be rid of this demonstration: rm -r $WORK
END
