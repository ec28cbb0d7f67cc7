/* SPDX-License-Identifier: Apache-2.0 */
/* rescue.c - see rescue.h. */
#include <stdlib.h>

#include "archive/pst/rescue.h"

int rescue_scan(struct pst *p)
{
	struct ndb *n = p->ndb;
	struct rescue_pages l = { 0 };
	int r;

	n->scanned = true;
	r = rescue_find(p, &l) || rescue_index(p, &n->nodes, &l) ||
	    rescue_index(p, &n->blocks, &l);
	free(l.v);
	p->rescued = !r;
	return r ? -1 : 0;
}

/* Nodes whose octets are looked at. */
#define SAMPLE 64
struct sample {
	uint64_t bid[SAMPLE];
	size_t n;
};
static int take(const struct pst_node *n, void *arg)
{
	struct sample *s = arg;

	if (n->data)
		s->bid[s->n++] = n->data;
	return s->n == SAMPLE;
}

/* How many of them begin as a heap does ([MS-PST] 2.3.1.2). */
static size_t heaps(struct pst *p, const struct sample *s)
{
	struct pst_block b;
	struct pst_data d;
	size_t i, n = 0;

	for (i = 0; i < s->n; i++) {
		if (pst_data_open(&d, p, s->bid[i]))
			continue;
		if (!pst_data_block(&d, 0, &b)) {
			n += b.n >= 12 && b.p[2] == 0xec && b.p[3] >= 0x6c;
			pst_block_put(p, &b);
		}
		pst_data_close(&d);
	}
	return n;
}

int rescue_crypt(struct pst *p)
{
	struct sample s = { .n = 0 };
	unsigned crypt, told = p->crypt, right = told;
	size_t n, most = 0;

	if (pst_nodes(p, take, &s) < 0)
		return -1;
	for (crypt = 0; crypt < 3; crypt++) {
		p->crypt = crypt;
		ndb_cache_flush(p->ndb);
		n = heaps(p, &s);
		if (n > most || (n && n == most && crypt == told)) {
			most = n;
			right = crypt;
		}
	}
	p->crypt = right;
	ndb_cache_flush(p->ndb);
	return 0;
}
