/* SPDX-License-Identifier: Apache-2.0 */
/* keywords.c - see keywords.h. */
#include "mime/keywords.h"

#include <stdlib.h>
#include <string.h>

#include "util/buf.h"

#define BLANK "\xc2\xa0"
#define BLANK_OCTETS (sizeof(BLANK) - 1)

char *keywords_word(const char *label)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);

	for (; *label; label++) {
		unsigned char c = (unsigned char)*label;
		bool bad = c < ' ' || c == 0x7f || (c == '\\' && !b.n);

		if (c == ' ' ? buf_str(&b, BLANK)
		             : buf_chr(&b, bad ? '_' : *label))
			return NULL;
	}
	return b.n ? buf_take(&b) : strdup("");
}

char *keywords_label(const char *word, size_t n)
{
	char *label = strndup(word, n), *to = label;

	for (const char *p = label; p && *p;) {
		bool blank = strncmp(p, BLANK, BLANK_OCTETS) == 0;

		*to++ = blank ? ' ' : *p;
		p += blank ? BLANK_OCTETS : 1;
	}
	if (label)
		*to = '\0';
	return label;
}

static int order(const char *a, size_t an, const char *b, size_t bn)
{
	int r = memcmp(a, b, an < bn ? an : bn);

	return r ? r : (an > bn) - (an < bn);
}

static int put(struct buf *b, const char *word, size_t n)
{
	return (b->n && buf_chr(b, ' ')) || buf_add(b, word, n) ? -1 : 0;
}

int keywords_add(char **list, const char *word, size_t n, size_t max)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	const char *at = *list, *w;
	bool done = false;
	char *made;
	size_t len;

	if ((*list ? strlen(*list) : 0) + n + 1 > max)
		return 0;
	while ((w = keywords_next(&at, &len))) {
		int r = order(word, n, w, len);

		if (!done && r < 0 && put(&b, word, n))
			return -1;
		done |= r <= 0;
		if (put(&b, w, len))
			return -1;
	}
	if (!done && put(&b, word, n))
		return -1;
	made = buf_take(&b);
	if (!made)
		return -1;
	free(*list);
	*list = made;
	return 0;
}

const char *keywords_next(const char **at, size_t *n)
{
	const char *p = *at;

	if (!p)
		return NULL;
	while (*p == ' ')
		p++;
	*n = strcspn(p, " ");
	*at = p + *n;
	return *n ? p : NULL;
}

bool keywords_equal(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}
