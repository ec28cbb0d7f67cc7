/* SPDX-License-Identifier: Apache-2.0 */
/* graph_mime.c - see graph_mime.h. */
#include "mime/graph_mime.h"

#include <gmime/gmime.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "mime/graph_words.h"

#define STEP 65536u

static GMimeParserOptions *options;

static void ready(void)
{
	static const char *fallback[] = { "utf-8", "windows-1252", NULL };

	g_mime_init();
	options = g_mime_parser_options_new();
	g_mime_parser_options_set_fallback_charsets(options, fallback);
	/* GMime registers its classes at their first use, and without a
	 * lock: all of them are used here once. */
	g_object_unref(g_mime_content_type_parse(options, "a/b; c*=''d"));
	g_object_unref(g_mime_content_disposition_parse(options, "a; b=c"));
}

void graph_mime_ready(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, ready);
}

static bool token(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] <= ' ' || p[i] == 0x7f ||
		    strchr("()<>@,;:\\\"/[]?=", p[i]))
			return false;
	return n > 0;
}

/* "text/plain" in lower case of what stands before the parameters; NULL in
 * *out if that is no type. */
static int type_of(const char *raw, char **out)
{
	size_t n = strcspn(raw, ";"), slash;

	*out = NULL;
	while (n && strchr(" \t", raw[n - 1]))
		n--;
	slash = strcspn(raw, "/");
	if (n > 200 || slash >= n || !token(raw, slash) ||
	    !token(raw + slash + 1, n - slash - 1))
		return 0;
	*out = strndup(raw, n);
	if (!*out)
		return -1;
	for (char *p = *out; *p; p++)
		*p = g_ascii_tolower(*p);
	return 0;
}

/* GMime loses what follows the padding of an encoded word, and takes each
 * backslash in quotes for a quoted pair, as in "C:\\name". So neither is
 * shown to it as it is. */
static char *hidden(const char *raw)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	bool quotes = false;

	for (const char *p = raw; *p; p++) {
		if (*p == '"')
			quotes = !quotes;
		if (buf_chr(&b, *p) ||
		    (p[0] == '=' && p[1] == '?' && buf_chr(&b, '!')))
			return NULL;
		if (*p != '\\' || !quotes)
			continue;
		if (buf_chr(&b, p[1] == '"' || p[1] == '\\' ? *++p : *p))
			return NULL;
	}
	return buf_take(&b);
}

/* A parameter's value as it was before hidden(); NULL: memory. */
static char *revealed(const char *value)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);

	for (; *value; value++) {
		if (buf_chr(&b, *value))
			return NULL;
		if (strncmp(value, "=!?", 3) == 0)
			value++;
	}
	return buf_take(&b);
}

/* A parameter's value in *out, which stays NULL without one. */
static int keep(char **out, const char *value, char *(*read)(const char *))
{
	char *plain CLEANUP(free_p) = NULL;

	if (!value || !*value)
		return 0;
	plain = revealed(value);
	free(*out);
	*out = plain ? read(plain) : NULL;
	return *out ? 0 : -1;
}

static char *as_is(const char *value)
{
	return strdup(value);
}

/* RFC 2183 2.3: without the folder that it came from. */
static char *file_name(const char *value)
{
	char *name = graph_words(value);
	const char *last = name ? strrchr(name, '\\') : NULL;

	if (last && last[1])
		memmove(name, last + 1, strlen(last + 1) + 1);
	return name;
}

static int type_parameters(struct graph_part *p, GMimeContentType *t)
{
	if (keep(&p->charset, g_mime_content_type_get_parameter(t, "charset"),
	         graph_clean) ||
	    keep(&p->name, g_mime_content_type_get_parameter(t, "name"),
	         file_name) ||
	    keep(&p->start, g_mime_content_type_get_parameter(t, "start"),
	         graph_clean))
		return -1;
	return keep(&p->boundary,
	            g_mime_content_type_get_parameter(t, "boundary"), as_is);
}

int graph_mime_type(struct graph_part *p, const char *raw,
                    const char *otherwise)
{
	char *plain CLEANUP(free_p) = NULL;
	GMimeContentType *t;
	int r;

	if (raw && type_of(raw, &p->type))
		return -1;
	if (!p->type)
		p->type = strdup(otherwise);
	plain = raw ? hidden(raw) : NULL;
	if (!p->type || (raw && !plain))
		return -1;
	t = raw ? g_mime_content_type_parse(options, plain) : NULL;
	if (!t)
		return 0;
	r = type_parameters(p, t);
	g_object_unref(t);
	return r;
}

