/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_rtf.c - any octets as packed and as plain RTF: reading ends, and what
 * comes out is UTF-8. The first octet: 1 packed, 2 small pieces.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "archive/input.h"
#include "archive/mapi/rtf.h"
#include "archive/mapi/text.h"
#include "util/buf.h"
#include "util/utf8.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static size_t piece;

static ssize_t drip(struct input *in, void *p, size_t n)
{
	struct in_memory *m = in->arg;

	return m->in.read(&m->in, p, n < piece ? n : piece);
}

static int keep(struct mapi_out *o, const void *p, size_t n)
{
	return buf_add(o->arg, p, n);
}

static enum rtf_kind kind_of(struct input *in, bool packed)
{
	struct lzfu l;
	enum rtf_kind kind;

	if (!packed)
		return rtf_kind(in);
	if (lzfu_begin(&l, in))
		return RTF_NONE;
	kind = rtf_kind(&l.in);
	lzfu_end(&l);
	return kind;
}

static void out(struct input *in, bool packed, enum rtf_kind kind)
{
	struct buf got CLEANUP(buf_release_p) = BUF_INIT(64u << 20);
	struct mapi_out to = { .data = keep, .arg = &got };
	struct lzfu l;
	bool bad = false;

	if (packed) {
		if (lzfu_begin(&l, in))
			return;
		(void)rtf_out(&l.in, kind, &to, &bad);
		lzfu_end(&l);
	} else {
		(void)rtf_out(in, kind, &to, &bad);
	}
	if (got.n && !utf8_valid(got.p))
		abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	text_load();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct in_memory m;
	struct input in = { .read = drip, .fd = -1, .arg = &m };
	enum rtf_kind kind;
	bool packed;

	if (!n)
		return 0;
	packed = data[0] & 1;
	piece = data[0] & 2 ? 3 : SIZE_MAX;
	input_memory(&m, data + 1, n - 1);
	in.size = n - 1;
	kind = kind_of(&in, packed);
	input_memory(&m, data + 1, n - 1);
	out(&in, packed, kind);
	return 0;
}
