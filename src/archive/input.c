/* SPDX-License-Identifier: Apache-2.0 */
/* input.c - see input.h. */
#include "archive/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/utf8.h"

static ssize_t file_read(struct input *in, void *p, size_t n)
{
	ssize_t r;

	do
		r = read(in->fd, p, n);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		in->why = "its disk can't read it and may be failing";
	return r;
}

void input_opened(struct input *in, int fd, const struct stat *st)
{
	memset(in, 0, sizeof(*in));
	in->read = file_read;
	in->fd = fd;
	in->size = st->st_size > 0 ? (uint64_t)st->st_size : 0;
	in->mtime = st->st_mtime;
}

void input_file(struct input *in, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		memset(&st, 0, sizeof(st));
	/* The archive's own descriptor is shared with those who parsed it
	 * before and broke down. */
	(void)lseek(fd, 0, SEEK_SET);
	input_opened(in, fd, &st);
}

int input_open(int dir, const char *name, int flags)
{
	int fd;

	flags |= O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW;
	fd = openat(dir, name, flags | O_NOATIME);
	/* Only a file's owner may leave its access time alone. */
	if (fd < 0 && errno == EPERM)
		fd = openat(dir, name, flags);
	return fd;
}

struct input_trouble input_trouble(const char *path, int errnum)
{
	struct input_trouble t;
	int n = (int)utf8_cut(path, 150);
	const char *rest =
	        "could not be read from its disk. The disk may be failing: "
	        "copy the archive to another one and try that copy.";

	if (errnum == EACCES || errnum == EPERM) {
		snprintf(t.text, sizeof(t.text),
		         "This user may not read '%.*s'. Give it the right "
		         "to read, or run mailhaul as the owner of the file.",
		         n, path);
		return t;
	}
	if (errnum == ENOENT)
		rest = "is not there any more, though it was a moment ago. "
		       "Run mailhaul again when nothing changes the archive.";
	snprintf(t.text, sizeof(t.text), "'%.*s' %s", n, path, rest);
	return t;
}

static ssize_t peeked_read(struct input *in, void *p, size_t n)
{
	struct peeked *peek = in->arg;
	size_t have = peek->n - peek->at;
	ssize_t r;

	if (have) {
		n = n < have ? n : have;
		memcpy(p, peek->head + peek->at, n);
		peek->at += n;
		return (ssize_t)n;
	}
	r = peek->failed ? -1 : peek->of->read(peek->of, p, n);
	if (r < 0)
		in->why = peek->of->why;
	return r;
}

void input_peek(struct peeked *p, struct input *of)
{
	ssize_t r = 1;

	p->of = of;
	p->n = p->at = 0;
	while (p->n < sizeof(p->head) && r > 0) {
		r = of->read(of, p->head + p->n, sizeof(p->head) - p->n);
		p->n += r > 0 ? (size_t)r : 0;
	}
	p->failed = r < 0;
	p->in = *of;
	p->in.read = peeked_read;
	p->in.arg = p;
}

static ssize_t limited_read(struct input *in, void *p, size_t n)
{
	struct limited *l = in->arg;
	ssize_t r;

	if (l->left == 0)
		return 0;
	r = l->of->read(l->of, p, n < l->left ? n : (size_t)l->left);
	if (r > 0)
		l->left -= (uint64_t)r;
	else if (r < 0)
		in->why = l->of->why;
	return r;
}

void input_limit(struct limited *l, struct input *of, uint64_t octets)
{
	l->of = of;
	l->left = octets;
	l->in = *of;
	l->in.read = limited_read;
	l->in.fd = -1;
	l->in.size = octets;
	l->in.arg = l;
}

static ssize_t memory_read(struct input *in, void *p, size_t n)
{
	struct in_memory *m = in->arg;

	n = n < m->n ? n : m->n;
	if (n)
		memcpy(p, m->p, n);
	m->p += n;
	m->n -= n;
	return (ssize_t)n;
}

void input_memory(struct in_memory *m, const void *p, size_t n)
{
	memset(m, 0, sizeof(*m));
	m->p = p;
	m->n = n;
	m->in.read = memory_read;
	m->in.fd = -1;
	m->in.size = n;
	m->in.arg = m;
}
