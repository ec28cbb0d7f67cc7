/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words.h - keywords as a destination takes them, and the note on those that
 * it doesn't.
 */
#ifndef MAILHAUL_WRITER_WORDS_H
#define MAILHAUL_WRITER_WORDS_H

#include "mailhaul/mail.h"
#include "util/buf.h"

/* The atom (RFC 3501 9) that stands for a keyword, malloc'd: what is not
 * ASCII in modified UTF-7, as mail programs write their labels, '_' for what
 * an atom can't hold. NULL: there is none. */
int words_atom(const char *word, size_t n, char **atom, struct err *e);
/* In any case of letters, as servers compare. */
bool words_have(const char *list, const char *word, size_t n);
/* One more that is lost; lost may be NULL. */
int words_lose(struct buf *lost, const char *word, size_t n, struct err *e);
/* m->note tells of lost ("... can't be kept WHERE"), or is NULL. */
int words_note(struct message *m, const struct buf *lost, const char *where,
               struct err *e);

#endif
