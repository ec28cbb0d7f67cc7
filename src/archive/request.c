/* SPDX-License-Identifier: Apache-2.0 */
/* request.c - see request.h. */
#include "archive/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reader/wire.h"

void request_release(struct request *q)
{
	for (size_t i = 0; i < q->n; i++) {
		free(q->v[i].raw);
		free(q->v[i].want);
	}
	for (size_t i = 0; i < q->poison_n; i++)
		free(q->poison[i].raw);
	free(q->v);
	free(q->poison);
	free(q->name);
	memset(q, 0, sizeof(*q));
}

/* 1, or 0 at the end of the pipe, -1. */
static int read_whole(int fd, unsigned char *p, size_t n)
{
	while (n > 0) {
		ssize_t r = read(fd, p, n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return (int)r;
		p += r;
		n -= (size_t)r;
	}
	return 1;
}

/* One more of size octets at the end of *v. */
static void *grow(void **v, size_t *n, size_t size)
{
	/* By powers of two; n tells when the next one is reached. */
	if ((*n & (*n - 1)) == 0) {
		void *p = realloc(*v, (*n ? *n * 2 : 1) * size);

		if (!p)
			return NULL;
		*v = p;
	}
	return memset((char *)*v + (*n)++ * size, 0, size);
}

static int add_folder(struct request *q, struct wire *rec)
{
	struct asked *a = grow((void **)&q->v, &q->n, sizeof(*a));
	uint64_t flags;

	if (!a)
		return -1;
	a->raw = wire_take_text(rec);
	flags = wire_take_u64(rec);
	a->w.omit = flags & W_OMIT;
	a->w.only_want = flags & W_ONLY_WANT;
	a->w.resume = wire_take_u64(rec);
	return a->raw && wire_done(rec) ? 0 : -1;
}

static int add_want(struct request *q, struct wire *rec)
{
	struct asked *a = q->n ? &q->v[q->n - 1] : NULL;
	size_t n = rec->n / sizeof(uint64_t);
	uint64_t *p;

	if (!a)
		return -1;
	p = realloc(a->want, (a->w.want_n + n + 1) * sizeof(*p));
	if (!p)
		return -1;
	a->w.want = a->want = p;
	for (size_t i = 0; i < n; i++)
		p[a->w.want_n++] = wire_take_u64(rec);
	return wire_done(rec) ? 0 : -1;
}

static int add_poison(struct request *q, struct wire *rec)
{
	struct poison *p = grow((void **)&q->poison, &q->poison_n, sizeof(*p));

	if (!p)
		return -1;
	p->raw = wire_take_text(rec);
	p->uid = wire_take_u64(rec);
	return p->raw && wire_done(rec) ? 0 : -1;
}

static int take_walk(struct request *q, struct wire *rec)
{
	q->flags = (unsigned)wire_take_u64(rec);
	q->kind = (enum want_kind)wire_take_u64(rec);
	q->name = wire_take_text(rec);
	return q->name && wire_done(rec) ? 0 : -1;
}

static int take(struct request *q, struct wire *rec)
{
	switch (rec->type) {
	case W_WALK:
		return take_walk(q, rec);
	case W_FOLDER_WANTED:
		return add_folder(q, rec);
	case W_WANT:
		return add_want(q, rec);
	case W_POISON:
		return add_poison(q, rec);
	default:
		return -1;
	}
}

static int by_raw(const void *a, const void *b)
{
	return strcmp(((const struct asked *)a)->raw,
	              ((const struct asked *)b)->raw);
}

/* 1 with the record in rec, whose octets are in *p; 0, -1. */
static int next(int fd, unsigned char *p, struct wire *rec)
{
	int r = read_whole(fd, p, WIRE_HEAD);
	uint32_t n;

	if (r <= 0)
		return r;
	n = (uint32_t)p[1] | (uint32_t)p[2] << 8 | (uint32_t)p[3] << 16 |
	    (uint32_t)p[4] << 24;
	if (n > WIRE_MOST || read_whole(fd, p + WIRE_HEAD, n) <= 0)
		return -1;
	return wire_next(p, WIRE_HEAD + n, rec) ? 1 : -1;
}

int request_read(struct request *q, int fd)
{
	unsigned char *p CLEANUP(free_p) = malloc(WIRE_HEAD + WIRE_MOST);
	struct wire rec;
	int r;

	memset(q, 0, sizeof(*q));
	if (!p)
		return -1;
	while ((r = next(fd, p, &rec)) > 0 && rec.type != W_GO)
		if (take(q, &rec))
			return -1;
	if (r > 0 && q->n)
		qsort(q->v, q->n, sizeof(*q->v), by_raw);
	return r > 0 && !q->name ? -1 : r;
}

const struct wanted *request_wanted(const struct request *q, const char *raw)
{
	static const struct wanted all, none = { .omit = true };
	struct asked key = { .raw = (char *)raw };
	const struct asked *a =
	        q->n ? bsearch(&key, q->v, q->n, sizeof(key), by_raw) : NULL;

	if (a)
		return &a->w;
	return q->flags & W_ONLY_NAMED ? &none : &all;
}

static bool is_of_file(const char *folder, const char *raw)
{
	size_t n = strlen(raw);

	return strncmp(folder, raw, n) == 0 && folder[n] == '#';
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int add_wants(struct wanted *w, uint64_t **want,
                     const struct wanted *more)
{
	uint64_t *p =
	        realloc(*want, (w->want_n + more->want_n + 1) * sizeof(*p));

	if (!p)
		return -1;
	w->want = *want = p;
	for (size_t i = 0; i < more->want_n; i++)
		p[w->want_n++] = more->want[i];
	return 0;
}

/* A folder that could not be made for a while has been read less far than
 * its neighbours in the same file, or not at all. */
static void add_resume(struct wanted *w, uint64_t resume, bool *any)
{
	w->apart |= *any && resume != w->resume;
	if (!*any || resume < w->least)
		w->least = resume;
	if (resume > w->resume)
		w->resume = resume;
	*any = true;
}

int request_file(const struct request *q, const char *raw, struct wanted *w,
                 uint64_t **want)
{
	bool named = q->flags & W_ONLY_NAMED, any = false;

	*w = (struct wanted){ .omit = named, .only_want = named };
	for (size_t i = 0; i < q->n; i++) {
		const struct wanted *one = &q->v[i].w;

		if (!is_of_file(q->v[i].raw, raw) || one->omit)
			continue;
		w->omit = false;
		w->only_want &= one->only_want;
		if (!one->only_want)
			add_resume(w, one->resume, &any);
		if (add_wants(w, want, one))
			return -1;
	}
	if (w->want_n)
		qsort(*want, w->want_n, sizeof(**want), by_number);
	return 0;
}

bool request_poison(const struct request *q, const char *raw, uint64_t uid)
{
	for (size_t i = 0; i < q->poison_n; i++)
		if (q->poison[i].uid == uid &&
		    strcmp(q->poison[i].raw, raw) == 0)
			return true;
	return false;
}

static bool is_in(const struct wanted *w, uint64_t uid)
{
	size_t lo = 0, hi = w->want_n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (w->want[mid] == uid)
			return true;
		if (w->want[mid] < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

bool request_item(const struct wanted *w, uint64_t uid)
{
	if (w->omit)
		return false;
	if (w->only_want || (w->resume && uid <= w->resume))
		return is_in(w, uid);
	return true;
}
