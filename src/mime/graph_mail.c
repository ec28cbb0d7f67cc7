/* SPDX-License-Identifier: Apache-2.0 */
/* graph_mail.c - see graph_mail.h. */
#include "mime/graph_mail.h"

#include <stdlib.h>
#include <string.h>

#include "mime/graph_int.h"
#include "mime/graph_mime.h"
#include "mime/graph_words.h"
#include "util/utf8.h"

#define MESSAGE_ID_MOST 995

static int count_piece(const char *p, size_t n, void *arg, struct err *e)
{
	*(uint64_t *)arg += n;
	return 0;
}

/* The fields that are asked for more than once. */
static int read_fields(struct graph_mail *g, struct err *e)
{
	const char *subject = g->parts.field[FIELD_SUBJECT];
	const char *id = g->parts.field[FIELD_MESSAGE_ID];
	size_t n = 0;

	g->subject = graph_words(subject ? subject : "");
	if (!g->subject)
		return err_memory(e);
	for (const char *p = g->subject; *p; p++)
		n += ((unsigned char)*p & 0xc0) != 0x80;
	if (n > GRAPH_SUBJECT_MOST)
		g->losses |= LOSS_SUBJECT;
	if (!id || !*id || strlen(id) > MESSAGE_ID_MOST)
		return 0;
	g->message_id = graph_clean(id);
	return g->message_id ? 0 : err_memory(e);
}

static int read_files(struct graph_mail *g, struct err *e)
{
	g->order = calloc(g->file_n + 1, sizeof(struct graph_file *));
	if (!g->order)
		return err_memory(e);
	for (size_t i = 0; i < g->file_n; i++) {
		struct graph_file *f = &g->file[i];

		if (graph_mime_decode(g->b, &g->parts.v[f->part], count_piece,
		                      &f->size, e))
			return -1;
		err_clear(e);
		f->name = graph_file_name(g, f->part, i + 1, e);
		if (!f->name)
			return e->code ? -1 : err_memory(e);
	}
	return 0;
}

static int read_all(struct graph_mail *g, struct err *e)
{
	if (graph_parts_scan(&g->parts, g->b, e) || read_fields(g, e) ||
	    graph_roles(g, e) || read_files(g, e))
		return -1;
	return graph_cids(g, e);
}

static int note_add(struct buf *b, const char *sentence)
{
	return (b->n && buf_chr(b, ' ')) || buf_str(b, sentence) ? -1 : 0;
}

static const struct {
	enum graph_loss loss;
	const char *sentence;
} sentences[] = {
	{ LOSS_SIGNED, "Its digital signature can no longer be verified, "
	               "because Microsoft 365 stores mail in a form of its "
	               "own." },
	{ LOSS_SMIME, "It is encrypted or signed with S/MIME and is kept as "
	              "the attachment smime.p7m." },
	{ LOSS_ENCRYPTED, "It is encrypted and its parts are kept as "
	                  "attachments." },
	{ LOSS_SUBJECT, "Its subject is cut to 255 characters." },
	{ LOSS_HEADER, "Of its very long header only the first 60,000 octets "
	               "are kept." },
	{ LOSS_WHOLE, "It has more parts than can be shown and is kept whole "
	              "as an attachment." },
	{ LOSS_JOINED, "Its several HTML texts are joined into one." },
};

static int write_note(struct graph_mail *g, struct err *e)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	int r = 0;

	for (size_t i = 0; i < sizeof(sentences) / sizeof(*sentences); i++)
		if (g->losses & sentences[i].loss)
			r |= note_add(&b, sentences[i].sentence);
	if (g->nameless == 1)
		r |= note_add(&b, "One sender or recipient has no valid "
		                  "address and keeps only the name.");
	else if (g->nameless)
		r |= buf_fmt(&b,
		             "%s%zu senders and recipients have no "
		             "valid address and keep only their names.",
		             b.n ? " " : "", g->nameless);
	if (b.n && r == 0)
		g->note = buf_take(&b);
	return r || (b.n && !g->note) ? err_memory(e) : 0;
}

int graph_mail_open(struct graph_mail **out, const struct body *b,
                    struct err *e)
{
	struct graph_mail *g = calloc(1, sizeof(*g));

	*out = g;
	if (!g)
		return err_memory(e);
	g->b = b;
	if (read_all(g, e) == 0) {
		graph_mail_plan(g, GRAPH_REQUEST_MOST);
		if (write_note(g, e) == 0)
			return 0;
	}
	graph_mail_close(out);
	return -1;
}

void graph_mail_close(struct graph_mail **g)
{
	if (!*g)
		return;
	graph_shape_release(&(*g)->parts);
	for (size_t i = 0; i < (*g)->file_n; i++)
		free((*g)->file[i].name);
	free((*g)->file);
	free((*g)->order);
	free((*g)->text);
	free((*g)->subject);
	free((*g)->message_id);
	free((*g)->note);
	free(*g);
	*g = NULL;
}

/* The attachment's JSON but for its octets. */
static void file_head(struct graph_mail *g, const struct graph_file *f,
                      struct graph_out *o)
{
	const struct graph_part *p = &g->parts.v[f->part];

