/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imap_folders.c - all folders of a mailbox in as few waits as the server
 * allows: NAMESPACE and LIST go out together (RFC 2342, 5258, 6154); the
 * state comes with the list (RFC 5819), else by STATUS commands that are
 * all sent before the first answer is read.
 */
#include <stdlib.h>
#include <string.h>

#include "net/imap_int.h"
#include "util/utf7.h"

enum { FOLDERS_MAX = 200000 };

struct walk {
	struct imap *im;
	struct imap_namespace *ns;
	struct folder_list *list;
	struct folder *states; /* raw and state of each STATUS */
	size_t states_n, states_cap;
};

static void walk_release(struct walk *w)
{
	for (size_t i = 0; i < w->states_n; i++)
		free(w->states[i].raw);
	free(w->states);
}

/* --- Answers ------------------------------------------------------------ */

static int too_many(const struct imap *im, struct err *e)
{
	return imap_broken(im, EC_LIMIT, e, "too many folders");
}

static int on_list(struct walk *w, const struct imap_reply *r, struct err *e)
{
	struct folder f;
	struct err why = { 0 };

	if (imap_parse_list(r, &f, &why)) {
		if (why.code == EC_NONE)
			return 0;
		if (e)
			*e = why;
		return -1;
	}
	struct folder *to =
	        w->list->n < FOLDERS_MAX ? folder_list_add(w->list) : NULL;

	if (to && *f.raw) {
		*to = f;
		return 0;
	}
	bool full = w->list->n >= FOLDERS_MAX;

	free(f.raw);
	if (to) { /* the answer to LIST "" "": no folder */
		w->list->n--;
		return 0;
	}
	return full ? too_many(w->im, e) : err_memory(e);
}

static int on_status(struct walk *w, const struct imap_reply *r, struct err *e)
{
	struct folder f = { 0 };

	if (imap_parse_status(r, &f.raw, &f))
		return 0;
	if (w->states_n == w->states_cap) {
		size_t cap = w->states_cap ? w->states_cap * 2 : 64;
		struct folder *v = cap <= 2 * FOLDERS_MAX
		                           ? realloc(w->states, cap * sizeof *v)
		                           : NULL;

		if (!v) {
			free(f.raw);
			return too_many(w->im, e);
		}
		w->states = v;
		w->states_cap = cap;
	}
	w->states[w->states_n++] = f;
	return 0;
}

static int on_answer(const struct imap_reply *r, void *arg, struct err *e)
{
	struct walk *w = arg;

	if (strcmp(r->name, "LIST") == 0)
		return on_list(w, r, e);
	if (strcmp(r->name, "STATUS") == 0)
		return on_status(w, r, e);
	if (strcmp(r->name, "NAMESPACE") == 0 && !w->ns->prefix)
		(void)imap_parse_namespace(r, w->ns);
	return 0;
}

/* --- Commands ----------------------------------------------------------- */

static const char *status_items(const struct imap *im)
{
	return im->caps & CAP_CONDSTORE
	               ? "MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ"
	               : "MESSAGES UIDNEXT UIDVALIDITY";
}

static bool list_with_status(const struct imap *im, bool status)
{
	return status && im->caps & CAP_LIST_STATUS;
}

static int send_list(struct imap *im, bool status, imap_tag *tag, struct err *e)
{
	bool use =
	        (im->caps & CAP_SPECIAL_USE) && (im->caps & CAP_LIST_EXTENDED);
	const char *use_text = use ? "SPECIAL-USE" : "";

	if (list_with_status(im, status))
		return imap_cmd(im, tag, e,
		                "LIST \"\" \"*\" RETURN (%s%sSTATUS (%s))",
		                use_text, use ? " " : "", status_items(im));
	if (use)
		return imap_cmd(im, tag, e,
		                "LIST \"\" \"*\" RETURN (SPECIAL-USE)");
	return imap_cmd(im, tag, e, "LIST \"\" \"*\"");
}

/* A server that announces what it cannot do gets the plain question. */
static int list_again(struct walk *w, struct err *e)
{
	imap_tag tag;

	while (w->list->n)
		folder_release(w->list->v + --w->list->n);
	w->im->caps &= ~(unsigned)(CAP_LIST_STATUS | CAP_LIST_EXTENDED);
	if (imap_cmd(w->im, &tag, e, "LIST \"\" \"*\""))
		return -1;
	return imap_do(w->im, tag, on_answer, w, e);
}

static int ask_list(struct walk *w, bool status, struct err *e)
{
	struct imap *im = w->im;
	struct imap_reply r;
	imap_tag ns_tag = 0, tag;

	if (im->caps & CAP_NAMESPACE && imap_cmd(im, &ns_tag, e, "NAMESPACE"))
		return -1;
	if (send_list(im, status, &tag, e))
		return -1;
	if (ns_tag && imap_wait(im, ns_tag, on_answer, w, &r, e))
		return -1;
	if (imap_wait(im, tag, on_answer, w, &r, e))
		return -1;
	if (r.status == IMAP_OK)
		return 0;
	if (r.status == IMAP_BAD &&
	    im->caps & (CAP_LIST_STATUS | CAP_LIST_EXTENDED))
		return list_again(w, e);
	return imap_error(im, &r, ERR_ACCOUNT, e);
}

