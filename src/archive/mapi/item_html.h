/* SPDX-License-Identifier: Apache-2.0 */
/*
 * item_html.h - the text of an HTML body, for descriptions and notes: tags
 * left away, paragraphs and line breaks kept, entities read. No more than a
 * person needs who reads what stood there.
 *
 *   struct html h;
 *   html_begin(&h, take, arg);
 *   html_data(&h, p, n);   any number, UTF-8
 *   html_end(&h);
 */
#ifndef MAILHAUL_ARCHIVE_MAPI_ITEM_HTML_H
#define MAILHAUL_ARCHIVE_MAPI_ITEM_HTML_H

#include <stdbool.h>
#include <stddef.h>

struct html {
	void (*take)(void *arg, const char *s, size_t n);
	void *arg;
	int state;
	char word[32]; /* of a tag or an entity so far */
	size_t n;
	char quote;     /* that an attribute's value is in, or 0 */
	char hidden[8]; /* the element whose text is none; "": no such */
	bool blank;     /* blanks wait for a character */
	bool started;   /* the line has characters */
	size_t lines;   /* line ends that wait */
	bool any;
};

void html_begin(struct html *h, void (*take)(void *, const char *, size_t),
                void *arg);
void html_data(struct html *h, const char *p, size_t n);
void html_end(struct html *h);

#endif
