/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imap.h - one IMAP connection: signed in, framed, never out of step.
 *
 * RFC 3501 with 2177-less subset; 2342 NAMESPACE, 4315 UIDPLUS, 3502
 * MULTIAPPEND, 7888 LITERAL+/-, 4959 SASL-IR, 4978 COMPRESS, 4731 ESEARCH,
 * 5258/5819/6154 LIST, 7162 CONDSTORE/QRESYNC, 7889 APPENDLIMIT, 8438
 * STATUS=SIZE.
 *
 * One thread uses a connection, except imap_wake(). Commands are written
 * with imap_cmd(), answers come one at a time from imap_next(); several
 * commands may be out at once. After -1 from any function the connection
 * is dead (imap_dead) and is only fit for imap_close().
 *
 * Ceilings: a line 4 MB (16 MB for SEARCH and ESEARCH), a small literal
 * 1 MB, nesting 100, a body what body_max says; sizes are 64 bit. Endless
 * or dripping answers are ended by deadlines: per read without an octet
 * (60 s), per command without its answer completing any line or body
 * progress of 1 kB in 60 s.
 */
#ifndef MAILHAUL_NET_IMAP_H
#define MAILHAUL_NET_IMAP_H

#include "mailhaul/account.h"
#include "mailhaul/mail.h"

struct imap;

enum imap_cap {
	CAP_LITERAL_PLUS = 1 << 0,
	CAP_LITERAL_MINUS = 1 << 1,
	CAP_MULTIAPPEND = 1 << 2,
	CAP_UIDPLUS = 1 << 3,
	CAP_ESEARCH = 1 << 4,
	CAP_CONDSTORE = 1 << 5,
	CAP_QRESYNC = 1 << 6,
	CAP_LIST_EXTENDED = 1 << 7,
	CAP_LIST_STATUS = 1 << 8,
	CAP_SPECIAL_USE = 1 << 9,
	CAP_CREATE_SPECIAL_USE = 1 << 10,
	CAP_NAMESPACE = 1 << 11,
	CAP_SASL_IR = 1 << 12,
	CAP_AUTH_PLAIN = 1 << 13,
	CAP_AUTH_XOAUTH2 = 1 << 14,
	CAP_LOGINDISABLED = 1 << 15,
	CAP_COMPRESS = 1 << 16,
	CAP_APPENDLIMIT = 1 << 17,
	CAP_ENABLE = 1 << 18,
	CAP_ID = 1 << 19,
	CAP_UNSELECT = 1 << 20,
	CAP_STARTTLS = 1 << 21,
	CAP_STATUS_SIZE = 1 << 22,
	CAP_MOVE = 1 << 23,
	CAP_EXCHANGE = 1 << 24 /* BACKENDAUTHENTICATE: Microsoft Exchange */
};

/*
 * Connects (every address of the host), secures, signs in (AUTHENTICATE
 * PLAIN with initial response where SASL-IR, else LOGIN with quoted string
 * or literals), learns capabilities anew after STARTTLS and sign-in,
 * switches COMPRESS on if the account wants it. PREAUTH, a missing
 * STARTTLS, LOGINDISABLED and a cleartext host that is not loopback are
 * refused, each with its own sentence. Errors: EC_HOST_UNKNOWN,
 * EC_CONNECT, EC_TIMEOUT, EC_TLS, EC_CERT_*, EC_NO_STARTTLS, EC_PREAUTH,
 * EC_CLEARTEXT, EC_SIGN_IN (NEXT_SIGN_IN), EC_TOO_MANY (greeting BYE or
 * refusal that says so: NEXT_WAIT), EC_THROTTLED, EC_BYE, EC_PROTOCOL.
 *
 * With a->oauth set it signs in by XOAUTH2, with a new token once if the
 * first is refused: EC_SIGN_IN, EC_CONSENT, and what oauth_token() says.
 * At Exchange a session that signed in and does not reach its mailbox is
 * what imap_not_connected() says.
 */
int imap_open(struct imap **out, const struct account *a, struct err *e);
/* Sends LOGOUT if the connection lives, does not wait for more than its
 * flush; closes. */
void imap_close(struct imap **im);
/* Closes the socket at once, nothing is sent. */
void imap_abort(struct imap *im);
bool imap_dead(const struct imap *im);

unsigned imap_caps(const struct imap *im);         /* enum imap_cap */
uint64_t imap_append_limit(const struct imap *im); /* 0: not told */
const char *imap_host(const struct imap *im);
/* Greeting text, to tell servers apart; never NULL. */
const char *imap_greeting(const struct imap *im);
void imap_set_body_max(struct imap *im, uint64_t octets);
/*
 * The other side is Microsoft Exchange (its greeting, its capabilities, or
 * an account of Microsoft 365). Then one command at a time leaves: what
 * imap_cmd() takes while an answer is owed waits here, in order, until it
 * has come.
 */
