/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imap_make.c - folders at an IMAP destination: found or created (RFC 3501
 * 6.3.3, with a special use RFC 6154 3), subscribed, and their state read,
 * all in one flight of commands.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/buf.h"
#include "util/utf7.h"
#include "util/utf8.h"
#include "writer/imap_writer.h"

struct making {
	imap_tag create, subscribe, select;
	struct err why; /* of CREATE */
};

static const char *const uses[USE_COUNT] = {
	[USE_SENT] = "\\Sent",       [USE_DRAFTS] = "\\Drafts",
	[USE_TRASH] = "\\Trash",     [USE_JUNK] = "\\Junk",
	[USE_ARCHIVE] = "\\Archive",
};

static bool is_inbox(const struct folder *f)
{
	return f->depth == 1 && strcasecmp(f->comp[0], "INBOX") == 0;
}

static int add_comp(struct buf *raw, const char *utf8)
{
	char *coded CLEANUP(free_p) = utf8_to_utf7(utf8);

	return coded ? buf_str(raw, coded) : -1;
}

/* The server's name for the first depth parts of f. */
static char *raw_name(const struct writer *w, const struct folder *f,
                      size_t depth)
{
	struct buf raw CLEANUP(buf_release_p) = BUF_INIT(1 << 20);
	const char *prefix = w->ns.prefix ? w->ns.prefix : "";

	if (is_inbox(f))
		return strdup("INBOX");
	/* Children of INBOX need no second "INBOX." in front. */
	if (strncasecmp(f->comp[0], "INBOX", 6) != 0 && buf_str(&raw, prefix))
		return NULL;
	for (size_t i = 0; i < depth; i++)
		if ((i && buf_chr(&raw, w->delim ? w->delim : '-')) ||
		    add_comp(&raw, f->comp[i]))
			return NULL;
	return buf_take(&raw);
}

/* Names that Exchange takes for one. */
static bool same_name(const char *a, const char *b)
{
	char *x CLEANUP(free_p) = utf7_to_utf8(a);
	char *y CLEANUP(free_p) = utf7_to_utf8(b);
	char *p CLEANUP(free_p) = x ? utf8_folded(x) : NULL;
	char *q CLEANUP(free_p) = y ? utf8_folded(y) : NULL;

	return p && q && strcmp(p, q) == 0;
}

static const struct folder *existing(const struct writer *w, const char *raw)
{
	for (size_t i = 0; i < w->have.n; i++) {
		const struct folder *h = &w->have.v[i];

		if (strcmp(h->raw, raw) == 0 ||
		    (w->exchange && same_name(h->raw, raw)) ||
		    (strcasecmp(raw, "INBOX") == 0 &&
		     strcasecmp(h->raw, "INBOX") == 0))
			return h->noselect ? NULL : h;
	}
	return NULL;
}

static int ask_create(struct writer *w, const char *raw, enum mail_use use,
                      struct making *m, struct err *e)
{
	char *name CLEANUP(free_p) = NULL;
	const char *word =
	        imap_caps(w->im) & CAP_CREATE_SPECIAL_USE ? uses[use] : NULL;

	if (imap_quoted(raw, &name, e))
		return -1;
	if (word ? imap_cmd(w->im, &m->create, e, "CREATE %s (USE (%s))", name,
	                    word)
	         : imap_cmd(w->im, &m->create, e, "CREATE %s", name))
		return -1;
	return imap_cmd(w->im, &m->subscribe, e, "SUBSCRIBE %s", name);
}

/* The parents of f that are not there, topmost first; some servers do not
 * make them by themselves. */
static int ask_parents(struct writer *w, const struct folder *f, struct err *e)
{
	struct imap_reply r;
	imap_tag tag;

	for (size_t depth = 1; w->delim && depth < f->depth; depth++) {
		char *raw CLEANUP(free_p) = raw_name(w, f, depth);
		char *name CLEANUP(free_p) = NULL;

		if (!raw)
			return err_memory(e);
		if (strcasecmp(raw, "INBOX") == 0 || existing(w, raw))
			continue;
		if (imap_quoted(raw, &name, e) ||
		    imap_cmd(w->im, &tag, e, "CREATE %s", name) ||
		    imap_wait(w->im, tag, NULL, NULL, &r, e))
			return -1;
	}
	return 0;
}

