/* SPDX-License-Identifier: Apache-2.0 */
/* imap_mail.c - see imap_mail.h. RFC 3501, 4731, 7162. */
#include "net/imap_mail.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "util/buf.h"

/* RFC 2683 3.2.1.5: no command line over 8,000 octets. */
#define SET_OCTETS 7000
#define META_FIRST 250 /* a small first answer: mail moves at once */
#define META_MOST 5000
#define META_IN_FLIGHT 3

/* --- select -------------------------------------------------------------- */

bool imap_needs_literal(const char *raw)
{
	for (const unsigned char *p = (const unsigned char *)raw; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			return true;
	return false;
}

static int select_literal(struct imap *im, const char *raw, const char *word,
                          imap_tag *tag, struct err *e)
{
	struct buf size CLEANUP(buf_release_p) = BUF_INIT(64);
	struct imap_reply r;
	int go;

	if (buf_fmt(&size, "{%zu}\r\n", strlen(raw)))
		return err_memory(e);
	if (imap_cmd_start(im, tag, e, "%s ", word) ||
	    imap_out(im, size.p, size.n, e))
		return -1;
	go = imap_wait_go(im, *tag, NULL, NULL, &r, e);
	if (go == 0)
		return imap_error(im, &r, ERR_FOLDER, e);
	if (go < 0 || imap_out(im, raw, strlen(raw), e))
		return -1;
	return imap_out(im, "\r\n", 2, e);
}

int imap_select_ask(struct imap *im, const char *raw, bool read_only,
                    imap_tag *tag, struct err *e)
{
	char *name CLEANUP(free_p) = NULL;

	if (imap_needs_literal(raw))
		return select_literal(im, raw, read_only ? "EXAMINE" : "SELECT",
		                      tag, e);

	if (imap_quoted(raw, &name, e))
		return -1;
	return imap_cmd(im, tag, e, "%s %s%s", read_only ? "EXAMINE" : "SELECT",
	                name,
	                imap_caps(im) & CAP_CONDSTORE ? " (CONDSTORE)" : "");
}

static int selected(const struct imap_reply *r, void *arg, struct err *e)
{
	struct folder *f = arg;
	struct imap_permanent perm = { 0 };
	uint64_t n;

	(void)e;
	if (r->kind != IMAP_UNTAGGED)
		return 0;
	if (r->name && strcmp(r->name, "EXISTS") == 0)
		f->messages = r->num;
	if (imap_code_number(r->code, "UIDVALIDITY", &n))
		f->uidvalidity = (uint32_t)n;
	else if (imap_code_number(r->code, "UIDNEXT", &n))
		f->uidnext = (uint32_t)n;
	else if (imap_code_number(r->code, "HIGHESTMODSEQ", &n))
		f->modseq = n;
	else if (imap_parse_permanent(r->code, &perm)) {
		free(f->keywords);
		f->keywords = perm.keywords;
		f->any_keyword = perm.any;
	}
	return 0;
}

int imap_select_take(struct imap *im, imap_tag tag, struct folder *f,
                     struct err *e)
{
	struct imap_reply r;

	f->modseq = 0;
	f->uidnext = 0;
	f->messages = 0;
	if (imap_wait(im, tag, selected, f, &r, e))
		return -1;
	if (r.status == IMAP_OK) {
		f->have_status = true;
		return 0;
	}
	return imap_error(im, &r, ERR_FOLDER, e);
}

/* --- UIDs ---------------------------------------------------------------- */

int imap_uids_ask(struct imap *im, imap_tag *tag, struct err *e)
{
	if (imap_caps(im) & CAP_ESEARCH)
		return imap_cmd(im, tag, e, "UID SEARCH RETURN (ALL) ALL");
	return imap_cmd(im, tag, e, "UID SEARCH ALL");
}

struct uid_list {
	uint32_t *v;
	size_t n, cap;
};

static int searched(const struct imap_reply *r, void *arg, struct err *e)
{
	struct uid_list *l = arg;

	if (r->kind != IMAP_UNTAGGED || !r->name ||
	    (strcmp(r->name, "SEARCH") != 0 && strcmp(r->name, "ESEARCH") != 0))
		return 0;
	if (imap_parse_search(r, &l->v, &l->n, &l->cap) == 0)
		return 0;
	return err_set(e, ERR_FOLDER, NEXT_RETRY, EC_PROTOCOL,
	               "The mail server listed this folder in a way that can "
	               "not be understood. mailhaul will ask again.",
	               "malformed SEARCH: %.80s", r->line);
}

static int uid_order(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static size_t sort_unique(uint32_t *v, size_t n)
{
	size_t kept = 0;
	bool sorted = true;

	for (size_t i = 1; i < n && sorted; i++)
		sorted = v[i - 1] < v[i];
	if (sorted)
		return n;
	qsort(v, n, sizeof(*v), uid_order);
	for (size_t i = 0; i < n; i++)
		if (!kept || v[kept - 1] != v[i])
			v[kept++] = v[i];
	return kept;
}

int imap_uids_take(struct imap *im, imap_tag tag, uint32_t **uids, size_t *n,
                   struct err *e)
{
	struct uid_list l = { 0 };
	struct imap_reply r;
	int failed = imap_wait(im, tag, searched, &l, &r, e);

	if (!failed && r.status != IMAP_OK)
		failed = imap_error(im, &r, ERR_FOLDER, e);
	if (failed) {
		free(l.v);
		return -1;
	}
	*uids = l.v;
	*n = sort_unique(l.v, l.n);
	return 0;
}

/* --- FLAGS, INTERNALDATE, RFC822.SIZE ------------------------------------- */

/* A server may answer a later command before the end of an earlier one, so
 * an answer is looked up among all that are asked for. */
struct meta {
	message_fn *each;
	void *arg;
	const uint32_t *uids;
	bool *told;
	size_t n;
	bool stopped;
};

static bool to_message(const struct imap_reply *r, struct message *m)
{
	struct imap_fetch f;

	if (r->kind != IMAP_UNTAGGED || !r->name ||
	    strcmp(r->name, "FETCH") != 0)
		return false;
	if (imap_parse_fetch(r, &f))
		return false;
	memset(m, 0, sizeof(*m));
	m->uid = f.uid;
	m->size = f.size;
	m->flags = f.flags;
	m->date = f.date;
	m->keywords = f.keywords;
	f.keywords = NULL;
	if (!f.uid || !f.have_flags) {
		free(m->keywords);
		imap_fetch_release(&f);
		return false;
	}
	imap_fetch_release(&f);
	return true;
}

static int meta_answer(const struct imap_reply *r, void *arg, struct err *e)
{
	struct meta *q = arg;
	struct message m;
	const uint32_t *at;
	uint32_t uid;

	(void)e;
	if (!to_message(r, &m))
		return 0;
	uid = (uint32_t)m.uid;
	at = bsearch(&uid, q->uids, q->n, sizeof(uid), uid_order);
	if (at && !q->told[at - q->uids]) {
		q->told[at - q->uids] = true;
		q->stopped = q->stopped || q->each(&m, q->arg);
	}
	message_release(&m);
	return 0;
}

/* As many of uids (from the end, or from the start) as fit one command. */
static int next_set(const uint32_t *uids, size_t n, bool from_end, size_t most,
                    size_t *taken, char **set, struct err *e)
{
	size_t want = n < most ? n : most;

	for (;;) {
		const uint32_t *from = from_end ? uids + n - want : uids;

		*set = imap_uid_set(from, want);
		if (!*set)
			return err_memory(e);
		if (want <= 1 || strlen(*set) <= SET_OCTETS)
			break;
		free(*set);
		want = want * SET_OCTETS / 20000 ? want * SET_OCTETS / 20000
		                                 : 1;
	}
	*taken = want;
	return 0;
}

static int meta_ask(struct imap *im, const uint32_t *uids, size_t n,
                    bool newest_first, size_t most, size_t *taken,
                    imap_tag *tag, struct err *e)
{
	char *set CLEANUP(free_p) = NULL;

	if (next_set(uids, n, newest_first, most, taken, &set, e))
		return -1;
	return imap_cmd(im, tag, e,
	                "UID FETCH %s (UID FLAGS INTERNALDATE RFC822.SIZE)",
	                set);
}

static int meta_take(struct imap *im, imap_tag tag, struct meta *q,
                     struct err *e)
{
	struct imap_reply r;

	if (imap_wait(im, tag, meta_answer, q, &r, e))
		return -1;
	return r.status == IMAP_BAD ? imap_error(im, &r, ERR_FOLDER, e) : 0;
}

static void tell_silent(struct meta *q)
{
	for (size_t i = 0; i < q->n && !q->stopped; i++) {
		struct message m = { .uid = q->uids[i] };

		if (!q->told[i])
			q->stopped = q->each(&m, q->arg);
		message_release(&m);
	}
}

int imap_meta(struct imap *im, const uint32_t *uids, size_t n,
              bool newest_first, message_fn *each, void *arg, struct err *e)
{
	bool *told CLEANUP(free_p) = calloc(n + 1, 1);
	struct meta q = { each, arg, uids, told, n, false };
	imap_tag out[META_IN_FLIGHT];
	size_t most = META_FIRST, first = 0, count = 0, taken = 0;

	if (!told)
		return err_memory(e);
	while (n > 0 || count > 0) {
		while (n > 0 && count < META_IN_FLIGHT && !q.stopped) {
			imap_tag *tag = &out[(first + count) % META_IN_FLIGHT];

			if (meta_ask(im, uids, n, newest_first, most, &taken,
			             tag, e))
				return -1;
			uids += newest_first ? 0 : taken;
			n -= taken;
			most = META_MOST;
			count++;
		}
		if (count == 0)
			break;
		if (meta_take(im, out[first], &q, e))
			return -1;
		first = (first + 1) % META_IN_FLIGHT;
		count--;
	}
	tell_silent(&q);
	return 0;
}

struct flag_answers {
	message_fn *each;
	void *arg;
};

static int flags_answer(const struct imap_reply *r, void *arg, struct err *e)
{
	struct flag_answers *q = arg;
	struct message m;

	(void)e;
	if (!to_message(r, &m))
		return 0;
	q->each(&m, q->arg);
	message_release(&m);
	return 0;
}

int imap_flags(struct imap *im, uint64_t modseq, message_fn *each, void *arg,
               struct err *e)
{
	struct flag_answers q = { each, arg };
	imap_tag tag;

	if (modseq ? imap_cmd(im, &tag, e,
	                      "UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE "
	                      "%" PRIu64 ")",
	                      modseq)
	           : imap_cmd(im, &tag, e, "UID FETCH 1:* (UID FLAGS)"))
		return -1;
	return imap_do(im, tag, flags_answer, &q, e);
}

/* --- octets --------------------------------------------------------------- */

static int body_begin(void *arg, uint64_t size, struct err *e)
{
	struct imap_bodies *b = arg;

	intake_release(&b->in);
	message_release(&b->parked);
	body_init(&b->parked.body, b->a->body_limit, b->a->spool_dir);
	return intake_begin(&b->in, &b->parked, size, false, e);
}

static int body_data(void *arg, const char *p, size_t n, struct err *e)
{
	struct imap_bodies *b = arg;

	return intake_data(&b->in, p, n, e);
}

void imap_bodies_init(struct imap_bodies *b, struct imap *im,
                      const struct account *a)
{
	memset(b, 0, sizeof(*b));
	b->im = im;
	b->a = a;
	b->sink = (struct imap_sink){ body_begin, body_data, b };
	imap_set_sink(im, &b->sink);
}

static void asked_drop(struct imap_bodies *b)
{
	free(b->asked[0].index);
	b->asked_n--;
	memmove(&b->asked[0], &b->asked[1], b->asked_n * sizeof(b->asked[0]));
}

void imap_bodies_release(struct imap_bodies *b)
{
	while (b->asked_n)
		asked_drop(b);
	intake_release(&b->in);
	message_release(&b->parked);
}

void imap_bodies_selected(struct imap_bodies *b)
{
	b->selection++;
}

struct uid_at {
	uint32_t uid;
	size_t at;
};

static int at_order(const void *a, const void *b)
{
	const struct uid_at *x = a, *y = b;

	return (x->uid > y->uid) - (x->uid < y->uid);
}

static struct uid_at *index_of(const struct batch *b, bool by_dest)
{
	struct uid_at *index = calloc(b->n + 1, sizeof(*index));

	for (size_t i = 0; index && i < b->n; i++)
		index[i] = (struct uid_at){ by_dest ? b->v[i].dest_uid
			                            : (uint32_t)b->v[i].uid,
			                    i };
	if (index)
		qsort(index, b->n, sizeof(*index), at_order);
	return index;
}

static char *set_of(const struct uid_at *index, size_t n)
{
	uint32_t *uids CLEANUP(free_p) = calloc(n + 1, sizeof(*uids));

	if (!uids)
		return NULL;
	for (size_t i = 0; i < n; i++)
		uids[i] = index[i].uid;
	return imap_uid_set(uids, sort_unique(uids, n));
}

/* The listing had the UID and no more. Where the flags and the date are what
 * the server can't say right, the second try asks for the octets alone. */
static bool undescribed(const struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (!b->v[i].date.known && !b->v[i].tries)
			return true;
	return false;
}

static void describe(struct message *m, struct imap_fetch *f)
{
	if (m->date.known || !f->have_date || !f->have_flags)
		return;
	m->date = f->date;
	m->flags = f->flags;
	free(m->keywords);
	m->keywords = f->keywords;
	f->keywords = NULL;
	m->described = true;
}

int imap_bodies_ask(struct imap_bodies *b, struct batch *batch, bool by_dest,
                    bool headers_only, struct err *e)
{
	struct imap_asked *a = &b->asked[b->asked_n];
	struct uid_at *index = index_of(batch, by_dest);
	char *set CLEANUP(free_p) = index ? set_of(index, batch->n) : NULL;

	if (!set || b->asked_n == IMAP_ASKED_MOST) {
		free(index);
		return err_memory(e);
	}
	*a = (struct imap_asked){ batch,        index,        by_dest,
		                  headers_only, b->selection, 0 };
	b->asked_n++;
	return imap_cmd(
	        b->im, &a->tag, e, "UID FETCH %s (UID %sBODY.PEEK[%s])", set,
	        !by_dest && undescribed(batch) ? "FLAGS INTERNALDATE " : "",
	        headers_only ? "HEADER.FIELDS (MESSAGE-ID DATE FROM "
	                       "SUBJECT)"
	                     : "");
}

/* Octets in a quoted string instead of a literal: small ones, rarely. */
static int take_inline(struct imap_bodies *b, const char *text, size_t n,
                       struct err *e)
{
	return body_begin(b, n, e) || body_data(b, text, n, e) ? -1 : 0;
}

static int keep_body(struct imap_bodies *b, const struct imap_asked *a,
                     struct message *m, struct err *e)
{
	if (intake_end(&b->in, e))
		return -1;
	body_release(&m->body);
	m->body = b->parked.body;
	memset(&b->parked.body, 0, sizeof(b->parked.body));
	memcpy(m->sha256, b->parked.sha256, sizeof(m->sha256));
	m->fp = b->parked.fp;
	m->fetched = true;
	if (a->headers_only) {
		body_release(&m->body);
		memset(m->sha256, 0, sizeof(m->sha256));
		m->fp.text = 0;
	} else {
		m->size = m->body.size;
	}
	if (b->each && b->each(m, b->arg))
		b->each = NULL;
	return 0;
}

static struct message *find(const struct imap_bodies *b, uint32_t uid,
                            const struct imap_asked **in)
{
	const struct uid_at key = { .uid = uid };

	for (size_t i = 0; uid && i < b->asked_n; i++) {
		const struct imap_asked *a = &b->asked[i];
		const struct uid_at *at;

		if (a->selection != b->asked[0].selection)
			break;
		at = bsearch(&key, a->index, a->batch->n, sizeof(key),
		             at_order);
		*in = a;
		if (at && !a->batch->v[at->at].fetched)
			return &a->batch->v[at->at];
	}
	return NULL;
}

static int body_answer(const struct imap_reply *r, void *arg, struct err *e)
{
	struct imap_bodies *b = arg;
	const struct imap_asked *in;
	struct imap_fetch f;
	struct message *m;
	int failed = 0;

	if (r->kind != IMAP_UNTAGGED || !r->name ||
	    strcmp(r->name, "FETCH") != 0 || imap_parse_fetch(r, &f))
		return 0;
	m = f.have_body && !f.body_nil ? find(b, f.uid, &in) : NULL;
	if (m && f.inline_body)
		failed = take_inline(b, f.inline_body, f.inline_len, e);
	if (!failed && m && b->in.m)
		failed = keep_body(b, in, m, e);
	if (!failed && m && m->fetched && !in->by_dest)
		describe(m, &f);
	imap_fetch_release(&f);
	return failed;
}

static void holes(struct batch *batch, const struct imap_reply *r)
{
	for (size_t i = 0; i < batch->n; i++) {
		struct message *m = &batch->v[i];

		if (m->fetched || (r->status != IMAP_OK && batch->n > 1))
			continue;
		m->hole = true;
		err_set(&m->why, ERR_MESSAGE, NEXT_RETRY, EC_HOLE,
		        "The old server lists this message but does not hand "
		        "it over. mailhaul asks again at every run; if it "
		        "stays so, ask the old provider, or look for the "
		        "message in a backup.",
		        "FETCH: %.200s", r->text);
	}
}

int imap_bodies_take(struct imap_bodies *b, message_fn *each, void *arg,
                     struct err *e)
{
	struct batch *batch = b->asked[0].batch;
	struct imap_reply r;
	int failed;

	b->each = each;
	b->arg = arg;
	failed = imap_wait(b->im, b->asked[0].tag, body_answer, b, &r, e);
	b->each = NULL;
	asked_drop(b);
	if (failed)
		return -1;
	if (r.status == IMAP_BAD)
		return imap_error(b->im, &r, ERR_FOLDER, e);
	holes(batch, &r);
	return 0;
}
