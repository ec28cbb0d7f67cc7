/* SPDX-License-Identifier: Apache-2.0 */
/* files.c - see files.h. */
#include "cli/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/buf.h"

int files_error(struct err *e, const char *option, const char *name)
{
	int errnum = errno;

	if (errnum == ENOSPC || errnum == EDQUOT)
		err_setf(e, ERR_RUN, NEXT_ASK_PERSON, EC_DISK_FULL,
		         "A file could not be written, as the disk is full. "
		         "Make room, or name another folder with %s.",
		         option);
	else
		err_setf(e, ERR_RUN, NEXT_ASK_PERSON, EC_SPOOL,
		         "A file could not be made in the folder named with "
		         "%s. Make it writable for you, or name another.",
		         option);
	err_detail(e, "%s: %s", name, strerror(errnum));
	return -1;
}

bool files_same(int dir, const char *name, const struct body *body)
{
	CLEANUP(close_p)
	int fd = openat(dir, name,
	                O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	char there[8192], here[8192];
	struct stat st;
	uint64_t at = 0;

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    (uint64_t)st.st_size != body->size)
		return false;
	while (at < body->size) {
		ssize_t n = pread(fd, there, sizeof(there), (off_t)at);

		if (n <= 0 || body_read(body, at, here, (size_t)n, NULL) != n ||
		    memcmp(there, here, (size_t)n) != 0)
			return false;
		at += (uint64_t)n;
	}
	return true;
}

static int write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t k = write(fd, p, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return -1;
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

static int write_body(int fd, const struct body *body, bool sync,
                      const char *option, struct err *e)
{
	char part[8192];
	uint64_t at = 0;
	ssize_t n;

	while ((n = body_read(body, at, part, sizeof(part), e)) > 0) {
		if (write_all(fd, part, (size_t)n) != 0)
			return files_error(e, option, "write");
		at += (uint64_t)n;
	}
	if (n < 0)
		return -1;
	return sync && fsync(fd) != 0 ? files_error(e, option, "fsync") : 0;
}

/* rename(), but never over another file. 1: there is one. */
static int rename_new(int dir, const char *from, const char *to)
{
	struct stat st;

	if (renameat2(dir, from, dir, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno == EEXIST)
		return 1;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	/* A file system that can't. */
	if (fstatat(dir, to, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return renameat(dir, from, dir, to);
}

static int put(int dir, const char *part, int fd, const char *name,
               const struct body *body, bool sync, const char *option,
               struct err *e)
{
	int rc;

	if (write_body(fd, body, sync, option, e) != 0)
		return -1;
	rc = rename_new(dir, part, name);
	return rc < 0 ? files_error(e, option, name) : rc;
}

int files_write(int dir, const char *name, const struct body *body, bool sync,
                const char *option, struct err *e)
{
	CLEANUP(close_p) int fd = -1;
	char part[48];
	int rc;

	snprintf(part, sizeof(part), ".mailhaul-%ld.part", (long)getpid());
	/* Of a process of the same number that was killed. */
	(void)unlinkat(dir, part, 0);
	fd = openat(dir, part,
	            O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return files_error(e, option, part);
	rc = put(dir, part, fd, name, body, sync, option, e);
	if (rc != 0)
		(void)unlinkat(dir, part, 0);
	return rc;
}
