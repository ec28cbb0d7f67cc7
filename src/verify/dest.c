/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dest.c - the rows of the store against the copies at the destination.
 *
 * A folder is listed once; its rows are then read from the store page by
 * page. Of each copy that a row claims the header fields are compared (deep:
 * all octets); a copy that looks wrong is read whole before it is called
 * altered.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "mime/fingerprint.h"
#include "util/buf.h"
#include "util/log.h"
#include "verify/joins.h"

#define PAGE 1000u
#define FEW 20u /* copies that are read whole without a second thought */

/* --- listing ------------------------------------------------------------- */

struct taking {
	const struct check *c;
	struct copy_set *to;
	bool failed;
};

static int take_copy(struct message *m, void *arg)
{
	struct taking *t = arg;
	const char *name = m->dest_name ? m->dest_name : m->key;
	uint64_t uid = m->dest_uid ? m->dest_uid : m->uid;

	/* Begun and never completed: its row says that it is not copied. */
	if (m->half)
		return 0;
	if (copy_set_add(t->to, uid, name, m->size))
		t->failed = true;
	else
		memcpy(&t->to->v[t->to->n - 1].told, m->sha256,
		       sizeof(uint64_t));
	return t->failed || (t->c->stop && atomic_load(t->c->stop));
}

static int list_once(struct check *c, struct place *p, struct err *e)
{
	struct taking t = { c, &p->copies, false };

	folder_release(&p->now);
	copy_set_release(&p->copies);
	if (folder_copy(&p->now, &p->d->f))
		return err_memory(e);
	p->now.uidvalidity = 0;
	if (c->ends->writer->list(c->w, &p->now, 1, take_copy, &t, e))
		return -1;
	return t.failed ? err_memory(e) : check_stop(c, e);
}

/* A folder that can't be listed holds nothing for us: p->gone. */
static int list_place(struct check *c, struct place *p, struct err *e)
{
	unsigned tries = 0;

	for (;;) {
		if (check_open_writer(c, &tries, e))
			return -1;
		if (!list_once(c, p, e)) {
			copy_set_sort(&p->copies);
			return 0;
		}
		c->ends->writer->close(&c->w);
		if (check_again(c, &tries, e))
			continue;
		if (e->reach > ERR_FOLDER)
			return -1;
		copy_set_release(&p->copies);
		p->gone = true;
		p->why = *e;
		return 0;
	}
}

/* --- one page of rows ---------------------------------------------------- */

/* A row that says that it has a copy here, and the copy. */
struct claim {
	int64_t row;
	uint64_t uid;  /* at the source */
	uint64_t size; /* as the source announced it */
	uint64_t seen; /* at the destination, 0: not told */
	bool adopted, repaired, hashed;
	const struct copy *copy;
	unsigned char sha256[32];
	struct fingerprint fp;
};

struct page {
	struct check *c;
	struct place *p;
	const struct joins *joins;
	uint32_t at; /* p's place in places */
	struct claim *v;
	size_t n;
	size_t rows; /* seen, claims or not */
	int64_t last;
	bool failed;
};

static bool has_name(const struct message *m)
{
	return m->dest_name && *m->dest_name;
}

static struct copy *copy_of(const struct page *g, const struct row *r)
{
	if (has_name(&r->m))
		return copy_set_find(&g->p->copies,
		                     verify_name_id(r->m.dest_name));
	if (!r->m.dest_uid || r->m.dest_uidvalidity != g->p->now.uidvalidity)
		return NULL;
	return copy_set_find(&g->p->copies, r->m.dest_uid);
}

/* What one of our own rows, or one that ours is joined to, says. */
struct saying {
	const struct row *r;
	int64_t row; /* ours */
	uint64_t uid;
};

static void lacking(struct page *g, const struct saying *s)
{
	const struct row *r = s->r;
	struct lack k = {
		.row = s->row,
		.uid = s->uid,
		.place = g->at,
		.unnamed = !has_name(&r->m) && !r->m.dest_uid,
	};

	g->failed |= lack_list_add(&g->c->lacks, &k) != 0;
}

