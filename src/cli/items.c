/* SPDX-License-Identifier: Apache-2.0 */
/*
 * items.c - see items.h. Names come from the archive, a stranger's file:
 * each part of a path is made fit, and the way to it is walked without
 * following a link, so that nothing is written but below DIR.
 */
#include "cli/items.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/files.h"
#include "cli/items_name.h"
#include "cli/text.h"
#include "mailhaul/reader.h"
#include "util/clock.h"
#include "util/log.h"

#define OPTION "--items"
#define SAME_NAME_MOST 1000
#define FAILURES_TOLD 20
#define FAILURES_KEPT 100

const struct opt opts_items[] = {
	{ "items", 0, "DIR", 0,
	  "write contacts, appointments, tasks and notes of an Outlook file "
	  "into this folder (.vcf, .ics, .txt)" },
	{ NULL }
};

struct writing {
	struct cli *c;
	const struct account *from;
	const char *who;
	struct items *out;
	int root;   /* DIR */
	int at;     /* the folder of the last file, or -1 */
	char *path; /* its path below DIR */
};

bool items_asked(const struct cli *c)
{
	return opt_given(&c->args, "items");
}

/* --- folders ------------------------------------------------------------- */

static int dir_error(const char *dir, struct err *e)
{
	return err_set(e, ERR_RUN, NEXT_GIVE_UP, EC_INPUT,
	               "The folder named with " OPTION " can't be made or "
	               "opened. Name another.",
	               "%s: %s", dir, strerror(errno));
}

static int make_root(const char *dir)
{
	CLEANUP(free_p) char *above = strdup(dir);
	char *slash;

	if (mkdir(dir, 0700) == 0 || errno == EEXIST)
		return 0;
	slash = above != NULL ? strrchr(above, '/') : NULL;
	if (errno != ENOENT || slash == NULL || slash == above)
		return -1;
	*slash = '\0';
	return make_root(above) != 0 || mkdir(dir, 0700) != 0 ? -1 : 0;
}

/* Makes it if it is not there. -1: e. */
static int open_root(const char *dir, struct err *e)
{
	int fd = -1;

	if (make_root(dir) == 0)
		fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? fd : dir_error(dir, e);
}

