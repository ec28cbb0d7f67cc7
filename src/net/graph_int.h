/* SPDX-License-Identifier: Apache-2.0 */
/* graph_int.h - what graph.c and graph_batch.c share. */
#ifndef MAILHAUL_NET_GRAPH_INT_H
#define MAILHAUL_NET_GRAPH_INT_H

#include "net/governor.h"
#include "net/graph.h"

struct graph {
	const struct account *a;
	struct http *http;
	char *user;  /* "/users/ann%40contoso.com" */
	char *token; /* the one that was sent last */
	struct claims claims;
	bool has_claims;
	int64_t time;
};

/* As graph_call(), of something that counts as n requests, and that may be
 * sent again whatever its method is. */
int graph_call_as(struct graph *g, const struct graph_call *c, bool repeat,
                  unsigned n, struct graph_reply *r, struct err *e);
/* 1, 2, 4 .. s before trying again. EC_INTERRUPTED. */
int graph_pause(struct graph *g, unsigned tries, struct err *e);

#endif