bool imap_exchange(const struct imap *im);
/*
 * True when nothing more should be begun on this connection: its token ends
 * within two minutes or a tenth of its life, or Exchange, which hangs up
 * after ten refusals, is near that. now_ms: clock_ms(). Fills e: EC_BYE,
 * NEXT_RETRY with wait_ms 1, which is no failure: connect again at once.
 */
bool imap_worn(const struct imap *im, uint64_t now_ms, struct err *e);
/*
 * "User is authenticated but not connected": the sign-in was good, the
 * mailbox is not reached. The first time for a mailbox (in this process)
 * NEXT_WAIT, because it may pass; once that time is over EC_IMAP_OFF
 * (somebody's own mailbox) or EC_PERMISSION (another's), NEXT_ASK_PERSON,
 * and the sentence lists what to look at. token: for what it says of
 * itself, or NULL. Returns -1. imap_open() does this by itself.
 */
int imap_not_connected(const struct account *a, const char *token,
                       struct err *e);
/* Octets and waits so far, for tests and benchmarks. */
struct imap_counts {
	uint64_t in, out; /* on the wire */
	uint64_t waits;   /* times a read had to wait with nothing buffered,
	                   * those of the TLS handshake too */
};
struct imap_counts imap_counts(const struct imap *im);
/* The same, summed over all connections of the process. */
struct imap_counts imap_counts_all(void);

/* --- Writing ------------------------------------------------------------ */

typedef unsigned imap_tag; /* 0: none */

/*
 * Queues "<tag> <fmt...>\r\n" and remembers the tag as outstanding.
 * Arguments must be made of trusted parts: numbers, our own words, and
 * imap_quoted() names. Sent by imap_flush() or when an answer is awaited.
 */
int imap_cmd(struct imap *im, imap_tag *tag, struct err *e, const char *fmt,
             ...) __attribute__((format(printf, 4, 5)));