/* One level down from fd, which is closed. -1: errno. */
static int step_down(int fd, const char *part, size_t n)
{
	CLEANUP(free_p) char *name = strndup(part, n);
	int next = -1;

	if (name != NULL && (mkdirat(fd, name, 0700) == 0 || errno == EEXIST))
		next = openat(fd, name,
		              O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	close_p(&fd);
	return next;
}

static int enter(struct writing *w, const char *path)
{
	int fd = fcntl(w->root, F_DUPFD_CLOEXEC, 0);

	for (const char *s = path; fd >= 0 && *s != '\0';) {
		size_t n = strcspn(s, "/");

		fd = step_down(fd, s, n);
		s += n + (s[n] == '/');
	}
	return fd;
}

/* A file or a link stands where a folder has to be: of these items only. */
static int in_the_way(struct err *e)
{
	return err_setf(e, ERR_MESSAGE, NEXT_GIVE_UP, EC_EXISTS,
	                "A file or a link stands where its folder has to be. "
	                "Move that away, or name another folder with " OPTION
	                ".");
}

static int open_folder(struct writing *w, struct buf *path, struct err *e)
{
	if (w->at >= 0 && strcmp(w->path, path->p) == 0)
		return 0;
	close_p(&w->at);
	free(w->path);
	w->path = strdup(path->p);
	if (w->path == NULL)
		return err_memory(e);
	w->at = enter(w, w->path);
	if (w->at >= 0)
		return 0;
	return errno == ENOTDIR || errno == ELOOP
	               ? in_the_way(e)
	               : files_error(e, OPTION, path->p);
}

/* --- one item ------------------------------------------------------------ */

static int save(struct writing *w, const char *name, const struct body *body,
                struct err *e)
{
	CLEANUP(buf_release_p) struct buf file = BUF_INIT(4096);

	for (unsigned i = 1; i < SAME_NAME_MOST; i++) {
		int rc;

		if (items_file_name(&file, name, i) != 0)
			return err_memory(e);
		if (files_same(w->at, file.p, body)) {
			w->out->already++;
			return 0;
		}
		rc = files_write(w->at, file.p, body, false, OPTION, e);
		if (rc == 0)
			w->out->written++;
		if (rc <= 0)
			return rc;
	}
	return err_setf(e, ERR_MESSAGE, NEXT_GIVE_UP, EC_EXISTS,
	                "There are too many other files of this name. Name "
	                "another folder with " OPTION ".");
}

static int write_item(struct writing *w, const struct message *m, struct err *e)
{
	CLEANUP(buf_release_p) struct buf path = BUF_INIT(1 << 16);
	const char *name;

	if (items_folder(&path, m->key != NULL ? m->key : "", &name) != 0)
		return err_memory(e);
	if (open_folder(w, &path, e) != 0 || save(w, name, &m->body, e) != 0)
		return -1;
	return others_add(&w->out->kinds, name,
	                  m->keywords != NULL ? m->keywords : "a file") != 0
	               ? err_memory(e)
	               : 0;
}

static void note_failure(struct writing *w, const char *key,
                         const struct err *e)
{
	struct items *x = w->out;

	x->unwritten++;
	if (json_array_size(x->failures) < FAILURES_KEPT) {
		json_t *o = json_object();

		json_object_set_new(o, "key", json_text(key));
		json_object_set_new(o, "error", json_err(e));
		json_array_append_new(x->failures, o);
	}
	if (w->c->json || (x->unwritten > FAILURES_TOLD && !log_on()))
		return;
	talk_warn(&w->c->talk, "%s: %s%s%s", w->who, key ? key : "",
	          key ? ": " : "", e->text);
	if (x->unwritten == FAILURES_TOLD && !log_on())
		talk_warn(&w->c->talk, "%s: --verbose names the others.",
		          w->who);
}

/* -1: nothing more can be written. */
static int one(struct writing *w, const struct reader_ops *ops,
               struct reader *r, struct message *m, struct err *e)
{
	body_init(&m->body, w->from->body_limit, w->from->spool_dir);
	if (!m->hole && ops->take(r, m, e) != 0)
		return -1;
	if (m->hole) {
		note_failure(w, m->key, &m->why);
		return 0;
	}
	if (write_item(w, m, e) == 0)
		return 0;
	if (e->reach > ERR_MESSAGE)
		return -1;
	note_failure(w, m->key, e);
	err_clear(e);
	return 0;
}

/* --- all of them --------------------------------------------------------- */

static int walk(struct writing *w, const struct reader_ops *ops,
                struct reader *r, struct err *e)
{
	const struct walk all = { .bodies = true, .items = true };
	struct walk_found f;
	int got, rc = 0;

	if (ops->walk(r, &all, e) != 0)
		return -1;
	while (rc == 0 && (got = ops->next(r, &f, e)) > 0) {
		if (f.what != FOUND_MESSAGE)
			continue;
		rc = signals_stopped(e) ? -1 : one(w, ops, r, &f.m, e);
		message_release(&f.m);
	}
	if (rc != 0 || got < 0)
		return -1;
	return syncfs(w->root) != 0 ? files_error(e, OPTION, w->out->dir) : 0;
}

int items_write(struct cli *c, const struct account *from, const char *who,
                const char *dir, struct items *out)
{
	struct writing w = { .c = c,
		             .from = from,
		             .who = who,
		             .out = out,
		             .root = -1,
		             .at = -1 };
	const struct reader_ops *ops;
	struct reader *r = NULL;

	*out = (struct items){ .dir = dir, .failures = json_array() };
	ops = reader_find(from, &out->err);
	if (ops != NULL)
		w.root = open_root(dir, &out->err);
	if (w.root >= 0 && ops->open(&r, from, &out->err) == 0)
		(void)walk(&w, ops, r, &out->err);
	if (r != NULL)
		ops->close(&r);
	close_p(&w.root);
	close_p(&w.at);
	free(w.path);
	if (out->err.code != EC_NONE)
		return transfer_exit_code(&out->err);
	return out->unwritten > 0 ? EXIT_PROBLEMS : 0;
}

void items_release(struct items *x)
{
	others_release(&x->kinds);
	json_decref(x->failures);
	x->failures = NULL;
}

/* --- telling ------------------------------------------------------------- */

static int unwritten_words(const struct items *x, const char *space,
                           struct buf *b)
{
	if (x->unwritten == 0)
		return 0;
	return buf_str(b, space) != 0 ||
	                       text_plural(b, x->unwritten, "item", "items") !=
	                               0 ||
	                       buf_str(b, " could not be written.") != 0
	               ? -1
	               : 0;
}

int items_words(const struct items *x, struct buf *b)
{
	uint64_t n = x->written + x->already;

	if (n == 0) {
		if (x->unwritten > 0)
			return unwritten_words(x, "", b);
		return buf_str(b, "There is no contact, appointment, task or "
		                  "note in it: no file was written.");
	}
	if ((x->written > 0 && buf_str(b, "Wrote ") != 0) ||
	    others_list(&x->kinds, OTHERS_ALL, b) != 0 ||
	    buf_str(b, x->written == 0 ? n == 1 ? " is in " : " are in "
	                               : " to ") != 0 ||
	    text_clean(b, x->dir) != 0)
		return -1;
	if (x->written == 0)
		return buf_str(b, " already.") != 0
		               ? -1
		               : unwritten_words(x, " ", b);
	if (x->already > 0 && buf_fmt(b, "; %s of them %s there already",
	                              text_count(x->already).s,
	                              x->already == 1 ? "was" : "were") != 0)
		return -1;
	return buf_chr(b, '.') != 0 ? -1 : unwritten_words(x, " ", b);
}

void items_json(const struct items *x, int code, json_t *o)
{
	json_object_set_new(o, "dir", json_text(x->dir));
	json_object_set_new(o, "kinds", json_others(&x->kinds));
	json_object_set_new(o, "written", json_integer((json_int_t)x->written));
	json_object_set_new(o, "already", json_integer((json_int_t)x->already));
	json_object_set_new(o, "unwritten",
	                    json_integer((json_int_t)x->unwritten));
	json_object_set(o, "failures", x->failures);
	json_object_set_new(o, "exit", json_integer(code));
	json_object_set_new(o, "error", json_err(&x->err));
}

/* --- of mailboxes -------------------------------------------------------- */

static bool is_archive(const struct account *a)
{
	return a->path != NULL && a->host == NULL;
}

static void tell_job(struct cli *c, const char *name, const struct items *x,
                     int code)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(1 << 16);

	if (c->json) {
		json_t *o = json_head("event", "items");

		json_object_set_new(
		        o, "time",
		        json_when((int64_t)(clock_wall_ms() / 1000)));
		json_object_set_new(o, "mailbox", json_text(name));
		items_json(x, code, o);
		json_line(o);
		return;
	}
	if (x->err.code != EC_NONE)
		talk_warn(&c->talk, "mailhaul: %s: %s", name, x->err.text);
	if (!c->quiet && text_clean(&b, name) == 0 && buf_str(&b, ": ") == 0 &&
	    items_words(x, &b) == 0 &&
	    (x->err.code == EC_NONE || x->written > 0))
		printf("%s\n", b.p);
}

