/* SPDX-License-Identifier: Apache-2.0 */
/* body.c - see mailhaul/body.h. */
#include "mailhaul/body.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/buf.h"

/* A file whose pages are there is written ten times as fast as a new one.
 * So a few of them stay open, cut to so many octets. */
#define SPARES 4
#define SPARE_MOST (32u << 20)

static atomic_int spares[SPARES]; /* file descriptor + 1; 0: none */

void body_init(struct body *b, size_t limit, const char *dir)
{
	memset(b, 0, sizeof(*b));
	b->limit = limit;
	b->dir = dir;
}

static int spool_error(struct err *e, const char *what, int errnum)
{
	if (errnum == ENOSPC || errnum == EDQUOT || errnum == EFBIG)
		return err_set(e, ERR_RUN, NEXT_GIVE_UP, EC_DISK_FULL,
		               "The disk for temporary files is full. Nothing "
		               "is lost: make room (or set TMPDIR to a larger "
		               "disk) and run mailhaul again.",
		               "%s: %s", what, strerror(errnum));
	return err_set(e, ERR_RUN, NEXT_GIVE_UP, EC_SPOOL,
	               "A temporary file could not be used. Nothing is lost: "
	               "set TMPDIR to a folder that you may write and run "
	               "mailhaul again.",
	               "%s: %s", what, strerror(errnum));
}

int body_spool(const char *dir)
{
	struct buf name CLEANUP(buf_release_p) = BUF_INIT(4096);
	int fd;

	dir = dir ? dir : getenv("TMPDIR");
	dir = dir && *dir ? dir : "/var/tmp";
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	/* Some file systems have no O_TMPFILE. */
	if (buf_fmt(&name, "%s/mailhaul-XXXXXX", dir)) {
		errno = ENOMEM;
		return -1;
	}
	fd = mkostemp(name.p, O_CLOEXEC);
	if (fd >= 0)
		unlink(name.p);
	return fd;
}

/* Only of the folder that is the same for all; -1: there is none. */
static int spare_take(const struct body *b)
{
	int had = 0;

	for (int i = 0; i < SPARES && !b->dir && !had; i++)
		had = atomic_exchange(&spares[i], 0);
	return had - 1;
}

/* True: they gave room on a disk that is full. */
static bool spares_gave_room(void)
{
	bool any = false;
	int why = errno;

	for (int i = 0; i < SPARES; i++) {
		int had = atomic_exchange(&spares[i], 0);

		any |= had && !close(had - 1);
	}
	errno = why;
	return any;
}

/* What is left of the octets is written over, and never read. */
static void spool_close(const struct body *b)
{
	bool keep = !b->dir && (b->size <= SPARE_MOST ||
	                        !ftruncate(b->spool - 1, SPARE_MOST));

	for (int i = 0; i < SPARES && keep; i++) {
		int none = 0;

		if (atomic_compare_exchange_strong(&spares[i], &none, b->spool))
			return;
	}
	close(b->spool - 1);
}

static int spool_open(struct body *b, struct err *e)
{
	int fd = spare_take(b);

	if (fd < 0)
		fd = body_spool(b->dir);
	if (fd < 0)
		return spool_error(e, "open spool", errno);
	b->spool = fd + 1;
	return 0;
}

static int spool_write(struct body *b, const char *p, size_t n, struct err *e)
{
	uint64_t at = b->size;

	while (n > 0) {
		ssize_t w = pwrite(b->spool - 1, p, n, (off_t)at);

		if (w < 0 &&
		    (errno == EINTR || (errno == ENOSPC && spares_gave_room())))
			continue;
		if (w <= 0)
			return spool_error(e, "write spool",
			                   w < 0 ? errno : ENOSPC);
		p += w;
		at += (uint64_t)w;
		n -= (size_t)w;
	}
	b->size = at;
	return 0;
}

static int to_spool(struct body *b, struct err *e)
{
	uint64_t had = b->size;

	if (spool_open(b, e))
		return -1;
	b->size = 0;
	if (b->mem && spool_write(b, b->mem, (size_t)had, e))
		return -1;
	free(b->mem);
	b->mem = NULL;
	b->cap = 0;
	return 0;
}

static int mem_room(struct body *b, size_t n, struct err *e)
{
	size_t cap = b->cap;
	char *p;

	if (b->mem && n <= cap)
		return 0;
	cap = cap + cap / 2 > n ? cap + cap / 2 : n;
	if (cap > b->limit)
		cap = b->limit;
	p = realloc(b->mem, cap);
	if (!p)
		return err_memory(e);
	b->mem = p;
	b->cap = cap;
	return 0;
}

int body_expect(struct body *b, uint64_t size, struct err *e)
{
	if (b->spool || size == 0)
		return 0;
	if (size > b->limit)
		return to_spool(b, e);
	return mem_room(b, (size_t)size, e);
}

int body_append(struct body *b, const void *p, size_t n, struct err *e)
{
	if (n == 0)
		return 0;
	if (!b->spool && b->size + n > b->limit && to_spool(b, e))
		return -1;
	if (b->spool)
		return spool_write(b, p, n, e);
	if (mem_room(b, (size_t)b->size + n, e))
		return -1;
	memcpy(b->mem + b->size, p, n);
	b->size += n;
	return 0;
}

ssize_t body_read(const struct body *b, uint64_t offset, void *buf, size_t n,
                  struct err *e)
{
	ssize_t r;

	if (offset >= b->size)
		return 0;
	if (n > b->size - offset)
		n = (size_t)(b->size - offset);
	if (!b->spool) {
		memcpy(buf, b->mem + offset, n);
		return (ssize_t)n;
	}
	do
		r = pread(b->spool - 1, buf, n, (off_t)offset);
	while (r < 0 && errno == EINTR);
	if (r <= 0)
		return spool_error(e, "read spool", r < 0 ? errno : EIO);
	return r;
}

void body_release(struct body *b)
{
	free(b->mem);
	if (b->spool)
		spool_close(b);
	b->mem = NULL;
	b->cap = 0;
	b->spool = 0;
	b->size = 0;
}