int graph_mime_disposition(struct graph_part *p, const char *raw)
{
	char *plain CLEANUP(free_p) = NULL;
	GMimeContentDisposition *d;
	const char *how;
	int r;

	if (!raw || !*raw)
		return 0;
	plain = hidden(raw);
	if (!plain)
		return -1;
	d = g_mime_content_disposition_parse(options, plain);
	if (!d)
		return 0;
	how = g_mime_content_disposition_get_disposition(d);
	/* RFC 2183 2.8: an unknown one is an attachment. */
	p->shown = how && g_ascii_strcasecmp(how, "inline") == 0
	                   ? SHOWN_INLINE
	                   : SHOWN_ATTACHED;
	r = keep(&p->name,
	         g_mime_content_disposition_get_parameter(d, "filename"),
	         file_name);
	g_object_unref(d);
	return r;
}

void graph_mime_encoding(struct graph_part *p, const char *raw)
{
	char word[32];
	size_t n = raw ? strcspn(raw, " \t;(") : 0;

	p->encoding = GMIME_CONTENT_ENCODING_DEFAULT;
	if (n == 0 || n >= sizeof(word))
		return;
	memcpy(word, raw, n);
	word[n] = '\0';
	p->encoding = (int)g_mime_content_encoding_from_string(word);
}

int graph_mime_cid(struct graph_part *p, const char *raw)
{
	char *open;
	size_t n;

	if (!raw)
		return 0;
	p->cid = graph_clean(raw);
	if (!p->cid)
		return -1;
	open = strchr(p->cid, '<');
	if (open)
		memmove(p->cid, open + 1, strlen(open));
	n = strcspn(p->cid, ">");
	p->cid[n] = '\0';
	if (n == 0) {
		free(p->cid);
		p->cid = NULL;
	}
	return 0;
}

size_t graph_mime_base64(const char *p, size_t n, char *out)
{
	guint32 save = 0;
	int state = 0;

	return g_mime_encoding_base64_decode_step((const unsigned char *)p, n,
	                                          (unsigned char *)out, &state,
	                                          &save);
}

/* Octets up to behind the line "begin 644 name"; 0: there is none. */
static size_t uu_begin(const char *p, size_t n)
{
	static const char word[] = "begin ";
	const char *end = p + n;

	for (const char *at = p; at && (size_t)(end - at) > sizeof(word);) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));

		if (nl && strncmp(at, word, sizeof(word) - 1) == 0)
			return (size_t)(nl + 1 - p);
		at = nl ? nl + 1 : NULL;
	}
	return 0;
}

struct decode {
	GMimeEncoding state;
	bool plain;
	bool begun; /* uuencode: behind its first line */
	char *in, *out;
	graph_piece_fn *each;
	void *arg;
};

static int decode_step(struct decode *d, size_t n, struct err *e)
{
	size_t skip = 0, made;

	if (!d->begun) {
		d->begun = true;
		skip = uu_begin(d->in, n);
		d->plain = skip == 0;
		d->state.state |= GMIME_UUDECODE_STATE_BEGIN;
	}
	if (d->plain)
		return d->each(d->in, n, d->arg, e);
	made = g_mime_encoding_step(&d->state, d->in + skip, n - skip, d->out);
	return made ? d->each(d->out, made, d->arg, e) : 0;
}

/* A last group without its padding still holds octets. */
static int decode_rest(struct decode *d, struct err *e)
{
	size_t made = 0;

	if (d->plain || d->state.encoding != GMIME_CONTENT_ENCODING_BASE64)
		return 0;
	for (int i = 0; i < 2 && (d->state.state & 3) > 1; i++)
		made += g_mime_encoding_step(&d->state, "=", 1, d->out + made);
	return made ? d->each(d->out, made, d->arg, e) : 0;
}

static int decode_all(struct decode *d, const struct body *b,
                      const struct graph_part *p, struct err *e)
{
	uint64_t at = p->text;

	while (at < p->end) {
		uint64_t want = p->end - at < STEP ? p->end - at : STEP;
		ssize_t n = body_read(b, at, d->in, (size_t)want, e);

		if (n < 0)
			return -1;
		if (n == 0)
			break;
		at += (uint64_t)n;
		if (decode_step(d, (size_t)n, e))
			return -1;
	}
	return decode_rest(d, e);
}

int graph_mime_decode(const struct body *b, const struct graph_part *p,
                      graph_piece_fn *each, void *arg, struct err *e)
{
	GMimeContentEncoding enc = (GMimeContentEncoding)p->encoding;
	struct decode d = { .each = each, .arg = arg };
	int r;

	g_mime_encoding_init_decode(&d.state, enc);
	d.plain = enc != GMIME_CONTENT_ENCODING_BASE64 &&
	          enc != GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE &&
	          enc != GMIME_CONTENT_ENCODING_UUENCODE;
	d.begun = enc != GMIME_CONTENT_ENCODING_UUENCODE;
	d.in = malloc(STEP);
	d.out = malloc(g_mime_encoding_outlen(&d.state, STEP) + STEP);
	r = d.in && d.out ? decode_all(&d, b, p, e) : err_memory(e);
	free(d.in);
	free(d.out);
	return r;
}
