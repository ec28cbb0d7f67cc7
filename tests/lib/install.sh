# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by tests/run.sh and examples/quickstart.sh: installs Debian
# packages that are missing, without taking one away and without starting a
# service.
#
#   install_missing "$BUILD_PACKAGES" "$SERVER_PACKAGES"

# shellcheck disable=SC2034 # the two callers use these lists
BUILD_PACKAGES="gcc libc6-dev meson ninja-build pkg-config libssl-dev
	libsqlite3-dev zlib1g-dev libjansson-dev libetpan-dev libcmocka-dev
	libcurl4-gnutls-dev libgmime-3.0-dev libqrencode-dev libsecret-1-dev
	libarchive-dev libseccomp-dev"
SERVER_PACKAGES="dovecot-imapd openssl ca-certificates python3
	python3-cryptography python3-h2"
TEST_PACKAGES="python3-pytest clang clang-format clang-tidy
	libclang-rt-dev binutils sqlite3 git p7zip-full
	pst-utils pff-tools"

say() {
	printf '%s\n' "$*"
}

is_installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Runs a command as root: as it is, or by sudo, which asks.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null 2>&1; then
		sudo "$@"
	else
		say "This needs the administrator. There is no sudo here; please" \
			"run as root: $*" >&2
		return 1
	fi
}

# As root. apt-get asks policy-rc.d before it starts a service; 101 means
# no. What was there before comes back, whatever happens in between.
# shellcheck disable=SC2016 # for another shell
QUIET_INSTALL='
policy=/usr/sbin/policy-rc.d
saved=
restore() {
	rm -f "$policy"
	if [ -n "$saved" ]; then mv "$saved" "$policy"; fi
}
if [ -e "$policy" ] || [ -L "$policy" ]; then
	saved=$policy.before-mailhaul
	mv "$policy" "$saved" || exit 1
fi
trap restore EXIT
trap "exit 130" INT TERM HUP
printf "#!/bin/sh\nexit 101\n" >"$policy" && chmod 755 "$policy" || exit 1
export DEBIAN_FRONTEND=noninteractive
apt-get install -y --no-remove --no-install-recommends "$@"
'

# A service that came with a package of ours would start at the next boot.
keep_from_boot() {
	if [ -x /usr/sbin/update-rc.d ]; then
		as_root /usr/sbin/update-rc.d "$1" disable >/dev/null 2>&1 || true
	fi
}

explain_failure() {
	say "" >&2
	say "Some packages could not be installed; nothing was removed for" \
		"them. apt-get's own words stand above." >&2
	if is_installed libcurl4-openssl-dev; then
		say "The likely cause: libetpan-dev needs libcurl4-gnutls-dev," \
			"and that can't stand beside libcurl4-openssl-dev, which is" \
			"installed here. If nothing else on this machine is built" \
			"with it, this exchanges the two, and then all goes on:" >&2
		say "    sudo apt-get install libcurl4-gnutls-dev" >&2
	else
		say "If the machine has no network or its package lists are old," \
			"this helps: sudo apt-get update" >&2
	fi
}

install_missing() {
	local missing="" package had_dovecot=no
	# shellcheck disable=SC2048 # each argument is a list of names
	for package in $*; do
		is_installed "$package" || missing="$missing $package"
	done
	[ -n "$missing" ] || return 0
	if ! command -v apt-get >/dev/null 2>&1; then
		say "These Debian packages are missing, and this is no Debian:" \
			"$missing" >&2
		return 1
	fi
	is_installed dovecot-core && had_dovecot=yes
	say "Installing what is missing:$missing"
	[ "$(id -u)" -eq 0 ] || say "(the administrator's password may be asked)"
	# shellcheck disable=SC2086 # a list of names
	if ! as_root sh -c "$QUIET_INSTALL" install $missing; then
		as_root apt-get update || true
		# shellcheck disable=SC2086
		if ! as_root sh -c "$QUIET_INSTALL" install $missing; then
			explain_failure
			return 1
		fi
	fi
	if [ "$had_dovecot" = no ] && is_installed dovecot-core; then
		keep_from_boot dovecot
	fi
}
