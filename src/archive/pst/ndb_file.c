/* SPDX-License-Identifier: Apache-2.0 */
/* ndb_file.c - see ndb_int.h. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "archive/pst/ndb_int.h"

#define SMALL ((size_t)4 << 10)
#define LARGE ((size_t)128 << 10)

int ndb_pread(int fd, void *to, size_t n, uint64_t at)
{
	unsigned char *p = to;
	ssize_t r;

	for (; n; n -= (size_t)r, p += r, at += (uint64_t)r) {
		do
			r = pread(fd, p, n, (off_t)at);
		while (r < 0 && errno == EINTR);
		if (r == 0)
			errno = 0;
		if (r <= 0)
			return -1;
	}
	return 0;
}

/* The window that has these octets, or the one to fill with them. *ahead:
 * octets that are worth reading there. */
static struct ndb_window *choose(struct ndb *db, uint64_t at, size_t n,
                                 size_t *ahead)
{
	struct ndb_window *w, *oldest = db->window;
	uint64_t end;

	*ahead = n > SMALL ? n : SMALL;
	for (w = db->window; w < db->window + NDB_WINDOWS; w++) {
		end = w->at + w->n;
		if (at >= w->at && at < end && n <= end - at)
			return w;
		/* Who comes in order gets more each time. */
		if (w->n && at >= w->at && at < end + LARGE &&
		    *ahead < 4 * w->n)
			*ahead = 4 * w->n;
		if (w->used < oldest->used)
			oldest = w;
	}
	if (*ahead > LARGE)
		*ahead = n > LARGE ? n : LARGE;
	return oldest;
}

static int fill(struct pst *p, struct ndb_window *w, uint64_t at, size_t n)
{
	unsigned char *grown;

	w->n = 0;
	if (w->room < n) {
		grown = realloc(w->p, n);
		if (!grown)
			return ndb_fail(p, WHY_MEMORY);
		w->p = grown;
		w->room = n;
	}
	if (ndb_pread(p->fd, w->p, n, at))
		return ndb_fail(p, errno ? WHY_DISK : WHY_CUT);
	w->at = at;
	w->n = n;
	return 0;
}

const unsigned char *ndb_view(struct pst *p, uint64_t at, size_t n)
{
	struct ndb_window *w;
	size_t ahead;

	if (at > p->size || n > p->size - at) {
		p->why = WHY_CUT;
		return NULL;
	}
	w = choose(p->ndb, at, n, &ahead);
	if (at < w->at || at - w->at > w->n || n > w->n - (at - w->at)) {
		if (ahead > p->size - at)
			ahead = (size_t)(p->size - at);
		/* A sector that can't be read spoils only its own. */
		if (fill(p, w, at, ahead) && (ahead == n || fill(p, w, at, n)))
			return NULL;
	}
	w->used = ++p->ndb->clock;
	return w->p + (at - w->at);
}

void ndb_file_close(struct ndb *n)
{
	int i;

	for (i = 0; i < NDB_WINDOWS; i++)
		free(n->window[i].p);
}
