/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imap.c - mail from an IMAP server: EXAMINE and BODY.PEEK only, UIDs by
 * SEARCH, bodies by pipelined ranges. Nothing here changes the source.
 */
#include <stdlib.h>
#include <string.h>

#include "mailhaul/reader.h"
#include "net/imap_mail.h"
#include "util/buf.h"

/* A batch whose octets have been asked for. */
struct asked {
	struct batch *batch;
	imap_tag select;      /* 0: the folder was selected already */
	uint32_t uidvalidity; /* as its rows were listed */
	bool done;
};

struct reader {
	struct imap *im;
	struct imap_bodies bodies;
	struct imap_namespace ns;
	char *selected; /* raw name, as of the last command sent */
	struct asked asked[IMAP_ASKED_MOST];
	size_t first, count;
	uint32_t uidvalidity; /* of the last SELECT that was answered */
};

static bool accepts(const struct account *a)
{
	return account_is_imap(a);
}

static void imap_reader_close(struct reader **r)
{
	if (!*r)
		return;
	if ((*r)->im && (*r)->count)
		imap_abort((*r)->im);
	imap_close(&(*r)->im);
	imap_bodies_release(&(*r)->bodies);
	imap_namespace_release(&(*r)->ns);
	free((*r)->selected);
	free(*r);
	*r = NULL;
}

static int imap_reader_open(struct reader **out, const struct account *a,
                            struct err *e)
{
	struct reader *r = calloc(1, sizeof(*r));

	if (!r)
		return err_memory(e);
	if (imap_open(&r->im, a, e)) {
		free(r);
		return -1;
	}
	imap_bodies_init(&r->bodies, r->im, a);
	*out = r;
	return 0;
}

static int folders(struct reader *r, struct folder_list *out, struct err *e)
{
	imap_namespace_release(&r->ns);
	return imap_folders(r->im, true, &r->ns, out, e);
}

/* --- listing -------------------------------------------------------------- */

static int select_and_search(struct reader *r, struct folder *f,
                             uint32_t **uids, size_t *n, struct err *e)
{
	imap_tag select, search;
	struct imap_reply ignored;

	free(r->selected);
	r->selected = NULL;
	imap_bodies_selected(&r->bodies);
	if (imap_select_ask(r->im, f->raw, true, &select, e) ||
	    imap_uids_ask(r->im, &search, e))
		return -1;
	if (imap_select_take(r->im, select, f, e)) {
		struct err more;

		if (!imap_dead(r->im))
			imap_wait(r->im, search, NULL, NULL, &ignored, &more);
		return -1;
	}
	if (imap_uids_take(r->im, search, uids, n, e))
		return -1;
	r->selected = strdup(f->raw);
	r->uidvalidity = f->uidvalidity;
	return 0;
}

static int tell_uids(const struct window *w, const uint32_t *uids, size_t n,
                     bool *stop, struct err *e)
{
	uint64_t *wide CLEANUP(free_p) = NULL;

	if (!w->uids)
		return 0;
	wide = calloc(n + 1, sizeof(*wide));
	if (!wide)
		return err_memory(e);
	for (size_t i = 0; i < n; i++)
		wide[i] = uids[i];
	*stop = w->uids(wide, n, w->arg) != 0;
	return 0;
}

/* Leaves in uids only those that are not known; both are ascending. */
static size_t only_new(uint32_t *uids, size_t n, const struct window *w)
{
	size_t kept = 0, k = 0;

	for (size_t i = 0; i < n; i++) {
		while (k < w->known_n && w->known[k] < uids[i])
			k++;
		if (k == w->known_n || w->known[k] != uids[i])
			uids[kept++] = uids[i];
	}
	return kept;
}

struct known_only {
	const struct window *w;
};

static int uid64_order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int changed_known(struct message *m, void *arg)
{
	const struct window *w = ((struct known_only *)arg)->w;

	if (bsearch(&m->uid, w->known, w->known_n, sizeof(m->uid), uid64_order))
		w->changed(m, w->arg);
	return 0;
}

static int changed_flags(struct reader *r, const struct window *w,
                         struct err *e)
{
	struct known_only k = { w };
	uint64_t since = imap_caps(r->im) & CAP_CONDSTORE ? w->modseq : 0;

	if (!w->changed || !w->known_n)
		return 0;
	if (since && w->now_modseq && since >= w->now_modseq)
		return 0;
	return imap_flags(r->im, w->now_modseq ? since : 0, changed_known, &k,
	                  e);
}

