/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imap_late.c - what Exchange must be told or asked after an APPEND.
 *
 * A flag that stands in the APPEND is seen by IMAP and forgotten by
 * everybody else: it is set by STORE, for several batches at once, and only
 * then do these messages have their verdict. And some Exchange servers have
 * not kept INTERNALDATE: the first copies of a mailbox are asked for theirs
 * before more is sent. m365.md B.3 and B.4.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "util/step.h"
#include "writer/imap_writer.h"

#define LATE_MOST 64        /* messages that wait for their flag */
#define LATE_BATCHES_MOST 6 /* batches that wait with them */
#define CANARIES 3
#define DATE_SLACK_S 2

/* --- the folder that is open for changes ---------------------------------- */

void late_deselected(struct writer *w)
{
	free(w->open_raw);
	w->open_raw = NULL;
}

/* 1: open; 0: it can't be opened; -1: the connection is spent. */
static int open_folder(struct writer *w, const char *raw, struct err *e)
{
	struct folder now = { 0 };
	imap_tag tag;
	int failed;

	if (w->open_raw && !w->stale && strcmp(w->open_raw, raw) == 0)
		return 1;
	late_deselected(w);
	w->selected = true;
	if (imap_select_ask(w->im, raw, false, &tag, e))
		return -1;
	failed = imap_select_take(w->im, tag, &now, e);
	free(now.keywords);
	if (failed)
		return imap_dead(w->im) ? -1 : 0;
	w->open_raw = strdup(raw);
	w->open_uidvalidity = now.uidvalidity;
	w->stale = false;
	return w->open_raw ? 1 : err_memory(e);
}

/* --- flags ---------------------------------------------------------------- */

static int keep(struct writer *w, struct message *m, struct batch *b,
                struct err *e)
{
	if (w->late_n == w->late_cap) {
		size_t cap = w->late_cap ? w->late_cap * 2 : 64;
		struct late *v = realloc(w->late, cap * sizeof(*v));

		if (!v)
			return err_memory(e);
		w->late = v;
		w->late_cap = cap;
	}
	w->late_batches += !w->late_n || w->late[w->late_n - 1].b != b;
	w->late[w->late_n++] = (struct late){ m, b };
	return 0;
}

int late_stored(struct writer *w, struct message *m, struct batch *b,
                bool *waits, struct err *e)
{
	w->unavailable = 0;
	/* Without an EXISTS the open folder may not show the copy yet. */
	w->stale |= !w->exists;
	*waits = m->set_flags & MAIL_FLAGGED && m->dest_uid && w->late_raw;
	return *waits ? keep(w, m, b, e) : 0;
}

static int tell_all(struct writer *w, bool flagged, struct err *e)
{
	for (size_t i = 0; i < w->late_n; i++) {
		struct settled s = { .m = w->late[i].m, .outcome = OUT_STORED };

		if (!flagged && !s.m->note)
			s.m->note = strdup("the flag (star) could not be set");
		if (append_tell(w, &s, w->late[i].b, e))
			return -1;
	}
	w->late_n = 0;
	w->late_batches = 0;
	return 0;
}

static char *late_set(const struct writer *w)
{
	uint32_t *uids CLEANUP(free_p) = calloc(w->late_n + 1, sizeof(*uids));

	for (size_t i = 0; uids && i < w->late_n; i++)
		uids[i] = w->late[i].m->dest_uid;
	return uids ? imap_uid_set(uids, w->late_n) : NULL;
}

/* 1: done; 0: refused; -1. */
static int store_flags(struct writer *w, struct err *e)
{
	char *set CLEANUP(free_p) = late_set(w);
	struct imap_reply r;
	imap_tag tag;
	int open;

	if (!set)
		return err_memory(e);
	open = open_folder(w, w->late_raw, e);
	if (open <= 0)
		return open;
	if (w->open_uidvalidity != w->late[0].m->dest_uidvalidity)
		return 0;
	if (imap_cmd(w->im, &tag, e, "UID STORE %s +FLAGS.SILENT (\\Flagged)",
	             set) ||
	    imap_wait(w->im, tag, NULL, NULL, &r, e))
		return -1;
	return r.status == IMAP_OK;
}

int late_flush(struct writer *w, bool now, struct err *e)
{
	int done;

	if (!w->late_n || (!now && w->late_n < LATE_MOST &&
	                   w->late_batches < LATE_BATCHES_MOST))
		return 0;
	done = store_flags(w, e);
	if (done < 0)
		return -1;
	step("flagged");
	return tell_all(w, done, e);
}