static void claiming(struct page *g, const struct saying *s,
                     const struct copy *copy)
{
	struct claim *k = &g->v[g->n++];
	const struct row *r = s->r;

	k->row = s->row;
	k->uid = s->uid;
	k->size = r->m.size;
	k->adopted = r->m.state == MSG_ADOPTED;
	k->repaired = r->m.repaired;
	k->copy = copy;
	memcpy(k->sha256, r->m.sha256, sizeof(k->sha256));
	k->hashed = memcmp(k->sha256, (unsigned char[32]){ 0 }, 32) != 0;
	k->fp = r->m.fp;
}

static int take_row(struct row *r, void *arg)
{
	struct page *g = arg;
	struct copy *copy = copy_of(g, r);
	struct join *j = joins_find(g->joins, r->m.row);
	struct saying s = { r, r->m.row, r->m.uid };
	bool has = r->m.state == MSG_MOVED || r->m.state == MSG_ADOPTED;

	g->rows++;
	g->last = r->m.row;
	if (copy)
		copy->claimed = true;
	if (j) {
		j->seen = true;
		s = (struct saying){ r, j->row, j->uid };
	} else if (!has || r->mailbox != g->c->job->mailbox->id) {
		return 0;
	}
	if (copy && has)
		claiming(g, &s, copy);
	else
		lacking(g, &s);
	return g->failed;
}

/* --- judging ------------------------------------------------------------- */

static void altered(struct page *g, const struct claim *k)
{
	struct verify_row r = {
		.what = DIFF_ALTERED,
		.folder = g->p->d->f.path,
		.row = k->row,
		.uid = k->uid,
	};

	check_report(g->c, &r, 1,
	             "The copy at the destination is not what mailhaul put "
	             "there: somebody or something has changed it since. If "
	             "that was not on purpose, take the message from the "
	             "source (or a backup) again.");
}

/* Listed, but not handed out: for its owner it is not there. */
static void unreadable(struct page *g, const struct claim *k)
{
	struct verify_row r = {
		.what = DIFF_MISSING,
		.folder = g->p->d->f.path,
		.row = k->row,
		.uid = k->uid,
	};

	check_report(g->c, &r, 1,
	             "The destination lists this message but does not hand it "
	             "out. Look whether it can be opened there, and verify "
	             "again; if it can't, ask the new provider.");
}

/* Whether the octets there are what the row says, or may stand for it. */
static bool is_as_sent(struct check *c, const struct claim *k,
                       const struct want *w)
{
	enum fp_match alike;

	if (memcmp(k->sha256, w->sha256, sizeof(k->sha256)) == 0)
		return true;
	/* Recognised without its octets: there is nothing to compare. */
	if (!k->hashed && !k->fp.version)
		return true;
	alike = k->adopted ? fp_join(&k->fp, &w->fp)
	                   : fp_compare(&k->fp, &w->fp);
	/* An adopted copy came by other hands, and was taken because its
	 * fingerprint was the same. */
	if (!w->nul_only && !(k->adopted && alike == FP_SAME)) {
		if ((c->keeps_octets && !c->folds_space && k->hashed) ||
		    verify_heads_differ(&k->fp, &w->fp))
			return false;
		/* fp is the original's, the text of a repaired copy is not. */
		if (alike != FP_SAME && !(k->repaired && alike == FP_UNSURE))
			return false;
	}
	c->sum->rewritten++;
	log_msg("verify: row %" PRId64 ": other octets, same message", k->row);
	return true;
}

static bool other_size(const struct claim *k)
{
	return !k->adopted && k->size && k->seen && k->size != k->seen;
}

/*
 * Sizes are as the source announced them. Some sources announce others
 * than they deliver (archives with LF line ends, Exchange): where most
 * differ, they say nothing.
 */
static bool sizes_count(const struct page *g)
{
	size_t differ = 0;

	for (size_t i = 0; i < g->n; i++)
		differ += other_size(&g->v[i]);
	return g->c->keeps_octets && (differ < FEW || differ < g->n / 2);
}

