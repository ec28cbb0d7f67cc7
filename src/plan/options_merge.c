/* SPDX-License-Identifier: Apache-2.0 */
/* options_merge.c - lists of strings, and one set of options over another. */
#include "plan/options.h"

#include <stdlib.h>
#include <string.h>

int string_list_add(struct string_list *l, const char *s)
{
	char *copy = strdup(s);
	char **v = copy ? realloc(l->v, (l->n + 1) * sizeof(*v)) : NULL;

	if (!v) {
		free(copy);
		return -1;
	}
	l->v = v;
	l->v[l->n++] = copy;
	return 0;
}

void string_list_release(struct string_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	memset(l, 0, sizeof(*l));
}

bool string_list_copy(struct string_list *to, const struct string_list *from)
{
	memset(to, 0, sizeof(*to));
	for (size_t i = 0; i < from->n; i++)
		if (string_list_add(to, from->v[i]))
			return false;
	return true;
}

/* A caller may have set a field without options_set. */
bool option_is_set(const struct options *o, const struct option_def *d)
{
	if (o->given & d->bit)
		return true;
	switch (d->kind) {
	case OPT_GLOBS:
	case OPT_MAPS:
		return OPTION_IN(o, d->at, struct string_list)->n > 0;
	case OPT_FOLDER:
	case OPT_TEXT:
	case OPT_PIN:
	case OPT_TENANT:
	case OPT_GUID:
	case OPT_CLOUD:
		return *OPTION_IN(o, d->at, char *) != NULL;
	case OPT_DATE:
		return *OPTION_IN(o, d->at, int64_t) != OPT_NO_DATE;
	case OPT_SIZE:
	case OPT_RATE:
		return *OPTION_IN(o, d->at, uint64_t) != 0;
	case OPT_LANES:
		return o->lanes != 0;
	case OPT_ORDER:
	case OPT_FLAG:
		return *OPTION_IN(o, d->at, bool);
	case OPT_REPAIR:
	case OPT_NO_REPAIR:
		return o->repair != REPAIR_REFUSED;
	}
	return false;
}

static int merge_text(char **to, const char *from)
{
	char *copy = from ? strdup(from) : NULL;

	if (from && !copy)
		return -1;
	free(*to);
	*to = copy;
	return 0;
}

static int merge_list(struct string_list *to, const struct string_list *from)
{
	struct string_list copy;

	if (!string_list_copy(&copy, from)) {
		string_list_release(&copy);
		return -1;
	}
	string_list_release(to);
	*to = copy;
	return 0;
}

static int merge_one(struct options *o, const struct options *over,
                     const struct option_def *d)
{
	switch (d->kind) {
	case OPT_GLOBS:
	case OPT_MAPS:
		return merge_list(OPTION_AT(o, d->at, struct string_list),
		                  OPTION_IN(over, d->at, struct string_list));
	case OPT_FOLDER:
	case OPT_TEXT:
	case OPT_PIN:
	case OPT_TENANT:
	case OPT_GUID:
	case OPT_CLOUD:
		return merge_text(OPTION_AT(o, d->at, char *),
		                  *OPTION_IN(over, d->at, char *));
	case OPT_DATE:
		*OPTION_AT(o, d->at, int64_t) =
		        *OPTION_IN(over, d->at, int64_t);
		return merge_text(OPTION_AT(o, d->text_at, char *),
		                  *OPTION_IN(over, d->text_at, char *));
	case OPT_SIZE:
	case OPT_RATE:
		*OPTION_AT(o, d->at, uint64_t) =
		        *OPTION_IN(over, d->at, uint64_t);
		return 0;
	case OPT_LANES:
		o->lanes = over->lanes;
		return 0;
	case OPT_ORDER:
	case OPT_FLAG:
		*OPTION_AT(o, d->at, bool) = *OPTION_IN(over, d->at, bool);
		return 0;
	case OPT_REPAIR:
	case OPT_NO_REPAIR:
		o->repair = over->repair;
		return 0;
	}
	return -1;
}

/* A password's new place ends the old one, of whatever kind it was. */
static void drop_text(struct options *o, char **text, const char *name)
{
	free(*text);
	*text = NULL;
	o->given &= ~option_find(name)->bit;
}

static void drop_rivals(struct options *o, const struct options *over)
{
	if (over->from_password_file && !over->from_password_command)
		drop_text(o, &o->from_password_command,
		          "from-password-command");
	if (over->from_password_command && !over->from_password_file)
		drop_text(o, &o->from_password_file, "from-password-file");
	if (over->to_password_file && !over->to_password_command)
		drop_text(o, &o->to_password_command, "to-password-command");
	if (over->to_password_command && !over->to_password_file)
		drop_text(o, &o->to_password_file, "to-password-file");
	if (over->client_secret_file && !over->client_certificate)
		drop_text(o, &o->client_certificate, "client-certificate");
	if (over->client_certificate && !over->client_secret_file)
		drop_text(o, &o->client_secret_file, "client-secret-file");
}

int options_merge(struct options *o, const struct options *over)
{
	drop_rivals(o, over);
	for (size_t i = 0; i < option_defs_n; i++)
		if (option_is_set(over, &option_defs[i])) {
			if (merge_one(o, over, &option_defs[i]))
				return -1;
			o->given |= option_defs[i].bit;
		}
	return over->csv ? merge_text(&o->csv, over->csv) : 0;
}