static int list(struct reader *r, const struct folder *folder, struct window *w,
                struct err *e)
{
	struct folder f = { .raw = folder->raw };
	struct window known = *w;
	uint32_t *uids CLEANUP(free_p) = NULL;
	bool stop = false;
	size_t n = 0;
	int failed = select_and_search(r, &f, &uids, &n, e);

	free(f.keywords);
	if (failed)
		return -1;
	w->now_uidvalidity = f.uidvalidity;
	w->now_uidnext = f.uidnext;
	w->now_modseq = f.modseq;
	w->now_messages = n;
	if (w->uidvalidity != f.uidvalidity)
		known.known_n = 0;
	known.now_modseq = f.modseq;
	if (tell_uids(w, uids, n, &stop, e))
		return -1;
	if (stop)
		return 0;
	if (changed_flags(r, &known, e))
		return -1;
	if (!w->found)
		return 0;
	return imap_meta(r->im, uids, only_new(uids, n, &known),
	                 w->newest_first, w->found, w->arg, e);
}

/* --- octets --------------------------------------------------------------- */

/*
 * The FETCH went out right behind its EXAMINE. Its answer counts only if
 * that EXAMINE was granted and the UIDs still mean what they meant.
 */
static int check_selected(struct reader *r, const struct asked *a,
                          struct err *e)
{
	struct folder f = { 0 };
	int failed = 0;

	if (a->select) {
		failed = imap_select_take(r->im, a->select, &f, e);
		free(f.keywords);
		r->uidvalidity = failed ? 0 : f.uidvalidity;
	}
	if (failed || r->uidvalidity == a->uidvalidity)
		return failed;
	return err_set(e, ERR_FOLDER, NEXT_RETRY, EC_PROTOCOL,
	               "The old server renumbered a folder while it was being "
	               "read. mailhaul lists it again.",
	               "UIDVALIDITY %u, was %u", r->uidvalidity,
	               a->uidvalidity);
}

/* Completes the oldest that is not done. On a refusal the answer to its
 * FETCH is not waited for: the handle is spent. */
static int complete(struct reader *r, struct asked *a, struct err *e)
{
	if (check_selected(r, a, e) ||
	    imap_bodies_take(&r->bodies, NULL, NULL, e))
		return -1;
	a->done = true;
	return 0;
}

static struct asked *nth(struct reader *r, size_t n)
{
	return &r->asked[(r->first + n) % IMAP_ASKED_MOST];
}

/* A name that only a synchronising literal can carry is not pipelined. */
static int settle_before(struct reader *r, const char *raw, struct err *e)
{
	if (!imap_needs_literal(raw))
		return 0;
	for (size_t i = 0; i < r->count; i++)
		if (!nth(r, i)->done && complete(r, nth(r, i), e))
			return -1;
	return 0;
}

static int select_for(struct reader *r, const struct folder *f, struct asked *a,
                      struct err *e)
{
	if (r->selected && strcmp(r->selected, f->raw) == 0)
		return 0;
	free(r->selected);
	r->selected = NULL;
	if (settle_before(r, f->raw, e) ||
	    imap_select_ask(r->im, f->raw, true, &a->select, e))
		return -1;
	imap_bodies_selected(&r->bodies);
	r->selected = strdup(f->raw);
	return r->selected ? 0 : err_memory(e);
}

static int ask(struct reader *r, const struct folder *f, struct batch *b,
               struct err *e)
{
	struct asked a = { .batch = b, .uidvalidity = f->uidvalidity };

	if (select_for(r, f, &a, e) ||
	    imap_bodies_ask(&r->bodies, b, false, false, e))
		return -1;
	*nth(r, r->count++) = a;
	return imap_flush(r->im, e);
}

static int fetch(struct reader *r, struct batch **out, struct err *e)
{
	struct asked *a = nth(r, 0);

	if (!a->done && complete(r, a, e))
		return -1;
	*out = a->batch;
	r->first = (r->first + 1) % IMAP_ASKED_MOST;
	r->count--;
	return 0;
}

const struct reader_ops reader_imap = {
	.name = "imap",
	.traits = READER_LANES,
	.accepts = accepts,
	.open = imap_reader_open,
	.folders = folders,
	.list = list,
	.ask = ask,
	.fetch = fetch,
	.close = imap_reader_close,
};
