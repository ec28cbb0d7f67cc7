/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph_state.c - flags, keywords and dates as Graph has them.
 *
 * \Seen is isRead, \Flagged is flag, \Draft is isDraft (which only creation
 * decides), keywords are categories. \Answered and $Forwarded are the verb
 * that a person last used, PidTagLastVerbExecuted 0x1081, and so can't both
 * be kept: \Answered wins.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "mime/graph_ids.h"
#include "mime/keywords.h"
#include "util/buf.h"
#include "writer/graph_writer.h"

#define FORWARDED "$Forwarded"
#define VERB_REPLIED_ALL "103"
#define ICON_NONE "-1"
#define CATEGORY_MOST 255
#define KEYWORDS_MOST 65536

/* --- addresses ------------------------------------------------------------ */

static char *path_of(const struct graph *g, const char *what, const char *id,
                     const char *rest)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(1 << 20);
	char *escaped CLEANUP(free_p) = http_escape(id);

	if (!escaped ||
	    buf_fmt(&b, "%s/%s/%s%s", graph_user(g), what, escaped, rest))
		return NULL;
	return buf_take(&b);
}

char *graph_copy_path(const struct graph *g, const char *copy, const char *rest)
{
	return path_of(g, "messages", copy, rest);
}

char *graph_folder_path(const struct graph *g, const char *folder,
                        const char *rest)
{
	return path_of(g, "mailFolders", folder, rest);
}

int graph_add_expand(struct buf *b)
{
	char *source CLEANUP(free_p) = http_escape(GRAPH_ID_SOURCE);
	char *verb CLEANUP(free_p) = http_escape(GRAPH_ID_VERB);

	if (!source || !verb)
		return -1;
	return buf_fmt(b,
	               "$expand=singleValueExtendedProperties($filter=id%%20eq"
	               "%%20'%s'%%20or%%20id%%20eq%%20'%s')",
	               source, verb);
}

char *graph_state_path(const struct graph *g, const char *copy,
                       const char *more)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(1 << 20);

	if (buf_fmt(&b, "?$select=" GRAPH_SELECT_STATE "%s&", more) ||
	    graph_add_expand(&b))
		return NULL;
	return graph_copy_path(g, copy, b.p);
}

/* --- members of an answer ------------------------------------------------- */

const char *graph_text(const json_t *item, const char *name)
{
	return json_string_value(json_object_get(item, name));
}

const char *graph_property(const json_t *item, const char *id)
{
	json_t *list = json_object_get(item, "singleValueExtendedProperties");
	json_t *p;
	size_t i;

	json_array_foreach(list, i, p)
	{
		const char *name = graph_text(p, "id");

		if (name && strcasecmp(name, id) == 0)
			return graph_text(p, "value");
	}
	return NULL;
}

static bool take_digits(const char **at, int n, int *out)
{
	for (*out = 0; n > 0; n--, (*at)++) {
		if (**at < '0' || **at > '9')
			return false;
		*out = *out * 10 + (**at - '0');
	}
	return true;
}

bool graph_time_of(const char *text, int64_t *sec)
{
	static const char between[] = "--T::";
	static const int digits[] = { 4, 2, 2, 2, 2, 2 };
	struct tm tm = { 0 };
	int v[6];

	for (size_t i = 0; text && i < 6; i++) {
		if (!take_digits(&text, digits[i], &v[i]) ||
		    (i < 5 && *text++ != between[i]))
			return false;
	}
	if (!text || v[1] < 1 || v[1] > 12 || v[2] < 1 || v[2] > 31 ||
	    v[3] > 23 || v[4] > 59 || v[5] > 60)
		return false;
	if (*text == '.')
		text += 1 + strspn(text + 1, "0123456789");
	if (strcmp(text, "Z") != 0)
		return false;
	tm.tm_year = v[0] - 1900;
	tm.tm_mon = v[1] - 1;
	tm.tm_mday = v[2];
	tm.tm_hour = v[3];
	tm.tm_min = v[4];
	tm.tm_sec = v[5];
	*sec = timegm(&tm);
	return true;
}

bool graph_id_of(const json_t *item, struct graph_id *out)
{
	const char *text = graph_property(item, GRAPH_ID_SOURCE);

	return text && graph_id_parse(text, out);
}

/* --- keywords ------------------------------------------------------------- */

static bool is_forwarded(const char *word, size_t n)
{
	return n == sizeof(FORWARDED) - 1 &&
	       strncasecmp(word, FORWARDED, n) == 0;
}

