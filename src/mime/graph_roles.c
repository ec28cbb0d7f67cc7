/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph_roles.c - which parts are the text that a reader sees, and which
 * are files. RFC 2046 5.1, RFC 2387, RFC 1847, RFC 2183.
 */
#include <stdlib.h>
#include <string.h>

#include "mime/graph_int.h"

/* What becomes of texts: the message's, a lesser alternative of it, which
 * is left out, or files. */
enum how { AS_TEXT, AS_LESSER, AS_FILES };

static int take(struct graph_mail *g, size_t i, enum how how);

static bool plain_or_html(const struct graph_part *p)
{
	return graph_part_is(p, "text/plain") || graph_part_is(p, "text/html");
}

/* Kinds that only repeat what another alternative says. */
static bool lesser(const struct graph_part *p)
{
	return plain_or_html(p) || graph_part_is(p, "text/enriched") ||
	       graph_part_is(p, "text/richtext") ||
	       graph_part_is(p, "text/x-amp-html") ||
	       graph_part_is(p, "text/watch-html");
}

/* What can be shown only by a program of its own. */
static bool for_programs(const struct graph_part *p)
{
	return graph_part_is(p, "text/calendar") || strstr(p->type, "vcard") ||
	       graph_part_is(p, "text/directory");
}

/* The message is this one part, of whatever kind of text. */
static bool lonely_text(const struct graph_mail *g, size_t i)
{
	const struct graph_part *p = &g->parts.v[i];

	return i == 0 && strncmp(p->type, "text/", 5) == 0 && !for_programs(p);
}

static bool is_text(const struct graph_mail *g, size_t i)
{
	const struct graph_part *p = &g->parts.v[i];

	if (p->shown == SHOWN_ATTACHED)
		return false;
	if (lonely_text(g, i))
		return true;
	/* A text with a name behind another one is a file. */
	return (plain_or_html(p) || graph_part_is(p, "text/enriched") ||
	        graph_part_is(p, "text/richtext")) &&
	       (!p->name || g->text_n == 0);
}

static int text_add(struct graph_mail *g, size_t i)
{
	size_t *v = realloc(g->text, (g->text_n + 1) * sizeof(*v));

	if (!v)
		return -1;
	g->text = v;
	v[g->text_n++] = i;
	if (graph_part_is(&g->parts.v[i], "text/html")) {
		if (g->html)
			g->losses |= LOSS_JOINED;
		g->html = true;
	}
	return 0;
}

static int file_add(struct graph_mail *g, size_t i)
{
	struct graph_file *v;

	v = realloc(g->file, (g->file_n + 1) * sizeof(*v));
	if (!v)
		return -1;
	g->file = v;
	memset(&v[g->file_n], 0, sizeof(*v));
	v[g->file_n++].part = i;
	return 0;
}

static int take_leaf(struct graph_mail *g, size_t i, enum how how)
{
	const struct graph_part *p = &g->parts.v[i];

	if (how == AS_TEXT && is_text(g, i))
		return text_add(g, i);
	if (how == AS_LESSER && lesser(p) && p->shown != SHOWN_ATTACHED &&
	    !p->name)
		return 0;
	return file_add(g, i);
}

static int take_kids(struct graph_mail *g, size_t i, enum how how)
{
	for (size_t k = g->parts.v[i].kid; k; k = g->parts.v[k].next)
		if (take(g, k, how))
			return -1;
	return 0;
}

/* How well a part can be the text: 0 not, 1 as plain text, 2 as HTML. */
static int worth(const struct graph_mail *g, size_t i)
{
	const struct graph_part *p = &g->parts.v[i];
	int best = 0;

	if (!p->multipart)
		return p->shown == SHOWN_ATTACHED      ? 0
		       : graph_part_is(p, "text/html") ? 2
		                                       : plain_or_html(p);
	if (graph_part_is(p, "multipart/encrypted"))
		return 0;
	for (size_t k = p->kid; k && best < 2; k = g->parts.v[k].next) {
		int w = worth(g, k);

		best = w > best ? w : best;
	}
	return best;
}

