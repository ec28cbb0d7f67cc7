/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err.h - what went wrong, how far it reaches and what helps.
 *
 * The lowest layer that understands a failure fills the struct; every layer
 * above passes it up unchanged. A function that can fail takes a
 * struct err * as its last argument and returns 0 or -1; it leaves the
 * struct alone on success. err_set() returns -1 so that a failing function
 * can end with "return err_set(...)".
 */
#ifndef MAILHAUL_ERR_H
#define MAILHAUL_ERR_H

#include <stdbool.h>
#include <stdint.h>

/* How much is spoilt. */
enum err_reach { ERR_MESSAGE, ERR_FOLDER, ERR_ACCOUNT, ERR_RUN };

/*
 * What helps. NEXT_RETRY: again, at once or after a back-off (reconnect).
 * NEXT_WAIT: again after wait_ms, which the other side asked for.
 * NEXT_SIGN_IN and NEXT_ASK_PERSON: a person must act (exit 3).
 * NEXT_ASK: the act may have happened; list the destination and see.
 * NEXT_GIVE_UP: trying again would end the same way.
 */
enum err_next {
	NEXT_RETRY,
	NEXT_WAIT,
	NEXT_SIGN_IN,
	NEXT_ASK_PERSON,
	NEXT_ASK,
	NEXT_GIVE_UP
};

/*
 * Stable codes: scripts and docs/errors.md know them by err_code_name().
 * X-macro: code, name.
 */
#define ERR_CODES(X)                              \
	X(EC_NONE, "none")                        \
	X(EC_USAGE, "usage")                      \
	X(EC_INPUT, "bad-input")                  \
	X(EC_INTERNAL, "internal")                \
	X(EC_MEMORY, "out-of-memory")             \
	X(EC_INTERRUPTED, "interrupted")          \
	X(EC_BUSY, "mailbox-busy")                \
	X(EC_STORE, "store")                      \
	X(EC_STORE_DAMAGED, "store-damaged")      \
	X(EC_STORE_NEWER, "store-newer")          \
	X(EC_STORE_FOREIGN, "store-not-ours")     \
	X(EC_DISK_FULL, "disk-full")              \
	X(EC_SPOOL, "spool")                      \
	X(EC_HOST_UNKNOWN, "host-unknown")        \
	X(EC_CONNECT, "connect")                  \
	X(EC_TIMEOUT, "timeout")                  \
	X(EC_TLS, "tls")                          \
	X(EC_CERT_EXPIRED, "cert-expired")        \
	X(EC_CERT_SELF_SIGNED, "cert-self-signed") \
	X(EC_CERT_NAME, "cert-name")              \
	X(EC_CERT_UNTRUSTED, "cert-untrusted")    \
	X(EC_CERT_PIN, "cert-pin")                \
	X(EC_NO_STARTTLS, "no-starttls")          \
	X(EC_PREAUTH, "preauth")                  \
	X(EC_CLEARTEXT, "cleartext-refused")      \
	X(EC_PASSWORD_MISSING, "password-missing") \
	X(EC_SIGN_IN, "sign-in-refused")          \
	X(EC_CONN_LOST, "connection-lost")        \
	X(EC_BYE, "server-bye")                   \
	X(EC_TOO_MANY, "too-many-connections")    \
	X(EC_THROTTLED, "throttled")              \
	X(EC_PROTOCOL, "protocol")                \
	X(EC_LIMIT, "answer-too-large")           \
	X(EC_SERVER_NO, "server-refused")         \
	X(EC_SERVER_BAD, "server-bad")            \
	X(EC_PERMISSION, "permission")            \
	X(EC_QUOTA, "quota-full")                 \
	X(EC_TOO_BIG, "message-too-big")          \
	X(EC_CONTENT, "content-refused")          \
	X(EC_POISON, "breaks-connection")         \
	X(EC_HOLE, "not-readable-at-source")      \
	X(EC_FOLDER_NAME, "folder-name")          \
	X(EC_FOLDER_GONE, "folder-gone")          \
	X(EC_ARCHIVE, "archive")                  \
	X(EC_DOUBLED, "arrived-twice")            \
	X(EC_CONSENT, "consent-missing")          \
	X(EC_NO_MAILBOX, "no-mailbox")            \
	X(EC_IMAP_OFF, "imap-switched-off")       \
	X(EC_NOT_FOUND, "not-found")              \
	X(EC_EXISTS, "exists")                    \
	X(EC_MOVED_ON, "source-moved-on")

enum err_code {
#define X(code, name) code,
	ERR_CODES(X)
#undef X
};

struct err {
	enum err_reach reach;
	enum err_next next;
	uint64_t wait_ms; /* with NEXT_WAIT: how long the other side asked */
	int code;         /* enum err_code */
	char text[384];   /* for the owner: what happened, what to do next */
	char detail[512]; /* for the log: the other side's words, errno */
};

/*
 * Fills e and returns -1. text is whole sentences in plain words; detail
 * is a printf format and may be "". Neither may hold a secret. Control
 * characters in the result are replaced, so that a server's words cannot
 * steer a terminal. e may be NULL (the failure is then only the -1).
 */
int err_set(struct err *e, enum err_reach reach, enum err_next next,
            enum err_code code, const char *text, const char *detail, ...)
        __attribute__((format(printf, 6, 7)));

/* As err_set, with text a printf format and no detail. */
int err_setf(struct err *e, enum err_reach reach, enum err_next next,
             enum err_code code, const char *text, ...)
        __attribute__((format(printf, 5, 6)));

/* Adds detail (printf) to what is there, as far as there is room. */
void err_detail(struct err *e, const char *detail, ...)
        __attribute__((format(printf, 2, 3)));

/* Out of memory: ERR_RUN, NEXT_GIVE_UP. */
int err_memory(struct err *e);

/* So that compilers and analysers know what these return, and see no way
 * on after a failure that is none. */
static inline int err_failed(void)
{
	return -1;
}
#define err_set(...) (err_set(__VA_ARGS__), err_failed())
#define err_setf(...) (err_setf(__VA_ARGS__), err_failed())
#define err_memory(e) (err_memory(e), err_failed())

void err_clear(struct err *e);

/* The stable name of a code, never NULL. err_code_find: -1 if unknown. */
const char *err_code_name(int code);
int err_code_find(const char *name);

#endif
