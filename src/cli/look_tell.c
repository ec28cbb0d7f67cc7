/* SPDX-License-Identifier: Apache-2.0 */
/* look_tell.c - says what is in an archive; see look.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/items.h"
#include "cli/items_name.h"
#include "cli/look.h"
#include "cli/text.h"
#include "util/log.h"

#define NAMED 5 /* problems; --verbose names all */
#define NAMED_ROOM (64u << 20)
#define BODY_LIMIT (1u << 20)
#define NOT_READ                                                              \
	"The messages were only looked at: --deep reads each of them whole, " \
	"and tells\nwhat is missing in it.\n"

/* What is told by folder. */
#define BESIDES (1u << OTHERS_ITEMS | 1u << OTHERS_FILES)
#define MISSING (1u << OTHERS_LOST)

enum { COL_FOLDER, COL_MESSAGES, COL_BYTES, COL_OLDEST, COL_NEWEST, COLUMNS };

/* --- as text ------------------------------------------------------------- */

static struct word day_of(int64_t sec)
{
	struct word w = { "-" };
	time_t t = (time_t)sec;
	struct tm tm;

	if (localtime_r(&t, &tm) != NULL)
		strftime(w.s, sizeof(w.s), "%Y-%m-%d", &tm);
	return w;
}

static struct word day(const struct look_sum *s, int64_t sec)
{
	return s->dated ? day_of(sec) : (struct word){ "-" };
}

/* A packed archive tells sizes only when it is unpacked. */
static struct word size_of(const struct look_sum *s)
{
	return s->messages > 0 && s->bytes == 0 ? (struct word){ "-" }
	                                        : text_size(s->bytes);
}

static void text_problem(struct look *l, const char *folder,
                         const struct message *m)
{
	struct look_named *in = m->hole ? &l->unreadable : &l->noted;
	struct buf *b = &in->text;

	if (in->n >= NAMED && !log_on())
		return;
	in->n++;
	/* Most keys begin with the folder's path. */
	if (m->key != NULL && strncmp(m->key, folder, strlen(folder)) == 0)
		folder = "";
	if (buf_str(b, "  ") != 0 || text_clean(b, folder) != 0 ||
	    (*folder != '\0' && m->key != NULL && buf_str(b, "  ") != 0) ||
	    (m->key != NULL && text_clean(b, m->key) != 0) ||
	    (m->date.known && buf_fmt(b, "  %s", day_of(m->date.sec).s) != 0))
		return;
	if (buf_str(b, "\n      ") == 0 &&
	    text_clean(b, m->hole ? m->why.text : m->made_note) == 0)
		(void)buf_chr(b, '\n');
}

static int folders_table(const struct look *l, struct buf *b)
{
	static const char *const title[COLUMNS] = { "FOLDER", "MESSAGES",
		                                    "SIZE", "OLDEST",
		                                    "NEWEST" };
	struct table t;
	int rc;

	table_init(&t, COLUMNS, 1u << COL_MESSAGES | 1u << COL_BYTES);
	for (size_t i = 0; i < COLUMNS; i++)
		table_add(&t, title[i]);
	for (size_t i = 0; i < l->n; i++) {
		const struct look_sum *s = &l->v[i]->sum;

		table_add(&t, l->v[i]->path);
		table_add(&t, text_count(s->messages).s);
		table_add(&t, size_of(s).s);
		table_add(&t, day(s, s->oldest).s);
		table_add(&t, day(s, s->newest).s);
	}
	rc = table_print(b, &t, cli_width());
	table_release(&t);
	return rc;
}

static int shared_lines(const struct look *l, struct buf *b)
{
	uint64_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += l->v[i]->shared ? l->v[i]->sum.messages : 0;
	if (n == 0)
		return 0;
	if (buf_chr(b, '\n') != 0 ||
	    text_plural(b, n, "message is", "messages are") != 0 ||
	    buf_str(b, " of other mailboxes or public folders, and not moved "
	               "unless\n--include names the folder:\n") != 0)
		return -1;
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i]->shared && l->v[i]->sum.messages > 0 &&
		    (buf_str(b, "  ") != 0 ||
		     text_clean(b, l->v[i]->path) != 0 ||
		     buf_chr(b, '\n') != 0))
			return -1;
	return 0;
}

