/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utf8.h - code points of UTF-8 text, and upper against lower case without
 * a locale. RFC 3629: no overlong forms, no surrogates.
 */
#ifndef MAILHAUL_UTIL_UTF8_H
#define MAILHAUL_UTIL_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The code point at p (NUL-terminated) and the octets it takes; 0 at the
 * end of the string and where it is not UTF-8. */
size_t utf8_next(const char *p, uint32_t *cp);
/* Octets written, 1 to 4; 0 if cp is no code point. */
size_t utf8_put(char out[4], uint32_t cp);
/* Octets from the start that are UTF-8: strlen(s) if all of it is. */
size_t utf8_good(const char *s);
bool utf8_valid(const char *s);
/* C0, DEL and C1. */
bool utf8_control(uint32_t cp);
/* True if s holds a control character. */
bool utf8_has_control(const char *s);
/* Lower case of Latin, Greek, Cyrillic and Armenian letters. */
uint32_t utf8_fold(uint32_t cp);
/* s folded, malloc'd; octets that are not UTF-8 stay. NULL: memory. */
char *utf8_folded(const char *s);
/* The longest prefix of at most max octets that ends between two code
 * points. */
size_t utf8_cut(const char *s, size_t max);

#endif
