/* SPDX-License-Identifier: Apache-2.0 */
/* maildir_file.c - the files of a Maildir as messages; see maildir.h. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mailhaul/maildir.h"
#include "mime/intake.h"
#include "util/buf.h"

#define CHUNK (64u << 10)

/* 0, 1 if the disk fails, or -1. */
static int pour(int fd, struct intake *in, struct err *e)
{
	char p[CHUNK];

	for (;;) {
		ssize_t n = read(fd, p, sizeof(p));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0;
		if (intake_data(in, p, (size_t)n, e))
			return -1;
	}
}

/* A guess that saves growing: LF files grow by a thirtieth, mostly. */
static uint64_t expected(int fd, const struct maildir_told *told)
{
	struct stat st;

	if (fstat(fd, &st) || st.st_size <= 0)
		return 0;
	if (told->wire)
		return (uint64_t)st.st_size;
	return (uint64_t)st.st_size + (uint64_t)st.st_size / 30;
}

int maildir_take(int fd, const char *base, const struct account *a,
                 struct message *m, struct err *e)
{
	struct intake in CLEANUP(intake_release) = { 0 };
	struct maildir_told told = maildir_told(base);
	int got;

	body_release(&m->body);
	body_init(&m->body, a->body_limit, a->spool_dir);
	if (intake_begin(&in, m, expected(fd, &told), !told.wire, e))
		return -1;
	got = pour(fd, &in, e);
	return got ? got : intake_end(&in, e);
}

int maildir_describe(const char *name, uint64_t size, int64_t mtime,
                     const struct maildir_keywords *k, struct message *m)
{
	const char *letters = maildir_letters(name);
	struct maildir_told told = maildir_told(name);

	m->key = strndup(name, maildir_base(name));
	m->size = told.wire_size ? told.wire_size : size;
	m->flags = maildir_flags(letters);
	m->date.sec = mtime;
	m->date.known = true;
	if (!m->key)
		return -1;
	return maildir_keywords_of(k, letters, &m->keywords);
}
