/* SPDX-License-Identifier: Apache-2.0 */
/* imap_words.c - which keywords an IMAP server keeps. */
#include <stdlib.h>
#include <string.h>

#include "mime/keywords.h"
#include "net/imap.h"
#include "writer/imap_writer.h"
#include "writer/words.h"

#define WORDS_MOST 65536

int imap_words_kept(const struct writer *w, const struct folder *f,
                    const char *list, char **out, struct buf *lost,
                    struct err *e)
{
	const char *word;
	size_t n;

	*out = NULL;
	while ((word = keywords_next(&list, &n))) {
		char *atom CLEANUP(free_p) = NULL;
		size_t len;

		if (w->exchange && exchange_drops(word, n))
			continue;
		if (words_atom(word, n, &atom, e))
			return -1;
		len = atom ? strlen(atom) : 0;
		if (!imap_keyword_ok(atom, len) ||
		    !(f->any_keyword || words_have(f->keywords, atom, len))) {
			if (words_lose(lost, word, n, e))
				return -1;
		} else if (keywords_add(out, atom, len, WORDS_MOST)) {
			return err_memory(e);
		}
	}
	return 0;
}

int imap_words_prepare(const struct writer *w, const struct folder *f,
                       struct message *m, struct err *e)
{
	struct buf lost CLEANUP(buf_release_p) = BUF_INIT(0);

	free(m->set_keywords);
	return imap_words_kept(w, f, m->keywords, &m->set_keywords, &lost, e) ||
	                       words_note(m, &lost,
	                                  w->exchange
	                                          ? "over IMAP at Microsoft 365"
	                                          : "at the destination, which "
	                                            "takes no such keywords",
	                                  e)
	               ? -1
	               : 0;
}
