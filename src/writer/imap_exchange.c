/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imap_exchange.c - Exchange's manners: what it can't keep, what it must
 * not get, how fast it may get it and what its refusals mean. m365.md B.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mime/repair.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/step.h"
#include "writer/imap_writer.h"

#define BUSY_MS 30000u
/* Exchange says "Argument Error" of what is too large, too; its limit is
 * 35 MB unless somebody raised it. */
#define SURELY_LARGE (30u << 20)

/* --- before the intent ---------------------------------------------------- */

bool exchange_drops(const char *word, size_t len)
{
	/* It would become a category that people see. */
	return len == 8 && strncasecmp(word, "$MDNSent", 8) == 0;
}

/* Lines that Exchange refuses, NULs; and requests for receipts, which
 * people's programs would answer a second time. */
static int mend(struct message *m, struct err *e)
{
	struct repair_look l;
	bool changed;

	if (repair_look(&m->body, &l, e))
		return -1;
	if ((l.nul || l.longest > REPAIR_LINE_EXCHANGE) &&
	    repair_message(m, &changed, e))
		return -1;
	return m->set_flags & MAIL_SEEN ? 0 : repair_receipts(m, &changed, e);
}

int exchange_prepare(struct writer *w, struct message *m, struct err *e)
{
	/* Of a copy that is there already, Graph may have set them. */
	if (!m->fetched) {
		free(m->note);
		m->note = NULL;
	}
	if (m->note)
		side_remember(w, m);
	return mend(m, e);
}

/* --- names ---------------------------------------------------------------- */

int exchange_names(struct writer *w, struct err *e)
{
	static const char *const always[] = {
		"Files",       "Calendar", "Contacts", "Tasks",
		"Notes",       "Journal",  "Outbox",   "Conversation History",
		"Sync Issues",
	};
	size_t n = sizeof(always) / sizeof(always[0]);

	free(w->reserved);
	w->reserved = calloc(n + w->have.n + 1, sizeof(*w->reserved));
	if (!w->reserved)
		return err_memory(e);
	memcpy(w->reserved, always, sizeof(always));
	for (size_t i = 0; i < w->have.n; i++) {
		const struct folder *f = &w->have.v[i];

		if (f->depth == 1 && f->noselect &&
		    imap_names_no_mail(f->comp[0]))
			w->reserved[n++] = f->comp[0];
	}
	return 0;
}

/* --- how fast ------------------------------------------------------------- */

int exchange_enter(struct writer *w, uint64_t octets, struct err *e)
{
	if (governor_enter(&w->lease, w->a, GOV_IMAP, octets, e))
		return -1;
	if (!imap_worn(w->im, clock_ms(), &w->broken_why))
		return 0;
	governor_leave(&w->lease);
	w->broken = true;
	return late_flush(w, true, e);
}

/* --- refusals ------------------------------------------------------------- */

bool exchange_plain(const struct writer *w, const struct imap_reply *r)
{
	struct err why = { 0 };

	imap_error(w->im, r, ERR_MESSAGE, &why);
	switch (why.code) {
	case EC_THROTTLED:
	case EC_CONTENT:
	case EC_TOO_BIG:
	case EC_QUOTA:
	case EC_PERMISSION:
		return true;
	default:
		return false;
	}
}

/* Of a full mailbox, and of a busy server. */
static bool full_or_busy(const struct imap_reply *r)
{
	return strcasestr(r->text, "Server Unavailable. 15");
}

static void busy(struct writer *w, struct err *why)
{
	if (w->unavailable++ > 0)
		return;
	(void)err_set(
	        why, ERR_ACCOUNT, NEXT_WAIT, EC_SERVER_NO,
	        "Microsoft 365 says that it is not available for this "
	        "mailbox. mailhaul waits and tries once more; if it stays "
	        "so, the mailbox is full.",
	        "Server Unavailable. 15");
	why->wait_ms =
	        (uint64_t)step_number("MAILHAUL_TEST_BACKOFF_MS", BUSY_MS);
}

static void too_large(const struct message *m, struct err *why)
{
	char words[sizeof(why->detail)];

	memcpy(words, why->detail, sizeof(words));
	(void)err_setf(why, ERR_MESSAGE, NEXT_GIVE_UP, EC_TOO_BIG,
	               "Microsoft 365 does not take this message of %.1f MB, "
	               "most likely because of its size. An administrator may "
	               "raise the limit (Set-Mailbox -MaxReceiveSize 150MB "
	               "-MaxSendSize 150MB, of the account that signs in); "
	               "then run 'mailhaul problems --retry'.",
	               (double)m->size / 1048576.0);
	err_detail(why, "%s", words);
}

void exchange_refused(struct writer *w, const struct imap_reply *r,
                      struct settled *s)
{
	if (full_or_busy(r))
		busy(w, &s->why);
	if (s->why.code == EC_THROTTLED && w->lease)
		governor_refused(w->lease, s->why.wait_ms);
	if (s->why.code == EC_CONTENT && s->m->size >= SURELY_LARGE)
		too_large(s->m, &s->why);
	/* It hangs up behind these. */
	if (s->why.code == EC_THROTTLED || s->why.code == EC_PERMISSION) {
		w->broken = true;
		w->broken_why = s->why;
	}
}
