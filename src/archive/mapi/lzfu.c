/* SPDX-License-Identifier: Apache-2.0 */
/* lzfu.c - see rtf.h: [MS-OXRTFCP] 2.1.3, as a stream. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "archive/mapi/rtf.h"

#define HEADER 16
#define PACKED 0x75465a4cu   /* "LZFu" */
#define UNPACKED 0x414c454du /* "MELA" */
#define RING 4096u
#define IN_OCTETS 4096

/* [MS-OXRTFCP] 2.1.2.1: what the dictionary holds at first. */
static const char at_first[] =
        "{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}"
        "{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor "
        "MS Sans SerifSymbolArialTimes New RomanCourier"
        "{\\colortbl\\red0\\green0\\blue0\r\n"
        "\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

struct lzfu_state {
	bool packed;
	bool end, failed;    /* of the input */
	bool told_end;       /* by a reference to itself */
	bool over, finished; /* of what is unpacked */
	uint32_t want_crc;   /* 0: none */
	uLong crc;           /* as zlib counts */
	uint64_t summed;     /* octets still to be summed */
	uint64_t raw;        /* octets still to come by the header */
	/* A reference that is being copied, and the token it stands in. */
	unsigned copy_at, copy_n;
	unsigned bits, bits_n;
	unsigned at; /* in the ring */
	size_t in_at, in_n;
	unsigned char ring[RING];
	unsigned char in[IN_OCTETS];
};

static uint32_t le32(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static void sum(struct lzfu_state *x, size_t n)
{
	n = n < x->summed ? n : (size_t)x->summed;
	x->crc = crc32(x->crc, x->in, (uInt)n);
	x->summed -= n;
}

/* False: no more. */
static bool refill(struct lzfu *l, struct lzfu_state *x)
{
	ssize_t r;

	if (x->end)
		return false;
	r = l->of->read(l->of, x->in, sizeof(x->in));
	if (r <= 0) {
		x->end = true;
		x->failed = r < 0;
		return false;
	}
	x->in_at = 0;
	x->in_n = (size_t)r;
	sum(x, x->in_n);
	return true;
}

/* -1: the input ends. */
static int next(struct lzfu *l, struct lzfu_state *x)
{
	if (x->in_at == x->in_n && !refill(l, x))
		return -1;
	return x->in[x->in_at++];
}

/* What stands behind the end counts for the checksum. */
static void finish(struct lzfu *l, struct lzfu_state *x)
{
	x->finished = true;
	while (refill(l, x))
		;
	x->in_at = x->in_n;
	/* zlib inverts before and after, the format does not. */
	if (x->want_crc && x->want_crc != (uint32_t)~x->crc)
		l->doubt = true;
	if (x->failed || (x->raw > 0 && !x->told_end))
		l->doubt = true;
}

/* Copies what is left of a reference: octets written to o. */
static size_t copy(struct lzfu_state *x, unsigned char *o, size_t n)
{
	size_t k = n < x->copy_n ? n : x->copy_n;

	for (size_t i = 0; i < k; i++) {
		unsigned char c = x->ring[x->copy_at++ % RING];

		x->ring[x->at++ % RING] = c;
		o[i] = c;
	}
	x->copy_n -= (unsigned)k;
	return k;
}

/* A reference begins; false: it is the end. */
static bool reference(struct lzfu *l, struct lzfu_state *x)
{
	int a = next(l, x);
	int b = next(l, x);

	if (b < 0)
		return false;
	x->copy_at = (unsigned)a << 4 | (unsigned)b >> 4;
	x->copy_n = ((unsigned)b & 15) + 2;
	if (x->copy_at != x->at % RING)
		return true;
	x->copy_n = 0;
	x->told_end = true;
	return false;
}

/* An octet at o, or the start of a reference (*n is 0); false: the end. */
static bool token(struct lzfu *l, struct lzfu_state *x, unsigned char *o,
                  size_t *n)
{
	bool refers;
	int c;

	*n = 0;
	if (x->bits_n == 0) {
		c = next(l, x);
		if (c < 0)
			return false;
		x->bits = (unsigned)c;
		x->bits_n = 8;
	}
	refers = x->bits & 1;
	x->bits >>= 1;
	x->bits_n--;
	if (refers)
		return reference(l, x);
	c = next(l, x);
	if (c < 0)
		return false;
	*o = x->ring[x->at++ % RING] = (unsigned char)c;
	*n = 1;
	return true;
}

static size_t unpack(struct lzfu *l, struct lzfu_state *x, unsigned char *o,
                     size_t n)
{
	size_t done = 0;

	while (done < n) {
		size_t k = copy(x, o + done, n - done);

		if (k == 0 && !token(l, x, o + done, &k)) {
			x->over = true;
			break;
		}
		done += k;
	}
	return done;
}

/* What was never packed. */
static size_t take(struct lzfu *l, struct lzfu_state *x, unsigned char *o,
                   size_t n)
{
	size_t have;

	if (x->raw == 0 || (x->in_at == x->in_n && !refill(l, x))) {
		x->over = true;
		return 0;
	}
	have = x->in_n - x->in_at;
	n = n < have ? n : have;
	n = n < x->raw ? n : (size_t)x->raw;
	memcpy(o, x->in + x->in_at, n);
	x->in_at += n;
	return n;
}

static ssize_t lzfu_read(struct input *in, void *p, size_t n)
{
	struct lzfu *l = in->arg;
	struct lzfu_state *x = l->state;
	size_t done = 0;

	if (n == 0)
		return 0;
	if (!x->over)
		done = x->packed ? unpack(l, x, p, n) : take(l, x, p, n);
	x->raw -= done < x->raw ? done : x->raw;
	if (x->over && !x->finished)
		finish(l, x);
	if (done == 0 && x->failed) {
		in->why = l->of->why;
		return -1;
	}
	return (ssize_t)done;
}

/* Octets of the header that there are. */
static size_t read_header(struct input *of, unsigned char *h)
{
	size_t n = 0;
	ssize_t r = 1;

	while (n < HEADER && r > 0) {
		r = of->read(of, h + n, HEADER - n);
		n += r > 0 ? (size_t)r : 0;
	}
	return n;
}

int lzfu_begin(struct lzfu *l, struct input *of)
{
	unsigned char h[HEADER];
	struct lzfu_state *x;
	uint32_t packed, kind;

	memset(l, 0, sizeof(*l));
	if (read_header(of, h) < HEADER)
		return -1;
	packed = le32(h);
	kind = le32(h + 8);
	if (kind != PACKED && kind != UNPACKED)
		return -1;
	x = calloc(1, sizeof(*x));
	if (!x)
		return -1;
	x->packed = kind == PACKED;
	/* Some count themselves in the length of what is not packed. */
	x->raw = !x->packed && packed > HEADER - 4 ? packed - (HEADER - 4)
	                                           : le32(h + 4);
	x->want_crc = x->packed ? le32(h + 12) : 0;
	x->crc = UINT32_MAX;
	/* It counts itself without its first field. */
	x->summed = packed > HEADER - 4 ? packed - (HEADER - 4) : 0;
	memcpy(x->ring, at_first, sizeof(at_first) - 1);
	x->at = sizeof(at_first) - 1;
	l->of = of;
	l->state = x;
	l->in.read = lzfu_read;
	l->in.fd = -1;
	l->in.size = x->raw;
	l->in.arg = l;
	return 0;
}

void lzfu_end(struct lzfu *l)
{
	free(l->state);
	l->state = NULL;
}
