/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph_message.c - the JSON of a message, m365.md C.4 (a), with the names
 * and types of graph-v1.0-mail.csdl.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "mime/graph_charset.h"
#include "mime/graph_ids.h"
#include "mime/graph_int.h"
#include "mime/graph_words.h"
#include "mime/header.h"
#include "mime/keywords.h"
#include "util/utf8.h"

#define DAY 86400
#define YEAR_2100 4102444800LL

struct people {
	struct graph_out *o;
	size_t n, nameless;
	bool one;
};

static void key(struct graph_out *o, const char *name)
{
	graph_out_raw(o, ",\"");
	graph_out_raw(o, name);
	graph_out_raw(o, "\":");
}

static void text_member(struct graph_out *o, const char *name,
                        const char *value)
{
	key(o, name);
	graph_out_string(o, value);
}

static int person(const char *name, const char *address, void *arg)
{
	struct people *p = arg;

	graph_out_raw(p->o,
	              p->n++ ? ",{\"emailAddress\":{" : "{\"emailAddress\":{");
	if (name) {
		graph_out_raw(p->o, "\"name\":");
		graph_out_string(p->o, name);
	}
	if (address) {
		graph_out_raw(p->o, name ? ",\"address\":" : "\"address\":");
		graph_out_string(p->o, address);
	}
	p->nameless += !address;
	graph_out_raw(p->o, "}}");
	return p->one || p->o->failed;
}

static int any_person(const char *name, const char *address, void *arg)
{
	return 1;
}

static bool has_people(const char *raw)
{
	return raw && graph_people(raw, any_person, NULL) == 1;
}

/* one: a single recipient, not a list. */
static void people(struct graph_mail *g, struct graph_out *o, const char *name,
                   enum graph_field field, bool one)
{
	const char *raw = g->parts.field[field];
	struct people p = { .o = o, .one = one };

	if (!has_people(raw))
		return;
	key(o, name);
	graph_out_raw(o, one ? "" : "[");
	if (graph_people(raw, person, &p) < 0)
		o->failed = err_memory(o->e) < 0;
	graph_out_raw(o, one ? "" : "]");
	g->nameless += p.nameless;
}

static void all_people(struct graph_mail *g, struct graph_out *o)
{
	bool from = has_people(g->parts.field[FIELD_FROM]);
	bool sender = has_people(g->parts.field[FIELD_SENDER]);

	g->nameless = 0;
	people(g, o, "from", from ? FIELD_FROM : FIELD_SENDER, true);
	/* Without one Exchange would put the owner of the mailbox there. */
	people(g, o, "sender", sender ? FIELD_SENDER : FIELD_FROM, true);
	people(g, o, "toRecipients", FIELD_TO, false);
	people(g, o, "ccRecipients", FIELD_CC, false);
	people(g, o, "bccRecipients", FIELD_BCC, false);
	people(g, o, "replyTo", FIELD_REPLY_TO, false);
}

static bool begins(const char *s, const char *with)
{
	return strncasecmp(s, with, strlen(with)) == 0;
}

/* The first of the fields that says one of the known words decides. */
static const char *importance(const struct graph_mail *g)
{
	static const enum graph_field said[] = { FIELD_IMPORTANCE,
		                                 FIELD_X_PRIORITY,
		                                 FIELD_MS_PRIORITY,
		                                 FIELD_PRIORITY };

	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		const char *v = g->parts.field[said[i]];

		if (!v)
			continue;
		if (begins(v, "high") || begins(v, "urgent") || *v == '1' ||
		    *v == '2')
			return "high";
		if (begins(v, "low") || begins(v, "non-urgent") || *v == '4' ||
		    *v == '5')
			return "low";
		if (begins(v, "normal") || *v == '3')
			return "normal";
	}
	return "normal";
}

static void body_member(struct graph_mail *g, struct graph_out *o)
{
	key(o, "body");
	graph_out_raw(o, g->html ? "{\"contentType\":\"html\",\"content\":\""
	                         : "{\"contentType\":\"text\",\"content\":\"");
	graph_body(g, o);
	graph_out_raw(o, "\"}");
}

