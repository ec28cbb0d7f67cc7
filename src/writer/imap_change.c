/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imap_change.c - the only changes to a destination: flags of our own
 * copies that are still as we set them, and taking back a copy of ours
 * that a late commit doubled (UID STORE and UID EXPUNGE, RFC 4315).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mime/keywords.h"
#include "util/buf.h"
#include "writer/imap_writer.h"
#include "writer/words.h"

/* What a copy's flags are at the destination now. */
struct found {
	uint32_t uid;
	unsigned flags;
	char *keywords;
	uint64_t modseq;
};

struct founds {
	struct found *v;
	size_t n, cap;
	bool failed;
};

static void founds_release(struct founds *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].keywords);
	free(l->v);
}

static int found_one(const struct imap_reply *r, void *arg, struct err *e)
{
	struct founds *l = arg;
	struct imap_fetch f;

	if (r->kind != IMAP_UNTAGGED || !r->name ||
	    strcmp(r->name, "FETCH") != 0 || imap_parse_fetch(r, &f))
		return 0;
	if (f.uid && f.have_flags && l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 64;
		struct found *v = realloc(l->v, cap * sizeof(*v));

		if (!v) {
			imap_fetch_release(&f);
			return err_memory(e);
		}
		l->v = v;
		l->cap = cap;
	}
	if (f.uid && f.have_flags) {
		l->v[l->n++] =
		        (struct found){ f.uid, f.flags, f.keywords, f.modseq };
		f.keywords = NULL;
	}
	imap_fetch_release(&f);
	return 0;
}

static char *uid_set_of(const struct batch *b)
{
	uint32_t *uids CLEANUP(free_p) = calloc(b->n + 1, sizeof(*uids));

	if (!uids)
		return NULL;
	for (size_t i = 0; i < b->n; i++)
		uids[i] = b->v[i].dest_uid;
	return imap_uid_set(uids, b->n);
}

static int flags_now(struct writer *w, const struct batch *b,
                     struct founds *out, struct err *e)
{
	char *set CLEANUP(free_p) = uid_set_of(b);
	imap_tag tag;

	if (!set)
		return err_memory(e);
	if (imap_cmd(w->im, &tag, e, "UID FETCH %s (UID FLAGS)", set))
		return -1;
	return imap_do(w->im, tag, found_one, out, e);
}

static const struct found *find(const struct founds *l, uint32_t uid)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].uid == uid)
			return &l->v[i];
	return NULL;
}

static bool subset(const char *a, const char *b)
{
	const char *word;
	size_t n;

	while ((word = keywords_next(&a, &n)))
		if (!words_have(b, word, n))
			return false;
	return true;
}

static bool as_we_set(const struct found *f, const struct message *m)
{
	return f->flags == m->set_flags &&
	       subset(f->keywords, m->set_keywords) &&
	       subset(m->set_keywords, f->keywords);
}

static bool same_target(const struct message *a, const struct message *b)
{
	const char *x = a->keywords ? a->keywords : "";
	const char *y = b->keywords ? b->keywords : "";

	return a->flags == b->flags && strcmp(x, y) == 0;
}

static int target_words(struct buf *b, const struct message *m)
{
	static const char *const words[] = { "\\Seen", "\\Answered",
		                             "\\Flagged", "\\Draft" };

	for (unsigned i = 0; i < 4; i++)
		if (m->flags & 1u << i &&
		    buf_fmt(b, "%s%s", b->n ? " " : "", words[i]))
			return -1;
	if (m->keywords)
		return buf_fmt(b, "%s%s", b->n ? " " : "", m->keywords);
	return b->p ? 0 : buf_str(b, "");
}

/* Those that somebody changed in between have another state than ours. */
static int recheck(struct writer *w, struct batch *b, const struct message *t,
                   struct err *e)
{
	struct founds l = { 0 };
	int failed = flags_now(w, b, &l, e);

	for (size_t i = 0; !failed && i < b->n; i++) {
		struct message *m = &b->v[i];
		const struct found *f = find(&l, m->dest_uid);

		if (m->state != MSG_UNFINISHED || !same_target(m, t))
			continue;
		if (!f || f->flags != m->flags ||
		    !subset(f->keywords, m->keywords) ||
		    !subset(m->keywords, f->keywords)) {
			m->state = f ? MSG_MOVED : MSG_GONE_DEST;
			m->tries = 1;
		}
	}
	founds_release(&l);
	return failed;
}

/*
 * One STORE for all that are to have the flags of t. Each has exactly what
 * we set, so replacing the whole is changing what differs.
 */