/* What the headers and the size alone can't vouch for. */
static bool is_suspect(const struct claim *k, const struct want *w, bool sizes)
{
	if (!w->fetched)
		return false;
	if (k->adopted)
		return k->fp.message_id && w->fp.message_id &&
		       fp_comparable(&k->fp, &w->fp) &&
		       k->fp.message_id != w->fp.message_id;
	if (verify_heads_differ(&k->fp, &w->fp))
		return true;
	return sizes && other_size(k);
}

static void want(const struct page *g, const struct claim *k, struct want *w)
{
	memset(w, 0, sizeof(*w));
	w->name = copy_set_name(&g->p->copies, k->copy);
	w->uid = w->name ? 0 : (uint32_t)k->copy->id;
	w->size = k->copy->size ? k->copy->size : k->size;
	w->sent = k->sha256;
}

/* Reads claims whole and says which are not as sent. */
static int judge_octets(struct page *g, const struct claim *v, size_t n,
                        struct want *wants, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		want(g, &v[i], &wants[i]);
	if (check_read(g->c, &g->p->now, wants, n, false, e))
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (!wants[i].fetched)
			unreadable(g, &v[i]);
		else if (!is_as_sent(g->c, &v[i], &wants[i]))
			altered(g, &v[i]);
	}
	return 0;
}

/* What the listing has told as much of as reading headers would tell. */
static bool is_told(const struct claim *k)
{
	return k->copy->told && k->hashed &&
	       memcmp(&k->copy->told, k->sha256, sizeof(k->copy->told)) == 0;
}

static void drop_told(struct page *g)
{
	size_t kept = 0;

	for (size_t i = 0; i < g->n; i++)
		if (!is_told(&g->v[i]))
			g->v[kept++] = g->v[i];
	g->n = kept;
}

static int judge_headers(struct page *g, struct want *wants, struct err *e)
{
	size_t suspects = 0;
	bool sizes;

	drop_told(g);
	for (size_t i = 0; i < g->n; i++)
		want(g, &g->v[i], &wants[i]);
	if (check_read(g->c, &g->p->now, wants, g->n, true, e))
		return -1;
	/* A Maildir lists what the name says; reading shows the truth. */
	for (size_t i = 0; i < g->n; i++)
		g->v[i].seen =
		        wants[i].there ? wants[i].there : g->v[i].copy->size;
	sizes = sizes_count(g);
	for (size_t i = 0; i < g->n; i++) {
		if (!wants[i].fetched)
			unreadable(g, &g->v[i]);
		if (is_suspect(&g->v[i], &wants[i], sizes))
			g->v[suspects++] = g->v[i];
	}
	return judge_octets(g, g->v, suspects, wants, e);
}

static int check_rows(struct check *c, struct place *p,
                      const struct joins *joins, struct err *e)
{
	struct claim *claims CLEANUP(free_p) = calloc(PAGE, sizeof(*claims));
	struct want *wants CLEANUP(free_p) = calloc(PAGE, sizeof(*wants));
	struct row_where w = { .dest_folder = p->d->f.id, .limit = PAGE };
	struct page g = {
		.c = c,
		.p = p,
		.joins = joins,
		.at = (uint32_t)(p - c->places),
		.v = claims,
	};

	if (!claims || !wants)
		return err_memory(e);
	do {
		g.n = g.rows = 0;
		if (check_stop(c, e) || store_rows(c->s, &w, take_row, &g, e))
			return -1;
		if (g.failed)
			return err_memory(e);
		w.after_row = g.last;
		if (c->deep ? judge_octets(&g, g.v, g.n, wants, e)
		            : judge_headers(&g, wants, e))
			return -1;
	} while (g.rows == PAGE);
	return 0;
}

/* --- folders ------------------------------------------------------------- */

static int renumbered(struct check *c, struct place *p, struct joins *joins,
                      struct err *e)
{
	struct verify_row r = { .what = DIFF_MISSING, .folder = p->d->f.path };
	struct row_where w = { .mailbox = c->job->mailbox->id,
		               .dest_folder = p->d->f.id,
		               .states = 1u << MSG_MOVED | 1u << MSG_ADOPTED };
	uint64_t n = 0;

