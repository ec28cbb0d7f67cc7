/* SPDX-License-Identifier: Apache-2.0 */
/* eml.c - see eml.h. */
#include "archive/eml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/head.h"
#include "archive/input.h"
#include "archive/kind.h"
#include "archive/mbox.h"
#include "mime/keywords.h"
#include "util/buf.h"

#define PLIST_MOST (64u << 10)
/* A message up to this size is held in memory where its flags stand behind
 * it and the file can't be read at any place. */
#define AHEAD_MOST (16u << 20)
#define SENTENCE 384
#define WINDOW (256u << 10)
#define OVERLAP 1024

/* What Apple Mail says behind the message. */
struct plist {
	bool known;
	unsigned long long flags;
	int64_t received;
};

/* <key>name</key> <integer>123</integer>, or <real>. */
static bool plist_number(const char *p, size_t n, const char *key,
                         unsigned long long *v)
{
	const char *end = p + n, *at = memmem(p, n, key, strlen(key));

	at = at ? memchr(at + strlen(key), '<', (size_t)(end - at)) : NULL;
	if (!at)
		return false;
	at = memchr(at, '>', (size_t)(end - at));
	*v = 0;
	if (!at || ++at >= end || *at < '0' || *at > '9')
		return false;
	for (; at < end && *at >= '0' && *at <= '9'; at++)
		if (*v < UINT64_C(1) << 50)
			*v = *v * 10 + (unsigned long long)(*at - '0');
	return true;
}

static void plist_read(struct plist *l, const char *p, size_t n)
{
	unsigned long long v;

	l->known = plist_number(p, n, "<key>flags</key>", &l->flags);
	if (plist_number(p, n, "<key>date-received</key>", &v) &&
	    v < UINT64_C(1) << 40)
		l->received = (int64_t)v;
}

/* The bits of Apple Mail: 0 read, 1 deleted, 2 answered, 4 flagged, 6 draft,
 * 8 forwarded, 24 junk, 25 not junk. */
static int plist_flags(const struct plist *l, struct status *st)
{
	unsigned long long f = l->flags;

	st->told = true;
	st->flags = (f & 1 ? MAIL_SEEN : 0) | (f & 2 ? MAIL_DELETED : 0) |
	            (f & 4 ? MAIL_ANSWERED : 0) | (f & 16 ? MAIL_FLAGGED : 0) |
	            (f & 64 ? MAIL_DRAFT : 0);
	if (f & 256 && keywords_add(&st->keywords, "$Forwarded", 10, 4096))
		return -1;
	if (f & 1 << 24 && keywords_add(&st->keywords, "$Junk", 5, 4096))
		return -1;
	return f & 1 << 25 && keywords_add(&st->keywords, "$NotJunk", 8, 4096)
	               ? -1
	               : 0;
}

static void whole(struct input *in, char *p, size_t n, size_t *got)
{
	ssize_t r = 1;

	for (*got = 0; *got < n && r > 0; *got += r > 0 ? (size_t)r : 0)
		r = in->read(in, p + *got, n - *got);
}

/* The line with the count of octets; false if there is none. */
static bool count_line(struct input *in, uint64_t *count, uint64_t *at)
{
	char c = '0';

	*count = *at = 0;
	while (c != '\n' && *at < 64) {
		if (in->read(in, &c, 1) != 1)
			return false;
		++*at;
		if (c >= '0' && c <= '9' && *count < UINT64_C(1) << 40)
			*count = *count * 10 + (uint64_t)(c - '0');
	}
	return c == '\n' && *count > 0;
}

/* A From_ line after an empty one. */
static bool another(const char *p, size_t n)
{
	const char *end = p + n, *at = p;

	while ((at = memmem(at, (size_t)(end - at), "\nFrom ", 6))) {
		const char *nl = memchr(at + 1, '\n', (size_t)(end - at - 1));
		const char *to = nl ? nl : end;
		struct mail_date date;

		if (((at > p && at[-1] == '\n') ||
		     (at > p + 1 && at[-1] == '\r' && at[-2] == '\n')) &&
		    mbox_from_line(at + 1, (size_t)(to - at - 1), &date))
			return true;
		at++;
	}
	return false;
}

bool eml_alone(const struct peeked *p)
{
	char *w CLEANUP(free_p) = NULL;
	off_t at = 0;
	ssize_t n;

	if (another((const char *)p->head, p->n))
		return false;
	if (p->in.fd < 0)
		return true;
	w = malloc(WINDOW);
	if (!w)
		return true;
	/* Windows overlap by the longest From_ line. */
	while ((n = pread(p->in.fd, w, WINDOW, at)) > 0) {
		if (another(w, (size_t)n))
			return false;
		if (n <= OVERLAP)
			break;
		at += n - OVERLAP;
	}
	return true;
}

