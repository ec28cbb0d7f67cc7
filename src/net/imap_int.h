/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imap_int.h - the inside of a connection, for src/net only.
 */
#ifndef MAILHAUL_NET_IMAP_INT_H
#define MAILHAUL_NET_IMAP_INT_H

#include "net/imap.h"
#include "net/imap_scan.h"
#include "net/stream.h"
#include "util/buf.h"

/* Tags whose answer is owed, in the order sent. */
struct imap_tags {
	imap_tag *v;
	size_t head, n, cap;
};

/* A tagged answer that came while another one was waited for. */
struct imap_kept {
	imap_tag tag;
	enum imap_status status;
	char *code, *text;
};

struct imap {
	struct stream *stream;
	char *host;
	char *user; /* for sentences, or NULL */
	char *greeting;
	bool dead;
	bool distrust; /* a BAD came: say no more than asked */
	unsigned caps;
	bool caps_told; /* in what was read since it was cleared */
	uint64_t append_limit;
	uint64_t body_max;
	/* Exchange: one command at a time; "words CRLF" of those that wait,
	 * from held_at on. */
	bool exchange;
	struct buf held;
	size_t held_at;
	unsigned refusals;      /* NO and BAD so far */
	uint64_t token_ends_ms; /* clock_ms(), 0: no token */
	uint64_t token_margin_ms;
	/* Tags: a random prefix, so that no mail can hold our next tag. */
	char prefix[8];
	imap_tag last_tag;
	struct imap_tags owed;
	struct imap_kept *kept;
	size_t kept_n, kept_cap;
	/* The response being read. */
	struct buf line, code, text;
	char name[24];
	unsigned depth; /* parentheses open, across literals */
	const struct imap_sink *sink;
};

/* --- imap_frame.c ------------------------------------------------------- */

/* The next response as it is, a BYE too. -1: the stream is out of step or
 * gone; the caller ends the connection. */
int imap_frame(struct imap *im, struct imap_reply *r, struct err *e);
/* A sentence for a server that does not speak IMAP as it should. */
int imap_broken(const struct imap *im, enum err_code code, struct err *e,
                const char *detail);

/* --- imap_conn.c -------------------------------------------------------- */

/* A connection over s (taken over, also on failure) that has not read its
 * greeting. */
int imap_new(struct imap **out, struct stream *s, const char *host,
             struct err *e);
/* Ends the connection; returns -1. */
int imap_dies(struct imap *im);
/* -1 unless tag was owed. */
int imap_tag_settle(struct imap *im, imap_tag tag);
/* A command whose words are not ours: nothing of it is logged. */
int imap_secret(struct imap *im, const char *p, size_t n, struct err *e);
/* imap_next without the rule that a BYE is an error. */
int imap_next_any(struct imap *im, struct imap_reply *r, struct err *e);

/* --- imap_xoauth2.c ----------------------------------------------------- */

/* AUTHENTICATE XOAUTH2. 0: signed in. */
int imap_xoauth2(struct imap *im, const struct account *a, const char *token,
                 struct err *e);
/* A token of a that was refused: EC_SIGN_IN or EC_CONSENT with the likely
 * causes, unless r says what it is about. */
int imap_bad_token(const struct imap *im, const struct account *a,
                   const char *token, const struct imap_reply *r,
                   struct err *e);
bool imap_says_not_connected(const struct imap_reply *r);
/* The mailbox of a was reached: what imap_not_connected() remembers goes. */
void imap_connected(const struct account *a);
/* From now on the connection lives as long as the token. */
void imap_token_until(struct imap *im, uint64_t ends_ms, uint64_t now_ms);
/* "+" (1) or the answer to tag (0, in r), or -1; capabilities are learnt
 * and endless talk is ended. imap_open.c. */
int imap_wait_plus(struct imap *im, imap_tag tag, struct imap_reply *r,
                   struct err *e);

/* --- imap_control.c ----------------------------------------------------- */

/* Words of a CAPABILITY line or code: enum imap_cap. -1: malformed. */
int imap_parse_caps(const char *words, size_t n, unsigned *caps,
                    uint64_t *append_limit);

/* --- imap_error.c ------------------------------------------------------- */

/* As imap_error, without a connection. */
int imap_classify(const char *host, const struct imap_reply *r,
                  enum err_reach reach, struct err *e);
/* A refused sign-in that the server did not explain otherwise. */
int imap_bad_password(const char *host, const char *user,
                      const struct imap_reply *r, struct err *e);

/* --- imap_fetch.c ------------------------------------------------------- */

/* "dd-Mon-yyyy hh:mm:ss +zzzz", the day perhaps one digit. */
bool imap_parse_date(const char *p, size_t n, struct mail_date *out);
/* Adds the names between parentheses: system flags to flags, keywords
 * sorted and space-separated to *keywords (malloc'd or NULL). any: \* was
 * there. -1: malformed or memory. */
int imap_parse_flags(struct scan *s, unsigned *flags, char **keywords,
                     bool *any);

#endif