	if (store_count(c->s, &w, &n, e))
		return -1;
	n += joins_see(joins, p->d->f.id);
	p->renumbered = true;
	copy_set_release(&p->copies);
	if (n)
		check_report(c, &r, n,
		             "The destination has renumbered this folder, so "
		             "its %" PRIu64 " copies can't be told apart. Run "
		             "mailhaul run %s: it recognises them and doubles "
		             "nothing. Then verify again.",
		             n, c->job->mailbox->name);
	return 0;
}

static int check_place(struct check *c, struct place *p, struct joins *joins,
                       struct err *e)
{
	uint32_t was = p->d->f.uidvalidity;

	if (list_place(c, p, e))
		return -1;
	c->sum->destination += p->copies.n;
	if (!p->gone && was && p->now.uidvalidity && was != p->now.uidvalidity)
		return renumbered(c, p, joins, e);
	if (check_rows(c, p, joins, e))
		return -1;
	copy_set_strays(&p->copies);
	return 0;
}

int check_dest(struct check *c, struct err *e)
{
	CLEANUP(joins_release) struct joins joins = { 0 };

	if (joins_load(c, &joins, e))
		return -1;
	for (size_t i = 0; i < c->dests_n; i++)
		if (c->places[i].ours &&
		    check_place(c, &c->places[i], &joins, e))
			return -1;
	joins_report(c, &joins);
	lack_list_sort(&c->lacks);
	return 0;
}

static void lack_of_folder(struct check *c, const struct verify_row *r,
                           const struct place *p)
{
	const char *name = c->job->mailbox->name;

	check_report(c, r, 1,
	             "The folder of this message can't be opened at the "
	             "destination: \"%s\" If somebody deleted or renamed it, "
	             "its messages can be sent again: mailhaul run %s, then "
	             "mailhaul problems %s --retry",
	             p->why.text, name, name);
}

static void lack_of_copy(struct check *c, const struct verify_row *r,
                         const struct lack *k)
{
	const char *name = c->job->mailbox->name;

	if (k->found)
		check_report(c, r, 1,
		             "This message is no longer in its folder at the "
		             "destination, but an equal one stands in \"%s\": "
		             "somebody moved it there. Nothing is lost.",
		             c->places[k->found - 1].d->f.path);
	else if (k->unnamed)
		check_report(
		        c, r, 1,
		        "The destination said that it stored this message, "
		        "and it can't be found there. Run mailhaul run %s "
		        "and verify again; to send it again: mailhaul "
		        "problems %s --retry",
		        name, name);
	else
		check_report(c, r, 1,
		             "This message is no longer at the destination: "
		             "somebody deleted or moved it after it had "
		             "arrived. To send it again: mailhaul run %s, then "
		             "mailhaul problems %s --retry",
		             name, name);
}

static void lack_replaced(struct check *c, struct verify_row *r)
{
	r->what = DIFF_ALTERED;
	check_report(c, r, 1,
	             "The copy that mailhaul made is no longer at the "
	             "destination. Another one with the same Message-ID stands "
	             "in its place, and its text is not what was sent: "
	             "somebody or something has changed the message.");
}

int check_lacks(struct check *c, struct err *e)
{
	for (size_t i = 0; i < c->lacks.n; i++) {
		const struct lack *k = &c->lacks.v[i];
		const struct place *p = &c->places[k->place];
		struct verify_row r = {
			.what = DIFF_MISSING,
			.folder = p->d->f.path,
			.row = k->row,
			.uid = k->uid,
		};

		if (check_stop(c, e))
			return -1;
		if (k->answered)
			continue;
		if (k->replaced && !k->found)
			lack_replaced(c, &r);
		else if (p->gone && !k->found)
			lack_of_folder(c, &r, p);
		else
			lack_of_copy(c, &r, k);
	}
	return 0;
}
