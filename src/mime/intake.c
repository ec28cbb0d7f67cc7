/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intake.c - see intake.h.
 *
 * SHA-256 is what the processor spends its time on; all else is done on
 * pieces that are still in its nearest cache.
 */
#include "mime/intake.h"

#include <string.h>

#include "mime/fingerprint.h"

#define PIECE (16u << 10)

int intake_begin(struct intake *in, struct message *m, uint64_t expected,
                 bool lf, struct err *e)
{
	memset(in, 0, sizeof(*in));
	in->lf = lf;
	in->scan = fp_scan_new();
	if (!in->scan || sha256_begin(&in->hash)) {
		intake_release(in);
		return err_memory(e);
	}
	if (expected && body_expect(&m->body, expected, e)) {
		intake_release(in);
		return -1;
	}
	in->m = m;
	return 0;
}

static int wire(struct intake *in, const char *p, size_t n, struct err *e)
{
	while (n > 0) {
		size_t part = n < PIECE ? n : PIECE;

		if (body_append(&in->m->body, p, part, e))
			return -1;
		if (sha256_data(&in->hash, p, part) ||
		    fp_scan_data(in->scan, p, part))
			return err_memory(e);
		p += part;
		n -= part;
	}
	return 0;
}

/* Copies from *p to out, each bare LF as CRLF, until either is used up. */
static size_t to_crlf(struct intake *in, const char **p, const char *end,
                      char *out, size_t room)
{
	size_t to = 0;

	while (*p < end && room - to >= 2) {
		size_t left = (size_t)(end - *p);
		size_t n = left < room - to - 1 ? left : room - to - 1;
		const char *nl = memchr(*p, '\n', n);

		n = nl ? (size_t)(nl - *p) : n;
		memcpy(out + to, *p, n);
		to += n;
		*p += n;
		if (n)
			in->last_cr = out[to - 1] == '\r';
		if (!nl)
			continue;
		if (!in->last_cr)
			out[to++] = '\r';
		out[to++] = '\n';
		in->last_cr = false;
		(*p)++;
	}
	return to;
}

int intake_data(struct intake *in, const char *p, size_t n, struct err *e)
{
	const char *end = p + n;
	char out[PIECE];

	if (!in->lf)
		return wire(in, p, n, e);
	while (p < end) {
		size_t to = to_crlf(in, &p, end, out, sizeof(out));

		if (wire(in, out, to, e))
			return -1;
	}
	return 0;
}

int intake_end(struct intake *in, struct err *e)
{
	struct message *m = in->m;

	if (sha256_end(&in->hash, m->sha256)) {
		intake_release(in);
		return err_memory(e);
	}
	fp_scan_end(in->scan, &m->fp);
	m->size = m->body.size;
	m->fetched = true;
	m->hole = false;
	intake_release(in);
	return 0;
}

void intake_release(struct intake *in)
{
	sha256_release(&in->hash);
	fp_scan_free(&in->scan);
	memset(in, 0, sizeof(*in));
}
