/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_csv.c - the report as a table for spreadsheets: a row for each
 * mailbox, each of its folders and each message that did not arrive.
 */
#include <inttypes.h>
#include <string.h>

#include "cli/problems.h"
#include "cli/report.h"
#include "cli/text.h"

struct csv_out {
	FILE *f;
	const struct mailbox *mailbox;
	struct paths paths;
};

/*
 * RFC 4180. Names are strangers' words: one that a spreadsheet would take
 * for a formula begins with an apostrophe.
 */
static void put_text(FILE *f, const char *s)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(1 << 20);

	if (s == NULL || *s == '\0' || text_clean(&b, s) != 0)
		return;
	putc('"', f);
	if (strchr("=+-@", *b.p) != NULL)
		putc('\'', f);
	for (const char *p = b.p; *p != '\0'; p++) {
		if (*p == '"')
			putc('"', f);
		putc(*p, f);
	}
	putc('"', f);
}

static void put_number(FILE *f, uint64_t n)
{
	fprintf(f, ",%" PRIu64, n);
}

static void put_head(FILE *f)
{
	fprintf(f, "row,mailbox,from,to,state,items,moved,already_there,"
	           "left_out,problems,ignored,gone,waiting,complete,bytes,"
	           "uid,date,code,text\r\n");
}

static void put_begin(struct csv_out *x, const char *row, const char *from,
                      const char *to, const char *state)
{
	fputs(row, x->f);
	putc(',', x->f);
	put_text(x->f, x->mailbox->name);
	putc(',', x->f);
	put_text(x->f, from);
	putc(',', x->f);
	put_text(x->f, to);
	putc(',', x->f);
	put_text(x->f, state);
}

static void put_sums(FILE *f, const struct sums *s)
{
	const uint64_t n[] = { s->items,    s->moved,    s->already_there,
		               s->left_out, s->problems, s->ignored,
		               s->gone,     s->waiting };

	for (size_t i = 0; i < sizeof(n) / sizeof(n[0]); i++)
		put_number(f, n[i]);
	fprintf(f, ",%s", s->complete ? "yes" : "no");
	put_number(f, s->bytes);
}

static int put_folder(const struct folder_sums *s, void *arg)
{
	struct csv_out *x = arg;

	put_begin(x, "folder", s->from, s->to,
	          s->left_out != NULL ? "left-out" : NULL);
	put_sums(x->f, &s->sums);
	fputs(",,,,", x->f);
	put_text(x->f, s->left_out);
	fputs("\r\n", x->f);
	return ferror(x->f) ? 1 : 0;
}

static int put_message(struct row *r, void *arg)
{
	struct csv_out *x = arg;
	const struct source_folder *sf =
	        paths_find(&x->paths, r->source_folder);
	struct word date = { "" };

	if (r->m.date.known)
		date = text_time(r->m.date.sec, 0);
	put_begin(x, "message", sf != NULL ? sf->f.path : NULL, NULL,
	          msg_state_name(r->m.state));
	fputs(",,,,,,,,,", x->f);
	put_number(x->f, r->m.size);
	put_number(x->f, r->m.uid);
	fprintf(x->f, ",%s,", date.s);
	if (r->m.why.code != EC_NONE)
		fputs(err_code_name(r->m.why.code), x->f);
	putc(',', x->f);
	put_text(x->f, r->m.why.text);
	fputs("\r\n", x->f);
	return ferror(x->f) ? 1 : 0;
}

static int put_messages(struct csv_out *x, struct store *s, struct err *e)
{
	struct row_where w = { .mailbox = x->mailbox->id,
		               .states = LISTED_STATES };
	int rc = paths_load(&x->paths, s, x->mailbox->id, e);

	if (rc == 0)
		rc = store_rows(s, &w, put_message, x, e);
	paths_release(&x->paths);
	return rc;
}

static int put_mailbox(struct csv_out *x, struct store *s, struct err *e)
{
	const struct mailbox *m = x->mailbox;
	struct sums whole;

	if (report_sums(s, m, &whole, e) != 0)
		return -1;
	put_begin(x, "mailbox", m->from, m->to, cli_state(s, m));
	put_sums(x->f, &whole);
	fputs(",,,,", x->f);
	put_text(x->f, m->last_text);
	fputs("\r\n", x->f);
	if (report_folders(s, m, put_folder, x, &whole, e) != 0)
		return -1;
	return put_messages(x, s, e);
}

int report_csv(FILE *f, struct store *s, const struct mailbox *v, size_t n,
               struct err *e)
{
	struct csv_out x = { .f = f };

	put_head(f);
	for (size_t i = 0; i < n; i++) {
		x.mailbox = &v[i];
		if (put_mailbox(&x, s, e) != 0)
			return ferror(f) ? 0 : -1;
	}
	return 0;
}
