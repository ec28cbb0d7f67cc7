/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read.c - copies at the destination read back, in batches, with their
 * octets released as they come; a lost connection is opened again.
 */
#include <stdlib.h>
#include <string.h>

#include "mime/sha256.h"
#include "util/buf.h"
#include "verify/check.h"

/* One chunk of the body with each lone 0x80 put back as NUL. A 0x80 within
 * a UTF-8 sequence follows an octet that is not ASCII; *ascii carries that
 * from chunk to chunk. */
static void put_back(unsigned char *p, size_t n, bool *ascii)
{
	for (size_t i = 0; i < n; i++) {
		if (*ascii && p[i] == 0x80)
			p[i] = '\0';
		*ascii = p[i] < 0x80;
	}
}

/*
 * Dovecot stores NUL as 0x80. If putting the NULs back gives what was sent,
 * that is all that happened to it.
 */
static bool only_nuls(const struct body *b, const unsigned char sent[32])
{
	unsigned char *buf CLEANUP(free_p) = malloc(65536);
	struct sha256 hash CLEANUP(sha256_release) = { 0 };
	unsigned char digest[SHA256_OCTETS];
	bool ascii = true;
	uint64_t at = 0;
	ssize_t n;

	if (!buf || sha256_begin(&hash))
		return false;
	while ((n = body_read(b, at, buf, 65536, NULL)) > 0) {
		put_back(buf, (size_t)n, &ascii);
		if (sha256_data(&hash, buf, (size_t)n))
			return false;
		at += (uint64_t)n;
	}
	return n == 0 && sha256_end(&hash, digest) == 0 &&
	       memcmp(digest, sent, sizeof(digest)) == 0;
}

struct reading {
	const struct check *c;
	struct want *v;
	size_t n;
	bool headers_only;
};

static struct want *want_of(const struct reading *q, const struct message *m)
{
	/* row is the place in v + 1: drivers leave it alone. */
	if (m->row < 1 || (uint64_t)m->row > q->n)
		return NULL;
	return &q->v[m->row - 1];
}

static int came(struct message *m, void *arg)
{
	struct reading *q = arg;
	struct want *w = want_of(q, m);

	if (w && m->fetched && !m->hole) {
		w->fetched = true;
		w->fp = m->fp;
		w->octets = m->body.size;
		w->there = m->dest_size;
		memcpy(w->sha256, m->sha256, sizeof(w->sha256));
		w->nul_only = !q->headers_only && w->sent &&
		              memcmp(w->sent, m->sha256, 32) != 0 &&
		              only_nuls(&m->body, w->sent);
	}
	body_release(&m->body);
	return q->c->stop && atomic_load(q->c->stop);
}

static bool is_open(const struct want *w)
{
	return !w->fetched && !w->hole;
}

static size_t count_open(const struct want *v, size_t n)
{
	size_t open = 0;

	for (size_t i = 0; i < n; i++)
		open += is_open(&v[i]);
	return open;
}

static int batch_put(struct batch *b, const struct check *c,
                     const struct folder *f, const struct want *w, size_t place)
{
	struct message *m = batch_add(b);

	if (!m)
		return -1;
	m->row = (int64_t)place + 1;
	m->size = w->size;
	m->dest_uid = w->uid;
	m->dest_uidvalidity = f->uidvalidity;
	body_init(&m->body, c->to.body_limit, c->to.spool_dir);
	b->bytes += w->size;
	if (!w->name)
		return 0;
	m->dest_name = strdup(w->name);
	return m->dest_name ? 0 : -1;
}

/* Those of v that are still open. NULL: memory. */
static struct batch *batch_of(const struct check *c, const struct folder *f,
                              const struct want *v, size_t n)
{
	struct batch *b = batch_new();

	for (size_t i = 0; b && i < n; i++)
		if (is_open(&v[i]) && batch_put(b, c, f, &v[i], i))
			batch_free(&b);
	if (b)
		b->dest_folder = f->id;
	return b;
}

static void take_holes(const struct batch *b, struct want *v, size_t n)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->v[i].hole && b->v[i].row > 0 &&
		    (uint64_t)b->v[i].row <= n)
			v[b->v[i].row - 1].hole = true;
}

/* One request, until it was answered. 1: refused for what it asks for; the
 * handle is spent then. */
static int read_batch(struct check *c, const struct folder *f, struct want *v,
                      size_t n, bool headers_only, struct err *e)
{
	unsigned tries = 0;

	while (count_open(v, n)) {
		struct batch *b CLEANUP(batch_free) = batch_of(c, f, v, n);
		struct reading q = { c, v, n, headers_only };

		if (!b)
			return err_memory(e);
		if (check_stop(c, e) || check_open_writer(c, &tries, e))
			return -1;
		if (!c->ends->writer->read(c->w, f, b, headers_only, came, &q,
		                           e)) {
			take_holes(b, v, n);
			return check_stop(c, e);
		}
		c->ends->writer->close(&c->w);
		if (check_again(c, &tries, e))
			continue;
		return e->reach <= ERR_FOLDER && c->refusals++ < VERIFY_REFUSALS
		               ? 1
		               : -1;
	}
	return 0;
}

/* A server may refuse a whole request, or leave part of it out, for one
 * message that it can't read: halves find it. */
static int read_halving(struct check *c, const struct folder *f, struct want *v,
                        size_t n, bool headers_only, struct err *e)
{
	if (read_batch(c, f, v, n, headers_only, e) < 0)
		return -1;
	if (n < 2 || !count_open(v, n))
		return 0;
	if (read_halving(c, f, v, n / 2, headers_only, e))
		return -1;
	return read_halving(c, f, v + n / 2, n - n / 2, headers_only, e);
}

static size_t batch_size(const struct want *v, size_t n, bool headers_only)
{
	uint64_t bytes = 0;
	size_t k = 0;

	if (headers_only)
		return n < VERIFY_HEADERS ? n : VERIFY_HEADERS;
	while (k < n && k < VERIFY_BODIES &&
	       (k == 0 || bytes + v[k].size <= VERIFY_BODY_BYTES))
		bytes += v[k++].size;
	return k;
}

int check_read(struct check *c, const struct folder *f, struct want *v,
               size_t n, bool headers_only, struct err *e)
{
	while (n > 0) {
		size_t k = batch_size(v, n, headers_only);

		if (read_halving(c, f, v, k, headers_only, e))
			return -1;
		for (size_t i = 0; !headers_only && i < k; i++)
			c->sum->bytes_read += v[i].fetched ? v[i].octets : 0;
		v += k;
		n -= k;
	}
	return 0;
}