static void property_start(struct graph_out *o, const char *id)
{
	graph_out_raw(o, o->last == '[' ? "{\"id\":\"" : ",{\"id\":\"");
	o->last = '\0';
	graph_out_raw(o, id);
	graph_out_raw(o, "\",\"value\":\"");
}

static void property(struct graph_out *o, const char *id, const char *value)
{
	property_start(o, id);
	graph_out_text(o, value, strlen(value));
	graph_out_raw(o, "\"}");
	o->last = '\0';
}

/* A field's own words: cut in front, where References are oldest. */
static void field_property(struct graph_mail *g, struct graph_out *o,
                           const char *id, enum graph_field field)
{
	const char *raw = g->parts.field[field];
	char *value CLEANUP(free_p) = raw ? graph_clean(raw) : NULL;
	const char *p = value;

	if (!raw)
		return;
	if (!value) {
		o->failed = err_memory(o->e) < 0;
		return;
	}
	if (strlen(p) > GRAPH_VALUE_MOST)
		p += strlen(p) - GRAPH_VALUE_MOST;
	if (p != value)
		p += strcspn(p, "<");
	if (*p)
		property(o, id, p);
}

/* A day after the epoch at least: clocks that were never set say less. */
static bool sane(const struct mail_date *d)
{
	return d->known && d->sec >= DAY && d->sec < YEAR_2100;
}

static void date_property(struct graph_out *o, const char *id,
                          const struct mail_date *d)
{
	time_t sec = (time_t)d->sec;
	char text[32];
	struct tm tm;

	if (!sane(d) || !gmtime_r(&sec, &tm))
		return;
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	property(o, id, text);
}

static struct mail_date field_date(const char *raw)
{
	struct mail_date d = { 0 };

	if (!raw || !header_date(raw, strlen(raw), &d))
		d.known = false;
	return d;
}

static void dates(struct graph_mail *g, const struct graph_facts *f,
                  struct graph_out *o)
{
	const char *top = g->parts.field[FIELD_RECEIVED];
	const char *stamp = top ? strrchr(top, ';') : NULL;
	struct mail_date sent = field_date(g->parts.field[FIELD_DATE]);
	struct mail_date got = { 0 };

	if (f)
		got = f->date;
	if (!sane(&got))
		got = field_date(stamp ? stamp + 1 : NULL);
	if (!sane(&got))
		got = sent;
	date_property(o, GRAPH_ID_RECEIVED, &got);
	date_property(o, GRAPH_ID_SENT, sane(&sent) ? &sent : &got);
}

/* Where the header's octets end that are kept: between two fields. */
static uint64_t header_end(struct graph_mail *g, struct err *e)
{
	const struct graph_part *root = g->parts.v;
	uint64_t from = root->head, end = root->text;
	char *p CLEANUP(free_p) = NULL;
	ssize_t n;

	if (end - from <= GRAPH_HEADER_MOST)
		return end;
	g->losses |= LOSS_HEADER;
	p = malloc(GRAPH_HEADER_MOST + 1);
	n = p ? body_read(g->b, from, p, GRAPH_HEADER_MOST + 1, e) : -1;
	for (ssize_t i = n - 1; i > 1; i--)
		if (p[i - 1] == '\n' && p[i] != ' ' && p[i] != '\t')
			return from + (uint64_t)i;
	return from + GRAPH_HEADER_MOST;
}

static int header_piece(const char *p, size_t n, void *arg, struct err *e)
{
	struct graph_out *o = arg;

	graph_out_text(o, p, n);
	return o->failed ? -1 : 0;
}

/* The block is read as UTF-8 or, octet by octet, windows-1252. */
static void header_property(struct graph_mail *g, struct graph_out *o)
{
	struct graph_part block = { .type = (char *)(uintptr_t) "" };

	if (g->losses & LOSS_WHOLE)
		return;
	block.text = g->parts.v->head;
	block.end = header_end(g, o->e);
	if (block.end == block.text)
		return;
	property_start(o, GRAPH_ID_HEADER);
	if (!o->failed &&
	    graph_charset_part(g->b, &block, header_piece, o, o->e))
		o->failed = true;
	graph_out_raw(o, "\"}");
	o->last = '\0';
}

