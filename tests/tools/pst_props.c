/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pst_props.c - every property of every message in a PST, recipient and
 * attachment, for tests that compare them with another program's.
 *
 *   pst_props FILE >LINES
 *
 * {"nid","parent","what","depth","spoilt","props":{"0037":"1f 12 CRC32"}}:
 * what is "message", "recipient", "attachment" or "embedded"; length and
 * checksum are of a value's octets as they stand, in the width of its type;
 * properties of several values and objects are left out. Exit 65 with
 * {"error"} if the file can't be read.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "archive/mapi/text.h"
#include "archive/pst/object.h"
#include "util/buf.h"

#define DEEPEST 20

struct props {
	struct pst_file file;
	uint32_t nid, parent;
	bool comma;
};
struct sum {
	uLong crc;
	uint64_t n;
};

static void add(struct sum *s, const void *p, size_t n)
{
	s->crc = crc32(s->crc, p, (uInt)n);
	s->n += n;
}

static size_t width(uint16_t type)
{
	switch (type) {
	case MAPI_BOOLEAN:
		return 1;
	case MAPI_SHORT:
		return 2;
	case MAPI_LONG:
	case MAPI_ERROR:
		return 4;
	case MAPI_CURRENCY:
	case MAPI_I8:
	case MAPI_TIME:
		return 8;
	default:
		return 0;
	}
}

static int add_stream(struct sum *s, struct mapi *o, uint16_t id)
{
	struct input in = { 0 };
	char piece[16384];
	ssize_t n;

	if (o->ops->open(o, id, &in))
		return -1;
	while ((n = in.read(&in, piece, sizeof(piece))) > 0)
		add(s, piece, (size_t)n);
	o->ops->shut(o, &in);
	return n < 0 ? -1 : 0;
}

/* Back to as it was: 0, -1, 1: left out. */
static int add_value(struct sum *s, struct mapi *o, const struct mapi_value *v)
{
	float small = (float)v->real;

	switch (v->type) {
	case MAPI_UNICODE:
	case MAPI_STRING8:
	case MAPI_BINARY:
	case MAPI_GUID:
		if (v->stream)
			return add_stream(s, o, v->id);
		add(s, v->p, v->n);
		return 0;
	case MAPI_FLOAT:
		add(s, &small, sizeof(small));
		return 0;
	case MAPI_DOUBLE:
	case MAPI_APPTIME:
		add(s, &v->real, sizeof(v->real));
		return 0;
	default:
		add(s, &v->number, width(v->type));
		return width(v->type) ? 0 : 1;
	}
}

struct each {
	struct props *p;
	struct mapi *o;
};

static int on_value(const struct mapi_value *v, void *arg)
{
	struct each *e = arg;
	struct sum s = { .crc = crc32(0, NULL, 0) };

	if (add_value(&s, e->o, v))
		return 0;
	printf("%s\"%04x\":\"%x %" PRIu64 " %08lx\"", e->p->comma ? "," : "",
	       v->id, v->type, s.n, s.crc);
	e->p->comma = true;
	return 0;
}

static void tell(struct props *p, struct mapi *o, const char *what,
                 unsigned depth)
{
	struct each e = { p, o };

	printf("{\"nid\":%" PRIu32 ",\"parent\":%" PRIu32
	       ",\"what\":\"%s\",\"depth\":%u,\"props\":{",
	       p->nid, p->parent, what, depth);
	p->comma = false;
	o->ops->each(o, on_value, &e);
	printf("},\"spoilt\":%u}\n", o->spoilt);
}

static void message(struct props *p, struct mapi *o, const char *what,
                    unsigned depth)
{
	size_t n = o->ops->recipients(o);

	tell(p, o, what, depth);
	for (size_t i = 0; i < n; i++) {
		struct mapi *r = o->ops->recipient(o, i);

		if (r)
			tell(p, r, "recipient", depth);
		mapi_close(&r);
	}
	n = o->ops->attachments(o);
	for (size_t i = 0; i < n; i++) {
		struct mapi *a = o->ops->attachment(o, i), *in = NULL;

		if (a)
			tell(p, a, "attachment", depth);
		if (a && depth < DEEPEST && mapi_number(a, 0x3705, 0) == 5)
			in = a->ops->embedded(a);
		if (in)
			message(p, in, "embedded", depth + 1);
		mapi_close(&in);
		mapi_close(&a);
	}
}

static int on_node(const struct pst_node *n, void *arg)
{
	struct props *p = arg;
	struct mapi *o;

	if (NID_TYPE(n->nid) != NID_MESSAGE)
		return 0;
	p->nid = n->nid;
	p->parent = n->parent;
	o = pst_message(&p->file, n);
	if (o)
		message(p, o, "message", 0);
	mapi_close(&o);
	return 0;
}

int main(int argc, char **argv)
{
	struct props p = { 0 };
	const char *why = "no such file";
	int fd = argc > 1 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;

	text_load();
	if (fd < 0 || pst_open(&p.file.p, fd, NULL, NULL, &why)) {
		printf("{\"error\":\"%s\"}\n", why);
		return 65;
	}
	p.file.names = pst_names_open(p.file.p);
	(void)pst_nodes(p.file.p, on_node, &p);
	pst_names_close(&p.file.names);
	pst_close(&p.file.p);
	close(fd);
	return 0;
}
