/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtf_dump.c - the bodies in RTF of files, and what is taken out of them: a
 * line of JSON each.
 *
 *   rtf_dump [--save DIR] --pst FILE...    of all messages of a PST or OST
 *   rtf_dump [--save DIR] --body FILE...   a file is PidTagRtfCompressed
 *
 * {"body":SHA-256 of the property as it stands, "kind":"html", "text",
 * "plain" or "none", "doubt":the checksum is wrong or it is cut, "rtf":
 * SHA-256 of the RTF, "octets":, "text":SHA-256 of what comes out}. --save: the property as
 * DIR/SHA.lzfu, the RTF as DIR/SHA.rtf, what comes out as DIR/SHA.out.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/input.h"
#include "archive/mapi/rtf.h"
#include "archive/mapi/text.h"
#include "archive/pst/object.h"
#include "mime/sha256.h"
#include "util/buf.h"

#define PID_RTF_COMPRESSED 0x1009
#define MOST (UINT32_C(64) << 20)
#define DEPTH_MOST 8

static const char *save;

struct name {
	char hex[2 * SHA256_OCTETS + 1];
};

static struct name name_of(const struct buf *b)
{
	unsigned char digest[SHA256_OCTETS];
	struct name n;

	sha256_of(b->n ? b->p : "", b->n, digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(n.hex + 2 * i, 3, "%02x", digest[i]);
	return n;
}

static void keep(const struct name *n, const char *suffix, const struct buf *b)
{
	char path[512];
	FILE *f;

	if (!save)
		return;
	snprintf(path, sizeof(path), "%s/%s.%s", save, n->hex, suffix);
	f = fopen(path, "we");
	if (!f || fwrite(b->n ? b->p : "", 1, b->n, f) != b->n || fclose(f)) {
		perror(path);
		exit(70);
	}
}

static int add(struct mapi_out *o, const void *p, size_t n)
{
	return buf_add(o->arg, p, n);
}

static int read_into(struct buf *b, struct input *in)
{
	char piece[8192];
	ssize_t r;

	while ((r = in->read(in, piece, sizeof(piece))) > 0)
		if (buf_add(b, piece, (size_t)r))
			return -1;
	return r < 0 ? -1 : 0;
}

/* What is in it, as its readers see it. */
static void body(const struct buf *packed)
{
	static const char *const kinds[] = { "none", "plain", "text", "html" };
	struct buf rtf CLEANUP(buf_release_p) = BUF_INIT(MOST);
	struct buf text CLEANUP(buf_release_p) = BUF_INIT(MOST);
	struct mapi_out out = { .data = add, .arg = &text };
	struct name n = name_of(packed);
	enum rtf_kind kind = RTF_NONE;
	struct in_memory m, again;
	struct lzfu l;
	bool bad = false, doubt = true;

	input_memory(&m, packed->n ? packed->p : "", packed->n);
	if (lzfu_begin(&l, &m.in) == 0) {
		read_into(&rtf, &l.in);
		doubt = l.doubt;
		lzfu_end(&l);
		input_memory(&again, rtf.n ? rtf.p : "", rtf.n);
		kind = rtf_kind(&again.in);
		input_memory(&again, rtf.n ? rtf.p : "", rtf.n);
		rtf_out(&again.in, kind, &out, &bad);
	}
	keep(&n, "lzfu", packed);
	keep(&n, "rtf", &rtf);
	keep(&n, "out", &text);
	printf("{\"body\":\"%s\",\"kind\":\"%s\",\"doubt\":%s,"
	       "\"rtf\":\"%s\",\"octets\":%zu,\"text\":\"%s\"}\n",
	       n.hex, kinds[kind], doubt ? "true" : "false", name_of(&rtf).hex,
	       text.n, name_of(&text).hex);
}

static int file(const char *path)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(MOST);
	int fd CLEANUP(close_p) = open(path, O_RDONLY | O_CLOEXEC);
	struct input in;

	if (fd < 0)
		return -1;
	input_file(&in, fd);
	if (read_into(&b, &in))
		return -1;
	body(&b);
	return 0;
}

/* --- messages of a PST ------------------------------------------------ */

static void property(struct mapi *o)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(MOST);
	struct input in;

	if (!mapi_has(o, PID_RTF_COMPRESSED) ||
	    o->ops->open(o, PID_RTF_COMPRESSED, &in))
		return;
	if (read_into(&b, &in) == 0)
		body(&b);
	o->ops->shut(o, &in);
}

static void message(struct mapi *o, unsigned depth)
{
	size_t n = o->ops->attachments(o);

	property(o);
	for (size_t i = 0; i < n && depth < DEPTH_MOST; i++) {
		struct mapi *a = o->ops->attachment(o, i);
		struct mapi *m = a ? a->ops->embedded(a) : NULL;

		if (m)
			message(m, depth + 1);
		mapi_close(&m);
		mapi_close(&a);
	}
}

static int node(const struct pst_node *n, void *arg)
{
	struct mapi *o;

	if (NID_TYPE(n->nid) != NID_MESSAGE &&
	    NID_TYPE(n->nid) != NID_ASSOC_MESSAGE)
		return 0;
	o = pst_message(arg, n);
	if (o)
		message(o, 0);
	mapi_close(&o);
	return 0;
}

static int pst(const char *path)
{
	int fd CLEANUP(close_p) = open(path, O_RDONLY | O_CLOEXEC);
	struct pst_file f = { .codepage = 1252 };
	const char *why = "";
	int r;

	if (fd < 0)
		return -1;
	if (pst_open(&f.p, fd, NULL, NULL, &why) != PST_OPEN) {
		fprintf(stderr, "%s: %s\n", path, why);
		return 0;
	}
	f.names = pst_names_open(f.p);
	r = f.names ? pst_nodes(f.p, node, &f) : -1;
	pst_names_close(&f.names);
	pst_close(&f.p);
	return r;
}

int main(int argc, char **argv)
{
	int at = 1;
	bool psts;

	if (argc > 2 && strcmp(argv[1], "--save") == 0) {
		save = argv[2];
		at = 3;
	}
	if (at >= argc)
		return 64;
	psts = strcmp(argv[at], "--pst") == 0;
	if (!psts && strcmp(argv[at], "--body") != 0)
		return 64;
	text_load();
	while (++at < argc) {
		if (psts ? pst(argv[at]) : file(argv[at])) {
			fprintf(stderr, "%s: %s\n", argv[at], strerror(errno));
			return 70;
		}
	}
	return 0;
}
