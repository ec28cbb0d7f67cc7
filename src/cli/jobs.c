/* SPDX-License-Identifier: Apache-2.0 */
/* jobs.c - from rows of the store to jobs of the engine, and back. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/jobs.h"
#include "cli/view.h"
#include "util/buf.h"
#include "util/clock.h"

#define BODY_LIMIT (1u << 20) /* a longer message goes to the spool */

/* malloc'd, NULL: memory. */
static char *absolute(const char *path)
{
	CLEANUP(free_p) char *cwd = NULL;
	struct buf b = BUF_INIT(1 << 16);

	if (*path == '/' || (cwd = getcwd(NULL, 0)) == NULL)
		return strdup(path);
	while (strncmp(path, "./", 2) == 0)
		path += 2 + strspn(path + 2, "/");
	if (buf_fmt(&b, "%s%s%s", strcmp(cwd, "/") == 0 ? "" : cwd,
	            strcmp(path, ".") == 0 ? "" : "/",
	            strcmp(path, ".") == 0 ? "" : path) != 0) {
		buf_release(&b);
		return NULL;
	}
	return buf_take(&b);
}

static int make_absolute(char **path, struct err *e)
{
	char *p;

	if (*path == NULL || **path == '/')
		return 0;
	p = absolute(*path);
	if (p == NULL)
		return err_memory(e);
	free(*path);
	*path = p;
	return 0;
}

int options_absolute(struct options *o, struct err *e)
{
	if (make_absolute(&o->ca_file, e) != 0 ||
	    make_absolute(&o->from_password_file, e) != 0 ||
	    make_absolute(&o->client_secret_file, e) != 0 ||
	    make_absolute(&o->client_certificate, e) != 0)
		return -1;
	return make_absolute(&o->to_password_file, e);
}

/* The locator, with an archive's path made absolute. */
static char *locator_of(const struct account *a)
{
	CLEANUP(free_p) char *path = NULL;
	struct buf b = BUF_INIT(1 << 16);
	size_t scheme;

	if (a->path == NULL || a->host != NULL)
		return strdup(a->locator);
	path = absolute(a->path);
	scheme = strlen(a->locator) - strlen(a->path);
	if (path == NULL || a->kind == KIND_PATH ||
	    strlen(a->locator) < strlen(a->path) ||
	    strcmp(a->locator + scheme, a->path) != 0)
		return a->kind == KIND_PATH && path != NULL
		               ? strdup(path)
		               : strdup(a->locator);
	if (buf_add(&b, a->locator, scheme) != 0 || buf_str(&b, path) != 0) {
		buf_release(&b);
		return NULL;
	}
	return buf_take(&b);
}

static int same_ends(const struct account *from, struct err *e)
{
	return err_setf(e, ERR_RUN, NEXT_GIVE_UP, EC_INPUT,
	                "FROM and TO are the same mailbox (%.120s). Name two "
	                "different ones.",
	                from->locator);
}

static int fill(struct mailbox *m, const struct account *from,
                const struct account *to, const char *name,
                const struct options *o, struct err *e)
{
	if (account_same(from, to))
		return same_ends(from, e);
	*m = (struct mailbox){ .last_exit = -1 };
	m->from = strdup(from->locator);
	m->to = strdup(to->locator);
	m->to_key = account_key(to);
	m->name = name != NULL ? strdup(name) : NULL;
	m->options = options_json(o);
	if (m->from == NULL || m->to == NULL || m->to_key == NULL ||
	    (name != NULL && m->name == NULL) || m->options == NULL) {
		mailbox_release(m);
		return err_memory(e);
	}
	return 0;
}

/* account_parse, with an archive's path made absolute. */
static int parse(struct account *a, const char *locator, bool is_from,
                 struct err *e)
{
	CLEANUP(free_p) char *whole = NULL;

	if (account_parse(a, locator, is_from, e) != 0)
		return -1;
	whole = locator_of(a);
	if (whole == NULL)
		return err_memory(e);
	account_release(a);
	return account_parse(a, whole, is_from, e);
}

int mailbox_fill(struct mailbox *m, const char *from, const char *to,
                 const char *name, const struct options *o, struct err *e)
{
	struct account a = { 0 }, b = { 0 };
	int rc = parse(&a, from, true, e);

	if (rc == 0)
		rc = parse(&b, to, false, e);
	if (rc == 0)
		rc = fill(m, &a, &b, name, o, e);
	account_release(&a);
	account_release(&b);
	return rc;
}

