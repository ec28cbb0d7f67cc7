/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph_words.h - what header fields say, for people to read. Results are
 * malloc'd UTF-8 without control characters and outer blanks; NULL: memory.
 */
#ifndef MAILHAUL_MIME_GRAPH_WORDS_H
#define MAILHAUL_MIME_GRAPH_WORDS_H

/* RFC 2047 decoded, also where a strict reader would not. */
char *graph_words(const char *raw);
/* Nothing decoded; 8-bit octets are UTF-8 or windows-1252. */
char *graph_clean(const char *raw);

/* The octet that two hexadecimal digits at p say; -1: they are none. */
int graph_hex(const char *p);

/*
 * Each mailbox of an address list, groups flattened. name and address may
 * be NULL, not both; address is one that looks like one. What is no address
 * comes as a name: nothing is left out. Non-zero from each stops and is
 * returned; -1: memory.
 */
typedef int graph_person_fn(const char *name, const char *address, void *arg);
int graph_people(const char *raw, graph_person_fn *each, void *arg);

#endif