static int sum_line(const struct look *l, struct buf *b)
{
	const struct look_sum *s = &l->all;

	if (buf_str(b, "In all: ") != 0 ||
	    text_plural(b, s->messages, "message", "messages") != 0)
		return -1;
	if (s->bytes > 0 && buf_fmt(b, ", %s", text_size(s->bytes).s) != 0)
		return -1;
	if (s->dated && buf_fmt(b, ", from %s to %s", day(s, s->oldest).s,
	                        day(s, s->newest).s) != 0)
		return -1;
	return buf_str(b, ".\n");
}

static int other_row(const struct look_other *o, unsigned parts, struct buf *b)
{
	const char *folder = *o->folder != '\0' ? o->folder : "(top)";

	if (others_count(&o->others, parts) == 0)
		return 0;
	return buf_str(b, "  ") != 0 || text_clean(b, folder) != 0 ||
	                       buf_str(b, ": ") != 0 ||
	                       others_list(&o->others, parts, b) != 0 ||
	                       buf_chr(b, '\n') != 0
	               ? -1
	               : 0;
}

static int other_rows(const struct look *l, unsigned parts, struct buf *b)
{
	for (size_t i = 0; i < l->others_n; i++)
		if (other_row(&l->others[i], parts, b) != 0)
			return -1;
	return 0;
}

/* The names of the folders that are left out. */
static int own_names(const struct look *l, struct buf *b)
{
	size_t told = 0;

	for (size_t i = 0; i < l->others_n; i++) {
		const struct look_other *o = &l->others[i];

		if (others_count(&o->others, 1u << OTHERS_OWN) == 0)
			continue;
		if (buf_str(b, told++ > 0 ? ", " : "  ") != 0 ||
		    text_clean(b, o->folder) != 0)
			return -1;
	}
	return told > 0 ? buf_chr(b, '\n') : 0;
}

static int part_lines(const struct look *l, enum others_part part,
                      struct buf *b)
{
	if (others_count(&l->kinds, 1u << part) == 0)
		return 0;
	if (others_sentence(&l->kinds, part, b) != 0 || buf_chr(b, '\n') != 0)
		return -1;
	return part == OTHERS_OWN ? own_names(l, b) : 0;
}

/* items: they are written now, and need no hint. */
static int others_lines(const struct look *l, bool items, struct buf *b)
{
	bool rows = l->others_n > 0 && others_count(&l->kinds, BESIDES) > 0;

	if (others_count(&l->kinds, ~MISSING) > 0 &&
	    buf_str(b, rows ? "\nBesides mail:\n" : "\n") != 0)
		return -1;
	if (other_rows(l, BESIDES, b) != 0)
		return -1;
	for (unsigned part = 0; part < OTHERS_PARTS; part++)
		if (!(part == OTHERS_ITEMS && items) && part != OTHERS_LOST &&
		    part_lines(l, part, b) != 0)
			return -1;
	return 0;
}

static int missing_lines(const struct look *l, struct buf *b)
{
	if (others_count(&l->kinds, MISSING) == 0)
		return 0;
	return buf_str(b, "\nMissing:\n") != 0 ||
	                       other_rows(l, MISSING, b) != 0 ||
	                       part_lines(l, OTHERS_LOST, b) != 0
	               ? -1
	               : 0;
}

