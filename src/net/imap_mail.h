/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imap_mail.h - what reader and writer both do with a mailbox: select it,
 * list its UIDs and messages, read octets. Questions (ask) and answers
 * (take) are apart, so that several may be out at once; answers are taken
 * in the order of the questions.
 */
#ifndef MAILHAUL_NET_IMAP_MAIL_H
#define MAILHAUL_NET_IMAP_MAIL_H

#include "mailhaul/reader.h"
#include "mime/intake.h"
#include "net/imap.h"

/* True for a name that has control characters: it goes out as a
 * synchronising literal, which waits for the server. */
bool imap_needs_literal(const char *raw);
/* With such a name nothing else may be out, because answers are dropped
 * while the literal is waited for. */
int imap_select_ask(struct imap *im, const char *raw, bool read_only,
                    imap_tag *tag, struct err *e);
/* Fills f's uidvalidity, uidnext, modseq, messages, keywords. NO is
 * EC_SERVER_NO or what imap_error() makes of it, with ERR_FOLDER. */
int imap_select_take(struct imap *im, imap_tag tag, struct folder *f,
                     struct err *e);

/* The UIDs of the selected mailbox, ascending: ESEARCH where offered. */
int imap_uids_ask(struct imap *im, imap_tag *tag, struct err *e);
int imap_uids_take(struct imap *im, imap_tag tag, uint32_t **uids, size_t *n,
                   struct err *e);

/* FLAGS, INTERNALDATE, RFC822.SIZE of uids, newest (or oldest) first, in
 * several commands at once. A uid that the server does not answer for is
 * told with size 0 all the same: it is listed. */
int imap_meta(struct imap *im, const uint32_t *uids, size_t n,
              bool newest_first, message_fn *each, void *arg, struct err *e);
/* Flags of all (modseq 0), or of those that changed since. */
int imap_flags(struct imap *im, uint64_t modseq, message_fn *each, void *arg,
               struct err *e);

/*
 * Octets of messages by UID. One struct for each connection; it is the
 * connection's sink. Batches are taken in the order they were asked for,
 * but a server that works on several FETCHes at once may answer for a
 * later one first: an answer finds its batch among all that are asked for
 * in the same selected mailbox.
 */
#define IMAP_ASKED_MOST 8

struct imap_asked {
	struct batch *batch;
	struct uid_at *index; /* by UID */
	bool by_dest, headers_only;
	unsigned selection;
	imap_tag tag;
};

struct imap_bodies {
	struct imap *im;
	const struct account *a;
	struct message parked; /* arrived, its UID not yet told */
	struct intake in;
	struct imap_sink sink;
	struct imap_asked asked[IMAP_ASKED_MOST]; /* oldest first */
	size_t asked_n;
	unsigned selection;
	message_fn *each; /* of the one that is being taken */
	void *arg;
};
void imap_bodies_init(struct imap_bodies *b, struct imap *im,
                      const struct account *a);
void imap_bodies_release(struct imap_bodies *b);
/* From now on another mailbox is selected. */
void imap_bodies_selected(struct imap_bodies *b);

/* by_dest: the batch is asked for by dest_uid, else by uid. */
int imap_bodies_ask(struct imap_bodies *b, struct batch *batch, bool by_dest,
                    bool headers_only, struct err *e);
/*
 * Completes the batch asked first: fetched, body, sha256, fp. What the
 * server has not sent is a hole if it said OK or the batch has one message,
 * else it is left unfetched (ask again, for fewer). each (may be NULL) is
 * called as they come, and may release the body.
 */
int imap_bodies_take(struct imap_bodies *b, message_fn *each, void *arg,
                     struct err *e);

#endif
