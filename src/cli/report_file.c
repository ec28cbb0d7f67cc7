/* SPDX-License-Identifier: Apache-2.0 */
/* report_file.c - a report's file: whole, or not there. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cli/report.h"

static int disk_full(const char *path, struct err *e)
{
	return err_setf(e, ERR_RUN, NEXT_ASK_PERSON, EC_DISK_FULL,
	                "The disk is full: the report %.200s was not written. "
	                "Make room, or name a file on another disk.",
	                path);
}

static int no_place(const char *path, int error, struct err *e)
{
	if (error == ENOSPC || error == EDQUOT)
		return disk_full(path, e);
	return err_setf(e, ERR_RUN, NEXT_GIVE_UP, EC_INPUT,
	                "The report %.160s cannot be made: %.60s. Is the "
	                "folder there, and may you write to it?",
	                path, strerror(error));
}

static int not_written(const char *path, int error, struct err *e)
{
	if (error == ENOSPC || error == EDQUOT)
		return disk_full(path, e);
	return err_setf(e, ERR_RUN, NEXT_ASK_PERSON, EC_SPOOL,
	                "The report %.160s could not be written: %.60s. Name "
	                "another file.",
	                path, strerror(error));
}

static bool replaceable(const char *path)
{
	struct stat st;

	return stat(path, &st) != 0 || S_ISREG(st.st_mode);
}

/* A link stays one: what it leads to is replaced. */
static char *place_of(const char *path)
{
	char *real = realpath(path, NULL);

	return real != NULL ? real : strdup(path);
}

static int open_beside(struct report_file *r, struct err *e)
{
	struct buf b = BUF_INIT(1 << 16);
	int fd;

	if (buf_fmt(&b, "%s.XXXXXX", r->path) != 0) {
		buf_release(&b);
		return err_memory(e);
	}
	r->beside = buf_take(&b);
	if (r->beside == NULL)
		return err_memory(e);
	fd = mkstemp(r->beside);
	if (fd < 0) {
		free(r->beside);
		r->beside = NULL;
		return no_place(r->path, errno, e);
	}
	r->f = fdopen(fd, "w");
	if (r->f == NULL)
		close(fd);
	return r->f != NULL ? 0 : err_memory(e);
}

static void release(struct report_file *r)
{
	if (r->beside != NULL)
		unlink(r->beside);
	free(r->beside);
	free(r->path);
	*r = (struct report_file){ 0 };
}

int report_file_open(struct report_file *r, const char *path, struct err *e)
{
	int rc = 0;

	*r = (struct report_file){ 0 };
	if (strcmp(path, "-") == 0) {
		r->f = stdout;
		return 0;
	}
	r->path = place_of(path);
	if (r->path == NULL)
		return err_memory(e);
	if (replaceable(r->path)) {
		rc = open_beside(r, e);
	} else {
		r->f = fopen(r->path, "w");
		if (r->f == NULL)
			rc = no_place(r->path, errno, e);
	}
	if (rc != 0)
		release(r);
	return rc;
}

/* stdio keeps no errno of a write that failed long ago. */
static int why_failed(FILE *f)
{
	struct statvfs v;

	if (errno == ENOSPC || errno == EDQUOT)
		return errno;
	return fstatvfs(fileno(f), &v) == 0 && v.f_bavail == 0 ? ENOSPC : EIO;
}

static int finish(struct report_file *r, bool well, struct err *e)
{
	bool failed = ferror(r->f) != 0 || fflush(r->f) != 0;
	int error = failed ? why_failed(r->f) : 0;

	if (!failed && well && r->beside != NULL && fsync(fileno(r->f)) != 0)
		error = errno;
	if (fclose(r->f) != 0 && error == 0)
		error = errno;
	if (!well)
		return -1;
	if (error != 0)
		return not_written(r->path, error, e);
	if (r->beside == NULL)
		return 0;
	if (rename(r->beside, r->path) != 0)
		return not_written(r->path, errno, e);
	free(r->beside);
	r->beside = NULL;
	return 0;
}

int report_file_close(struct report_file *r, bool well, struct err *e)
{
	int rc = well ? 0 : -1;

	if (r->f != stdout)
		rc = finish(r, well, e);
	release(r);
	return rc;
}