static int one_job(struct cli *c, struct job *job, const char *dir,
                   bool several)
{
	const char *name = job->mailbox->name;
	CLEANUP(free_p) char *own = items_below(dir, name);
	struct items x;
	int code;

	if (own == NULL)
		return EXIT_FAULT;
	code = items_write(c, &job->from, name, several ? own : dir, &x);
	tell_job(c, name, &x, code);
	job->items_saved = code == 0;
	items_release(&x);
	return code;
}

static size_t archives(const struct jobs *j)
{
	size_t n = 0;

	for (size_t i = 0; i < j->n; i++)
		n += is_archive(&j->job[i].from);
	return n;
}

int items_ready(struct cli *c, const struct jobs *j)
{
	CLEANUP(close_p) int fd = -1;
	struct err e = { 0 };

	if (!items_asked(c))
		return 0;
	if (archives(j) == 0) {
		talk_warn(&c->talk, "mailhaul: --items writes what an archive "
		                    "holds besides mail, and no source here "
		                    "is one. Leave it out.");
		return EXIT_USAGE;
	}
	fd = open_root(opt_value(&c->args, "items"), &e);
	return fd >= 0 ? 0 : cli_fail(c, &e);
}

int items_of_jobs(struct cli *c, const struct jobs *j)
{
	const char *dir = opt_value(&c->args, "items");
	bool several = archives(j) > 1;
	int code = 0;

	for (size_t i = 0; dir != NULL && i < j->n; i++)
		if (is_archive(&j->job[i].from))
			code = cli_worst(code,
			                 one_job(c, &j->job[i], dir, several));
	fflush(stdout);
	return code;
}
