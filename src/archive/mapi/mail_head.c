/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail_head.c - the header of a message ([MS-OXCMAIL] 2.2). Transport
 * headers are kept field by field, as they were received; what is no field,
 * or tells of the MIME that there was, is left away. What is missing then
 * is made of properties.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "archive/mapi/mail_int.h"
#include "mime/header.h"
#include "mime/mix.h"
#include "mime/sha256.h"

#define HEAD_MOST (512u << 10)
#define UTF8_MOST 4  /* octets of a character */
#define NAME_MOST 76 /* a longer one has no room in its line */
#define OWN_DOMAIN "mailhaul.invalid"
#define KEY_OCTETS 32

enum {
	H_FROM = 1 << 0,
	H_SENDER = 1 << 1,
	H_REPLY_TO = 1 << 2,
	H_TO = 1 << 3,
	H_CC = 1 << 4,
	H_BCC = 1 << 5,
	H_SUBJECT = 1 << 6,
	H_DATE = 1 << 7,
	H_ID = 1 << 8,
	H_RECEIVED = 1 << 9,
	H_OTHER = 1 << 10,
	H_IN_REPLY_TO = 1 << 11,
	H_REFERENCES = 1 << 12,
	H_IMPORTANCE = 1 << 13,
	H_SENSITIVITY = 1 << 14,
	H_THREAD = 1 << 15,
	H_CLASS = 1 << 16,
	/* Not kept. */
	H_MIME = 1 << 17,
	H_TYPE = 1 << 18
};

static const struct known {
	const char *name;
	unsigned bit;
	bool people;
} known[] = {
	{ "From", H_FROM, true },
	{ "Received", H_RECEIVED, false },
	{ "Sender", H_SENDER, true },
	{ "Reply-To", H_REPLY_TO, true },
	{ "To", H_TO, true },
	{ "Cc", H_CC, true },
	{ "Bcc", H_BCC, true },
	{ "Subject", H_SUBJECT, false },
	{ "Date", H_DATE, false },
	{ "Message-ID", H_ID, false },
	{ "In-Reply-To", H_IN_REPLY_TO, false },
	{ "References", H_REFERENCES, false },
	{ "Importance", H_IMPORTANCE, false },
	{ "X-Priority", H_IMPORTANCE, false },
	{ "Sensitivity", H_SENSITIVITY, false },
	{ "Thread-Topic", H_THREAD, false },
	{ "Thread-Index", H_THREAD, false },
	/* These two are of the message, not of its MIME. */
	{ "Content-Class", H_CLASS, false },
	{ "Content-Language", H_OTHER, false },
	{ "Content-Type", H_TYPE, false },
	{ "MIME-Version", H_MIME, false },
	{ "Resent-From", H_OTHER, true },
	{ "Resent-To", H_OTHER, true },
	{ "Resent-Cc", H_OTHER, true },
	{ "Disposition-Notification-To", H_OTHER, true },
	{ "Return-Receipt-To", H_OTHER, true },
};

struct heads {
	struct mail_msg *g;
	unsigned seen;
	struct buf b; /* the field so far, lines joined by CRLF */
	bool plain;   /* it can go out as it is */
	bool ended;
};

static const struct known *known_of(const char *p, size_t n)
{
	static const struct known other = { "", H_OTHER, false },
	                          content = { "", H_MIME, false };

	for (size_t i = 0; n && i < sizeof(known) / sizeof(*known); i++)
		if ((p[0] | ' ') == (known[i].name[0] | ' ') &&
		    header_is(p, n, known[i].name))
			return &known[i];
	return n > 8 && strncasecmp(p, "content-", 8) == 0 ? &content : &other;
}

/* Unfolded, and without control characters. */
static void rewrite(struct heads *h, const struct known *k)
{
	struct field *f = &h->g->a->field;
	char name[NAME_MOST + 1], *p = h->b.p;
	size_t n = h->b.n, to = 0, len = strcspn(p, ":"), skip = len + 1;

	while (len && (p[len - 1] == ' ' || p[len - 1] == '\t'))
		len--;
	len = len < NAME_MOST ? len : NAME_MOST;
	memcpy(name, p, len);
	name[len] = '\0';
	while (skip < n && strchr(" \t\r\n", p[skip]))
		skip++;
	for (size_t i = skip; i < n; i++) {
		if (p[i] == '\r' || p[i] == '\n')
			continue;
		p[to++] =
		        (unsigned char)p[i] < ' ' || p[i] == 0x7f ? ' ' : p[i];
	}
	while (to && p[to - 1] == ' ')
		to--;
	field_begin(f, name);
	if (k->people && !mime_ascii(p, to))
		mail_people_text(f, p, to);
	else
		field_text(f, p, to, false);
	field_end(f, &h->g->a->out);
}

