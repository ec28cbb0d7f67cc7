/* SPDX-License-Identifier: Apache-2.0 */
/* graph_charset.c - see graph_charset.h. */
#include "mime/graph_charset.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "util/utf8.h"

#define NAME_MOST 63
#define OUT 8192

/* Names that mean more than they say: what was written under them is
 * mostly in the larger set, and every reader takes it so. NULL: guess. */
static const struct {
	const char *name, *as;
} names[] = {
	{ "us-ascii", NULL },
	{ "ascii", NULL },
	{ "ansi_x3.4-1968", NULL },
	{ "iso-8859-1", "CP1252" },
	{ "iso8859-1", "CP1252" },
	{ "iso_8859-1", "CP1252" },
	{ "latin1", "CP1252" },
	{ "iso-8859-9", "CP1254" },
	{ "iso-8859-11", "CP874" },
	{ "tis-620", "CP874" },
	{ "iso-8859-8-i", "ISO-8859-8" },
	{ "iso-8859-8-e", "ISO-8859-8" },
	{ "gb2312", "GB18030" },
	{ "gb_2312-80", "GB18030" },
	{ "gbk", "GB18030" },
	{ "x-gbk", "GB18030" },
	{ "cp936", "GB18030" },
	{ "big5", "BIG5-HKSCS" },
	{ "euc-kr", "CP949" },
	{ "ks_c_5601-1987", "CP949" },
	{ "ks_c_5601", "CP949" },
	{ "ksc_5601", "CP949" },
	{ "shift_jis", "CP932" },
	{ "shift-jis", "CP932" },
	{ "sjis", "CP932" },
	{ "x-sjis", "CP932" },
	{ "utf8", "UTF-8" },
	{ "unicode-1-1-utf-7", "UTF-7" },
	{ "x-mac-roman", "MACINTOSH" },
	{ "x-unknown", NULL },
};

/* What the octets 0x80 to 0x9f are in windows-1252; the rest is Latin-1. */
static const uint16_t windows[32] = {
	0x20ac, 0xfffd, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
	0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0xfffd, 0x017d, 0xfffd,
	0xfffd, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
	0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0xfffd, 0x017e, 0x0178,
};

/* A name for iconv_open(); it must not carry options. */
static const char *known_as(const char *name)
{
	if (!name || strlen(name) > NAME_MOST ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX"
	                 "YZ0123456789-_.:+()") != strlen(name) ||
	    !*name)
		return NULL;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(name, names[i].name) == 0)
			return names[i].as;
	return name;
}

static size_t unit_of(const char *name)
{
	if (strncasecmp(name, "utf-16", 6) == 0 ||
	    strncasecmp(name, "ucs-2", 5) == 0)
		return 2;
	return strncasecmp(name, "utf-32", 6) == 0 ||
	                       strncasecmp(name, "ucs-4", 5) == 0
	               ? 4
	               : 1;
}

int graph_charset_open(struct graph_charset *c, const char *name,
                       graph_piece_fn *each, void *arg, struct err *e)
{
	const char *as = known_as(name);

	memset(c, 0, sizeof(*c));
	c->each = each;
	c->arg = arg;
	c->guess = !as;
	if (!as || strcasecmp(as, "UTF-8") == 0)
		return 0;
	c->unit = unit_of(as);
	c->cd = iconv_open("UTF-8", as);
	c->convert = c->cd != (iconv_t)-1;
	c->guess = !c->convert;
	if (!c->convert && errno == ENOMEM)
		return err_memory(e);
	return 0;
}

void graph_charset_close(struct graph_charset *c)
{
	if (c->convert)
		iconv_close(c->cd);
	c->convert = false;
}

/* UTF-8 that is on its way out. */
struct sink {
	struct graph_charset *c;
	struct err *e;
	size_t n;
	bool failed;
	char out[OUT];
};

/* Its room stays as it is: most texts are a subject. */
static void sink_begin(struct sink *s, struct graph_charset *c, struct err *e)
{
	s->c = c;
	s->e = e;
	s->n = 0;
	s->failed = false;
}

static void sink_flush(struct sink *s)
{
	if (!s->failed && s->n && s->c->each(s->out, s->n, s->c->arg, s->e))
		s->failed = true;
	s->n = 0;
}

static void sink_put(struct sink *s, const void *p, size_t n)
{
	if (s->n + n > sizeof(s->out))
		sink_flush(s);
	memcpy(s->out + s->n, p, n);
	s->n += n;
}

