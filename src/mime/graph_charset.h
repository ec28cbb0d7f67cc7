/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph_charset.h - text in any charset as UTF-8, piece by piece.
 *
 *   graph_charset_open(&c, "iso-8859-1", each, arg);
 *   graph_charset_data(&c, p, n, &err);   any number
 *   graph_charset_end(&c, &err);
 *   graph_charset_close(&c);
 *
 * What can't be read becomes U+FFFD. Without a charset, with US-ASCII or
 * one that nobody knows, octets that are no UTF-8 are windows-1252.
 */
#ifndef MAILHAUL_MIME_GRAPH_CHARSET_H
#define MAILHAUL_MIME_GRAPH_CHARSET_H

#include <iconv.h>

#include "mime/graph_mime.h"

#define GRAPH_CHARSET_REST 16

struct graph_charset {
	iconv_t cd;   /* with convert */
	bool convert; /* it is not UTF-8 already */
	bool guess;
	size_t unit; /* octets that are skipped where nothing fits */
	char rest[GRAPH_CHARSET_REST]; /* of a character cut in two */
	size_t rest_n;
	unsigned char seq[4]; /* UTF-8 so far */
	size_t seq_n, seq_len;
	graph_piece_fn *each;
	void *arg;
};

int graph_charset_open(struct graph_charset *c, const char *name,
                       graph_piece_fn *each, void *arg, struct err *e);
int graph_charset_data(struct graph_charset *c, const char *p, size_t n,
                       struct err *e);
int graph_charset_end(struct graph_charset *c, struct err *e);
void graph_charset_close(struct graph_charset *c);

/* A part's content as UTF-8: both stages. */
int graph_charset_part(const struct body *b, const struct graph_part *p,
                       graph_piece_fn *each, void *arg, struct err *e);

#endif