struct eml {
	const struct where *at;
	const char *key;
	uint64_t ends; /* octets it must have, 0: as many as there are */
	struct plist plist;
};

static const char *cut_short(char *text, const char *key, const char *why)
{
	snprintf(text, SENTENCE,
	         "The file %.150s is damaged: %.100s. Copy or export it "
	         "again from where it comes.",
	         key, why ? why : "it ends in the middle of the message");
	return text;
}

static int tell(struct input *in, struct eml *m, struct head *h, struct sink *s)
{
	struct status *st = &h->status;
	uint64_t size = 0, all = m->ends ? m->ends : in->size;
	struct item it = { .uid = item_uid(m->at->raw), .key = m->key };
	char text[SENTENCE];
	int wanted, r;

	if (m->plist.known && plist_flags(&m->plist, st))
		return -1;
	it.flags = st->flags | (st->told ? 0 : MAIL_SEEN);
	it.keywords = st->keywords;
	it.date = head_date(h, in->mtime);
	if (!h->received.known && m->plist.received)
		it.date = (struct mail_date){ .sec = m->plist.received,
			                      .known = true };
	it.size = all > h->from ? all - h->from : 0;
	it.wire = h->crlf;
	wanted = s->begin(s, &it);
	if (wanted < 0)
		return -1;
	r = head_pour(h, in, s, wanted > 0, &size);
	if (r < 0)
		return -1;
	if (r > 0)
		return s->end(s, 0, cut_short(text, m->key, in->why));
	if (m->ends && (wanted || h->ended) && size + h->from < m->ends)
		return s->end(s, 0, cut_short(text, m->key, NULL));
	if (h->ended && h->n == h->from)
		return s->end(s, 0, cut_short(text, m->key, "it is empty"));
	return s->end(s, size, NULL);
}

static int one(struct input *in, struct eml *m, struct sink *s)
{
	struct head h CLEANUP(head_release) = { 0 };

	return head_read(&h, in) ? -1 : tell(in, m, &h, s);
}

/* The property list stands behind the message: where any place can be read
 * it is looked at first, else a message of usual size is held. */
static int emlx_item(struct input *in, struct eml *m, struct sink *s)
{
	char *p CLEANUP(free_p) = NULL;
	struct in_memory held;
	struct limited part;
	uint64_t count, line;
	size_t got = 0;
	ssize_t n = 0;

	if (!count_line(in, &count, &line))
		return source_trouble(
		        s, m->key,
		        "A file of Apple Mail is damaged: it does "
		        "not say how long its message is. Export "
		        "it again from Apple Mail.");
	m->ends = count;
	input_limit(&part, in, count);
	if (in->fd < 0 && count > AHEAD_MOST)
		return one(&part.in, m, s);
	p = malloc(PLIST_MOST + (in->fd < 0 ? (size_t)count : 0));
	if (!p)
		return -1;
	if (in->fd >= 0) {
		n = pread(in->fd, p, PLIST_MOST, (off_t)(line + count));
		plist_read(&m->plist, p, n > 0 ? (size_t)n : 0);
		return one(&part.in, m, s);
	}
	whole(in, p, (size_t)count + PLIST_MOST, &got);
	if (got > count)
		plist_read(&m->plist, p + count, got - (size_t)count);
	input_memory(&held, p, got < count ? got : (size_t)count);
	held.in.mtime = in->mtime;
	return one(&held.in, m, s);
}

/* Apple Mail keeps attachments of such a message beside it, or never had
 * them: the text goes its way, what is missing is a problem of its own. */
static int attachments_missing(const struct eml *m, struct sink *s)
{
	char name[512], text[SENTENCE];

	snprintf(name, sizeof(name), "%.480s (attachments)", m->at->raw);
	snprintf(text, sizeof(text),
	         "Apple Mail kept the attachments of %.150s apart from it. The "
	         "message itself is moved, without them: export its mailbox "
	         "from Apple Mail to get both together.",
	         m->key);
	return source_trouble(s, name, text);
}

int eml_item(struct input *in, const struct where *at, bool emlx,
             struct sink *s)
{
	struct eml m = { .at = at };

	m.key = *at->raw ? at->raw : at->path;
	if (!emlx)
		return one(in, &m, s);
	if (emlx_item(in, &m, s))
		return -1;
	return name_ends(m.key, ".partial.emlx") ? attachments_missing(&m, s)
	                                         : 0;
}
