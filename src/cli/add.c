/* SPDX-License-Identifier: Apache-2.0 */
/* add.c - puts one mailbox into the store, or finds it there. */
#include <stdlib.h>
#include <string.h>

#include "cli/add.h"
#include "cli/jobs.h"
#include "cli/text.h"
#include "util/buf.h"

int add_find(struct store *s, const struct mailbox *m,
             const struct mailbox *all, size_t n, size_t *i, struct err *e)
{
	int64_t id = 0;

	if (store_mailbox_find(s, m->from, m->to_key, &id, e) != 0)
		return -1;
	for (*i = 0; *i < n; (*i)++)
		if (id != 0 && all[*i].id == id)
			return 0;
	return 0;
}

int add_merge(struct store *s, const struct mailbox *m,
              const struct options *over, struct err *e)
{
	CLEANUP(free_p) char *json = NULL;
	struct options o;
	int rc;

	options_init(&o);
	rc = options_from_json(&o, m->options, e);
	if (rc == 0 &&
	    (options_merge(&o, over) != 0 || (json = options_json(&o)) == NULL))
		rc = err_memory(e);
	if (rc == 0 && strcmp(json, m->options) != 0)
		rc = store_mailbox_options(s, m->id, json, e);
	options_release(&o);
	return rc;
}

static int taken(const struct mailbox *m, const char *is, struct err *e)
{
	return err_setf(e, ERR_RUN, NEXT_GIVE_UP, EC_INPUT,
	                "This mailbox is in the job store already, and is "
	                "called '%.80s' there, not '%.80s'. Leave --name away "
	                "to go on with it.",
	                is, m->name);
}

static int add_or_find(struct store *s, struct mailbox *m,
                       const struct options *o, bool *known, char **name,
                       const struct mailbox *all, size_t n, struct err *e)
{
	size_t i;

	if (add_find(s, m, all, n, &i, e) != 0)
		return -1;
	*known = i < n;
	if (*known) {
		if (m->name != NULL && strcmp(all[i].name, m->name) != 0)
			return taken(m, all[i].name, e);
		*name = strdup(all[i].name);
		return *name == NULL ? err_memory(e)
		                     : add_merge(s, &all[i], o, e);
	}
	if (store_mailbox_add(s, m, 1, e) != 0)
		return -1;
	*name = strdup(m->name);
	return *name != NULL ? 0 : err_memory(e);
}

int add_one(struct store *s, struct mailbox *m, const struct options *o,
            bool *known, char **name, struct err *e)
{
	struct mailbox *all = NULL;
	size_t n = 0;
	int rc;

	if (store_mailboxes(s, NULL, 0, &all, &n, e) != 0)
		return -1;
	rc = add_or_find(s, m, o, known, name, all, n, e);
	mailboxes_free(&all, n);
	return rc;
}

/* --- A destination with several sources --- */

static const char *key_of(const struct mailbox *all, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(all[i].name, name) == 0)
			return all[i].to_key;
	return NULL;
}

/* One that began and found nothing, a misspelt file, is nobody's partner. */
static int is_partner(struct store *s, const struct mailbox *m, bool *is,
                      struct err *e)
{
	struct progress p = { 0 };

	if (store_progress(s, m->id, &p, e) != 0)
		return -1;
	*is = m->started == 0 || p.listed > 0;
	return 0;
}

static int take_partner(struct store *s, const struct mailbox *m,
                        struct string_list *out, struct err *e)
{
	bool is;

	if (is_partner(s, m, &is, e) != 0)
		return -1;
	return is && string_list_add(out, m->name) != 0 ? err_memory(e) : 0;
}

int add_partners(struct store *s, const char *name, struct string_list *out,
                 struct err *e)
{
	struct mailbox *all = NULL;
	const char *key;
	size_t n = 0;
	int rc = store_mailboxes(s, NULL, 0, &all, &n, e);

	key = rc == 0 ? key_of(all, n, name) : NULL;
	for (size_t i = 0; key != NULL && rc == 0 && i < n; i++)
		if (strcmp(all[i].name, name) != 0 &&
		    strcmp(all[i].to_key, key) == 0)
			rc = take_partner(s, &all[i], out, e);
	mailboxes_free(&all, n);
	return rc;
}

#define NAMED 3

int add_joins_words(struct buf *b, const char *name,
                    const struct string_list *partners)
{
	if (partners->n == 0)
		return buf_str(b, "");
	if (buf_chr(b, '\'') != 0 || text_clean(b, name) != 0 ||
	    buf_str(b, "' joins ") != 0)
		return -1;
	for (size_t i = 0; i < partners->n && i < NAMED; i++)
		if (buf_str(b, i > 0 ? ", '" : "'") != 0 ||
		    text_clean(b, partners->v[i]) != 0 || buf_chr(b, '\'') != 0)
			return -1;
	if (partners->n > NAMED &&
	    buf_fmt(b, " and %s more", text_count(partners->n - NAMED).s))
		return -1;
	return buf_str(b, ", filling the same mailbox: what came from there is "
	                  "recognised and not copied again.");
}
