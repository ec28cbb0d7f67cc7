/* SPDX-License-Identifier: Apache-2.0 */
/*
 * problems_notes.c - messages that have arrived, and what of them is not
 * exactly as it was: nothing to be done, but to be known.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/problems.h"
#include "cli/text.h"

#define ARRIVED (STATE_BIT(MSG_MOVED) | STATE_BIT(MSG_ADOPTED))

struct notes {
	const struct mailbox *mailbox;
	struct paths paths;
	struct json_list *json;
	char *last; /* the note that stands above the last message */
	int64_t n;
};

static const char *path_of(const struct notes *w, const struct row *r)
{
	const struct source_folder *f = paths_find(&w->paths, r->source_folder);

	return f != NULL ? f->f.path : "?";
}

/* What was changed before it was sent, and what was lost on the way. */
static int words(struct buf *b, const struct row *r)
{
	const char *space = "";

	if (r->m.repair_note != NULL) {
		if (buf_fmt(b, "Sent as a mended copy: %s.",
		            r->m.repair_note) != 0)
			return -1;
		space = " ";
	}
	return r->note != NULL ? buf_fmt(b, "%s%s", space, r->note) : 0;
}

/* Many messages may have the same: it stands above them once. */
static void print_words(struct notes *w, const char *raw)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(1 << 16);

	if (w->last != NULL && strcmp(w->last, raw) == 0)
		return;
	free(w->last);
	w->last = strdup(raw);
	if (text_clean(&b, raw) == 0)
		printf("  %s\n", b.p);
}

static int print_note(struct row *r, void *arg)
{
	CLEANUP(buf_release_p) struct buf raw = BUF_INIT(1 << 16);
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(1 << 16);
	struct notes *w = arg;

	if (w->n++ == 0)
		printf("Moved, with a note on what is not as it was:\n");
	if (words(&raw, r) != 0)
		return 0;
	print_words(w, raw.n > 0 ? raw.p : "");
	if (buf_str(&b, "      ") != 0 ||
	    text_clean(&b, w->mailbox->name) != 0 || buf_str(&b, "  ") != 0 ||
	    problems_place(&b, path_of(w, r), r) != 0)
		return 0;
	if (r->m.date.known)
		buf_fmt(&b, "  %s", text_time(r->m.date.sec, 0).s);
	printf("%s\n", b.p);
	return 0;
}

static int json_note(struct row *r, void *arg)
{
	CLEANUP(buf_release_p) struct buf text = BUF_INIT(1 << 16);
	struct notes *w = arg;
	json_t *o = json_object();

	w->n++;
	if (words(&text, r) != 0)
		buf_clear(&text);
	json_object_set_new(o, "mailbox", json_text(w->mailbox->name));
	json_object_set_new(o, "folder", json_text(path_of(w, r)));
	json_object_set_new(o, "row", json_integer(r->m.row));
	json_object_set_new(o, "uid", json_integer((json_int_t)r->m.uid));
	json_object_set_new(o, "key", json_text(r->m.key));
	json_object_set_new(o, "note", json_text(text.p));
	json_item(w->json, o);
	return 0;
}

static int64_t each_note(struct notes *w, struct store *s,
                         const struct mailbox *v, size_t n, row_fn *each,
                         struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		struct row_where where = { .mailbox = v[i].id,
			                   .states = ARRIVED,
			                   .noted = true };
		int rc;

		w->mailbox = &v[i];
		rc = paths_load(&w->paths, s, v[i].id, e);
		if (rc == 0)
			rc = store_rows(s, &where, each, w, e);
		paths_release(&w->paths);
		if (rc != 0)
			return -1;
	}
	return w->n;
}

int64_t problems_notes_text(struct store *s, const struct mailbox *v, size_t n,
                            struct err *e)
{
	struct notes w = { 0 };
	int64_t told = each_note(&w, s, v, n, print_note, e);

	free(w.last);
	return told;
}

int64_t problems_notes_json(struct json_list *l, struct store *s,
                            const struct mailbox *v, size_t n, struct err *e)
{
	struct notes w = { .json = l };

	return each_note(&w, s, v, n, json_note, e);
}