/* As imap_cmd, but without the CRLF: the rest follows by imap_out(). */
int imap_cmd_start(struct imap *im, imap_tag *tag, struct err *e,
                   const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Raw octets. Absorbs incoming answers (up to 64 MB, spooled in memory)
 * while the write blocks, so both sides never wait for each other. */
int imap_out(struct imap *im, const void *p, size_t n, struct err *e);
int imap_flush(struct imap *im, struct err *e);
/* A name as a quoted string, malloc'd; -1 EC_FOLDER_NAME if it has control
 * characters. The only way that a name may enter a command. */
int imap_quoted(const char *raw, char **out, struct err *e);

/* --- Reading ------------------------------------------------------------ */

enum imap_kind { IMAP_TAGGED, IMAP_UNTAGGED, IMAP_CONTINUE };
enum imap_status { IMAP_OK, IMAP_NO, IMAP_BAD, IMAP_BYE, IMAP_OTHER };

/*
 * One response. Strings are the connection's, valid until the next call.
 * line holds the whole response (after tag or "*"), small literals in it
 * as {n} CRLF octets; body literals (BODY[...] of FETCH, when a sink is
 * set) have gone to the sink and stand as {n} CRLF without octets.
 */
struct imap_reply {
	enum imap_kind kind;
	imap_tag tag;            /* IMAP_TAGGED: one that was outstanding */
	enum imap_status status; /* for status responses */
	const char *code;        /* inside [], or "" */
	const char *text;        /* human text after it, or "" */
	const char *name;        /* untagged data: "FETCH", "LIST", ... */
	uint32_t num;            /* "* 12 EXISTS": 12 */
	const char *line;
	size_t len;
	bool sunk; /* FETCH: its body literals went to the sink */
};

/* Where the literals of BODY[] go. Returning -1 ends the connection. */
struct imap_sink {
	int (*begin)(void *arg, uint64_t size, struct err *e);
	int (*data)(void *arg, const char *p, size_t n, struct err *e);
	void *arg;
};
void imap_set_sink(struct imap *im, const struct imap_sink *sink);

/* The next response. An untagged BYE that we did not ask for and any
 * framing error end the connection: -1 (EC_BYE, EC_TOO_MANY, EC_THROTTLED,
 * EC_CONN_LOST, EC_TIMEOUT, EC_PROTOCOL, EC_LIMIT). */
int imap_next(struct imap *im, struct imap_reply *r, struct err *e);
/* True if a response can begin to be read without waiting. */
bool imap_pending(struct imap *im);
/* Flushes, then waits until input is there (1), imap_wake() (0), or -1. */
int imap_poll(struct imap *im, struct err *e);
void imap_wake(struct imap *im); /* any thread */

/* Reads until tag's tagged response, handing untagged ones to each (may be
 * NULL; -1 from it ends the wait with its error). The result is in r; NO
 * and BAD are not errors here. */
typedef int imap_untagged_fn(const struct imap_reply *r, void *arg,
                             struct err *e);
int imap_wait(struct imap *im, imap_tag tag, imap_untagged_fn *each, void *arg,
              struct imap_reply *r, struct err *e);
/* The same, but NO and BAD become errors by imap_error(). */
int imap_do(struct imap *im, imap_tag tag, imap_untagged_fn *each, void *arg,
            struct err *e);
/* Waits for "+" (1), or tag's refusal (0, in r), or -1. */
int imap_wait_go(struct imap *im, imap_tag tag, imap_untagged_fn *each,
                 void *arg, struct imap_reply *r, struct err *e);
/*
 * Classifies a NO, BAD or BYE (response codes of RFC 5530, and the words of
 * known servers: quota, size, throttling with its milliseconds, too many
 * connections, over limit, content refusals): fills e with reach, next,
 * wait_ms, code, sentence, and the server's words in detail. Returns -1.
 */
int imap_error(const struct imap *im, const struct imap_reply *r,
               enum err_reach reach, struct err *e);

/* --- Parsing ------------------------------------------------------------ */

/* FETCH of our own reader. keywords point into malloc'd memory. */
struct imap_fetch {
	uint32_t seq, uid; /* uid 0: not told */
	bool have_flags, have_date, have_size, have_body;
	unsigned flags; /* enum mail_flag */
	char *keywords; /* sorted, space-separated, or NULL */
	struct mail_date date;
	uint64_t size, modseq;
	bool body_nil;     /* BODY[] NIL: nothing there */
	char *inline_body; /* BODY[] as quoted string, malloc'd */
	size_t inline_len; /* its octets: it may hold NUL */
};
/* 0, or -1 if the response is not a FETCH we understand (skip it). */
int imap_parse_fetch(const struct imap_reply *r, struct imap_fetch *out);
void imap_fetch_release(struct imap_fetch *f);
/* "APPENDUID v set" -> uidvalidity and the uids in order (malloc'd). 0: ok,
 * 1: there is none or it is unusable (0, wrong count). */
int imap_parse_appenduid(const char *code, uint32_t *uidvalidity,
                         uint32_t **uids, size_t *n);
/* Adds the uids of a SEARCH or ESEARCH (ALL) answer to a growing array.
 * 0, or -1 malformed. */
int imap_parse_search(const struct imap_reply *r, uint32_t **uids, size_t *n,
                      size_t *cap);
/* Number after a response code's word: "UIDNEXT 12"; false if other. */
bool imap_code_number(const char *code, const char *word, uint64_t *out);
/* PERMANENTFLAGS: system flags, whether \* is there, and keywords. */
struct imap_permanent {
	bool told, any;
	unsigned flags;
	char *keywords; /* space-separated, malloc'd, or NULL */
};
bool imap_parse_permanent(const char *code, struct imap_permanent *out);

/* By libetpan, from one framed response. -1: malformed, skip it. */
int imap_parse_list(const struct imap_reply *r, struct folder *out,
                    struct err *e); /* raw, delim, use, noselect */
int imap_parse_status(const struct imap_reply *r, char **raw,
                      struct folder *out); /* uidvalidity ... bytes */
struct imap_namespace {
	char *prefix; /* personal, malloc'd */
	char delim;
	char **other; /* prefixes of others' and shared */
	size_t other_n;
};
int imap_parse_namespace(const struct imap_reply *r,
                         struct imap_namespace *out);
void imap_namespace_release(struct imap_namespace *ns);
/* VANISHED (EARLIER): uids as ranges lo, hi, ...; malloc'd. By our own
 * reader: libetpan wraps numbers at 32 bits. */
int imap_parse_vanished(const struct imap_reply *r, uint32_t **ranges,
                        size_t *n);

/*
 * All folders with delimiter, path without the personal prefix, special
 * use, noselect, shared; with status: LIST-STATUS or pipelined STATUS
 * (MESSAGES UIDNEXT UIDVALIDITY, HIGHESTMODSEQ with CONDSTORE), parents
 * first. Modified UTF-7 becomes UTF-8; a name that is neither stays as it
 * is, octet by octet. ns is filled.
 */
int imap_folders(struct imap *im, bool status, struct imap_namespace *ns,
                 struct folder_list *out, struct err *e);
/* Folders of Exchange that hold no mail (Calendar ... in the mailbox's
 * language) become noselect: nothing is read from them or written to them.
 * Done by imap_folders() where the other side is Exchange. */
void imap_mark_no_mail(struct folder_list *l);
/* True for the name of such a folder in any language. */
bool imap_names_no_mail(const char *name);

/* UIDs as "a:b,c" of sorted uids, malloc'd, NULL: memory. */
char *imap_uid_set(const uint32_t *uids, size_t n);
/* "dd-Mon-yyyy hh:mm:ss +zzzz" (RFC 3501 date-time), 26 octets and NUL;
 * false if the date can't be one. */
bool imap_date(const struct mail_date *d, char out[27]);
/* A keyword that may go out: letters, digits and some of what else an atom
 * may hold. Longer ones Dovecot refuses together with the message. */
#define IMAP_KEYWORD_MOST 50
bool imap_keyword_ok(const char *keyword, size_t len);

#endif
