/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph_out.h - JSON as text that streams into a body, or is only counted.
 *
 *   struct graph_out o;
 *   graph_out_begin(&o, &body, &err);    NULL: only counts
 *   graph_out_raw(&o, "{\"subject\":");
 *   graph_out_string(&o, text);
 *   ...
 *   return graph_out_end(&o);            0, or -1 and err
 *
 * After a failure nothing more is done; graph_out_end() tells.
 */
#ifndef MAILHAUL_MIME_GRAPH_OUT_H
#define MAILHAUL_MIME_GRAPH_OUT_H

#include <stdbool.h>

#include "mailhaul/body.h"

struct graph_out {
	struct body *to; /* or NULL */
	uint64_t n;      /* octets so far */
	char *buf;       /* not yet in to */
	size_t used;
	unsigned char rest[3]; /* octets that wait for their base64 */
	size_t rest_n;
	char last; /* the octet of the text that came last */
	bool failed;
	struct err *e;
};

void graph_out_begin(struct graph_out *o, struct body *to, struct err *e);
int graph_out_end(struct graph_out *o);
void graph_out_raw(struct graph_out *o, const char *s);
/* A piece of a JSON string; UTF-8 that may be cut anywhere. */
void graph_out_text(struct graph_out *o, const char *p, size_t n);
/* A piece of text as HTML within a JSON string. */
void graph_out_html(struct graph_out *o, const char *p, size_t n);
/* A whole JSON string with its quotes. */
void graph_out_string(struct graph_out *o, const char *s);
void graph_out_base64(struct graph_out *o, const char *p, size_t n);
void graph_out_base64_end(struct graph_out *o);
/* As base64 of so many octets would. */
void graph_out_base64_count(struct graph_out *o, uint64_t octets);

#endif
