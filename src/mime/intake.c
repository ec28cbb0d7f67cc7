/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intake.c - see intake.h.
 *
 * SHA-256 is what the processor spends its time on; all else is done on
 * pieces that are still in its nearest cache.
 */
#include "mime/intake.h"

#include <string.h>

#include "mime/crlf.h"
#include "mime/fingerprint.h"

#define PIECE (16u << 10)

int intake_begin_hashed(struct intake *in, struct message *m, uint64_t expected,
                        struct err *e)
{
	memset(in, 0, sizeof(*in));
	in->scan = fp_scan_new();
	if (!in->scan)
		return err_memory(e);
	if (expected && body_expect(&m->body, expected, e)) {
		intake_release(in);
		return -1;
	}
	in->m = m;
	return 0;
}

int intake_begin(struct intake *in, struct message *m, uint64_t expected,
                 bool lf, struct err *e)
{
	if (intake_begin_hashed(in, m, expected, e))
		return -1;
	in->lf = lf;
	if (!sha256_begin(&in->hash))
		return 0;
	intake_release(in);
	return err_memory(e);
}

static int wire(struct intake *in, const char *p, size_t n, struct err *e)
{
	bool spool = in->m->body.spool;

	/* Calls of the kernel for each piece would cost more than the cache
	 * gains. */
	if (spool && body_append(&in->m->body, p, n, e))
		return -1;
	while (n > 0) {
		size_t part = n < PIECE ? n : PIECE;

		if (!spool && body_append(&in->m->body, p, part, e))
			return -1;
		if ((in->hash.ctx && sha256_data(&in->hash, p, part)) ||
		    fp_scan_data(in->scan, p, part))
			return err_memory(e);
		p += part;
		n -= part;
	}
	return 0;
}

int intake_data(struct intake *in, const char *p, size_t n, struct err *e)
{
	const char *end = p + n;
	char out[PIECE];

	if (!in->lf)
		return wire(in, p, n, e);
	while (p < end) {
		size_t to = crlf_copy(&p, end, &in->last_cr, out, sizeof(out));

		if (wire(in, out, to, e))
			return -1;
	}
	return 0;
}

int intake_end(struct intake *in, struct err *e)
{
	struct message *m = in->m;

	if ((in->hash.ctx && sha256_end(&in->hash, m->sha256)) ||
	    fp_scan_end(in->scan, &m->fp)) {
		intake_release(in);
		return err_memory(e);
	}
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