/* RFC 2046 5.1.4: the last is the best; here HTML before text. */
static int take_alternative(struct graph_mail *g, size_t i, enum how how)
{
	const struct graph_part *v = g->parts.v;
	size_t best = 0;
	int most = 0;

	for (size_t k = v[i].kid; k; k = v[k].next) {
		int w = worth(g, k);

		if (w && w >= most) {
			most = w;
			best = k;
		}
	}
	if (!best)
		return take_kids(g, i, how);
	for (size_t k = v[i].kid; k; k = v[k].next) {
		/* Two of one kind are no alternatives of each other. */
		bool twin = !v[k].multipart && k != best && how == AS_TEXT &&
		            strcmp(v[k].type, v[best].type) == 0;

		if (take(g, k, k == best ? how : twin ? AS_FILES : AS_LESSER))
			return -1;
	}
	return 0;
}

static size_t related_root(const struct graph_mail *g, size_t i)
{
	const struct graph_part *v = g->parts.v;
	const char *start = v[i].start;

	for (size_t k = v[i].kid; k && start; k = v[k].next) {
		size_t n = v[k].cid ? strlen(v[k].cid) : 0;
		const char *at = start + (*start == '<');

		if (n && strncmp(at, v[k].cid, n) == 0 &&
		    (at[n] == '\0' || at[n] == '>'))
			return k;
	}
	for (size_t k = v[i].kid; k; k = v[k].next)
		if (worth(g, k))
			return k;
	return v[i].kid;
}

static int take_related(struct graph_mail *g, size_t i, enum how how)
{
	size_t root = related_root(g, i);

	for (size_t k = g->parts.v[i].kid; k; k = g->parts.v[k].next)
		if (take(g, k, k == root ? how : AS_FILES))
			return -1;
	return 0;
}

static int take_multipart(struct graph_mail *g, size_t i, enum how how)
{
	const struct graph_part *p = &g->parts.v[i];

	if (graph_part_is(p, "multipart/alternative"))
		return take_alternative(g, i, how);
	if (graph_part_is(p, "multipart/related"))
		return take_related(g, i, how);
	if (graph_part_is(p, "multipart/signed"))
		g->losses |= LOSS_SIGNED;
	if (graph_part_is(p, "multipart/encrypted")) {
		g->losses |= LOSS_ENCRYPTED;
		how = AS_FILES;
	}
	return take_kids(g, i, how);
}

/* GRAPH_NEST_MOST bounds the depth. */
static int take(struct graph_mail *g, size_t i, enum how how)
{
	return g->parts.v[i].multipart ? take_multipart(g, i, how)
	                               : take_leaf(g, i, how);
}

static bool is_smime(const struct graph_part *p)
{
	return graph_part_is(p, "application/pkcs7-mime") ||
	       graph_part_is(p, "application/x-pkcs7-mime");
}

/* The message whole, as the one file. */
static int take_whole(struct graph_mail *g)
{
	struct graph_part *p = calloc(1, sizeof(*p));

	g->losses |= LOSS_WHOLE;
	if (!p)
		return -1;
	g->parts.v = p;
	g->parts.n = g->parts.cap = 1;
	p->end = g->b->size;
	p->type = strdup("message/rfc822");
	return p->type ? file_add(g, 0) : -1;
}

int graph_roles(struct graph_mail *g, struct err *e)
{
	struct graph_part *root = g->parts.v;

	if (g->parts.too_much)
		return take_whole(g) ? err_memory(e) : 0;
	if (!root->multipart && strncmp(root->type, "multipart/", 10) == 0) {
		/* No boundary: what is there is text. */
		free(root->type);
		root->type = strdup("text/plain");
		if (!root->type)
			return err_memory(e);
	}
	if (is_smime(root)) {
		g->smime = true;
		g->losses |= LOSS_SMIME;
	}
	return take(g, 0, AS_TEXT) ? err_memory(e) : 0;
}