static int store_like(struct writer *w, struct batch *b,
                      const struct message *t, uint64_t modseq, struct err *e)
{
	struct buf words CLEANUP(buf_release_p) = BUF_INIT(1 << 17);
	uint32_t *uids CLEANUP(free_p) = calloc(b->n + 1, sizeof(*uids));
	char *set CLEANUP(free_p) = NULL;
	char unless[64] = "";
	struct imap_reply r;
	imap_tag tag;
	size_t n = 0;

	for (size_t i = 0; uids && i < b->n; i++)
		if (b->v[i].state == MSG_UNFINISHED && same_target(&b->v[i], t))
			uids[n++] = b->v[i].dest_uid;
	set = uids ? imap_uid_set(uids, n) : NULL;
	if (!set || target_words(&words, t))
		return err_memory(e);
	if (modseq && imap_caps(w->im) & CAP_CONDSTORE)
		snprintf(unless, sizeof(unless),
		         "(UNCHANGEDSINCE %" PRIu64 ") ", modseq);
	if (imap_cmd(w->im, &tag, e, "UID STORE %s %sFLAGS.SILENT (%s)", set,
	             unless, words.p) ||
	    imap_wait(w->im, tag, NULL, NULL, &r, e))
		return -1;
	if (strncasecmp(r.code, "MODIFIED", 8) == 0)
		return recheck(w, b, t, e);
	return r.status == IMAP_OK ? 0 : imap_error(w->im, &r, ERR_FOLDER, e);
}

static int store_flags(struct writer *w, struct batch *b, uint64_t modseq,
                       struct err *e)
{
	for (size_t i = 0; i < b->n; i++) {
		bool first = b->v[i].state == MSG_UNFINISHED;

		for (size_t j = 0; j < i && first; j++)
			first = b->v[j].state != MSG_UNFINISHED ||
			        !same_target(&b->v[i], &b->v[j]);
		if (first && store_like(w, b, &b->v[i], modseq, e))
			return -1;
	}
	return 0;
}

static int keep_allowed(const struct writer *w, const struct folder *f,
                        struct message *m, struct err *e)
{
	char *kept;

	if (imap_words_kept(w, f, m->keywords, &kept, NULL, e)) {
		free(kept);
		return -1;
	}
	free(m->keywords);
	m->keywords = kept;
	m->flags &= MAIL_FLAGS_KEPT;
	return 0;
}

static void judge(struct batch *b, const struct founds *now)
{
	for (size_t i = 0; i < b->n; i++) {
		struct message *m = &b->v[i];
		const struct found *f = find(now, m->dest_uid);

		if (!f)
			m->state = MSG_GONE_DEST;
		else if (as_we_set(f, m))
			m->state = MSG_UNFINISHED;
		else
			m->tries = 1;
	}
}

static int set_done(struct batch *b, struct err *e)
{
	for (size_t i = 0; i < b->n; i++) {
		struct message *m = &b->v[i];

		if (m->state != MSG_UNFINISHED)
			continue;
		m->state = MSG_MOVED;
		m->set_flags = m->flags;
		free(m->set_keywords);
		m->set_keywords = m->keywords ? strdup(m->keywords) : NULL;
		if (m->keywords && !m->set_keywords)
			return err_memory(e);
	}
	return 0;
}

int change_flags(struct writer *w, const struct folder *f, struct batch *b,
                 struct err *e)
{
	struct folder now = { 0 };
	struct founds l = { 0 };
	int failed = writer_select(w, f, false, &now, e);

	for (size_t i = 0; !failed && i < b->n; i++) {
		b->v[i].tries = 0;
		failed = keep_allowed(w, &now, &b->v[i], e);
	}
	free(now.keywords);
	failed = failed || flags_now(w, b, &l, e);
	if (!failed) {
		judge(b, &l);
		failed = store_flags(w, b, now.modseq, e) || set_done(b, e);
	}
	founds_release(&l);
	return failed ? -1 : 0;
}

int change_take_back(struct writer *w, const struct folder *f, struct batch *b,
                     struct err *e)
{
	struct folder now = { 0 };
	char *set CLEANUP(free_p) = uid_set_of(b);
	imap_tag mark, expunge;

	if (!set)
		return err_memory(e);
	if (!(imap_caps(w->im) & CAP_UIDPLUS))
		return err_set(e, ERR_FOLDER, NEXT_GIVE_UP, EC_DOUBLED,
		               "The new server stored a message late and so "
		               "twice, and offers no safe way to take the "
		               "second copy back. Delete it by hand.",
		               "no UIDPLUS");
	if (writer_select(w, f, false, &now, e))
		return -1;
	free(now.keywords);
	if (imap_cmd(w->im, &mark, e, "UID STORE %s +FLAGS.SILENT (\\Deleted)",
	             set) ||
	    imap_do(w->im, mark, NULL, NULL, e) ||
	    imap_cmd(w->im, &expunge, e, "UID EXPUNGE %s", set))
		return -1;
	return imap_do(w->im, expunge, NULL, NULL, e);
}