/* Nobody can sort by a date that nobody can read, nor by two. */
static bool keep_date(struct heads *h)
{
	struct mail_date d;
	size_t n;
	const char *v = header_value(h->b.p, h->b.n, &n);

	if (h->seen & H_DATE)
		return false;
	if (v && header_date(v, n, &d))
		return true;
	mail_note(h->g->a, "Its date line could not be understood and was "
	                   "written anew.");
	return false;
}

static void keep_type(struct heads *h)
{
	size_t n;
	const char *v = header_value(h->b.p, h->b.n, &n);

	if (v && !h->g->type)
		h->g->type = strndup(v, n);
}

static void flush(struct heads *h)
{
	struct mime_out *out = &h->g->a->out;
	const struct known *k;

	if (!h->b.n)
		return;
	k = known_of(h->b.p, h->b.n);
	if (k->bit == H_TYPE)
		keep_type(h);
	if (k->bit < H_MIME && (k->bit != H_DATE || keep_date(h))) {
		h->seen |= k->bit;
		if (h->plain) {
			mime_put(out, h->b.p, h->b.n);
			mime_put(out, "\r\n", 2);
		} else {
			rewrite(h, k);
		}
	}
	buf_clear(&h->b);
}

/* A name of printable ASCII and a colon: RFC 5322 2.2. */
static bool is_field(const char *p, size_t n, bool *blanks)
{
	size_t i = 0;

	while (i < n && p[i] > ' ' && p[i] < 0x7f && p[i] != ':')
		i++;
	if (i == 0 || i > NAME_MOST)
		return false;
	*blanks = i < n && p[i] != ':';
	while (i < n && (p[i] == ' ' || p[i] == '\t'))
		i++;
	return i < n && p[i] == ':';
}

static bool line_plain(const char *p, size_t n)
{
	return n <= MIME_LINE_MOST && mime_printable(p, n);
}

static int keep_line(struct heads *h, const char *between, const char *p,
                     size_t n)
{
	h->plain = h->plain && line_plain(p, n);
	return buf_str(&h->b, between) || buf_add(&h->b, p, n) ? -1 : 0;
}