/* An octet that fits nowhere. */
static void odd(struct sink *s, unsigned char octet)
{
	uint32_t cp = 0xfffd;
	char out[4];

	if (s->c->guess && octet >= 0x80)
		cp = octet < 0xa0 ? windows[octet & 31] : octet;
	sink_put(s, out, utf8_put(out, cp));
}

/* The sequence so far leads nowhere. */
static void seq_drop(struct sink *s)
{
	struct graph_charset *c = s->c;

	if (c->seq_n && !c->guess)
		odd(s, 0);
	for (size_t i = 0; i < c->seq_n && c->guess; i++)
		odd(s, c->seq[i]);
	c->seq_n = 0;
}

/* RFC 3629 4: how long a sequence is that starts so, 0: none does. */
static size_t seq_length(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead < 0xc2 || lead > 0xf4)
		return 0;
	return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

static bool seq_goes_on(const struct graph_charset *c, unsigned char octet)
{
	unsigned char lead = c->seq[0], low = 0x80, high = 0xbf;

	if (c->seq_n == 1) {
		low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : low;
		high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : high;
	}
	return octet >= low && octet <= high;
}

static void utf8_octet(struct sink *s, unsigned char octet)
{
	struct graph_charset *c = s->c;

	if (c->seq_n && !seq_goes_on(c, octet))
		seq_drop(s);
	if (!c->seq_n) {
		c->seq_len = seq_length(octet);
		if (!c->seq_len) {
			odd(s, octet);
			return;
		}
	}
	c->seq[c->seq_n++] = octet;
	if (c->seq_n < c->seq_len)
		return;
	sink_put(s, c->seq, c->seq_n);
	c->seq_n = 0;
}

static void utf8(struct sink *s, const char *p, size_t n)
{
	for (size_t i = 0; i < n && !s->failed; i++)
		utf8_octet(s, (unsigned char)p[i]);
}

/* Until the input ends or is cut within a character. glibc's UTF-8 has
 * more code points than there are, so it goes through utf8(), too. */
static void convert(struct sink *s, char *p, size_t n)
{
	struct graph_charset *c = s->c;
	char out[OUT];

	while (n && !s->failed) {
		char *q = out;
		size_t room = sizeof(out);
		size_t r = iconv(c->cd, &p, &n, &q, &room);
		int why = r == (size_t)-1 ? errno : 0;

		utf8(s, out, (size_t)(q - out));
		if (why == EINVAL && n < sizeof(c->rest))
			break;
		if (why && why != E2BIG) {
			size_t skip = n < c->unit ? n : c->unit;

			seq_drop(s);
			odd(s, 0);
			p += skip;
			n -= skip;
		}
	}
	memmove(c->rest, p, n < sizeof(c->rest) ? n : 0);
	c->rest_n = n < sizeof(c->rest) ? n : 0;
}

int graph_charset_data(struct graph_charset *c, const char *p, size_t n,
                       struct err *e)
{
	struct sink s;
	char joint[GRAPH_CHARSET_REST + 1];

	sink_begin(&s, c, e);
	if (!c->convert)
		utf8(&s, p, n);
	/* A character that was cut in two is read from both ends. */
	while (c->convert && c->rest_n && n && !s.failed) {
		size_t had = c->rest_n;

		memcpy(joint, c->rest, had);
		joint[had] = *p++;
		n--;
		convert(&s, joint, had + 1);
	}
	if (c->convert && n)
		convert(&s, (char *)(uintptr_t)p, n);
	sink_flush(&s);
	return s.failed ? -1 : 0;
}

int graph_charset_end(struct graph_charset *c, struct err *e)
{
	struct sink s;
	char out[64], *q = out;
	size_t room = sizeof(out);

	sink_begin(&s, c, e);
	if (c->convert) {
		if (c->rest_n)
			odd(&s, 0);
		/* UTF-7 and its like hold something back. */
		iconv(c->cd, NULL, NULL, &q, &room);
		utf8(&s, out, (size_t)(q - out));
	}
	c->rest_n = 0;
	seq_drop(&s);
	sink_flush(&s);
	return s.failed ? -1 : 0;
}

static int piece(const char *p, size_t n, void *arg, struct err *e)
{
	return graph_charset_data(arg, p, n, e);
}

int graph_charset_part(const struct body *b, const struct graph_part *p,
                       graph_piece_fn *each, void *arg, struct err *e)
{
	struct graph_charset c;
	int r;

	if (graph_charset_open(&c, p->charset, each, arg, e))
		return -1;
	r = graph_mime_decode(b, p, piece, &c, e);
	if (r == 0)
		r = graph_charset_end(&c, e);
	graph_charset_close(&c);
	return r;
}