int late_folder(struct writer *w, const char *raw, struct err *e)
{
	if (w->late_raw && strcmp(w->late_raw, raw) == 0)
		return 0;
	if (late_flush(w, true, e))
		return -1;
	free(w->late_raw);
	w->late_raw = strdup(raw);
	return w->late_raw ? 0 : err_memory(e);
}

/* --- dates ---------------------------------------------------------------- */

/* Mailboxes whose dates have been looked at, or are being. */
struct looked {
	struct looked *next;
	char *key;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct looked *all;

static struct looked **find(const char *key)
{
	struct looked **at = &all;

	while (*at && strcmp((*at)->key, key) != 0)
		at = &(*at)->next;
	return at;
}

/* True for the first who asks. */
static bool begin(const char *key)
{
	struct looked **at, *l = NULL;

	pthread_mutex_lock(&lock);
	at = find(key);
	if (!*at && (l = calloc(1, sizeof(*l)))) {
		l->key = strdup(key);
		if (l->key)
			*at = l;
		else
			free(l);
		l = *at;
	}
	pthread_mutex_unlock(&lock);
	return l != NULL;
}

/* It was not looked at after all, or must be each time. */
static void forget(const char *key)
{
	struct looked **at, *l;

	pthread_mutex_lock(&lock);
	at = find(key);
	l = *at;
	if (l) {
		*at = l->next;
		free(l->key);
		free(l);
	}
	pthread_mutex_unlock(&lock);
}

struct canaries {
	const struct message *v[CANARIES];
	uint32_t uids[CANARIES];
	size_t n;
	const struct message *wrong;
	int64_t there;
};

static void choose(struct canaries *c, struct batch *b)
{
	for (size_t i = 0; i < b->n && c->n < CANARIES; i++) {
		const struct message *m = &b->v[i];
		char date[27];

		if (!m->dest_uid || !imap_date(&m->date, date))
			continue;
		c->uids[c->n] = m->dest_uid;
		c->v[c->n++] = m;
	}
}

static int compare(const struct imap_reply *r, void *arg, struct err *e)
{
	struct canaries *c = arg;
	struct imap_fetch f;

	(void)e;
	if (r->kind != IMAP_UNTAGGED || strcmp(r->name, "FETCH") != 0 ||
	    imap_parse_fetch(r, &f))
		return 0;
	for (size_t i = 0; i < c->n && f.have_date; i++) {
		int64_t off = f.date.sec - c->v[i]->date.sec;

		if (f.uid != c->uids[i] ||
		    (off >= -DATE_SLACK_S && off <= DATE_SLACK_S))
			continue;
		c->wrong = c->v[i];
		c->there = f.date.sec;
	}
	imap_fetch_release(&f);
	return 0;
}

static void dates_lost(struct writer *w, const struct canaries *c)
{
	w->broken = true;
	(void)err_set(&w->broken_why, ERR_ACCOUNT, NEXT_ASK_PERSON, EC_CONTENT,
	              "The new server does not keep the dates of received "
	              "mail: everything would look as if it had come today. So "
	              "nothing more was sent; the few messages that were are "
	              "listed as moved. Use m365+graph: as destination.",
	              "UID %u: INTERNALDATE %lld, sent %lld",
	              c->wrong->dest_uid, (long long)c->there,
	              (long long)c->wrong->date.sec);
}

static int ask_dates(struct writer *w, const struct folder *f,
                     struct canaries *c, struct err *e)
{
	char *set CLEANUP(free_p) = imap_uid_set(c->uids, c->n);
	struct imap_reply r;
	imap_tag tag;
	int open;

	if (!set)
		return err_memory(e);
	open = open_folder(w, f->raw, e);
	if (open <= 0)
		return open;
	if (imap_cmd(w->im, &tag, e, "UID FETCH %s (UID INTERNALDATE)", set))
		return -1;
	return imap_wait(w->im, tag, compare, c, &r, e);
}

int late_canary(struct writer *w, const struct folder *f, struct batch *b,
                struct err *e)
{
	char *key CLEANUP(free_p) = account_key(w->a);
	struct canaries c = { 0 };

	choose(&c, b);
	if (!key || !c.n || w->broken || !begin(key))
		return 0;
	if (ask_dates(w, f, &c, e)) {
		forget(key);
		return -1;
	}
	if (!c.wrong)
		return 0;
	forget(key);
	if (late_flush(w, true, e))
		return -1;
	dates_lost(w, &c);
	return 0;
}
