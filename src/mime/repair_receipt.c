/* SPDX-License-Identifier: Apache-2.0 */
/*
 * repair_receipt.c - requests for read receipts, made harmless: the field's
 * name gets a prefix, everything else stays octet by octet. RFC 8098, and
 * the two fields that older programs know.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mime/repair.h"
#include "mime/sha256.h"
#include "util/buf.h"

#define PREFIX "X-mailhaul-"
#define FIELDS_MOST 32 /* of one message; more are no mail */
#define NAME_MOST 40
#define CHUNK (64u << 10)

static const char *const names[] = { "Disposition-Notification-To",
	                             "Return-Receipt-To",
	                             "X-Confirm-Reading-To" };

/* Where the header's requests begin. */
struct requests {
	uint64_t at[FIELDS_MOST];
	size_t n;
	/* The line being read. */
	char name[NAME_MOST + 1];
	size_t name_n;
	uint64_t line; /* where it begins */
	bool named;    /* its colon was seen, or it has none */
	bool empty;
};

static bool is_request(const char *name, size_t n)
{
	while (n && (name[n - 1] == ' ' || name[n - 1] == '\t'))
		n--;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == n &&
		    strncasecmp(name, names[i], n) == 0)
			return true;
	return false;
}

static void line_begins(struct requests *r, uint64_t at)
{
	r->line = at;
	r->name_n = 0;
	r->named = false;
	r->empty = true;
}

/* One octet of the header. True: the header has ended. */
static bool octet(struct requests *r, uint64_t at, char c)
{
	if (c == '\n') {
		if (r->empty)
			return true;
		line_begins(r, at + 1);
		return false;
	}
	r->empty = r->empty && c == '\r';
	if (r->named)
		return false;
	if (c == ':') {
		r->named = true;
		if (is_request(r->name, r->name_n) && r->n < FIELDS_MOST)
			r->at[r->n++] = r->line;
	} else if (r->name_n == NAME_MOST) {
		r->named = true;
	} else {
		r->name[r->name_n++] = c;
	}
	return false;
}

static int find(const struct body *b, struct requests *r, struct err *e)
{
	char chunk[4096];
	uint64_t at = 0;

	line_begins(r, 0);
	while (at < b->size) {
		ssize_t n = body_read(b, at, chunk, sizeof(chunk), e);

		if (n < 0)
			return -1;
		for (ssize_t i = 0; i < n; i++)
			if (octet(r, at + (uint64_t)i, chunk[i]))
				return 0;
		at += (uint64_t)n;
	}
	return 0;
}

struct copy {
	struct body body;
	struct sha256 hash;
};

static void copy_release(struct copy *c)
{
	body_release(&c->body);
	sha256_release(&c->hash);
}

static int put(struct copy *c, const char *p, size_t n, struct err *e)
{
	if (body_append(&c->body, p, n, e))
		return -1;
	return sha256_data(&c->hash, p, n) ? err_memory(e) : 0;
}

static int put_range(struct copy *c, const struct body *from, uint64_t at,
                     uint64_t end, struct err *e)
{
	char chunk[CHUNK];

	while (at < end) {
		size_t want = end - at < CHUNK ? (size_t)(end - at) : CHUNK;
		ssize_t n = body_read(from, at, chunk, want, e);

		if (n < 0 || put(c, chunk, (size_t)n, e))
			return -1;
		at += (uint64_t)n;
	}
	return 0;
}

static int rename_all(struct copy *c, const struct body *from,
                      const struct requests *r, struct err *e)
{
	uint64_t at = 0;

	if (sha256_begin(&c->hash))
		return err_memory(e);
	if (body_expect(&c->body, from->size + r->n * (sizeof(PREFIX) - 1), e))
		return -1;
	for (size_t i = 0; i < r->n; i++) {
		if (put_range(c, from, at, r->at[i], e) ||
		    put(c, PREFIX, sizeof(PREFIX) - 1, e))
			return -1;
		at = r->at[i];
	}
	return put_range(c, from, at, from->size, e);
}

static char *in_words(const struct message *m)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	const char *before = m->repair_note ? m->repair_note : "";

	if (buf_fmt(&b, "%s%srequest for a read receipt disarmed", before,
	            *before ? ", " : ""))
		return NULL;
	return buf_take(&b);
}

int repair_receipts(struct message *m, bool *changed, struct err *e)
{
	struct copy c CLEANUP(copy_release) = { 0 };
	struct requests r = { 0 };
	unsigned char hash[sizeof(m->sha256)];
	char *note;

	*changed = false;
	if (find(&m->body, &r, e))
		return -1;
	if (r.n == 0)
		return 0;
	body_init(&c.body, m->body.limit, m->body.dir);
	if (rename_all(&c, &m->body, &r, e))
		return -1;
	note = in_words(m);
	if (!note || sha256_end(&c.hash, hash)) {
		free(note);
		return err_memory(e);
	}
	if (!m->repaired)
		memcpy(m->orig_sha256, m->sha256, sizeof(m->sha256));
	memcpy(m->sha256, hash, sizeof(hash));
	free(m->repair_note);
	m->repair_note = note;
	m->repaired = true;
	body_release(&m->body);
	m->body = c.body;
	memset(&c.body, 0, sizeof(c.body));
	*changed = true;
	return 0;
}
