/* SPDX-License-Identifier: Apache-2.0 */
/* json.c - objects on stdout, one a line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/json.h"
#include "cli/text.h"

#define FLAGS (JSON_COMPACT | JSON_PRESERVE_ORDER)

static FILE *elsewhere;

static FILE *out(void)
{
	return elsewhere != NULL ? elsewhere : stdout;
}

void json_to(FILE *f)
{
	elsewhere = f;
}

json_t *json_head(const char *kind, const char *name)
{
	json_t *o = json_object();

	json_object_set_new(o, "v", json_integer(JSON_VERSION));
	json_object_set_new(o, kind, json_string(name));
	return o;
}

json_t *json_text(const char *s)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(1 << 20);
	json_t *j;

	if (s == NULL)
		return json_null();
	j = json_string(s);
	if (j != NULL)
		return j;
	return text_clean(&b, s) == 0 ? json_string(b.p) : json_null();
}

json_t *json_when(int64_t sec)
{
	time_t t = (time_t)sec;
	char text[40];
	struct tm tm;

	if (sec == 0 || gmtime_r(&t, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return json_null();
	return json_string(text);
}

static void number(json_t *o, const char *key, uint64_t n)
{
	json_object_set_new(o, key, json_integer((json_int_t)n));
}

json_t *json_progress(const struct progress *p)
{
	json_t *o = json_object();

	number(o, "listed", p->listed);
	number(o, "moved", p->moved);
	number(o, "already_there", p->adopted);
	number(o, "left_out", p->left_out);
	number(o, "problems", p->problems);
	number(o, "holes", p->holes);
	number(o, "ignored", p->ignored);
	number(o, "gone_at_destination", p->gone);
	number(o, "left", p->left);
	number(o, "bytes_listed", p->bytes_listed);
	number(o, "bytes_settled", p->bytes_settled);
	number(o, "messages_moved_now", p->messages_moved);
	number(o, "bytes_moved_now", p->bytes_moved);
	json_object_set_new(o, "listing", json_boolean(p->listing));
	return o;
}

void json_sums(json_t *o, const struct sums *s)
{
	number(o, "items", s->items);
	number(o, "moved", s->moved);
	number(o, "already_there", s->already_there);
	number(o, "left_out", s->left_out);
	number(o, "problems", s->problems);
	number(o, "ignored", s->ignored);
	number(o, "gone", s->gone);
	number(o, "waiting", s->waiting);
	json_object_set_new(o, "complete", json_boolean(s->complete));
	json_object_set_new(o, "adds_up",
	                    json_boolean(s->items == sums_accounted(s)));
	number(o, "not_in_source", s->departed);
	number(o, "folders_left_out", s->folders_left_out);
}

json_t *json_other(const struct other_kind *k)
{
	json_t *o = json_object();

	json_object_set_new(o, "what", json_text(k->what));
	number(o, "count", k->count);
	number(o, "items", k->items);
	return o;
}

json_t *json_others(const struct others *o)
{
	json_t *v = json_array();

	for (size_t i = 0; i < o->n; i++)
		json_array_append_new(v, json_other(&o->v[i]));
	return v;
}

json_t *json_err(const struct err *e)
{
	json_t *o;

	if (e == NULL || e->code == EC_NONE)
		return json_null();
	o = json_object();
	json_object_set_new(o, "code", json_string(err_code_name(e->code)));
	json_object_set_new(o, "text", json_text(e->text));
	json_object_set_new(o, "detail", json_text(e->detail));
	return o;
}

static void dump(json_t *object)
{
	char *s = json_dumps(object, FLAGS);

	if (s != NULL)
		fputs(s, out());
	free(s);
	json_decref(object);
}

void json_line(json_t *object)
{
	dump(object);
	putc('\n', out());
	fflush(out());
}

static void comma(struct json_list *l)
{
	if (l != NULL && !l->first)
		putc(',', out());
	if (l != NULL)
		l->first = false;
}

void json_open_in(struct json_list *outer, struct json_list *l, json_t *head,
                  const char *name)
{
	char *s = json_dumps(head, FLAGS);

	*l = (struct json_list){ .outer = outer, .first = true };
	comma(outer);
	if (s == NULL || json_object_size(head) == 0)
		fprintf(out(), "{\"%s\":[", name);
	else
		fprintf(out(), "%.*s,\"%s\":[", (int)strlen(s) - 1, s, name);
	free(s);
	json_decref(head);
}

void json_open(struct json_list *l, json_t *head, const char *name)
{
	json_open_in(NULL, l, head, name);
}

void json_item(struct json_list *l, json_t *object)
{
	comma(l);
	dump(object);
}

static void print_tail(json_t *tail)
{
	char *s = json_dumps(tail, FLAGS);

	if (s != NULL && json_object_size(tail) > 0)
		fprintf(out(), ",%s", s + 1);
	else
		putc('}', out());
	free(s);
	json_decref(tail);
}

void json_close(struct json_list *l, json_t *tail)
{
	putc(']', out());
	print_tail(tail);
	if (l->outer != NULL)
		return;
	putc('\n', out());
	fflush(out());
}

void json_also(struct json_list *l, const char *name)
{
	putc(']', out());
	fprintf(out(), ",\"%s\":[", name);
	l->first = true;
}
