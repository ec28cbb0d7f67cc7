/* SPDX-License-Identifier: Apache-2.0 */
/*
 * account.h - one end of a move: where it is, and how to sign in.
 *
 * account_parse() reads a locator of the command line; nothing of it
 * touches the network or a file. Passwords are not in here: secret_fn
 * finds them when a driver signs in.
 */
#ifndef MAILHAUL_ACCOUNT_H
#define MAILHAUL_ACCOUNT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mailhaul/err.h"

enum account_kind {
	KIND_IMAPS,          /* implicit TLS */
	KIND_IMAP_STARTTLS,
	KIND_IMAP_CLEARTEXT,
	KIND_MBOX,
	KIND_MAILDIR,
	KIND_EML,
	KIND_PST,            /* OST, too */
	KIND_PATH,           /* an archive, kind found from content */
	KIND_M365,
	KIND_M365_IMAP,
	KIND_M365_GRAPH
};

/*
 * Writes the password into *out (malloc'd, the caller wipes and frees it).
 * again: the last one was refused; a command is run again, a person asked
 * again. -1 with EC_PASSWORD_MISSING when there is none.
 */
typedef int secret_fn(void *arg, bool again, char **out, struct err *e);

/* The service asked to wait until until_ms (CLOCK_REALTIME); what says for
 * what, in plain words. until_ms 0: the wait is over. From any thread. */
typedef void waiting_fn(void *arg, const char *what, uint64_t until_ms);

struct oauth; /* src/net/oauth.h */

struct account {
	enum account_kind kind;
	bool is_from;        /* source or destination, for sentences */
	char *locator;       /* as given */
	char *user;          /* percent-decoded, or NULL */
	char *host;          /* without brackets, or NULL */
	uint16_t port;
	char *path;          /* archives and maildir: */
	/* How IMAP is spoken: kind itself, or what the cloud says for
	 * KIND_M365*. host and port are filled then by account_cloud(). */
	enum account_kind imap_kind;
	/* Set by the caller before open; borrowed. */
	const char *ca_file; /* added to the system's roots, or NULL */
	const char *pin;     /* SHA-256 of the certificate in hex, or NULL */
	bool allow_cleartext;
	bool compress;       /* use COMPRESS=DEFLATE where offered */
	const char *spool_dir;
	size_t body_limit;   /* octets of one body kept in memory */
	bool unpack_winmail; /* the files in a winmail.dat of a PST */
	secret_fn *secret;
	void *secret_arg;
	/* Microsoft 365: who gives tokens, and Graph's root; borrowed. */
	struct oauth *oauth;
	const char *tenant, *client_id;
	const char *graph_url;
	/* Set by the engine; a cancelled account's calls return soon. */
	const atomic_int *cancel; /* non-zero: stop waiting, EC_INTERRUPTED */
	waiting_fn *waiting;      /* or NULL */
	void *waiting_arg;
};

/* EC_INPUT with a sentence that names the mistake (exit 65). */
int account_parse(struct account *a, const char *locator, bool is_from,
                  struct err *e);
void account_release(struct account *a);
/* IMAP is what it speaks: imap kinds, and KIND_M365_IMAP. */
bool account_is_imap(const struct account *a);
bool account_is_m365(const struct account *a);
/* Fills host, port and imap_kind of a Microsoft 365 account from an imap
 * locator without user ("imaps://outlook.office365.com:993"). */
int account_cloud(struct account *a, const char *imap_locator,
                  struct err *e);
/* True if both mean the same mailbox: refused as FROM and TO. */
bool account_same(const struct account *a, const struct account *b);
/* The same text for all locators of one mailbox, for comparing and as the
 * store's to_key. Paths are resolved (realpath). malloc'd, NULL: memory. */
char *account_key(const struct account *a);
/* A short name for people: user, or the last part of the path. malloc'd. */
char *account_name(const struct account *a);

#endif
