/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walk_missing.c - attachments that a message declares and the file does not
 * hold. They are a problem of their own beside the message, which goes its
 * way without them. A listing tells the same problems as far as it can: it
 * looks whether the octets of an attachment are there, and does not read
 * them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "archive/pst/walk.h"
#include "util/utf8.h"

#define PID_FLAGS 0x0e07
#define HAS_ATTACHMENTS 0x10 /* [MS-OXCMSG] 2.2.1.6 */
#define PID_DATA 0x3701
#define PID_SHORT_NAME 0x3704
#define PID_METHOD 0x3705
#define PID_NAME 0x3707
/* [MS-OXCMSG] 2.2.2.9: those that were never in the message. */
#define BY_VALUE 1
#define BY_REFERENCE 2
#define BY_REFERENCE_ONLY 4
#define BY_WEB_REFERENCE 7

#define LOOKED_AT 4096
#define NAMES_SHOWN 140

/* NULL: not even what the attachment says of itself can be read. */
static bool is_missing(struct mapi *a)
{
	int64_t method = a ? mapi_number(a, PID_METHOD, BY_VALUE) : BY_VALUE;

	if (method == BY_WEB_REFERENCE ||
	    (method >= BY_REFERENCE && method <= BY_REFERENCE_ONLY))
		return false;
	return !a || !mapi_has(a, PID_DATA);
}

static int add_name(struct buf *names, struct mapi *a)
{
	char *name CLEANUP(free_p) = NULL;

	if (a)
		name = mapi_text(a, PID_NAME, 255);
	if (a && !name)
		name = mapi_text(a, PID_SHORT_NAME, 255);
	return buf_fmt(names, "%s%s", names->n ? "; " : "",
	               name ? name : "without a name");
}

bool pst_missing_all(struct mapi *o)
{
	return o->ops->attachments &&
	       mapi_number(o, PID_FLAGS, 0) & HAS_ATTACHMENTS &&
	       o->ops->attachments(o) == 0;
}

/* How many are missing, and their names; -1: memory. */
static int look(struct mapi *o, struct buf *names)
{
	size_t n = o->ops->attachments ? o->ops->attachments(o) : 0;
	int count = 0;

	for (size_t i = 0; i < n && i < LOOKED_AT; i++) {
		struct mapi *a = o->ops->attachment(o, i);
		bool gone = is_missing(a);
		int failed =
		        gone && names->n < NAMES_SHOWN ? add_name(names, a) : 0;

		mapi_close(&a);
		if (failed)
			return -1;
		count += gone;
	}
	return count;
}

/* The identity of the problem with a message's attachments. */
static uint64_t uid_of_missing(uint64_t uid)
{
	return PST_UID(NID_OF(pst_item_nid(uid), NID_ATTACHMENT)) |
	       (uid & PST_TAG);
}

static int by_uid(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

bool pst_missing_asked(const struct pst_walk *w, uint64_t uid)
{
	const struct wanted *want = w->want;
	uint64_t of = uid_of_missing(uid);

	return want && want->want_n > 0 &&
	       bsearch(&of, want->want, want->want_n, sizeof(of), by_uid);
}

static int tell(struct pst_walk *w, const struct mapi_mail *m, uint64_t uid,
                const char *text)
{
	struct buf key CLEANUP(buf_release_p) = BUF_INIT(0);
	struct item it = { .date = m->date, .wire = true, .beside = true };

	if (pst_key(pst_subject(m->subject), " (attachments)", &key))
		return -1;
	it.uid = uid_of_missing(uid);
	it.key = key.p;
	return w->s->begin(w->s, &it) < 0 || w->s->end(w->s, 0, text) ? -1 : 0;
}

static int tell_some(struct pst_walk *w, const struct mapi_mail *m,
                     uint64_t uid, unsigned n, const char *names)
{
	char text[PST_SENTENCE];

	snprintf(text, sizeof(text),
	         "\"%.*s\" goes without %u of its attachments, which the "
	         "Outlook file names and does not hold whole: %.*s. Another "
	         "copy of it, or the server if it still runs, may have them.",
	         PST_SHOWN(pst_subject(m->subject), 80), n,
	         PST_SHOWN(names, NAMES_SHOWN));
	return tell(w, m, uid, text);
}

static int tell_all(struct pst_walk *w, const struct mapi_mail *m, uint64_t uid)
{
	char text[PST_SENTENCE];

	snprintf(text, sizeof(text),
	         "Outlook noted that \"%.*s\" has attachments, and not one of "
	         "them is in this file: it goes without them. Another copy of "
	         "it, or the server if it still runs, may have them.",
	         PST_SHOWN(pst_subject(m->subject), 100));
	return tell(w, m, uid, text);
}

int pst_missing_tell(struct pst_walk *w, const struct mapi_mail *m,
                     uint64_t uid)
{
	if (m->missing_n)
		return tell_some(w, m, uid, m->missing_n,
		                 m->missing.n ? m->missing.p : "");
	return pst_missing_all(m->o) ? tell_all(w, m, uid) : 0;
}

int pst_missing_look(struct pst_walk *w, const struct mapi_mail *m,
                     uint64_t uid)
{
	struct buf names CLEANUP(buf_release_p) = BUF_INIT(0);
	int n = look(m->o, &names);

	if (n == 0 && pst_missing_all(m->o))
		return tell_all(w, m, uid);
	return n > 0 ? tell_some(w, m, uid, (unsigned)n, names.p) : n;
}