static int merge(struct store *s, struct mailbox *m, struct options *o,
                 const struct options *over, struct err *e)
{
	CLEANUP(free_p) char *json = NULL;

	if (over == NULL)
		return 0;
	if (options_merge(o, over) != 0)
		return err_memory(e);
	json = options_json(o);
	if (json == NULL)
		return err_memory(e);
	if (m->options != NULL && strcmp(json, m->options) == 0)
		return 0;
	return store_mailbox_options(s, m->id, json, e);
}

/* A run tells its waits as events; other commands here. */
static void say_waits(void *arg, const char *what, uint64_t until_ms)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(4096);

	if (until_ms != 0 &&
	    view_wait(&b, until_ms, what, clock_wall_ms()) == 0)
		talk_say(arg, "%s", b.p);
}

static void wire(struct account *a, struct secret *secret, struct vault *v,
                 const struct options *o, const char *name)
{
	a->ca_file = o->ca_file;
	a->pin = o->pin;
	a->allow_cleartext = o->allow_cleartext;
	a->compress = o->compress;
	a->body_limit = BODY_LIMIT;
	a->unpack_winmail = o->unpack_winmail;
	a->cancel = v->stop;
	a->waiting = say_waits;
	a->waiting_arg = v->talk;
	secret_init(secret, v, a, o, name);
	a->secret = secret_find;
	a->secret_arg = secret;
}

static int load_one(struct jobs *j, size_t i, struct store *s, struct vault *v,
                    const struct options *over, struct err *e)
{
	struct mailbox *m = &j->mailbox[i];
	struct job *job = &j->job[i];
	struct options *o = &j->options[i];

	options_init(o);
	job->mailbox = m;
	job->options = o;
	if (options_from_json(o, m->options, e) != 0 ||
	    merge(s, m, o, over, e) != 0 ||
	    account_parse(&job->from, m->from, true, e) != 0 ||
	    account_parse(&job->to, m->to, false, e) != 0)
		return -1;
	wire(&job->from, &j->secret[2 * i], v, o, m->name);
	wire(&job->to, &j->secret[2 * i + 1], v, o, m->name);
	if (m365_wire(&j->m365[2 * i], &job->from, o, v, e) != 0)
		return -1;
	return m365_wire(&j->m365[2 * i + 1], &job->to, o, v, e);
}

static int make_room(struct jobs *j, struct err *e)
{
	j->job = calloc(j->n + 1, sizeof(*j->job));
	j->options = calloc(j->n + 1, sizeof(*j->options));
	j->secret = calloc(2 * j->n + 1, sizeof(*j->secret));
	j->m365 = calloc(2 * j->n + 1, sizeof(*j->m365));
	if (j->job == NULL || j->options == NULL || j->secret == NULL ||
	    j->m365 == NULL)
		return err_memory(e);
	return 0;
}

int jobs_load(struct jobs *j, struct store *s, struct vault *v,
              const char *const *names, size_t n, const struct options *over,
              struct err *e)
{
	*j = (struct jobs){ 0 };
	if (store_mailboxes(s, names, n, &j->mailbox, &j->n, e) != 0)
		return -1;
	if (make_room(j, e) != 0)
		return -1;
	for (size_t i = 0; i < j->n; i++)
		if (load_one(j, i, s, v, over, e) != 0)
			return -1;
	return 0;
}

void jobs_release(struct jobs *j)
{
	/* A handle may be shared by several and use what the first lent. */
	for (size_t i = 0; j->m365 != NULL && i < 2 * j->n; i++)
		oauth_put(&j->m365[i].oauth);
	for (size_t i = 0; j->m365 != NULL && i < 2 * j->n; i++)
		m365_release(&j->m365[i]);
	for (size_t i = 0; i < j->n; i++) {
		if (j->job != NULL) {
			account_release(&j->job[i].from);
			account_release(&j->job[i].to);
		}
		if (j->options != NULL)
			options_release(&j->options[i]);
		if (j->secret != NULL) {
			secret_release(&j->secret[2 * i]);
			secret_release(&j->secret[2 * i + 1]);
		}
	}
	free(j->job);
	free(j->options);
	free(j->secret);
	free(j->m365);
	mailboxes_free(&j->mailbox, j->n);
	*j = (struct jobs){ 0 };
}
