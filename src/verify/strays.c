/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strays.c - copies at the destination that no row claims: are they ours?
 *
 * Their header fields are read, and only those are read whole that look
 * like a message of ours. Such a copy is the one of a row whose copy nobody
 * named, or one that was moved here, or one too many. Memory grows with the
 * strays, not with the mailbox.
 */
#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "verify/check.h"

/* --- what they look like ------------------------------------------------- */

static void want(const struct place *p, const struct copy *k, struct want *w)
{
	memset(w, 0, sizeof(*w));
	w->name = copy_set_name(&p->copies, k);
	w->uid = w->name ? 0 : (uint32_t)k->id;
	w->size = k->size;
}

/* Reads the headers of a folder's strays; what can't be read is not ours. */
static int look(struct check *c, struct place *p, struct want *wants,
                struct err *e)
{
	for (size_t at = 0; at < p->copies.n; at += VERIFY_HEADERS) {
		size_t n = p->copies.n - at;

		n = n < VERIFY_HEADERS ? n : VERIFY_HEADERS;
		for (size_t i = 0; i < n; i++)
			want(p, &p->copies.v[at + i], &wants[i]);
		if (check_read(c, &p->now, wants, n, true, e))
			return -1;
		for (size_t i = 0; i < n; i++) {
			struct copy *k = &p->copies.v[at + i];

			k->ours = wants[i].fetched;
			k->head = k->ours ? verify_head(&wants[i].fp) : 0;
		}
	}
	return 0;
}

static int heads_of_strays(struct check *c, struct id_list *heads,
                           struct want *wants, struct err *e)
{
	for (size_t i = 0; i < c->dests_n; i++) {
		struct place *p = &c->places[i];

		if (look(c, p, wants, e))
			return -1;
		for (size_t k = 0; k < p->copies.n; k++)
			if (p->copies.v[k].ours &&
			    id_list_add(heads, p->copies.v[k].head))
				return err_memory(e);
	}
	id_list_sort(heads);
	return 0;
}

/* --- the rows that look like them ---------------------------------------- */

struct finding {
	struct check *c;
	const struct id_list *heads;
	struct known_set known;
	bool failed;
};

/* A row is owed a copy unless its own was seen at its place. */
static void find_owed(const struct finding *q, const struct row *r,
                      struct known *k)
{
	const struct lack *lack = lack_list_find(&q->c->lacks, r->m.row);

	k->owed =
	        lack || (r->m.state != MSG_MOVED && r->m.state != MSG_ADOPTED);
	k->place = lack ? lack->place : UINT32_MAX;
	for (size_t i = 0; !lack && i < q->c->dests_n; i++)
		if (q->c->dests[i].f.id == r->dest_folder)
			k->place = (uint32_t)i;
}

static int take_row(struct row *r, void *arg)
{
	struct finding *q = arg;
	struct known k = {
		.head = verify_head(&r->m.fp),
		.text = r->m.fp.text,
		.sha = verify_sha_head(r->m.sha256),
		.row = r->m.row,
	};

	if (!r->m.fp.version || !id_list_has(q->heads, k.head))
		return 0;
	find_owed(q, r, &k);
	q->failed = known_set_add(&q->known, &k) != 0;
	return q->failed;
}

static int rows_alike(struct finding *q, struct err *e)
{
	struct row_where w = { .mailbox = q->c->job->mailbox->id };

	if (store_rows(q->c->s, &w, take_row, q, e))
		return -1;
	if (q->failed)
		return err_memory(e);
	known_set_sort(&q->known);
	return 0;
}

/* --- which of them are ours ---------------------------------------------- */

/* True if it stood there before mailhaul first came. */
static int was_before_us(struct check *c, const struct place *p,
                         const struct copy *k, const struct fingerprint *fp,
                         bool *before, struct err *e)
{
	struct dest_copy *v = NULL;
	size_t n = 0;

	*before = false;
	if (store_copies_find(c->s, c->job->mailbox->to_key, fp, &v, &n, e))
		return -1;
	for (size_t i = 0; i < n; i++) {
		uint64_t id = v[i].key ? verify_name_id(v[i].key) : v[i].uid;

		if (v[i].dest_folder == p->d->f.id && id == k->id &&
		    (v[i].key || v[i].uidvalidity == p->now.uidvalidity))
			*before = true;
		free(v[i].key);
	}
	free(v);
	return 0;
}