/* What '$' begins is for programs, and would be a label to people. */
static bool is_category(const char *word, size_t n)
{
	json_t *text;

	if (word[0] == '$' || n > CATEGORY_MOST || memchr(word, ',', n) ||
	    memchr(word, ';', n))
		return false;
	text = json_stringn(word, n); /* UTF-8 only */
	json_decref(text);
	return text != NULL;
}

int graph_keywords(const char *list, unsigned flags, char **out, struct err *e)
{
	const char *at = list, *word;
	size_t n;

	*out = NULL;
	while ((word = keywords_next(&at, &n))) {
		bool forwarded =
		        is_forwarded(word, n) && !(flags & MAIL_ANSWERED);

		if (!forwarded && !is_category(word, n))
			continue;
		if (keywords_add(out, forwarded ? FORWARDED : word, n,
		                 KEYWORDS_MOST))
			return err_memory(e);
	}
	return 0;
}

static int add_category(char **list, const char *name)
{
	char *word CLEANUP(free_p) = keywords_word(name);

	if (!word)
		return -1;
	return *word ? keywords_add(list, word, strlen(word), KEYWORDS_MOST)
	             : 0;
}

/* --- state ---------------------------------------------------------------- */

static unsigned flags_of(const json_t *item, const char *verb)
{
	const char *status =
	        graph_text(json_object_get(item, "flag"), "flagStatus");
	unsigned flags = 0;

	if (json_is_true(json_object_get(item, "isRead")))
		flags |= MAIL_SEEN;
	if (json_is_true(json_object_get(item, "isDraft")))
		flags |= MAIL_DRAFT;
	if (status && strcmp(status, "flagged") == 0)
		flags |= MAIL_FLAGGED;
	if (verb && (strcmp(verb, GRAPH_VERB_REPLIED) == 0 ||
	             strcmp(verb, VERB_REPLIED_ALL) == 0))
		flags |= MAIL_ANSWERED;
	return flags;
}

int graph_state_of(const json_t *item, struct message *m, struct err *e)
{
	const char *verb = graph_property(item, GRAPH_ID_VERB);
	json_t *category;
	size_t i;

	m->flags = flags_of(item, verb);
	free(m->keywords);
	m->keywords = NULL;
	json_array_foreach(json_object_get(item, "categories"), i, category)
	{
		const char *name = json_string_value(category);

		if (name && add_category(&m->keywords, name))
			return err_memory(e);
	}
	if (verb && strcmp(verb, GRAPH_VERB_FORWARDED) == 0 &&
	    keywords_add(&m->keywords, FORWARDED, sizeof(FORWARDED) - 1,
	                 KEYWORDS_MOST))
		return err_memory(e);
	return 0;
}

int graph_add_property(json_t *body, const char *id, const char *value)
{
	json_t *list = json_object_get(body, "singleValueExtendedProperties");

	if (!list) {
		list = json_array();
		if (json_object_set_new(body, "singleValueExtendedProperties",
		                        list))
			return -1;
	}
	return json_array_append_new(
	        list, json_pack("{s:s, s:s}", "id", id, "value", value));
}

static int add_verb(json_t *body, unsigned flags, const char *keywords)
{
	const char *at = keywords, *word;
	const char *verb = "0", *icon = ICON_NONE;
	size_t n;

	while ((word = keywords_next(&at, &n)))
		if (is_forwarded(word, n)) {
			verb = GRAPH_VERB_FORWARDED;
			icon = GRAPH_ICON_FORWARDED;
		}
	if (flags & MAIL_ANSWERED) {
		verb = GRAPH_VERB_REPLIED;
		icon = GRAPH_ICON_REPLIED;
	}
	return graph_add_property(body, GRAPH_ID_VERB, verb) ||
	       graph_add_property(body, GRAPH_ID_ICON, icon);
}

json_t *graph_state_body(unsigned flags, const char *keywords, bool verb)
{
	json_t *categories = json_array(), *body;
	const char *at = keywords, *word;
	size_t n;
	bool failed = !categories;

	while ((word = keywords_next(&at, &n))) {
		char *name CLEANUP(free_p) = keywords_label(word, n);

		if (!is_forwarded(word, n))
			failed |= !name ||
			          json_array_append_new(categories,
			                                json_string(name)) != 0;
	}
	body = json_pack("{s:b, s:{s:s}, s:o}", "isRead",
	                 (flags & MAIL_SEEN) != 0, "flag", "flagStatus",
	                 flags & MAIL_FLAGGED ? "flagged" : "notFlagged",
	                 "categories", categories);
	if (body && !failed && verb)
		failed = add_verb(body, flags, keywords) != 0;
	if (!failed)
		return body;
	json_decref(body);
	return NULL;
}
