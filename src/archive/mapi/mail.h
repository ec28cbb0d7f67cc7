/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail.h - mail of a MAPI message: RFC 5322 and MIME written as a stream, so
 * that an attachment is never in memory.
 *
 *   struct mapi_mail m;
 *   mapi_mail_open(&m, o, &origin);          what is known before its octets
 *   mapi_mail_write(&m, &out);               the octets, CRLF, no line > 998
 *   ... m.made, m.note, m.missing ...
 *   mapi_mail_close(&m);
 */
#ifndef MAILHAUL_ARCHIVE_MAPI_MAIL_H
#define MAILHAUL_ARCHIVE_MAPI_MAIL_H

#include "archive/mapi/mapi.h"
#include "util/buf.h"

/* Where it comes from, for a Message-ID that is the same at each run where
 * it has none. */
struct mapi_origin {
	unsigned char store[16]; /* record key of the store */
	uint32_t nid;
	bool unpack; /* winmail.dat is taken apart */
};

struct mapi_mail {
	struct mapi *o;
	struct mapi_origin origin;
	/* After open: */
	unsigned flags;        /* enum mail_flag */
	char *keywords;        /* space-separated, sorted, or NULL */
	struct mail_date date; /* as INTERNALDATE */
	char *subject;         /* UTF-8, for people, or NULL */
	uint64_t size;         /* about, 0 */
	bool header_only;      /* its text was never fetched into the file */
	/* After write: */
	enum mail_made made;
	/* Sentences for people: what could not be kept exactly (an address
	 * that is not known, RTF as text, a checksum), "" if nothing. */
	struct buf note;
	/* Attachments that the file declares and does not hold, or that are
	 * beyond what is written: "NAME (12 KB)", "; " between. In the place
	 * of each stands a sentence. */
	struct buf missing;
	unsigned missing_n;
	/* A hole: its text can't be read, and nothing is attached. With
	 * attachments, or a part of the text, it is MADE_IN_PART instead.
	 * NULL: no. Part of a sentence. */
	const char *lost;
	void *state;
};
/* -1: memory. */
int mapi_mail_open(struct mapi_mail *m, struct mapi *o,
                   const struct mapi_origin *origin);
/* -1: out wants no more, memory, or m->lost. */
int mapi_mail_write(struct mapi_mail *m, struct mapi_out *out);
void mapi_mail_close(struct mapi_mail *m);

#endif
