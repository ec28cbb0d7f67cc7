/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock.c - one run at a time for a mailbox and for its destination.
 *
 * STORE.lock beside the store carries open-file-description locks, one
 * octet each: the mailbox's id, and DEST_BASE + the smallest id of the
 * mailboxes with the same destination. The kernel drops them with the
 * process. Locks of one description never conflict with each other, so a
 * table of our own tells jobs of this process apart.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/db.h"

#define DEST_BASE ((int64_t)1 << 40)

struct held {
	int64_t mailbox, dest;
};

/* The file stays when it is made: unlinking would let two in. */
static int lock_file(struct store *s, bool create, struct err *e)
{
	struct buf name = BUF_INIT(0);

	if (s->lock_fd >= 0)
		return 0;
	if (buf_fmt(&name, "%s.lock", s->path)) {
		buf_release(&name);
		return err_memory(e);
	}
	s->lock_fd =
	        open(name.p, O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0600);
	if (s->lock_fd < 0 && errno == ENOSPC)
		db_error(NULL, SQLITE_FULL, e);
	else if (s->lock_fd < 0)
		err_set(e, ERR_RUN, NEXT_ASK_PERSON, EC_STORE,
		        "The lock file beside the job store can't be used. "
		        "Make "
		        "it and its folder writable for you.",
		        "%s: %s", name.p, strerror(errno));
	buf_release(&name);
	return s->lock_fd < 0 ? -1 : 0;
}

static int octet(struct store *s, int command, short type, int64_t at,
                 struct flock *out)
{
	*out = (struct flock){
		.l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1
	};
	return fcntl(s->lock_fd, command, out);
}

static int busy(const char *name, struct err *e)
{
	return err_setf(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_BUSY,
	                "Another mailhaul is already moving %s, or mail into "
	                "its destination. Wait until it has ended, or stop it "
	                "first; nothing is lost either way.",
	                name);
}

static int take(struct store *s, int64_t at, const char *name, struct err *e)
{
	struct flock fl;

	if (octet(s, F_OFD_SETLK, F_WRLCK, at, &fl) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return busy(name, e);
	return err_set(e, ERR_RUN, NEXT_ASK_PERSON, EC_STORE,
	               "The disk that holds the job store can't lock files. "
	               "Name a file on a local disk with --store.",
	               "%s.lock: %s", s->path, strerror(errno));
}

static void let_go(struct store *s, int64_t at)
{
	struct flock fl;

	octet(s, F_OFD_SETLK, F_UNLCK, at, &fl);
}

static int lock_within(struct store *s, int64_t id, int64_t dest,
                       const char *name, struct err *e)
{
	struct held *more;

	for (size_t i = 0; i < s->held_n; i++)
		if (s->held[i].mailbox == id || s->held[i].dest == dest)
			return busy(name, e);
	more = reallocarray(s->held, s->held_n + 1, sizeof(*more));
	if (!more)
		return err_memory(e);
	s->held = more;
	if (lock_file(s, true, e) || take(s, id, name, e))
		return -1;
	if (take(s, DEST_BASE + dest, name, e)) {
		let_go(s, id);
		return -1;
	}
	s->held[s->held_n++] = (struct held){ id, dest };
	return 0;
}

/* The destination's number is its first mailbox: those are never removed,
 * so all processes agree on it. */
static int lock_names(struct store *s, int64_t id, int64_t *dest, char **name,
                      struct err *e)
{
	CLEANUP(query_end) struct query q = { 0 };
	int rc;

	if (query_begin(&q, s, ST_MAILBOX_LOCKS, e, V(vi(id))))
		return -1;
	rc = query_next(&q, e);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return err_set(e, ERR_RUN, NEXT_GIVE_UP, EC_STORE,
		               "The job store has no such mailbox.",
		               "mailbox %lld", (long long)id);
	*dest = column_int(q.st, 1);
	return column_text(q.st, 0, name) ? err_memory(e) : 0;
}

int store_lock_mailbox(struct store *s, int64_t id, struct err *e)
{
	CLEANUP(free_p) char *name = NULL;
	int64_t dest = 0;
	int rc;

	if (lock_names(s, id, &dest, &name, e))
		return -1;
	pthread_mutex_lock(&s->held_lock);
	rc = lock_within(s, id, dest, name, e);
	pthread_mutex_unlock(&s->held_lock);
	return rc;
}

void store_unlock_mailbox(struct store *s, int64_t id)
{
	pthread_mutex_lock(&s->held_lock);
	for (size_t i = 0; i < s->held_n; i++) {
		if (s->held[i].mailbox != id)
			continue;
		let_go(s, DEST_BASE + s->held[i].dest);
		let_go(s, id);
		s->held[i] = s->held[--s->held_n];
		break;
	}
	pthread_mutex_unlock(&s->held_lock);
}

static bool running_within(struct store *s, int64_t id)
{
	struct flock fl;

	for (size_t i = 0; i < s->held_n; i++)
		if (s->held[i].mailbox == id)
			return true;
	if (lock_file(s, false, NULL))
		return false;
	return octet(s, F_OFD_GETLK, F_WRLCK, id, &fl) == 0 &&
	       fl.l_type != F_UNLCK;
}

bool store_mailbox_running(struct store *s, int64_t id)
{
	bool running;

	pthread_mutex_lock(&s->held_lock);
	running = running_within(s, id);
	pthread_mutex_unlock(&s->held_lock);
	return running;
}

void locks_release(struct store *s)
{
	close_p(&s->lock_fd);
	free(s->held);
	s->held = NULL;
	s->held_n = 0;
}
