/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options_json.c - the options of a mailbox as the store keeps them.
 *
 *   {"exclude":["Spam"],"max-size":"10M","since":"2024-01-31",
 *    "since-seconds":1706655600,"compress":true}
 *
 * Names are those of the command line. A date is kept with its second,
 * because a later run may stand in another time zone.
 */
#include "plan/options.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "util/buf.h"

static void json_decref_p(json_t **j)
{
	json_decref(*j);
}

static json_t *list_json(const struct string_list *l)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < l->n; i++)
		if (json_array_append_new(array, json_string(l->v[i]))) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static json_t *date_json(json_t *all, const struct options *o,
                         const struct option_def *d)
{
	CLEANUP(buf_release_p) struct buf name = BUF_INIT(0);
	const char *text = *OPTION_IN(o, d->text_at, char *);
	int64_t when = *OPTION_IN(o, d->at, int64_t);

	if (buf_fmt(&name, "%s-seconds", d->name) ||
	    json_object_set_new(all, name.p, json_integer(when)))
		return NULL;
	return json_string(text ? text : "");
}

static json_t *value_json(json_t *all, const struct options *o,
                          const struct option_def *d)
{
	switch (d->kind) {
	case OPT_GLOBS:
	case OPT_MAPS:
		return list_json(OPTION_IN(o, d->at, struct string_list));
	case OPT_FOLDER:
	case OPT_TEXT:
	case OPT_PIN:
	case OPT_TENANT:
	case OPT_GUID:
	case OPT_CLOUD:
		return json_string(*OPTION_IN(o, d->at, char *));
	case OPT_DATE:
		return date_json(all, o, d);
	case OPT_SIZE:
	case OPT_RATE:
		return json_string(
		        plan_size_text(*OPTION_IN(o, d->at, uint64_t)));
	case OPT_LANES:
		return json_integer(o->lanes);
	case OPT_ORDER:
		return json_string(o->oldest_first ? "oldest" : "newest");
	case OPT_FLAG:
		return json_boolean(*OPTION_IN(o, d->at, bool));
	case OPT_REPAIR:
	case OPT_NO_REPAIR:
		return json_boolean(o->repair == REPAIR_REFUSED);
	}
	return NULL;
}

static int all_json(json_t *all, const struct options *o)
{
	for (size_t i = 0; i < option_defs_n; i++) {
		const struct option_def *d = &option_defs[i];

		if (d->kind == OPT_NO_REPAIR || !option_is_set(o, d))
			continue;
		if (json_object_set_new(all, d->name, value_json(all, o, d)))
			return -1;
	}
	if (o->csv)
		return json_object_set_new(all, "csv", json_string(o->csv));
	return 0;
}

char *options_json(const struct options *o)
{
	CLEANUP(json_decref_p) json_t *all = json_object();

	if (!all || all_json(all, o))
		return NULL;
	return json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS);
}

/* --- and back ---------------------------------------------------------- */

static int damaged(struct err *e, const char *name)
{
	return err_set(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_STORE_DAMAGED,
	               "The settings that the job store keeps for this "
	               "mailbox can't be read. They were changed by hand or "
	               "written by a newer mailhaul: add the mailbox again, "
	               "or use the newer one.",
	               "options JSON: %.100s", name);
}

static int set_json(struct options *o, const char *name, const json_t *v,
                    struct err *e)
{
	CLEANUP(buf_release_p) struct buf number = BUF_INIT(0);

	if (json_is_string(v))
		return options_set(o, name, json_string_value(v), e);
	if (json_is_boolean(v))
		return options_set(o, name, json_is_true(v) ? "yes" : "no", e);
	if (!json_is_integer(v))
		return damaged(e, name);
	if (buf_fmt(&number, "%" JSON_INTEGER_FORMAT, json_integer_value(v)))
		return err_memory(e);
	return options_set(o, name, number.p, e);
}

static int list_from_json(struct options *o, const struct option_def *d,
                          const json_t *array, struct err *e)
{
	size_t n = json_array_size(array);

	o->given |= d->bit;
	for (size_t i = 0; i < n; i++)
		if (set_json(o, d->name, json_array_get(array, i), e))
			return -1;
	return 0;
}

static int one_from_json(struct options *o, const char *name, const json_t *v,
                         struct err *e)
{
	const struct option_def *d = option_find(name);
	bool list = d && (d->kind == OPT_GLOBS || d->kind == OPT_MAPS);

	if (!strcmp(name, "since-seconds") || !strcmp(name, "before-seconds"))
		return json_is_integer(v) ? 0 : damaged(e, name);
	if (!strcmp(name, "csv") && json_is_string(v)) {
		free(o->csv);
		o->csv = strdup(json_string_value(v));
		return o->csv ? 0 : err_memory(e);
	}
	if (!d)
		return damaged(e, name);
	if (list)
		return json_is_array(v) ? list_from_json(o, d, v, e)
		                        : damaged(e, name);
	return set_json(o, name, v, e);
}

/* The second that was meant when the option was given. */
static void dates_from_json(struct options *o, const json_t *all)
{
	const json_t *since = json_object_get(all, "since-seconds");
	const json_t *before = json_object_get(all, "before-seconds");

	if (since && o->since != OPT_NO_DATE)
		o->since = json_integer_value(since);
	if (before && o->before != OPT_NO_DATE)
		o->before = json_integer_value(before);
}

static int all_from_json(struct options *o, json_t *all, struct err *e)
{
	const char *name;
	json_t *v;

	json_object_foreach(all, name, v)
	{
		if (one_from_json(o, name, v, e))
			return -1;
	}
	dates_from_json(o, all);
	return 0;
}

int options_from_json(struct options *o, const char *json, struct err *e)
{
	CLEANUP(json_decref_p) json_t *all = NULL;
	json_error_t at;
	struct options now;

	options_init(&now);
	if (!json || !*json)
		json = "{}";
	all = json_loads(json, JSON_REJECT_DUPLICATES, &at);
	if (!json_is_object(all))
		return damaged(e, "not an object");
	if (all_from_json(&now, all, e)) {
		options_release(&now);
		return -1;
	}
	options_release(o);
	*o = now;
	return 0;
}