static int ask(struct writer *w, struct folder *f, struct making *m,
               struct err *e)
{
	free(f->raw);
	f->raw = raw_name(w, f, f->depth);
	if (!f->raw)
		return err_memory(e);
	const struct folder *there = existing(w, f->raw);

	if (there && strcmp(there->raw, f->raw) != 0 &&
	    strcasecmp(there->raw, "INBOX") != 0) {
		free(f->raw);
		f->raw = strdup(there->raw);
		if (!f->raw)
			return err_memory(e);
	}
	if (!there && ask_create(w, f->raw, f->use, m, e))
		return -1;
	return imap_select_ask(w->im, f->raw, false, &m->select, e);
}

/* A name with a control character is nobody's but this folder's trouble. */
static bool name_fits(const struct folder *f, struct err *why)
{
	char *quoted = NULL;

	for (size_t i = 0; i < f->depth; i++) {
		int bad = imap_quoted(f->comp[i], &quoted, why);

		free(quoted);
		quoted = NULL;
		if (bad)
			return false;
	}
	return true;
}

static int take(struct writer *w, struct folder *f, struct making *m,
                struct err *why, struct err *e)
{
	struct imap_reply r;

	if (m->create) {
		if (imap_wait(w->im, m->create, NULL, NULL, &r, e))
			return -1;
		if (r.status != IMAP_OK)
			imap_error(w->im, &r, ERR_FOLDER, &m->why);
		if (imap_wait(w->im, m->subscribe, NULL, NULL, &r, e))
			return -1;
	}
	if (imap_select_take(w->im, m->select, f, why) == 0)
		return 0;
	if (imap_dead(w->im)) {
		*e = *why;
		return -1;
	}
	if (m->why.code)
		*why = m->why;
	return 0;
}

/* Once more with its parents, and without a special use. */
static int again(struct writer *w, struct folder *f, struct err *why,
                 struct err *e)
{
	struct making m = { 0 };

	if (ask_parents(w, f, e) || ask_create(w, f->raw, USE_NONE, &m, e) ||
	    imap_select_ask(w->im, f->raw, false, &m.select, e))
		return -1;
	err_clear(why);
	if (take(w, f, &m, why, e))
		return -1;
	if (why->code) {
		char detail[sizeof(why->detail)];

		memcpy(detail, why->detail, sizeof(detail));
		err_setf(why, ERR_FOLDER, NEXT_ASK_PERSON, EC_FOLDER_NAME,
		         "The new server does not accept a folder named '%s'. "
		         "Give it another name with --map '%s=NEW NAME' and "
		         "run mailhaul again.",
		         f->path, f->path);
		err_detail(why, "%s", detail);
	}
	return 0;
}

static bool is_reserved(const struct writer *w, const struct err *why)
{
	return w->exchange && why->code == EC_FOLDER_NAME &&
	       strcasestr(why->detail, "reserved");
}

/* A name that the server keeps for itself: the folder gets another. */
static int make_renamed(struct writer *w, struct folder *f, struct err *why,
                        struct err *e)
{
	struct buf path CLEANUP(buf_release_p) = BUF_INIT(1 << 20);
	struct making m = { 0 };

	if (buf_fmt(&path, "%s (mail)", f->path) ||
	    folder_set_path(f, path.p, '/'))
		return err_memory(e);
	err_clear(why);
	return ask(w, f, &m, e) || take(w, f, &m, why, e) ? -1 : 0;
}

int make_folders(struct writer *w, struct folder *v, size_t n, struct err *why,
                 struct err *e)
{
	struct making *m CLEANUP(free_p) = calloc(n + 1, sizeof(*m));

	if (!m)
		return err_memory(e);
	w->selected = n > 0;
	late_deselected(w);
	for (size_t i = 0; i < n; i++)
		if (name_fits(&v[i], &why[i]) && ask(w, &v[i], &m[i], e))
			return -1;
	for (size_t i = 0; i < n; i++)
		if (m[i].select && take(w, &v[i], &m[i], &why[i], e))
			return -1;
	for (size_t i = 0; i < n; i++)
		if (m[i].select && is_reserved(w, &why[i]) &&
		    make_renamed(w, &v[i], &why[i], e))
			return -1;
	for (size_t i = 0; i < n; i++)
		if (m[i].select && why[i].code && again(w, &v[i], &why[i], e))
			return -1;
	return 0;
}
