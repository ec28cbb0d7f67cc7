/* SPDX-License-Identifier: Apache-2.0 */
/* words.c - see words.h. */
#include "writer/words.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mime/keywords.h"
#include "net/imap.h"
#include "util/utf7.h"
#include "util/utf8.h"

/* Where the list is endless, its beginning says enough. */
#define TOLD_MOST 1000
#define TOLD_WORD 100

static bool is_ascii(const char *s)
{
	while (*s && (unsigned char)*s < 0x80)
		s++;
	return !*s;
}

int words_atom(const char *word, size_t n, char **atom, struct err *e)
{
	char *text CLEANUP(free_p) = keywords_label(word, n);

	*atom = NULL;
	if (!text)
		return err_memory(e);
	if (!n || !utf8_valid(text))
		return 0;
	/* Of ASCII it may be encoded already. */
	*atom = is_ascii(text) ? strdup(text) : utf8_to_utf7(text);
	if (!*atom)
		return err_memory(e);
	for (char *p = *atom; *p; p++)
		if (!imap_keyword_ok(p, 1))
			*p = '_';
	return 0;
}

bool words_have(const char *list, const char *word, size_t n)
{
	const char *w;
	size_t len;

	while ((w = keywords_next(&list, &len)))
		if (len == n && strncasecmp(w, word, n) == 0)
			return true;
	return false;
}

int words_lose(struct buf *lost, const char *word, size_t n, struct err *e)
{
	char *text CLEANUP(free_p) = NULL;

	if (!lost || lost->n >= TOLD_MOST)
		return 0;
	text = keywords_label(word, n);
	if (!text || (lost->n && buf_str(lost, ", ")) ||
	    buf_add(lost, text, utf8_cut(text, TOLD_WORD)))
		return err_memory(e);
	return 0;
}

int words_note(struct message *m, const struct buf *lost, const char *where,
               struct err *e)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);

	free(m->note);
	m->note = NULL;
	if (!lost->n)
		return 0;
	if (buf_fmt(&b, "the label%s %s can't be kept %s",
	            strstr(lost->p, ", ") ? "s" : "", lost->p, where))
		return err_memory(e);
	m->note = buf_take(&b);
	return m->note ? 0 : err_memory(e);
}
