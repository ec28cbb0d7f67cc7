/* SPDX-License-Identifier: Apache-2.0 */
/* local.c - see local.h. */
#include "reader/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/buf.h"
#include "util/utf7.h"
#include "util/utf8.h"

int local_ask(struct local_queue *q, const struct folder *f, struct batch *b,
              struct err *e)
{
	if (q->n == q->cap) {
		size_t cap = q->cap ? q->cap * 2 : 8;
		struct local_asked *v = realloc(q->v, cap * sizeof(*v));

		if (!v)
			return err_memory(e);
		q->v = v;
		q->cap = cap;
	}
	q->v[q->n].b = b;
	q->v[q->n].raw = strdup(f->raw);
	if (!q->v[q->n].raw)
		return err_memory(e);
	q->n++;
	return 0;
}

struct batch *local_next(struct local_queue *q, char **raw)
{
	struct batch *b;

	if (q->n == 0)
		return NULL;
	b = q->v[0].b;
	*raw = q->v[0].raw;
	q->n--;
	memmove(q->v, q->v + 1, q->n * sizeof(*q->v));
	return b;
}

void local_queue_release(struct local_queue *q)
{
	for (size_t i = 0; i < q->n; i++)
		free(q->v[i].raw);
	free(q->v);
	memset(q, 0, sizeof(*q));
}

int local_open(int dir, const char *name, int flags, bool follow)
{
	int fd;

	flags |= O_RDONLY | O_CLOEXEC | O_NONBLOCK;
	if (!follow)
		flags |= O_NOFOLLOW;
	fd = openat(dir, name, flags | O_NOATIME);
	/* Only a file's owner may leave its access time alone. */
	if (fd < 0 && errno == EPERM)
		fd = openat(dir, name, flags);
	return fd;
}

int local_enter(const char *root, const char *raw)
{
	int fd = local_open(AT_FDCWD, root, O_DIRECTORY, true);

	while (fd >= 0 && *raw) {
		size_t n = strcspn(raw, "/");
		char *part CLEANUP(free_p) = strndup(raw, n);
		int next = part ? local_open(fd, part, O_DIRECTORY, false) : -1;

		close(fd);
		fd = next;
		raw += n + (raw[n] == '/');
	}
	return fd;
}

bool local_cancelled(const struct account *a, struct err *e)
{
	if (!a->cancel || atomic_load(a->cancel) == 0)
		return false;
	err_set(e, ERR_ACCOUNT, NEXT_RETRY, EC_INTERRUPTED,
	        "Stopped, as asked. Run mailhaul again to go on.", "%s", "");
	return true;
}

int local_error(struct err *e, enum err_reach reach, const char *path,
                int errnum)
{
	if (errnum == ENOMEM)
		return err_memory(e);
	if (errnum == ENOENT || errnum == ENOTDIR)
		err_setf(e, reach, NEXT_GIVE_UP, EC_INPUT,
		         "There is no file or folder %.200s. Check how it is "
		         "spelt, and that its disk is connected.",
		         path);
	else if (errnum == EACCES || errnum == EPERM)
		err_setf(e, reach, NEXT_ASK_PERSON, EC_PERMISSION,
		         "This user may not read %.200s. Give it the right to "
		         "read, or run mailhaul as the owner of the file.",
		         path);
	else if (errnum == ELOOP)
		err_setf(e, reach, NEXT_GIVE_UP, EC_ARCHIVE,
		         "%.200s is a link to another place, and links inside "
		         "an archive are not followed. Name the place itself.",
		         path);
	else
		err_setf(e, reach, NEXT_GIVE_UP, EC_ARCHIVE,
		         "%.200s could not be read from its disk. The disk may "
		         "be failing: copy the archive to another one and try "
		         "that copy.",
		         path);
	err_detail(e, "%s: %s", path, strerror(errnum));
	return -1;
}

void local_hole(struct message *m, const char *text, ...)
{
	char sentence[sizeof(m->why.text)];
	va_list ap;

	va_start(ap, text);
	vsnprintf(sentence, sizeof(sentence), text, ap);
	va_end(ap);
	body_release(&m->body);
	m->hole = true;
	m->fetched = false;
	err_setf(&m->why, ERR_MESSAGE, NEXT_RETRY, EC_HOLE, "%s", sentence);
}

static char *from_latin1(const char *name)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);

	for (; *name; name++) {
		unsigned char c = (unsigned char)*name;

		if (c >= 0x80 && (buf_chr(&b, (char)(0xc0 | c >> 6)) ||
		                  buf_chr(&b, (char)(0x80 | (c & 0x3f)))))
			return NULL;
		if (c < 0x80 && buf_chr(&b, (char)c))
			return NULL;
	}
	return buf_take(&b);
}

char *local_utf8(const char *name, bool utf7)
{
	char *s = utf7 ? utf7_to_utf8(name) : NULL;

	if (s)
		return s;
	if (utf8_valid(name))
		return strdup(name);
	return from_latin1(name);
}
