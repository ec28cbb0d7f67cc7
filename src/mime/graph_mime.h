/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph_mime.h - what GMime does for graph_mail: the parameters of content
 * fields, and transfer encodings. Only here is GMime included. GMime ends
 * the program when memory runs out, as GLib does.
 */
#ifndef MAILHAUL_MIME_GRAPH_MIME_H
#define MAILHAUL_MIME_GRAPH_MIME_H

#include "mime/graph_parts.h"

/* Before all others; any number of times, from any thread. */
void graph_mime_ready(void);

/* From the values of Content-Type, -Disposition, -Transfer-Encoding and
 * -ID; raw may be NULL. -1: memory. */
int graph_mime_type(struct graph_part *p, const char *raw,
                    const char *otherwise);
int graph_mime_disposition(struct graph_part *p, const char *raw);
void graph_mime_encoding(struct graph_part *p, const char *raw);
int graph_mime_cid(struct graph_part *p, const char *raw);

typedef int graph_piece_fn(const char *p, size_t n, void *arg, struct err *e);
/* The part's content with its transfer encoding undone. */
int graph_mime_decode(const struct body *b, const struct graph_part *p,
                      graph_piece_fn *each, void *arg, struct err *e);

/* Decodes n octets into out, which has room for n + 4. */
size_t graph_mime_base64(const char *p, size_t n, char *out);

#endif