static int ask_each(struct walk *w, struct err *e)
{
	struct imap *im = w->im;
	CLEANUP(free_p) imap_tag *tags = calloc(w->list->n + 1, sizeof *tags);
	size_t n = 0;
	struct imap_reply r;

	if (!tags)
		return err_memory(e);
	for (size_t i = 0; i < w->list->n; i++) {
		CLEANUP(free_p) char *name = NULL;

		/* A name that cannot be asked for has no state. */
		if (w->list->v[i].noselect ||
		    imap_quoted(w->list->v[i].raw, &name, NULL))
			continue;
		if (imap_cmd(im, tags + n, e, "STATUS %s (%s)", name,
		             status_items(im)))
			return -1;
		n++;
	}
	/* A refused one has no state; the others have. */
	for (size_t i = 0; i < n; i++)
		if (imap_wait(im, tags[i], on_answer, w, &r, e))
			return -1;
	return 0;
}

/* --- Names -------------------------------------------------------------- */

static bool starts_with(const char *name, const char *prefix)
{
	size_t n = strlen(prefix);

	/* "INBOX." is written in any case. */
	if (strncasecmp(prefix, "INBOX", 5) == 0 && n > 5)
		return strncasecmp(name, prefix, n) == 0;
	return n && strncmp(name, prefix, n) == 0;
}

static bool is_shared(const struct imap_namespace *ns, const char *raw)
{
	for (size_t i = 0; i < ns->other_n; i++) {
		const char *prefix = ns->other[i];
		size_t n = strlen(prefix);

		if (starts_with(raw, prefix))
			return true;
		/* The namespace's own top: "Other Users" of "Other Users/". */
		if (n > 1 && strlen(raw) == n - 1 &&
		    strncmp(raw, prefix, n - 1) == 0)
			return true;
	}
	return false;
}

/* The name without the personal prefix; never one that would then be
 * taken for INBOX itself. */
static const char *without_prefix(const struct imap_namespace *ns,
                                  const struct folder *f)
{
	const char *rest = f->raw + strlen(ns->prefix);

	if (f->shared || !starts_with(f->raw, ns->prefix) || !*rest ||
	    strcasecmp(rest, "INBOX") == 0)
		return f->raw;
	return rest;
}

static int set_path(const struct imap_namespace *ns, struct folder *f,
                    struct err *e)
{
	f->shared = is_shared(ns, f->raw);
	const char *raw = without_prefix(ns, f);
	CLEANUP(free_p) char *utf8 = utf7_to_utf8(raw);

	return folder_set_path(f, utf8 ? utf8 : raw, f->delim) ? err_memory(e)
	                                                       : 0;
}

static int by_raw(const void *a, const void *b)
{
	const struct folder *x = a, *y = b;

	return strcmp(x->raw, y->raw);
}

/* INBOX first; a parent before its children. */
static int by_path(const void *a, const void *b)
{
	const struct folder *x = a, *y = b;
	int inbox = (y->use == USE_INBOX) - (x->use == USE_INBOX);

	if (inbox)
		return inbox;
	for (size_t i = 0; i < x->depth && i < y->depth; i++) {
		int d = strcmp(x->comp[i], y->comp[i]);

		if (d)
			return d;
	}
	if (x->depth != y->depth)
		return x->depth < y->depth ? -1 : 1;
	return strcmp(x->raw, y->raw);
}

/* Sorted by raw: a folder listed twice becomes one. */
static void merge(struct folder_list *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		struct folder *last = n ? l->v + n - 1 : NULL;

		if (last && strcmp(last->raw, l->v[i].raw) == 0) {
			if (last->use == USE_NONE)
				last->use = l->v[i].use;
			last->noselect = last->noselect && l->v[i].noselect;
			folder_release(l->v + i);
			continue;
		}
		if (n != i)
			l->v[n] = l->v[i];
		n++;
	}
	l->n = n;
}

static void set_states(struct walk *w)
{
	for (size_t i = 0; i < w->states_n; i++) {
		const struct folder *st = w->states + i;
		struct folder *f =
		        bsearch(st, w->list->v, w->list->n, sizeof *f, by_raw);

		if (!f || !st->have_status)
			continue;
		f->uidvalidity = st->uidvalidity;
		f->uidnext = st->uidnext;
		f->modseq = st->modseq;
		f->messages = st->messages;
		f->bytes = st->bytes;
		f->have_status = true;
	}
}

static void sort(struct folder_list *l,
                 int (*compare)(const void *, const void *))
{
	if (l->n)
		qsort(l->v, l->n, sizeof *l->v, compare);
}

static int complete_namespace(struct walk *w, struct err *e)
{
	if (!w->ns->prefix)
		w->ns->prefix = strdup("");
	if (!w->ns->prefix)
		return err_memory(e);
	for (size_t i = 0; i < w->list->n && !w->ns->delim; i++)
		w->ns->delim = w->list->v[i].delim;
	return 0;
}

int imap_folders(struct imap *im, bool status, struct imap_namespace *ns,
                 struct folder_list *out, struct err *e)
{
	CLEANUP(walk_release)
	struct walk w = { .im = im, .ns = ns, .list = out };

	memset(ns, 0, sizeof *ns);
	if (ask_list(&w, status, e) || complete_namespace(&w, e))
		return -1;
	sort(out, by_raw);
	merge(out);
	for (size_t i = 0; i < out->n; i++)
		if (set_path(ns, out->v + i, e))
			return -1;
	if (im->exchange)
		imap_mark_no_mail(out);
	if (status && !list_with_status(im, true) && ask_each(&w, e))
		return -1;
	if (out->n)
		set_states(&w);
	sort(out, by_path);
	return 0;
}
