/* SPDX-License-Identifier: Apache-2.0 */
/*
 * problems_list.c - problems by reason: one pass counts, then one pass for
 * each reason prints, so that memory does not grow with their number.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/json.h"
#include "cli/problems.h"
#include "cli/text.h"

#define CODES 64 /* more than there are err codes */
_Static_assert(EC_EXISTS < CODES, "a code is an index");

int paths_load(struct paths *p, struct store *s, int64_t mailbox, struct err *e)
{
	*p = (struct paths){ 0 };
	return store_source_folders(s, mailbox, &p->v, &p->n, e);
}

const struct source_folder *paths_find(const struct paths *p, int64_t id)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].f.id == id)
			return &p->v[i];
	return NULL;
}

void paths_release(struct paths *p)
{
	source_folders_free(&p->v, p->n);
	*p = (struct paths){ 0 };
}

struct problem_walk {
	const struct mailbox *mailbox;
	struct paths paths;
	uint64_t count[MSG_STATE_COUNT][CODES];
	/* The first sentence of each group, and whether others differ. */
	char *first[MSG_STATE_COUNT][CODES];
	bool mixed[MSG_STATE_COUNT][CODES];
	/* The group that is printed now. */
	enum msg_state state;
	int code;
	char *reason; /* of all its messages, "" if they differ */
	struct json_list *json;
};

static void walk_free(struct problem_walk **p)
{
	struct problem_walk *w = *p;

	for (int state = 0; w != NULL && state < MSG_STATE_COUNT; state++)
		for (int code = 0; code < CODES; code++)
			free(w->first[state][code]);
	free(w);
	*p = NULL;
}

static int code_of(const struct row *r)
{
	return r->m.why.code >= 0 && r->m.why.code < CODES ? r->m.why.code : 0;
}

/* Ignored and gone ones are one group each, whatever was before. */
static int group_of(const struct row *r)
{
	return STATE_BIT(r->m.state) & PROBLEM_STATES ? code_of(r) : 0;
}

static int each_mailbox(struct store *s, const struct mailbox *v, size_t n,
                        unsigned states, row_fn *each, struct problem_walk *w,
                        struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		struct row_where where = { .mailbox = v[i].id,
			                   .states = states };
		int rc;

		w->mailbox = &v[i];
		rc = paths_load(&w->paths, s, v[i].id, e);
		if (rc == 0)
			rc = store_rows(s, &where, each, w, e);
		paths_release(&w->paths);
		if (rc != 0)
			return -1;
	}
	return 0;
}

static const char *path_of(const struct problem_walk *w, const struct row *r)
{
	const struct source_folder *f = paths_find(&w->paths, r->source_folder);

	return f != NULL ? f->f.path : "?";
}

/* --- for people --- */

static int count_row(struct row *r, void *arg)
{
	struct problem_walk *w = arg;
	int code = group_of(r);
	char **first = &w->first[r->m.state][code];

	if (w->count[r->m.state][code]++ == 0)
		*first = strdup(r->m.why.text);
	else if (*first == NULL || strcmp(*first, r->m.why.text) != 0)
		w->mixed[r->m.state][code] = true;
	return 0;
}

static void print_group(struct problem_walk *w, const struct row *r)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(1 << 16);
	const char *text = w->mixed[w->state][w->code] ? "" : r->m.why.text;

	switch (r->m.state) {
	case MSG_GONE_DEST:
		text = "Copied, and deleted at the destination since: not sent "
		       "again. --retry sends them again.";
		break;
	case MSG_IGNORED:
		text = "Ignored by your choice. --retry takes that back.";
		break;
	default:
		break;
	}
	if (text_plural(&b, w->count[w->state][w->code], "message",
	                "messages") != 0)
		return;
	if (STATE_BIT(w->state) & PROBLEM_STATES &&
	    buf_fmt(&b, ", %s", err_code_name(w->code)) != 0)
		return;
	if (buf_str(&b, *text != '\0' ? ": " : ":") == 0 &&
	    text_clean(&b, text) == 0)
		printf("%s\n", b.p);
	w->reason = strdup(text);
}

int problems_place(struct buf *b, const char *path, const struct row *r)
{
	if (text_clean(b, path) != 0)
		return -1;
	if (r->m.key != NULL)
		return buf_str(b, "  ") != 0 || text_clean(b, r->m.key) != 0
		               ? -1
		               : 0;
	return r->m.uid != 0 ? buf_fmt(b, "  uid %" PRIu64, r->m.uid) : 0;
}

static void add_size(struct buf *b, const struct row *r)
{
	if (r->m.size > 0)
		buf_fmt(b, "  %s", text_size(r->m.size).s);
	if (r->m.date.known)
		buf_fmt(b, "  %s", text_time(r->m.date.sec, 0).s);
}

static void print_below(const char *text)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(1 << 16);

	if (text_clean(&b, text) == 0)
		printf("      %s\n", b.p);
}

static int print_row(struct row *r, void *arg)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(1 << 16);
	struct problem_walk *w = arg;

	if (group_of(r) != w->code)
		return 0;
	if (w->reason == NULL)
		print_group(w, r);
	if (buf_str(&b, "  ") != 0 || text_clean(&b, w->mailbox->name) != 0 ||
	    buf_str(&b, "  ") != 0 || problems_place(&b, path_of(w, r), r) != 0)
		return 0;
	add_size(&b, r);
	printf("%s\n", b.p);
	if (STATE_BIT(r->m.state) & PROBLEM_STATES && w->reason != NULL &&
	    strcmp(w->reason, r->m.why.text) != 0)
		print_below(r->m.why.text);
	/* Of what was ignored, what it was. */
	if (r->m.state == MSG_IGNORED)
		print_below(r->m.why.text);
	else if (r->note != NULL)
		print_below(r->note);
	return 0;
}