static void doubled(struct check *c, const struct place *p,
                    const struct copy *k, const struct known *of)
{
	struct verify_row r = {
		.what = DIFF_DOUBLED,
		.folder = p->d->f.path,
		.row = of->row,
		.uid = k->name ? 0 : k->id,
	};

	check_report(c, &r, 1,
	             "This message is at the destination once more than it "
	             "should be: one more copy of it stands in this folder. "
	             "Delete one of the two there if you do not want both.");
}

/* The row's own copy is not at its place: this one is it. */
static void found(struct check *c, const struct place *p, struct known *of)
{
	struct lack *lack = lack_list_find(&c->lacks, of->row);
	uint32_t at = (uint32_t)(p - c->places);

	of->owed = false;
	if (!lack)
		return;
	if (lack->unnamed || lack->place == at)
		lack->answered = true;
	else
		lack->found = at + 1;
}

/* Not what was sent, but with its Message-ID, where its copy should be:
 * somebody changed the copy, which IMAP shows as a new one. */
static bool replaces(struct finding *q, const struct place *p,
                     const struct copy *k, const struct want *w)
{
	const struct known *of = NULL;
	struct lack *lack;

	if (w->fp.message_id)
		of = known_set_replaced(&q->known, k->head,
		                        (uint32_t)(p - q->c->places));
	lack = of ? lack_list_find(&q->c->lacks, of->row) : NULL;
	if (!lack || lack->replaced)
		return false;
	lack->replaced = true;
	return true;
}

static int settle(struct finding *q, const struct place *p,
                  const struct copy *k, const struct want *w, struct err *e)
{
	struct known *of =
	        known_set_match(&q->known, k->head, verify_sha_head(w->sha256),
	                        w->fp.text, (uint32_t)(p - q->c->places));
	bool before = false;

	if (of && was_before_us(q->c, p, k, &w->fp, &before, e))
		return -1;
	if (!of && replaces(q, p, k, w))
		return 0;
	if (!of || before)
		q->c->sum->others++;
	else if (of->owed)
		found(q->c, p, of);
	else
		doubled(q->c, p, k, of);
	return 0;
}

/* Candidates of one folder, up to n of them from *at on. */
static size_t candidates(struct finding *q, const struct place *p, size_t *at,
                         const struct copy **v, size_t most)
{
	size_t n = 0;

	for (; *at < p->copies.n && n < most; ++*at) {
		const struct copy *k = &p->copies.v[*at];

		if (k->ours && known_set_has(&q->known, k->head))
			v[n++] = k;
		else
			q->c->sum->others++;
	}
	return n;
}

static int sort_out(struct finding *q, const struct place *p,
                    struct want *wants, struct err *e)
{
	const struct copy *v[VERIFY_BODIES];
	size_t at = 0, n;

	while ((n = candidates(q, p, &at, v, VERIFY_BODIES)) > 0) {
		for (size_t i = 0; i < n; i++)
			want(p, v[i], &wants[i]);
		if (check_read(q->c, &p->now, wants, n, false, e))
			return -1;
		for (size_t i = 0; i < n; i++) {
			if (!wants[i].fetched)
				q->c->sum->others++;
			else if (settle(q, p, v[i], &wants[i], e))
				return -1;
		}
	}
	return 0;
}

static int sort_out_all(struct finding *q, struct want *wants, struct err *e)
{
	for (size_t i = 0; i < q->c->dests_n; i++)
		if (sort_out(q, &q->c->places[i], wants, e))
			return -1;
	return 0;
}

int check_strays(struct check *c, struct err *e)
{
	struct want *wants CLEANUP(free_p) =
	        calloc(VERIFY_HEADERS, sizeof(*wants));
	struct id_list heads CLEANUP(id_list_release) = { 0 };
	struct finding q = { .c = c, .heads = &heads };
	int failed;

	if (!wants)
		return err_memory(e);
	failed = heads_of_strays(c, &heads, wants, e) ||
	         (heads.n && rows_alike(&q, e)) || sort_out_all(&q, wants, e);
	known_set_release(&q.known);
	return failed ? -1 : 0;
}
