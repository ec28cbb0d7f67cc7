/* SPDX-License-Identifier: Apache-2.0 */
/* archive_feed.c - see archive_feed.h. */
#include "reader/archive_feed.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mime/sha256.h"

/* One is filled, one is read, the others wait: two cores have three threads to
 * run, and none of them should stand still while another has its turn. */
#define BLOCKS 8
#define ROOM (2 * (size_t)WIRE_MOST)

struct sum {
	size_t at; /* in the block: of the record W_END */
	unsigned char sha256[SHA256_OCTETS];
};

struct block {
	unsigned char p[ROOM];
	size_t n;
	struct buf sums; /* struct sum, in their order */
};

struct feed {
	int fd;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* Blocks filled and used up so far, the next is v[... % BLOCKS]. */
	size_t filled, used;
	bool over; /* no more will be filled */
	bool stop; /* nobody wants more */
	/* The thread's. */
	struct sha256 hash;
	bool hashing, failed;
	/* The reader's. */
	struct block *now;
	size_t at, sum; /* in now */
	struct block v[BLOCKS];
};

/* --- the thread ---------------------------------------------------------- */

static void hash_data(struct feed *f, const struct wire *rec)
{
	if (!f->hashing) {
		sha256_release(&f->hash);
		f->failed = sha256_begin(&f->hash) != 0;
		f->hashing = true;
	}
	if (!f->failed)
		f->failed = sha256_data(&f->hash, rec->p, rec->n) != 0;
}

static void hash_end(struct feed *f, struct block *b, size_t at)
{
	struct sum s = { .at = at };

	if (f->hashing && !f->failed && !sha256_end(&f->hash, s.sha256))
		(void)buf_add(&b->sums, &s, sizeof(s));
	f->hashing = false;
}

/* Octets of whole records in b, which are hashed. */
static size_t records(struct feed *f, struct block *b, bool *bad)
{
	struct wire rec;
	size_t at = 0, n;

	while ((n = wire_next(b->p + at, b->n - at, &rec)) > 0) {
		if (rec.type == W_BEGIN)
			f->hashing = false;
		else if (rec.type == W_DATA)
			hash_data(f, &rec);
		else if (rec.type == W_END)
			hash_end(f, b, at);
		at += n;
	}
	*bad = rec.bad;
	return at;
}

static bool read_more(const struct feed *f, struct block *b)
{
	ssize_t r;

	do
		r = read(f->fd, b->p + b->n, ROOM - b->n);
	while (r < 0 && errno == EINTR);
	b->n += r > 0 ? (size_t)r : 0;
	return r > 0;
}

static void told(struct feed *f, bool over)
{
	pthread_mutex_lock(&f->lock);
	f->filled++;
	f->over = over;
	pthread_cond_signal(&f->changed);
	pthread_mutex_unlock(&f->lock);
}

/* Hands on the first n octets of b; the block that goes on with the others,
 * or NULL: nobody wants more. */
static struct block *hand_on(struct feed *f, struct block *b, size_t n)
{
	struct block *next = &f->v[(f->filled + 1) % BLOCKS];
	bool stop;

	pthread_mutex_lock(&f->lock);
	while (f->filled - f->used >= BLOCKS - 1 && !f->stop)
		pthread_cond_wait(&f->changed, &f->lock);
	stop = f->stop;
	pthread_mutex_unlock(&f->lock);
	if (stop)
		return NULL;
	next->n = b->n - n;
	memcpy(next->p, b->p + n, next->n);
	buf_clear(&next->sums);
	b->n = n;
	told(f, false);
	return next;
}

static void *take_in(void *arg)
{
	struct feed *f = arg;
	struct block *b = &f->v[0];

	while (b) {
		bool on = read_more(f, b), bad;
		size_t n = records(f, b, &bad);

		if (!on || bad) {
			told(f, true);
			break;
		}
		if (n)
			b = hand_on(f, b, n);
	}
	return NULL;
}

/* --- the reader ---------------------------------------------------------- */

static struct timespec in_ms(unsigned ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += (long)ms * 1000000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

/* The next block. 1, 0: there is none, -1: not within ms. */
static int block(struct feed *f, unsigned ms)
{
	struct timespec until = in_ms(ms);
	int late = 0, got;

	pthread_mutex_lock(&f->lock);
	if (f->now) {
		f->used++;
		pthread_cond_signal(&f->changed);
	}
	while (f->used == f->filled && !f->over && !late)
		late = pthread_cond_timedwait(&f->changed, &f->lock, &until);
	got = f->used < f->filled ? 1 : f->over ? 0 : -1;
	pthread_mutex_unlock(&f->lock);
	f->now = got > 0 ? &f->v[f->used % BLOCKS] : NULL;
	f->at = f->sum = 0;
	return got;
}

static const unsigned char *sum_at(struct feed *f, size_t at)
{
	const struct sum *v = (const struct sum *)f->now->sums.p;
	size_t n = f->now->sums.n / sizeof(*v);

	while (f->sum < n && v[f->sum].at < at)
		f->sum++;
	return f->sum < n && v[f->sum].at == at ? v[f->sum].sha256 : NULL;
}

/* As wire_next(). */
static size_t in_block(const struct feed *f, struct wire *rec)
{
	memset(rec, 0, sizeof(*rec));
	return f->now ? wire_next(f->now->p + f->at, f->now->n - f->at, rec)
	              : 0;
}

int feed_record(struct feed *f, struct wire *rec, unsigned ms,
                const unsigned char **sha256)
{
	size_t n = in_block(f, rec);

	*sha256 = NULL;
	while (!n && !rec->bad) {
		int got = block(f, ms);

		if (got <= 0)
			return got;
		n = in_block(f, rec);
	}
	if (!n)
		return 0;
	if (rec->type == W_END)
		*sha256 = sum_at(f, f->at);
	f->at += n;
	return 1;
}

/* --- the whole ----------------------------------------------------------- */

/* Signals are for the threads that wait for them. */
static int start(struct feed *f)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&f->thread, NULL, take_in, f);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

static void destroy(struct feed *f)
{
	for (size_t i = 0; i < BLOCKS; i++)
		buf_release(&f->v[i].sums);
	sha256_release(&f->hash);
	pthread_cond_destroy(&f->changed);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

struct feed *feed_new(int fd)
{
	struct feed *f = calloc(1, sizeof(*f));
	pthread_condattr_t a;

	if (!f)
		return NULL;
	f->fd = fd;
	pthread_condattr_init(&a);
	pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	pthread_cond_init(&f->changed, &a);
	pthread_condattr_destroy(&a);
	pthread_mutex_init(&f->lock, NULL);
	if (start(f)) {
		destroy(f);
		return NULL;
	}
	return f;
}

void feed_free(struct feed **f)
{
	if (!*f)
		return;
	pthread_mutex_lock(&(*f)->lock);
	(*f)->stop = true;
	pthread_cond_signal(&(*f)->changed);
	pthread_mutex_unlock(&(*f)->lock);
	pthread_join((*f)->thread, NULL);
	destroy(*f);
	*f = NULL;
}