static int print_groups(struct store *s, const struct mailbox *v, size_t n,
                        struct problem_walk *w, struct err *e)
{
	int rc = 0;

	for (int state = 0; rc == 0 && state < MSG_STATE_COUNT; state++)
		for (int code = 0; rc == 0 && code < CODES; code++) {
			if (w->count[state][code] == 0)
				continue;
			w->state = (enum msg_state)state;
			w->code = code;
			rc = each_mailbox(s, v, n, STATE_BIT(state), print_row,
			                  w, e);
			free(w->reason);
			w->reason = NULL;
		}
	return rc;
}

static uint64_t count_all(const struct problem_walk *w, unsigned states)
{
	uint64_t sum = 0;

	for (int state = 0; state < MSG_STATE_COUNT; state++)
		for (int code = 0; code < CODES; code++)
			if (states & STATE_BIT(state))
				sum += w->count[state][code];
	return sum;
}

static void tell_what_helps(struct cli *c, const struct problem_walk *w)
{
	uint64_t all = count_all(w, PROBLEM_STATES);
	uint64_t holes = count_all(w, STATE_BIT(MSG_HOLE));

	if (all > holes)
		talk_say(&c->talk,
		         "\nThey are still in the source. --export DIR writes "
		         "them as files, --retry lets the\nnext run try them "
		         "again, --ignore settles them.");
	if (holes > 0)
		talk_say(&c->talk,
		         "\nWhat could not be read is tried again by each run, "
		         "and can't be exported. Of an\narchive, a damaged "
		         "place is one problem, however many messages stood "
		         "there.%s",
		         all > holes ? "" : " --ignore settles it.");
}

static int list_text(struct cli *c, struct store *s, const struct mailbox *v,
                     size_t n, struct err *e)
{
	CLEANUP(walk_free) struct problem_walk *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return err_memory(e);
	if (each_mailbox(s, v, n, LISTED_STATES, count_row, w, e) != 0 ||
	    print_groups(s, v, n, w, e) != 0)
		return -1;
	if (count_all(w, LISTED_STATES) == 0)
		printf("No problems.\n");
	if (problems_notes_text(s, v, n, e) < 0)
		return -1;
	fflush(stdout);
	tell_what_helps(c, w);
	return 0;
}

/* --- JSON --- */

static int json_row(struct row *r, void *arg)
{
	struct problem_walk *w = arg;
	json_t *o = json_object();

	json_object_set_new(o, "mailbox", json_text(w->mailbox->name));
	json_object_set_new(o, "folder", json_text(path_of(w, r)));
	json_object_set_new(o, "row", json_integer(r->m.row));
	json_object_set_new(o, "uid", json_integer((json_int_t)r->m.uid));
	json_object_set_new(o, "key", json_text(r->m.key));
	json_object_set_new(o, "state",
	                    json_string(msg_state_name(r->m.state)));
	json_object_set_new(o, "error", json_err(&r->m.why));
	json_object_set_new(o, "bytes", json_integer((json_int_t)r->m.size));
	json_object_set_new(o, "date",
	                    r->m.date.known ? json_when(r->m.date.sec)
	                                    : json_null());
	json_object_set_new(o, "tries", json_integer(r->m.tries));
	json_object_set_new(o, "note", json_text(r->note));
	json_item(w->json, o);
	w->count[r->m.state][0]++;
	return 0;
}

int problems_rows_json(struct json_list *l, struct store *s,
                       const struct mailbox *v, struct err *e)
{
	CLEANUP(free_p) struct problem_walk *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return err_memory(e);
	w->json = l;
	return each_mailbox(s, v, 1, LISTED_STATES, json_row, w, e);
}

static int list_json(struct store *s, const struct mailbox *v, size_t n,
                     struct err *e)
{
	CLEANUP(free_p) struct problem_walk *w = calloc(1, sizeof(*w));
	json_t *tail = json_object(), *counts = json_object();
	struct json_list list;
	int rc;

	if (w == NULL)
		return err_memory(e);
	json_open(&list, json_head("command", "problems"), "problems");
	w->json = &list;
	rc = each_mailbox(s, v, n, LISTED_STATES, json_row, w, e);
	for (int i = 0; i < MSG_STATE_COUNT; i++)
		if (LISTED_STATES & STATE_BIT(i))
			json_object_set_new(
			        counts, msg_state_name((enum msg_state)i),
			        json_integer((json_int_t)w->count[i][0]));
	json_also(&list, "notes");
	if (rc == 0) {
		int64_t notes = problems_notes_json(&list, s, v, n, e);

		rc = notes < 0 ? -1 : 0;
		json_object_set_new(counts, "notes", json_integer(notes));
	}
	json_object_set_new(tail, "counts", counts);
	json_object_set_new(tail, "error", rc != 0 ? json_err(e) : json_null());
	json_close(&list, tail);
	return rc;
}

int problems_list(struct cli *c, struct store *s, const struct mailbox *v,
                  size_t n)
{
	struct err e = { 0 };
	int rc = c->json ? list_json(s, v, n, &e) : list_text(c, s, v, n, &e);

	return rc == 0 ? 0 : cli_fail(c, &e);
}