static int named_lines(const struct look_named *in, uint64_t n, const char *one,
                       const char *many, struct buf *b)
{
	if (n == 0)
		return 0;
	if (buf_chr(b, '\n') != 0 || text_plural(b, n, one, many) != 0 ||
	    buf_str(b, ":\n") != 0 ||
	    (in->text.n > 0 && buf_str(b, in->text.p) != 0))
		return -1;
	return n > in->n ? buf_fmt(b,
	                           "  ... and %s more: --verbose names "
	                           "them.\n",
	                           text_count(n - in->n).s)
	                 : 0;
}

static int problem_lines(const struct look *l, struct buf *b)
{
	if (named_lines(&l->unreadable, l->all.unreadable,
	                "message or place can't be read",
	                "messages or places can't be read", b) != 0)
		return -1;
	return named_lines(&l->noted, l->all.noted,
	                   "message has a note on what is missing or changed",
	                   "messages have a note on what is missing or changed",
	                   b);
}

static int items_line(struct look *l, const char *dir, struct buf *b)
{
	struct items x;
	int code = items_write(l->c, &l->from, l->locator, dir, &x);

	if (x.err.code != EC_NONE)
		talk_warn(&l->c->talk, "mailhaul: %s", x.err.text);
	if ((x.err.code == EC_NONE || x.written > 0) &&
	    (buf_chr(b, '\n') != 0 || items_words(&x, b) != 0 ||
	     buf_chr(b, '\n') != 0))
		code = EXIT_FAULT;
	items_release(&x);
	return code;
}

static int as_text(struct look *l, const char *items)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(NAMED_ROOM * 4);
	int code = l->all.unreadable > 0 ? EXIT_PROBLEMS : 0;

	if (text_clean(&b, l->locator) != 0 || buf_str(&b, ":\n") != 0 ||
	    folders_table(l, &b) != 0 || sum_line(l, &b) != 0 ||
	    shared_lines(l, &b) != 0 ||
	    others_lines(l, items != NULL, &b) != 0 ||
	    missing_lines(l, &b) != 0 || problem_lines(l, &b) != 0)
		return EXIT_FAULT;
	if (items != NULL)
		code = cli_worst(code, items_line(l, items, &b));
	if (!l->deep && l->all.messages > 0 &&
	    (buf_chr(&b, '\n') != 0 || buf_str(&b, NOT_READ) != 0))
		return EXIT_FAULT;
	cli_print(&b);
	return code;
}

static int read_text(struct look *l, const char *items)
{
	l->problem = text_problem;
	l->unreadable.text = (struct buf)BUF_INIT(NAMED_ROOM);
	l->noted.text = (struct buf)BUF_INIT(NAMED_ROOM);
	if (look_read(l) == 0)
		return as_text(l, items);
	return cli_fail(l->c, &l->err);
}

/* --- as JSON ------------------------------------------------------------- */

static void number(json_t *o, const char *key, uint64_t n)
{
	json_object_set_new(o, key, json_integer((json_int_t)n));
}

static void json_problem(struct look *l, const char *folder,
                         const struct message *m)
{
	json_t *o = json_object();

	json_object_set_new(o, "folder", json_text(folder));
	number(o, "uid", m->uid);
	json_object_set_new(o, "key", json_text(m->key));
	json_object_set_new(o, "error",
	                    m->hole ? json_err(&m->why) : json_null());
	json_object_set_new(o, "note", json_text(m->made_note));
	json_item(l->json, o);
}

static void json_sum(json_t *o, const struct look_sum *s)
{
	number(o, "messages", s->messages);
	number(o, "bytes", s->bytes);
	json_object_set_new(o, "oldest",
	                    s->dated ? json_when(s->oldest) : json_null());
	json_object_set_new(o, "newest",
	                    s->dated ? json_when(s->newest) : json_null());
	number(o, "unreadable", s->unreadable);
	number(o, "noted", s->noted);
}

