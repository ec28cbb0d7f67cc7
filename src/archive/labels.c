/* SPDX-License-Identifier: Apache-2.0 */
/* labels.c - see labels.h. */
#include "archive/labels.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "archive/labels_names.h"
#include "mime/keywords.h"
#include "util/buf.h"
#include "util/utf8.h"

#define KEYWORDS_MAX 4096
#define NO_BREAK_SPACE 0xa0
#define REPLACEMENT 0xfffd

/* --- encoded words, RFC 2047 ---------------------------------------------- */

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int base64(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static int decode_b(struct buf *b, const char *p, const char *end)
{
	uint32_t bits = 0;
	unsigned have = 0;

	for (; p < end; p++) {
		int v = base64(*p);

		if (v < 0)
			continue;
		bits = (bits << 6 | (uint32_t)v) & 0xffff;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		if (buf_chr(b, (char)(bits >> have)))
			return -1;
	}
	return 0;
}

static int decode_q(struct buf *b, const char *p, const char *end)
{
	for (; p < end; p++) {
		char c = *p == '_' ? ' ' : *p;

		if (*p == '=' && end - p > 2 && hex(p[1]) >= 0 &&
		    hex(p[2]) >= 0) {
			c = (char)(hex(p[1]) << 4 | hex(p[2]));
			p += 2;
		}
		if (buf_chr(b, c))
			return -1;
	}
	return 0;
}

static int latin1(struct buf *b, const char *p, size_t n)
{
	char octets[4];

	for (size_t i = 0; i < n; i++)
		if (buf_add(b, octets, utf8_put(octets, (unsigned char)p[i])))
			return -1;
	return 0;
}

/* The word at p, which is behind "=?": its end, or NULL if it is none. */
static const char *word(struct buf *b, const char *p, int *failed)
{
	struct buf made CLEANUP(buf_release_p) = BUF_INIT(0);
	size_t charset = strcspn(p, "? \t\r\n");
	const char *data = p + charset, *end;
	int r;

	if (data[0] != '?' || !data[1] || data[2] != '?' ||
	    !strchr("bBqQ", data[1]))
		return NULL;
	end = strstr(data + 3, "?=");
	if (!end)
		return NULL;
	r = (data[1] | 0x20) == 'b' ? decode_b(&made, data + 3, end)
	                            : decode_q(&made, data + 3, end);
	if (!r && charset == 10 && strncasecmp(p, "iso-8859-1", 10) == 0)
		r = latin1(b, made.p ? made.p : "", made.n);
	else if (!r)
		r = buf_add(b, made.p ? made.p : "", made.n);
	*failed |= r != 0;
	return end + 2;
}

/* Blanks between two words are not text. */
static int unfold(struct buf *b, const char *p)
{
	bool after_word = false;
	int failed = 0;

	while (*p && !failed) {
		size_t blank = strspn(p, " \t\r\n");
		const char *q = p + blank, *end = NULL;
		size_t held = b->n;

		if (blank && !after_word && held)
			failed |= buf_chr(b, ' ');
		if (q[0] == '=' && q[1] == '?')
			end = word(b, q + 2, &failed);
		if (!end && blank && after_word)
			failed |= buf_chr(b, ' ');
		after_word = end != NULL;
		p = end ? end : q;
		if (!end && *p)
			failed |= buf_chr(b, *p++);
	}
	return failed ? -1 : 0;
}

/* UTF-8 without control characters, a blank for each sort of blank. */
static char *cleaned(const char *p, size_t n)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);

	for (size_t i = 0; i < n;) {
		uint32_t cp = REPLACEMENT;
		size_t len = utf8_next(p + i, &cp);
		char octets[4];

		if (!len)
			cp = REPLACEMENT;
		if (len && (cp == NO_BREAK_SPACE || utf8_control(cp)))
			cp = ' ';
		if (buf_add(&b, octets, utf8_put(octets, cp)))
			return NULL;
		i += len ? len : 1;
	}
	return buf_take(&b);
}

static char *decoded(const char *value)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);

	if (unfold(&b, value))
		return NULL;
	return cleaned(b.p ? b.p : "", b.n);
}

/* --- the list ------------------------------------------------------------- */

