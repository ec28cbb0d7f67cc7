/* SPDX-License-Identifier: Apache-2.0 */
/* sets.c - see sets.h. */
#include "verify/sets.h"

#include <stdlib.h>
#include <string.h>

#include "mime/fingerprint.h"
#include "mime/sha256.h"

static uint64_t head_of(const unsigned char *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

uint64_t verify_sha_head(const unsigned char sha256[32])
{
	return head_of(sha256);
}

static uint64_t hash_head(const void *p, size_t n)
{
	unsigned char digest[SHA256_OCTETS];

	sha256_of(p, n, digest);
	return head_of(digest);
}

uint64_t verify_name_id(const char *name)
{
	const char *info = strstr(name, ":2,");

	return hash_head(name, info ? (size_t)(info - name) : strlen(name));
}

/* Room for one more element of a growing array. */
static int room(void **v, size_t n, size_t *cap, size_t size)
{
	size_t more = *cap + *cap / 2 + 64;
	void *p;

	if (n < *cap)
		return 0;
	p = reallocarray(*v, more, size);
	if (!p)
		return -1;
	*v = p;
	*cap = more;
	return 0;
}

#define ROOM(s) room((void **)&(s)->v, (s)->n, &(s)->cap, sizeof(*(s)->v))

static int order(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* --- rows ---------------------------------------------------------------- */

int id_set_add(struct id_set *s, uint64_t id, int64_t row, enum msg_state state)
{
	if (ROOM(s))
		return -1;
	s->v[s->n++] = (struct id_state){ id, row, (uint8_t)state, false };
	return 0;
}

static int id_order(const void *a, const void *b)
{
	const struct id_state *x = a, *y = b;

	return order(x->id, y->id);
}

void id_set_sort(struct id_set *s)
{
	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), id_order);
}

struct id_state *id_set_find(const struct id_set *s, uint64_t id)
{
	struct id_state key = { .id = id };

	if (!s->n)
		return NULL;
	return bsearch(&key, s->v, s->n, sizeof(*s->v), id_order);
}

void id_set_release(struct id_set *s)
{
	free(s->v);
	memset(s, 0, sizeof(*s));
}

int id_list_add(struct id_list *l, uint64_t id)
{
	if (ROOM(l))
		return -1;
	l->v[l->n++] = id;
	return 0;
}

static int number_order(const void *a, const void *b)
{
	return order(*(const uint64_t *)a, *(const uint64_t *)b);
}

void id_list_sort(struct id_list *l)
{
	size_t kept = 0;

	if (!l->n)
		return;
	qsort(l->v, l->n, sizeof(*l->v), number_order);
	for (size_t i = 0; i < l->n; i++)
		if (!kept || l->v[kept - 1] != l->v[i])
			l->v[kept++] = l->v[i];
	l->n = kept;
}

bool id_list_has(const struct id_list *l, uint64_t id)
{
	return l->n && bsearch(&id, l->v, l->n, sizeof(*l->v), number_order);
}

void id_list_release(struct id_list *l)
{
	free(l->v);
	memset(l, 0, sizeof(*l));
}

bool verify_settled(enum msg_state state)
{
	switch (state) {
	case MSG_MOVED:
	case MSG_ADOPTED:
	case MSG_LEFT_OUT:
	case MSG_IGNORED:
	case MSG_GONE_DEST:
		return true;
	case MSG_PENDING:
	case MSG_SENDING:
	case MSG_UNFINISHED:
	case MSG_HOLE:
	case MSG_PROBLEM:
	case MSG_GONE_SOURCE:
	case MSG_STATE_COUNT:
		break;
	}
	return false;
}

/* --- copies -------------------------------------------------------------- */

void copy_set_init(struct copy_set *s)
{
	memset(s, 0, sizeof(*s));
	s->names.max = COPY_NAMES_MOST;
}

int copy_set_add(struct copy_set *s, uint64_t uid, const char *name,
                 uint64_t size)
{
	struct copy c = { .id = uid, .size = size };

	if (ROOM(s))
		return -1;
	if (name) {
		c.id = verify_name_id(name);
		c.name = (uint32_t)s->names.n + 1;
		if (buf_add(&s->names, name, strlen(name) + 1))
			return -1;
	}
	s->v[s->n++] = c;
	return 0;
}

static int copy_order(const void *a, const void *b)
{
	const struct copy *x = a, *y = b;

	return order(x->id, y->id);
}

void copy_set_sort(struct copy_set *s)
{
	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), copy_order);
}

struct copy *copy_set_find(const struct copy_set *s, uint64_t id)
{
	struct copy key = { .id = id };

	if (!s->n)
		return NULL;
	return bsearch(&key, s->v, s->n, sizeof(*s->v), copy_order);
}

