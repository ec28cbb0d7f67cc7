/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keywords.h - lists of keywords as struct message has them: sorted by
 * octets, one blank between two, each once; NULL when there is none.
 */
#ifndef MAILHAUL_MIME_KEYWORDS_H
#define MAILHAUL_MIME_KEYWORDS_H

#include <stdbool.h>
#include <stddef.h>

/* A label of people's as one keyword: U+00A0 for its blanks, which separate
 * keywords, and '_' for control characters and for a backslash in front,
 * which is for system flags. malloc'd, NULL: memory. */
char *keywords_word(const char *label);
/* The label again. malloc'd, NULL: memory. */
char *keywords_label(const char *word, size_t n);
/* Adds word; a list that would grow beyond max octets stays as it is.
 * -1: memory. */
int keywords_add(char **list, const char *word, size_t n, size_t max);
/* The next word from *at on, its length in *n; NULL at the end. */
const char *keywords_next(const char **at, size_t *n);
/* NULL and "" are the same. */
bool keywords_equal(const char *a, const char *b);

#endif