/* The next label of the list at *at, trimmed. 1, 0 at the end, -1. */
static int next_label(const char **at, char **label)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	const char *p = *at + strspn(*at, " ,");
	bool quoted = *p == '"';

	if (!*p)
		return 0;
	for (p += quoted; *p && (quoted || *p != ','); p++) {
		if (quoted && (*p == '"' || *p == '\\') && p[1] == '"')
			p++;
		else if (quoted && *p == '"') {
			quoted = false;
			continue;
		}
		if (buf_chr(&b, *p))
			return -1;
	}
	while (b.n && b.p[b.n - 1] == ' ')
		b.p[--b.n] = '\0';
	*at = p;
	*label = buf_take(&b);
	return *label ? 1 : -1;
}

/* The levels of a label that have a name, joined by '/'. */
static char *folder_of(const char *label)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);

	while (*label) {
		size_t skip = strspn(label, "/ "), n;

		label += skip;
		n = strcspn(label, "/");
		if (n && ((b.n && buf_chr(&b, '/')) || buf_add(&b, label, n)))
			return NULL;
		while (b.n && b.p[b.n - 1] == ' ')
			b.p[--b.n] = '\0';
		label += n;
	}
	return buf_take(&b);
}

static int add_keyword(struct labels *l, const char *label)
{
	char *word CLEANUP(free_p) = keywords_word(label);

	if (!word)
		return -1;
	return *word ? keywords_add(&l->keywords, word, strlen(word),
	                            KEYWORDS_MAX)
	             : 0;
}

/* Which folders a message may go to, the first one first. */
static const struct {
	enum label_role role;
	enum mail_use use;
	const char *folder;
} places[] = {
	{ LABEL_TRASH, USE_TRASH, "Trash" },
	{ LABEL_SPAM, USE_JUNK, "Junk" },
	{ LABEL_DRAFTS, USE_DRAFTS, "Drafts" },
	{ LABEL_SENT, USE_SENT, "Sent" },
	{ LABEL_INBOX, USE_INBOX, "INBOX" },
};
#define PLACES (sizeof(places) / sizeof(places[0]))

/* What is gathered on the way through a list. */
struct reading {
	struct labels *out;
	unsigned roles; /* 1 << enum label_role */
	char *first;    /* the first label of the person's own */
};

static int take(struct reading *r, const char *label)
{
	enum label_role role = label_role(label);
	char *folder;

	r->roles |= 1u << role;
	if (role == LABEL_IMPORTANT)
		return add_keyword(r->out, "$Important");
	/* Keywords that IMAP programs have set. */
	if (role == LABEL_KEYWORD)
		return add_keyword(r->out, label + LABEL_KEYWORD_PREFIX);
	if (role != LABEL_OWN)
		return 0;
	folder = r->first ? NULL : folder_of(label);
	if (!r->first && !folder)
		return -1;
	if (folder && *folder) {
		r->first = folder;
		return 0;
	}
	free(folder);
	return add_keyword(r->out, label);
}

/* The folder, once all labels are known; what is left is a keyword. */
static int settle(struct reading *r)
{
	struct labels *l = r->out;
	const char *folder = NULL;

	for (size_t i = 0; i < PLACES; i++) {
		if (!(r->roles & 1u << places[i].role))
			continue;
		if (folder && add_keyword(l, places[i].folder))
			return -1;
		if (folder)
			continue;
		folder = places[i].folder;
		l->use = places[i].use;
	}
	if (folder && r->first && add_keyword(l, r->first))
		return -1;
	if (!folder && !r->first)
		l->use = USE_ARCHIVE;
	l->folder = strdup(folder ? folder : r->first ? r->first : "Archive");
	l->flags = r->roles & 1u << LABEL_UNREAD ? 0 : MAIL_SEEN;
	l->flags |= r->roles & 1u << LABEL_STARRED ? MAIL_FLAGGED : 0;
	l->flags |= r->roles & 1u << LABEL_DRAFTS ? MAIL_DRAFT : 0;
	return l->folder ? 0 : -1;
}

int labels_read(const char *value, struct labels *out)
{
	char *text CLEANUP(free_p) = decoded(value ? value : "");
	struct reading r = { .out = out };
	const char *at = text;
	int got = text ? 1 : -1;

	memset(out, 0, sizeof(*out));
	while (got > 0) {
		char *label CLEANUP(free_p) = NULL;

		got = next_label(&at, &label);
		if (got > 0 && take(&r, label))
			got = -1;
	}
	if (got == 0)
		got = settle(&r);
	free(r.first);
	if (got)
		labels_release(out);
	return got;
}

void labels_release(struct labels *l)
{
	free(l->folder);
	free(l->keywords);
	memset(l, 0, sizeof(*l));
}