static bool all_blank(const char *p, size_t n)
{
	while (n && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	return n == 0;
}

static int take_line(struct heads *h, const char *p, size_t n)
{
	bool blanks;

	if (n == 0 || all_blank(p, n)) {
		/* What follows may tell of the parts of the body. */
		if (n == 0 && h->b.n)
			flush(h);
		h->ended = n == 0 && h->seen & (H_FROM | H_DATE);
		return 0;
	}
	if (p[0] == ' ' || p[0] == '\t')
		return h->b.n ? keep_line(h, "\r\n", p, n) : 0;
	if (is_field(p, n, &blanks)) {
		flush(h);
		h->plain = !blanks;
		return keep_line(h, "", p, n);
	}
	/* A line that lost its blank; but not what mailboxes put between
	 * messages, nor boundaries. */
	if (!h->b.n || strncmp(p, "From ", 5) == 0 ||
	    strncmp(p, ">From ", 6) == 0 || strncmp(p, "--", 2) == 0)
		return 0;
	return keep_line(h, "\r\n ", p, n);
}

/* Where c stands next, at p or behind; end: nowhere. at is where it was
 * found last. */
static const char *next(const char *at, const char *p, const char *end, char c)
{
	if (at && at >= p)
		return at;
	at = memchr(p, c, (size_t)(end - p));
	return at ? at : end;
}

/* A CR alone ends a line too, and more than one before an LF is one. */
static int take_lines(struct heads *h, const char *p, size_t n)
{
	const char *end = p + n, *cr = NULL, *lf = NULL, *stop;

	while (p < end && !h->ended) {
		bool fed;

		cr = next(cr, p, end, '\r');
		lf = next(lf, p, end, '\n');
		stop = cr < lf ? cr : lf;
		n = (size_t)(stop - p);
		while (stop < end && *stop == '\r')
			stop++;
		fed = stop < end && *stop == '\n';
		if ((n || fed) && take_line(h, p, n))
			return -1;
		p = stop + fed;
	}
	flush(h);
	return 0;
}

static unsigned transport(struct mail_msg *g)
{
	struct heads h = { .g = g, .b = BUF_INIT(HEAD_MOST * 2) };
	char *text CLEANUP(free_p) =
	        mapi_text(g->o, PID_TRANSPORT_HEADERS, HEAD_MOST);
	size_t n = text ? strlen(text) : 0;

	if (n + UTF8_MOST > HEAD_MOST)
		mail_in_part(g->a, "Its header is longer than can be written.");
	if (text && take_lines(&h, text, n))
		g->a->out.failed = true;
	buf_release(&h.b);
	return h.seen;
}

/* --- of properties -------------------------------------------------------- */

static void people_field(struct mail_msg *g, const char *name,
                         const struct person *p)
{
	struct field *f = &g->a->field;

	field_begin(f, name);
	person_add(f, p, true);
	field_end(f, &g->a->out);
}

static void senders(struct mail_msg *g, bool sender_too)
{
	struct person from = { 0 }, sender = { 0 };
	bool have = mail_from(g, &from);

	if (have)
		people_field(g, "From", &from);
	if (have && sender_too && mail_sender(g, &sender) &&
	    strcasecmp(sender.address, from.address) != 0)
		people_field(g, "Sender", &sender);
	person_release(&from);
	person_release(&sender);
}

static void date(struct mail_msg *g)
{
	static const uint16_t ids[] = { PID_SUBMIT_TIME, PID_DELIVERY_TIME,
		                        PID_REPORT_TIME, PID_CREATED };
	struct field *f = &g->a->field;
	struct mail_date d = { 0 };

	for (size_t i = 0; i < 4 && !d.known; i++)
		d = mapi_date(g->o, ids[i]);
	if (!d.known)
		return;
	field_begin(f, "Date");
	field_date(f, &d);
	field_end(f, &g->a->out);
}

static void subject(struct mail_msg *g)
{
	char *text CLEANUP(free_p) = mail_subject(g->o);

	if (text)
		field_write(&g->a->field, &g->a->out, "Subject", text);
}

/* The first <...> of printable ASCII in text, in place; NULL: none. */
static char *id_of(char *text)
{
	char *from = text ? strchr(text, '<') : NULL;
	size_t n = 1;

	if (!from)
		return NULL;
	while (from[n] > ' ' && from[n] < 0x7f && from[n] != '>' &&
	       from[n] != '<')
		n++;
	if (from[n] != '>' || n < 2 || n > MIME_LINE_MOST - 80)
		return NULL;
	from[n + 1] = '\0';
	return from;
}

static bool any_octet(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return true;
	return false;
}

/* What another copy of the file, or an export made anew, has as well: the
 * search key stays ([MS-OXCPRPT] 2.2.1.9). Some programs give all messages
 * the same one. False: there is none. */
static bool search_key(struct mail_msg *g, unsigned char to[KEY_OCTETS])
{
	char *text CLEANUP(free_p) = mail_subject(g->o);
	struct mail_date d = mapi_date(g->o, PID_SUBMIT_TIME);
	struct mapi_value v;
	uint64_t subject;

	if (mapi_get(g->o, PID_SEARCH_KEY, &v) != 1 || !v.p ||
	    v.type != MAPI_BINARY || v.n < 16 || !any_octet(v.p, 16))
		return false;
	subject = text ? mix_of(text, strlen(text)) : 0;
	memcpy(to, v.p, 16);
	memcpy(to + 16, &d.sec, 8);
	memcpy(to + 24, &subject, 8);
	return true;
}

/* The same at each run, or a second run would double the message. */
static void own_id(struct mail_msg *g, char *out, size_t room)
{
	const struct mapi_origin *from = &g->a->m->origin;
	unsigned char in[KEY_OCTETS + 8] = { 0 }, hash[SHA256_OCTETS];
	bool lasting = search_key(g, in);
	int n = 0;

	if (!lasting) {
		memcpy(in, from->store, 16);
		memcpy(in + 16, &from->nid, 4);
	}
	memcpy(in + KEY_OCTETS, &g->path, 8);
	sha256_of(in, sizeof(in), hash);
	n = snprintf(out, room, "<");
	for (int i = 0; i < 12; i++)
		n += snprintf(out + n, room - (size_t)n, "%02x", hash[i]);
	snprintf(out + n, room - (size_t)n, ".%x@" OWN_DOMAIN ">",
	         lasting ? 0 : (unsigned)from->nid);
}

static void message_id(struct mail_msg *g)
{
	char *text CLEANUP(free_p) = mapi_text(g->o, PID_MESSAGE_ID, 2000);
	char own[96], *id = id_of(text);

	if (!id) {
		own_id(g, own, sizeof(own));
		id = own;
	}
	field_write_ids(&g->a->field, &g->a->out, "Message-ID", id);
}

static void ids(struct mail_msg *g, const char *name, uint16_t id)
{
	char *text CLEANUP(free_p) = mapi_text(g->o, id, 0);

	if (text && strchr(text, '<'))
		field_write_ids(&g->a->field, &g->a->out, name, text);
}

static void importance(struct mail_msg *g)
{
	int64_t v = mapi_number(g->o, PID_IMPORTANCE, 1);

	if (v == 0)
		mime_str(&g->a->out, "Importance: low\r\nX-Priority: 5\r\n");
	if (v == 2)
		mime_str(&g->a->out, "Importance: high\r\nX-Priority: 1\r\n");
}

static void sensitivity(struct mail_msg *g)
{
	static const char *const words[] = { NULL, "Personal", "Private",
		                             "Company-Confidential" };
	struct mime_out *out = &g->a->out;
	int64_t v = mapi_number(g->o, PID_SENSITIVITY, 0);

	if (v > 0 && v < 4) {
		mime_str(out, "Sensitivity: ");
		mime_str(out, words[v]);
		mime_str(out, "\r\n");
	}
}

static void thread(struct mail_msg *g)
{
	char *topic CLEANUP(free_p) = mapi_text(g->o, PID_TOPIC, 2000);
	struct mapi_value v;
	struct mime_code c;

	if (topic)
		field_write(&g->a->field, &g->a->out, "Thread-Topic", topic);
	/* 22 octets, and five for each answer: [MS-OXOMSG] 2.2.1.3. */
	if (mapi_get(g->o, PID_CONVERSATION, &v) != 1 || !v.p ||
	    v.type != MAPI_BINARY || v.n < 22 || v.n > 600)
		return;
	mime_str(&g->a->out, "Thread-Index: ");
	for (size_t at = 0; at < v.n; at += 45) {
		size_t n = v.n - at < 45 ? v.n - at : 45;

		mime_str(&g->a->out, at ? "\r\n " : "");
		mime_code_begin(&c, &g->a->out, MIME_BASE64, false);
		c.in.data(&c.in, v.p + at, n);
		mime_code_end(&c);
	}
	mime_str(&g->a->out, "\r\n");
}

/* By it others know again what only they can show: protected mail, voice. */
static void class(struct mail_msg *g)
{
	char *text CLEANUP(free_p) = mapi_text(
	        g->o,
	        mapi_name(g->o, MAPI_PS_INTERNET_HEADERS, "Content-Class"),
	        2000);

	if (text)
		field_write(&g->a->field, &g->a->out, "Content-Class", text);
}

/* The fields that mail may do without. */
static void others(struct mail_msg *g, unsigned seen)
{
	if (!(seen & H_REPLY_TO))
		mail_reply_to(g);
	if (!(seen & H_IN_REPLY_TO))
		ids(g, "In-Reply-To", PID_IN_REPLY_TO);
	if (!(seen & H_REFERENCES))
		ids(g, "References", PID_REFERENCES);
	if (!(seen & H_IMPORTANCE))
		importance(g);
	if (!(seen & H_SENSITIVITY))
		sensitivity(g);
	if (!(seen & H_THREAD))
		thread(g);
	if (!(seen & H_CLASS))
		class(g);
}

static void recipients(struct mail_msg *g, unsigned seen, bool whole)
{
	bool want[3] = { !(seen & H_TO), !(seen & H_CC), !(seen & H_BCC) };
	struct mapi_value v;
	struct person to;

	if (whole && (seen & (H_TO | H_CC))) {
		want[0] = want[1] = false;
		if (mapi_get(g->o, PID_DISPLAY_BCC, &v) == 1 && !v.n)
			want[2] = false;
	}
	/* The recipients of a report are those whom it tells of. */
	if (want[0] && mail_class_is(g, "REPORT") && mail_receiver(g, &to)) {
		people_field(g, "To", &to);
		person_release(&to);
		return;
	}
	if (want[0] || want[1] || want[2])
		mail_recipients(g, want);
}

void mail_head(struct mail_msg *g)
{
	unsigned seen = transport(g);
	/* Mail that came; drafts may have a field or two of their own. */
	bool whole = seen & H_FROM && seen & (H_DATE | H_RECEIVED);

	if (!(seen & H_FROM))
		senders(g, !(seen & H_SENDER));
	recipients(g, seen, whole);
	if (!(seen & H_SUBJECT))
		subject(g);
	if (!(seen & H_DATE))
		date(g);
	if (!(seen & H_ID))
		message_id(g);
	if (!whole)
		others(g, seen);
}