	graph_out_raw(o, "{\"@odata.type\":"
	                 "\"#microsoft.graph.fileAttachment\",\"name\":");
	graph_out_string(o, f->name);
	graph_out_raw(o, ",\"contentType\":");
	graph_out_string(o, p->type);
	graph_out_raw(o, f->is_inline ? ",\"isInline\":true"
	                              : ",\"isInline\":false");
	if (p->cid) {
		graph_out_raw(o, ",\"contentId\":");
		graph_out_string(o, p->cid);
	}
	graph_out_raw(o, ",\"contentBytes\":\"");
}

static uint64_t file_room(struct graph_mail *g, const struct graph_file *f)
{
	struct graph_out o;

	graph_out_begin(&o, NULL, NULL);
	file_head(g, f, &o);
	graph_out_base64_count(&o, f->size);
	graph_out_raw(&o, "\"},");
	graph_out_end(&o);
	return o.n;
}

static int by_size(const void *a, const void *b)
{
	const struct graph_file *x = *(struct graph_file *const *)a;
	const struct graph_file *y = *(struct graph_file *const *)b;

	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* The small ones stand in the JSON as long as all fits. */
static void place(struct graph_mail *g, uint64_t room)
{
	for (size_t i = 0; i < g->file_n; i++)
		g->order[i] = &g->file[i];
	qsort(g->order, g->file_n, sizeof(struct graph_file *), by_size);
	g->apart_n = 0;
	for (size_t i = 0; i < g->file_n; i++) {
		struct graph_file *f = g->order[i];
		uint64_t need = file_room(g, f);

		f->apart = need > room || f->size > GRAPH_INLINE_MOST;
		if (f->apart)
			g->apart_n++;
		else
			room -= need;
	}
}

enum graph_obstacle graph_mail_plan(struct graph_mail *g, uint64_t request_most)
{
	struct graph_out o;
	struct err e = { 0 };
	uint64_t need;

	graph_out_begin(&o, NULL, &e);
	graph_message(g, NULL, &o);
	graph_out_raw(&o, ",\"attachments\":[]}");
	graph_out_end(&o);
	need = o.n + GRAPH_FACTS_ROOM;
	/* What could not be read will be told by graph_mail_json(). */
	if (!o.failed && need > request_most)
		return GRAPH_BODY_TOO_BIG;
	place(g, o.failed ? 0 : request_most - need);
	for (size_t i = 0; i < g->file_n; i++)
		if (g->file[i].size > GRAPH_SESSION_MOST)
			return GRAPH_ATTACHMENT_TOO_BIG;
	return GRAPH_FITS;
}

static int base64_piece(const char *p, size_t n, void *arg, struct err *e)
{
	struct graph_out *o = arg;

	graph_out_base64(o, p, n);
	return o->failed ? -1 : 0;
}

static void files(struct graph_mail *g, struct graph_out *o)
{
	bool any = false;

	for (size_t i = 0; i < g->file_n && !o->failed; i++) {
		const struct graph_file *f = &g->file[i];

		if (f->apart)
			continue;
		graph_out_raw(o, any ? "," : ",\"attachments\":[");
		any = true;
		file_head(g, f, o);
		if (graph_mime_decode(g->b, &g->parts.v[f->part], base64_piece,
		                      o, o->e))
			o->failed = true;
		graph_out_base64_end(o);
		graph_out_raw(o, "\"}");
	}
	graph_out_raw(o, any ? "]" : "");
}

int graph_mail_json(struct graph_mail *g, const struct graph_facts *f,
                    struct body *out, struct err *e)
{
	struct graph_out o;

	graph_out_begin(&o, out, e);
	graph_message(g, f, &o);
	files(g, &o);
	graph_out_raw(&o, "}");
	return graph_out_end(&o);
}

size_t graph_mail_apart(const struct graph_mail *g)
{
	return g->apart_n;
}

static const struct graph_file *apart(const struct graph_mail *g, size_t i)
{
	const struct graph_file *f = g->file;

	while (!f->apart || i--)
		f++;
	return f;
}

void graph_mail_attachment(const struct graph_mail *g, size_t i,
                           struct graph_attachment *a)
{
	const struct graph_file *f = apart(g, i);
	const struct graph_part *p = &g->parts.v[f->part];

	a->name = f->name;
	a->type = p->type;
	a->content_id = p->cid;
	a->is_inline = f->is_inline;
	a->size = f->size;
}

static int append_piece(const char *p, size_t n, void *arg, struct err *e)
{
	return body_append(arg, p, n, e);
}

int graph_mail_octets(struct graph_mail *g, size_t i, struct body *out,
                      struct err *e)
{
	return graph_mime_decode(g->b, &g->parts.v[apart(g, i)->part],
	                         append_piece, out, e);
}

size_t graph_mail_attachments(const struct graph_mail *g)
{
	return g->file_n;
}

const char *graph_mail_note(const struct graph_mail *g)
{
	return g->note;
}

const char *graph_mail_message_id(const struct graph_mail *g)
{
	return g->message_id;
}