static bool word_is(const char *w, size_t n, const char *name)
{
	return n == strlen(name) && strncasecmp(w, name, n) == 0;
}

static bool has_keyword(const char *list, const char *name)
{
	const char *at = list, *w;
	size_t n;

	while ((w = keywords_next(&at, &n)))
		if (word_is(w, n, name))
			return true;
	return false;
}

static void facts_properties(const struct graph_facts *f, struct graph_out *o)
{
	int flags = (f->flags & MAIL_SEEN ? GRAPH_FLAG_READ : 0) |
	            (f->flags & MAIL_DRAFT ? GRAPH_FLAG_UNSENT : 0);
	char digit[2] = { (char)('0' + flags), '\0' };

	property(o, GRAPH_ID_FLAGS, digit);
	if (f->flags & MAIL_ANSWERED) {
		property(o, GRAPH_ID_VERB, GRAPH_VERB_REPLIED);
		property(o, GRAPH_ID_ICON, GRAPH_ICON_REPLIED);
	} else if (has_keyword(f->categories, "$Forwarded")) {
		property(o, GRAPH_ID_VERB, GRAPH_VERB_FORWARDED);
		property(o, GRAPH_ID_ICON, GRAPH_ICON_FORWARDED);
	}
	if (f->source_id)
		property(o, GRAPH_ID_SOURCE, f->source_id);
}

static void properties(struct graph_mail *g, const struct graph_facts *f,
                       struct graph_out *o)
{
	key(o, "singleValueExtendedProperties");
	graph_out_raw(o, "[");
	o->last = '[';
	if (f)
		facts_properties(f, o);
	if (g->smime)
		property(o, GRAPH_ID_CLASS, GRAPH_CLASS_SMIME);
	dates(g, f, o);
	if (g->message_id)
		property(o, GRAPH_ID_MESSAGE_ID, g->message_id);
	field_property(g, o, GRAPH_ID_REFERENCES, FIELD_REFERENCES);
	field_property(g, o, GRAPH_ID_IN_REPLY_TO, FIELD_IN_REPLY_TO);
	header_property(g, o);
	graph_out_raw(o, "]");
}

/* Keywords of IMAP's own are no categories. */
static void categories(const char *list, struct graph_out *o)
{
	const char *at = list, *w;
	size_t n, total = 0;
	bool any = false;

	while ((w = keywords_next(&at, &n))) {
		char *word CLEANUP(free_p) = NULL;

		total += n;
		if (*w == '$' || *w == '\\' || total > GRAPH_CATEGORIES_MOST)
			continue;
		word = keywords_label(w, n);
		if (!word || !utf8_valid(word))
			continue;
		if (!any)
			key(o, "categories");
		graph_out_raw(o, any ? "," : "[");
		graph_out_string(o, word);
		any = true;
	}
	graph_out_raw(o, any ? "]" : "");
}

static void facts_members(const struct graph_facts *f, struct graph_out *o)
{
	key(o, "isRead");
	graph_out_raw(o, f->flags & MAIL_SEEN ? "true" : "false");
	if (f->flags & MAIL_FLAGGED) {
		key(o, "flag");
		graph_out_raw(o, "{\"flagStatus\":\"flagged\"}");
	}
	categories(f->categories, o);
}

void graph_message(struct graph_mail *g, const struct graph_facts *f,
                   struct graph_out *o)
{
	graph_out_raw(o, "{\"subject\":");
	graph_out_string(o, g->subject);
	all_people(g, o);
	if (g->message_id)
		text_member(o, "internetMessageId", g->message_id);
	text_member(o, "importance", importance(g));
	if (f)
		facts_members(f, o);
	properties(g, f, o);
	body_member(g, o);
}