const char *copy_set_name(const struct copy_set *s, const struct copy *c)
{
	return c->name ? s->names.p + c->name - 1 : NULL;
}

/* Without memory the set merely stays larger than it needs to be. */
static void shrink(struct copy_set *s)
{
	struct copy *v = reallocarray(s->v, s->n + 1, sizeof(*v));
	struct buf names = BUF_INIT(COPY_NAMES_MOST);

	if (v) {
		s->v = v;
		s->cap = s->n + 1;
	}
	for (size_t i = 0; i < s->n; i++) {
		const char *name = copy_set_name(s, &s->v[i]);

		if (name && buf_add(&names, name, strlen(name) + 1)) {
			buf_release(&names);
			return;
		}
	}
	for (size_t i = 0, at = 0; i < s->n; i++) {
		const char *name = copy_set_name(s, &s->v[i]);

		if (!name)
			continue;
		s->v[i].name = (uint32_t)at + 1;
		at += strlen(name) + 1;
	}
	buf_release(&s->names);
	s->names = names;
}

void copy_set_strays(struct copy_set *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n; i++)
		if (!s->v[i].claimed)
			s->v[kept++] = s->v[i];
	s->n = kept;
	shrink(s);
}

void copy_set_release(struct copy_set *s)
{
	free(s->v);
	buf_release(&s->names);
	copy_set_init(s);
}

/* --- fingerprints -------------------------------------------------------- */

uint64_t verify_head(const struct fingerprint *fp)
{
	uint64_t parts[3] = { fp->date, fp->from, fp->subject };

	return fp->message_id ? fp->message_id
	                      : hash_head(parts, sizeof(parts));
}

bool verify_heads_differ(const struct fingerprint *a,
                         const struct fingerprint *b)
{
	if (a->version != b->version)
		return false;
	return (a->message_id && b->message_id &&
	        a->message_id != b->message_id) ||
	       !fp_may_equal(a->date, b->date) ||
	       !fp_may_equal(a->from, b->from) ||
	       !fp_may_equal(a->subject, b->subject);
}

int known_set_add(struct known_set *s, const struct known *k)
{
	if (ROOM(s))
		return -1;
	s->v[s->n++] = *k;
	return 0;
}

static int known_order(const void *a, const void *b)
{
	const struct known *x = a, *y = b;
	int by_head = order(x->head, y->head);

	return by_head ? by_head : (x->row > y->row) - (x->row < y->row);
}

void known_set_sort(struct known_set *s)
{
	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), known_order);
}

static size_t first_of(const struct known_set *s, uint64_t head)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->v[mid].head < head)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool known_set_has(const struct known_set *s, uint64_t head)
{
	size_t at = first_of(s, head);

	return at < s->n && s->v[at].head == head;
}

static int likeness(const struct known *k, uint64_t sha, uint64_t text,
                    uint32_t place)
{
	int alike = k->sha == sha ? 2 : text && k->text == text ? 1 : 0;

	if (!alike || !k->owed)
		return alike;
	return alike + 8 + (k->place == place ? 4 : 0);
}

struct known *known_set_match(const struct known_set *s, uint64_t head,
                              uint64_t sha, uint64_t text, uint32_t place)
{
	struct known *best = NULL;
	int most = 0;

	for (size_t i = first_of(s, head); i < s->n && s->v[i].head == head;
	     i++) {
		int how = likeness(&s->v[i], sha, text, place);

		if (how > most) {
			most = how;
			best = &s->v[i];
		}
	}
	return best;
}

struct known *known_set_replaced(const struct known_set *s, uint64_t head,
                                 uint32_t place)
{
	for (size_t i = first_of(s, head); i < s->n && s->v[i].head == head;
	     i++)
		if (s->v[i].owed && s->v[i].place == place)
			return &s->v[i];
	return NULL;
}

void known_set_release(struct known_set *s)
{
	free(s->v);
	memset(s, 0, sizeof(*s));
}

/* --- lacks --------------------------------------------------------------- */

int lack_list_add(struct lack_list *l, const struct lack *k)
{
	if (ROOM(l))
		return -1;
	l->v[l->n++] = *k;
	return 0;
}

static int lack_order(const void *a, const void *b)
{
	const struct lack *x = a, *y = b;

	return (x->row > y->row) - (x->row < y->row);
}

void lack_list_sort(struct lack_list *l)
{
	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), lack_order);
}

struct lack *lack_list_find(const struct lack_list *l, int64_t row)
{
	struct lack key = { .row = row };

	if (!l->n)
		return NULL;
	return bsearch(&key, l->v, l->n, sizeof(*l->v), lack_order);
}

void lack_list_release(struct lack_list *l)
{
	free(l->v);
	memset(l, 0, sizeof(*l));
}