static void json_lists(struct look *l)
{
	json_also(l->json, "folders");
	for (size_t i = 0; i < l->n; i++) {
		json_t *o = json_object();

		json_object_set_new(o, "folder", json_text(l->v[i]->path));
		json_object_set_new(o, "shared", json_boolean(l->v[i]->shared));
		json_sum(o, &l->v[i]->sum);
		json_item(l->json, o);
	}
	json_also(l->json, "others_in_folders");
	for (size_t i = 0; i < l->others_n; i++) {
		const struct look_other *at = &l->others[i];

		for (size_t k = 0; k < at->others.n; k++) {
			json_t *o = json_other(&at->others.v[k]);

			json_object_set_new(o, "folder", json_text(at->folder));
			json_item(l->json, o);
		}
	}
}

static json_t *json_items(struct look *l, const char *dir, int *code)
{
	json_t *o = json_object();
	struct items x;
	int got = items_write(l->c, &l->from, l->locator, dir, &x);

	items_json(&x, got, o);
	items_release(&x);
	*code = cli_worst(*code, got);
	return o;
}

static int read_json(struct look *l, struct json_list *all, const char *items)
{
	json_t *head = json_object(), *tail = json_object();
	struct json_list list;
	int code = 0;

	l->problem = json_problem;
	l->json = &list;
	json_object_set_new(head, "archive", json_text(l->locator));
	json_object_set_new(head, "deep", json_boolean(l->deep));
	json_open_in(all, &list, head, "problems");
	if (look_read(l) != 0)
		code = transfer_exit_code(&l->err);
	else if (l->all.unreadable > 0)
		code = EXIT_PROBLEMS;
	json_lists(l);
	json_object_set_new(tail, "others", json_others(&l->kinds));
	json_sum(tail, &l->all);
	json_object_set_new(tail, "items",
	                    items != NULL && l->err.code == EC_NONE
	                            ? json_items(l, items, &code)
	                            : json_null());
	json_object_set_new(tail, "exit", json_integer(code));
	json_object_set_new(tail, "error", json_err(&l->err));
	json_close(&list, tail);
	return code;
}

/* --- all of them --------------------------------------------------------- */

/* all: the JSON that it is a part of, or NULL. */
static int one(struct cli *c, const char *operand, struct json_list *all,
               bool several)
{
	struct look l = { .c = c,
		          .locator = operand,
		          .deep = opt_given(&c->args, "deep") };
	const char *dir = opt_value(&c->args, "items");
	CLEANUP(free_p) char *name = NULL;
	CLEANUP(free_p) char *own = NULL;
	int code;

	if (account_parse(&l.from, operand, true, &l.err) != 0)
		return cli_fail(c, &l.err);
	l.from.cancel = signals_stop();
	l.from.body_limit = BODY_LIMIT;
	name = account_name(&l.from);
	own = dir != NULL && name != NULL ? items_below(dir, name) : NULL;
	if (several && dir != NULL)
		dir = own;
	code = all != NULL ? read_json(&l, all, dir) : read_text(&l, dir);
	look_release(&l);
	return code;
}

static int all_json(struct cli *c)
{
	json_t *tail = json_object();
	struct json_list all;
	int worst = 0;

	json_open(&all, json_head("command", "plan"), "archives");
	for (size_t i = 0; i < c->args.operands; i++)
		worst = cli_worst(worst, one(c, c->args.operand[i], &all,
		                             c->args.operands > 1));
	json_object_set_new(tail, "exit", json_integer(worst));
	json_close(&all, tail);
	return worst;
}

int look_all(struct cli *c)
{
	int worst = cli_signals(c, NULL);
	size_t read = 0;

	if (worst != 0)
		return worst;
	if (c->json)
		return all_json(c);
	for (size_t i = 0; i < c->args.operands; i++) {
		int code;

		if (i > 0)
			putchar('\n');
		code = one(c, c->args.operand[i], NULL, c->args.operands > 1);
		read += code == 0 || code == EXIT_PROBLEMS;
		worst = cli_worst(worst, code);
	}
	fflush(stdout);
	if (read > 0)
		talk_say(&c->talk, read == 1 ? "The archive was only read."
		                             : "The archives were only read.");
	return worst;
}
