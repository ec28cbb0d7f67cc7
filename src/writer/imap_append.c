/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imap_append.c - APPEND: RFC 3501 6.3.11, MULTIAPPEND (3502), LITERAL+ and
 * LITERAL- (7888), APPENDUID (4315), APPENDLIMIT (7889).
 *
 * What stands before a literal comes from whitelists only: see manners.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "util/step.h"
#include "writer/imap_writer.h"
#include "writer/manners.h"

#define IN_FLIGHT_OCTETS (16u << 20)
#define IN_FLIGHT_COMMANDS 512
#define IN_FLIGHT_BATCHES 6
#define LITERAL_MINUS_MOST 4096
#define CHUNK 65536

bool append_one_by_one(const struct writer *w)
{
	return w->exchange ||
	       !(imap_caps(w->im) & (CAP_LITERAL_PLUS | CAP_LITERAL_MINUS));
}

bool append_ready(struct writer *w)
{
	if (w->broken || imap_dead(w->im))
		return false;
	if (append_one_by_one(w))
		return w->flights_n == 0;
	if (imap_caps(w->im) & CAP_MULTIAPPEND &&
	    w->flights_n >= IN_FLIGHT_BATCHES)
		return false;
	return w->flights_n < IN_FLIGHT_COMMANDS &&
	       w->octets < IN_FLIGHT_OCTETS;
}

/* --- what will be sent ---------------------------------------------------- */

int append_prepare(struct writer *w, const struct folder *f, struct batch *b,
                   struct err *e)
{
	for (size_t i = 0; i < b->n; i++) {
		struct message *m = &b->v[i];

		m->set_flags = m->flags & MAIL_FLAGS_KEPT;
		if (imap_words_prepare(w, f, m, e) ||
		    (w->exchange && exchange_prepare(w, m, e)))
			return -1;
	}
	return 0;
}

/* --- answers -------------------------------------------------------------- */

static int done_room(struct writer *w, struct err *e)
{
	size_t cap = w->done_cap ? w->done_cap * 2 : 64;
	struct settled *v;
	struct batch **b;

	if (w->done_n < w->done_cap)
		return 0;
	v = realloc(w->done, cap * sizeof(*v));
	if (v)
		w->done = v;
	b = realloc(w->done_batch, cap * sizeof(*b));
	if (b)
		w->done_batch = b;
	if (!v || !b)
		return err_memory(e);
	w->done_cap = cap;
	return 0;
}

int append_tell(struct writer *w, const struct settled *s, struct batch *b,
                struct err *e)
{
	if (done_room(w, e))
		return -1;
	w->done[w->done_n] = *s;
	w->done_batch[w->done_n] = --b->waiting == 0 ? b : NULL;
	w->done_n++;
	return 0;
}

static int stored(struct writer *w, const struct flight *f, const char *code,
                  struct err *e)
{
	uint32_t uidvalidity = 0, *uids CLEANUP(free_p) = NULL;
	size_t n = 0;
	bool named = imap_parse_appenduid(code, &uidvalidity, &uids, &n) == 0 &&
	             n == f->count;

	for (size_t i = 0; i < f->count; i++) {
		struct message *m = &f->b->v[f->first + i];
		struct settled s = { .m = m, .outcome = OUT_STORED };

		m->dest_uidvalidity = named ? uidvalidity : 0;
		m->dest_uid = named ? uids[i] : 0;
		bool waits = false;

		if ((w->exchange && late_stored(w, m, f->b, &waits, e)) ||
		    (!waits && append_tell(w, &s, f->b, e)))
			return -1;
	}
	return 0;
}

/*
 * BAD says "not understood", not "not stored": the connection ends, and a
 * listing decides. The messages keep the reason for the case that they are
 * not there.
 */
static void not_understood(struct writer *w, const struct flight *f,
                           const struct imap_reply *r)
{
	for (size_t i = 0; i < f->count; i++) {
		struct message *m = &f->b->v[f->first + i];

		imap_error(w->im, r, ERR_MESSAGE, &m->why);
		m->refused_of = f->count;
	}
	manners_refused(imap_host(w->im));
	imap_abort(w->im);
	w->broken = true;
	err_set(&w->broken_why, ERR_ACCOUNT, NEXT_RETRY, EC_SERVER_BAD,
	        "The new server did not understand how a message was sent. "
	        "mailhaul signs in again and sends more carefully.",
	        "BAD: %.300s", r->text);
}

static int refused(struct writer *w, const struct flight *f,
                   const struct imap_reply *r, struct err *e)
{
	struct settled s = { .batch = f->count > 1, .of = f->count };

	imap_error(w->im, r, ERR_MESSAGE, &s.why);
	s.m = &f->b->v[f->first];
	if (w->exchange)
		exchange_refused(w, r, &s);
	s.outcome = s.why.next == NEXT_WAIT || s.why.next == NEXT_RETRY
	                    ? OUT_AGAIN
	                    : OUT_REFUSED;
	for (size_t i = 0; i < f->count; i++) {
		s.m = &f->b->v[f->first + i];
		if (append_tell(w, &s, f->b, e))
			return -1;
	}
	return 0;
}

static void drop_flight(struct writer *w, size_t at)
{
	w->octets -= w->flights[at].octets;
	w->flights_n--;
	memmove(&w->flights[at], &w->flights[at + 1],
	        (w->flights_n - at) * sizeof(w->flights[0]));
}

static int verdict(struct writer *w, const struct flight *f,
                   const struct imap_reply *r, struct err *e)
{
	if (r->status == IMAP_OK)
		return stored(w, f, r->code, e);
	if (r->status == IMAP_NO || (w->exchange && exchange_plain(w, r)))
		return refused(w, f, r, e);
	not_understood(w, f, r);
	return 0;
}

static int answer(struct writer *w, const struct imap_reply *r, struct err *e)
{
	struct flight f;
	size_t at = 0;
	int failed;

	w->exists |= strcmp(r->name, "EXISTS") == 0;
	if (r->kind != IMAP_TAGGED)
		return 0;
	while (at < w->flights_n && w->flights[at].tag != r->tag)
		at++;
	if (at == w->flights_n)
		return 0;
	f = w->flights[at];
	drop_flight(w, at);
	step("reply");
	failed = verdict(w, &f, r, e);
	governor_leave(&w->lease);
	return failed;
}

static int on_reply(const struct imap_reply *r, void *arg, struct err *e)
{
	return answer(arg, r, e);
}

/* --- sending -------------------------------------------------------------- */

static int flight_new(struct writer *w, struct batch *b, size_t first,
                      struct flight **out, struct err *e)
{
	if (w->flights_n == w->flights_cap) {
		size_t cap = w->flights_cap ? w->flights_cap * 2 : 64;
		struct flight *v = realloc(w->flights, cap * sizeof(*v));

		if (!v)
			return err_memory(e);
		w->flights = v;
		w->flights_cap = cap;
	}
	*out = &w->flights[w->flights_n++];
	**out = (struct flight){ .b = b, .first = first };
	return 0;
}

static int put_flags(struct buf *b, const struct message *m, unsigned flags)
{
	static const char *const names[] = { "\\Seen", "\\Answered",
		                             "\\Flagged", "\\Draft" };
	const char *space = "";

	if (buf_chr(b, '('))
		return -1;
	for (unsigned i = 0; i < 4; i++) {
		if (!(flags & 1u << i))
			continue;
		if (buf_fmt(b, "%s%s", space, names[i]))
			return -1;
		space = " ";
	}
	if (m->set_keywords && buf_fmt(b, "%s%s", space, m->set_keywords))
		return -1;
	return buf_str(b, ") ");
}

/* "(flags) "date" {n+}" CRLF */
static int put_arguments(struct buf *b, const struct message *m, unsigned flags,
                         bool sync)
{
	char date[27];

	if (put_flags(b, m, flags) ||
	    (imap_date(&m->date, date) && buf_fmt(b, "\"%s\" ", date)))
		return -1;
	return buf_fmt(b, "{%" PRIu64 "%s}\r\n", m->body.size, sync ? "" : "+");
}

/* Those that are not set later, imap_late.c. */
static unsigned flags_at_once(const struct writer *w, const struct message *m)
{
	bool later = w->exchange && imap_caps(w->im) & CAP_UIDPLUS;

	return later ? m->set_flags & ~(unsigned)MAIL_FLAGGED : m->set_flags;
}

static bool needs_sync(const struct writer *w, const struct message *m)
{
	unsigned caps = imap_caps(w->im);

	if (!(caps & CAP_LITERAL_PLUS) &&
	    !(caps & CAP_LITERAL_MINUS && m->body.size <= LITERAL_MINUS_MOST))
		return true;
	return !manners_trusts(imap_host(w->im), flags_at_once(w, m),
	                       m->set_keywords);
}

static int put_body(struct writer *w, struct message *m, struct err *e)
{
	char chunk[CHUNK];
	uint64_t at = 0;

	if (m->body.mem) {
		if (imap_out(w->im, m->body.mem, (size_t)m->body.size, e))
			return -1;
		at = m->body.size;
	}
	while (at < m->body.size) {
		ssize_t n = body_read(&m->body, at, chunk, sizeof(chunk), e);

		if (n < 0 || imap_out(w->im, chunk, (size_t)n, e))
			return -1;
		at += (uint64_t)n;
	}
	body_release(&m->body);
	step("literal");
	return 0;
}

/*
 * Arguments and octets of m, as the next part of the command tag. 1: done;
 * 0: the server refused the command instead of asking for the literal.
 */
static int put_message(struct writer *w, imap_tag tag, struct message *m,
                       struct err *e)
{
	struct buf args CLEANUP(buf_release_p) = BUF_INIT(1 << 17);
	bool sync = needs_sync(w, m);
	struct imap_reply r;
	int go;

	if (put_arguments(&args, m, flags_at_once(w, m), sync))
		return err_memory(e);
	if (imap_out(w->im, args.p, args.n, e))
		return -1;
	if (sync) {
		go = imap_wait_go(w->im, tag, on_reply, w, &r, e);
		if (go < 0)
			return -1;
		if (go == 0)
			return answer(w, &r, e) ? -1 : 0;
		manners_accepted(imap_host(w->im), flags_at_once(w, m),
		                 m->set_keywords);
	}
	return put_body(w, m, e) ? -1 : 1;
}

static int too_big(struct writer *w, struct message *m, struct batch *b,
                   struct err *e)
{
	struct settled s = { .m = m, .outcome = OUT_REFUSED };

	err_setf(&s.why, ERR_MESSAGE, NEXT_GIVE_UP, EC_TOO_BIG,
	         "This message is %.1f MB large; the new server takes at most "
	         "%.1f MB. Ask its provider to raise the limit and run "
	         "'mailhaul problems --retry', or save it with 'mailhaul "
	         "problems --export'.",
	         (double)m->body.size / 1048576.0,
	         (double)imap_append_limit(w->im) / 1048576.0);
	err_detail(&s.why, "APPENDLIMIT=%" PRIu64, imap_append_limit(w->im));
	return append_tell(w, &s, b, e);
}

static bool over_limit(const struct writer *w, const struct message *m)
{
	uint64_t limit = imap_append_limit(w->im);

	return limit && m->body.size > limit;
}

/* One command with count messages; they are in flight from its start. */
static int command(struct writer *w, const char *name, struct batch *b,
                   size_t first, size_t count, struct err *e)
{
	struct flight *f = NULL;
	imap_tag tag = 0;

	if (flight_new(w, b, first, &f, e))
		return -1;
	f->count = count;
	for (size_t i = 0; i < count; i++)
		f->octets += b->v[first + i].body.size;
	w->octets += f->octets;
	w->exists = false;
	if (imap_cmd_start(w->im, &tag, e, "APPEND %s ", name))
		return -1;
	f->tag = tag;
	for (size_t i = 0; i < count; i++) {
		int put;

		if (i && imap_out(w->im, " ", 1, e))
			return -1;
		put = put_message(w, tag, &b->v[first + i], e);
		if (put <= 0)
			return put;
	}
	return imap_out(w->im, "\r\n", 2, e);
}

/* Reads what has arrived already, without waiting. */
static int look(struct writer *w, struct err *e)
{
	struct imap_reply r;

	while (!w->broken && imap_pending(w->im))
		if (imap_next(w->im, &r, e) || answer(w, &r, e))
			return -1;
	return 0;
}

static int wait_all(struct writer *w, struct err *e)
{
	struct imap_reply r;

	while (!w->broken && w->flights_n)
		if (imap_next(w->im, &r, e) || answer(w, &r, e))
			return -1;
	return 0;
}

static int send_one(struct writer *w, const char *name, struct batch *b,
                    size_t at, struct err *e)
{
	if (command(w, name, b, at, 1, e))
		return -1;
	return append_one_by_one(w) ? wait_all(w, e) : look(w, e);
}

/* Runs of messages that are not over the limit, one MULTIAPPEND each. */
static int send_many(struct writer *w, const char *name, struct batch *b,
                     struct err *e)
{
	while (w->next < b->n && !w->broken) {
		size_t at = w->next, run = 0;

		while (at + run < b->n && !over_limit(w, &b->v[at + run]))
			run++;
		w->next += run ? run : 1;
		if (run == 0 && too_big(w, &b->v[at], b, e))
			return -1;
		if (run > 0 && (command(w, name, b, at, run, e) || look(w, e)))
			return -1;
	}
	return 0;
}

static int send_each(struct writer *w, const char *name, struct batch *b,
                     struct err *e)
{
	while (w->next < b->n && !w->broken) {
		size_t at = w->next;
		bool over = over_limit(w, &b->v[at]);

		if (w->exchange && !over &&
		    exchange_enter(w, b->v[at].body.size, e))
			return -1;
		if (w->broken)
			break;
		w->next++;
		if (over ? too_big(w, &b->v[at], b, e)
		         : send_one(w, name, b, at, e))
			return -1;
	}
	return 0;
}

/* After a BAD the rest of the batch has not been sent. */
static int tell_unsent(struct writer *w, struct batch *b, struct err *e)
{
	for (; w->next < b->n; w->next++) {
		struct settled s = { .m = &b->v[w->next],
			             .outcome = OUT_AGAIN,
			             .why = w->broken_why };

		if (append_tell(w, &s, b, e))
			return -1;
	}
	return 0;
}

/* With the answers to all of b. */
static int after_exchange(struct writer *w, const struct folder *f,
                          struct batch *b, struct err *e)
{
	side_set(w, f, b);
	return late_canary(w, f, b, e);
}

int append_submit(struct writer *w, const struct folder *f, struct batch *b,
                  struct err *e)
{
	char *name CLEANUP(free_p) = NULL;
	bool many = b->n > 1 && imap_caps(w->im) & CAP_MULTIAPPEND &&
	            !append_one_by_one(w);

	b->waiting = b->n;
	w->next = 0;
	if (w->broken) {
		*e = w->broken_why;
		return -1;
	}
	if (imap_quoted(f->raw, &name, e) ||
	    (w->exchange && late_folder(w, f->raw, e)))
		return -1;
	if (many ? send_many(w, name, b, e) : send_each(w, name, b, e))
		return -1;
	if (w->broken)
		return tell_unsent(w, b, e);
	return w->exchange ? after_exchange(w, f, b, e) : imap_flush(w->im, e);
}

static int wait_some(struct writer *w, struct err *e)
{
	struct imap_reply r;

	while (!w->broken && !w->done_n && w->flights_n) {
		int input = imap_poll(w->im, e);

		if (input <= 0)
			return input;
		if (imap_next(w->im, &r, e) || answer(w, &r, e) || look(w, e))
			return -1;
	}
	return 0;
}

int append_collect(struct writer *w, bool wait, settled_fn *each, void *arg,
                   struct err *e)
{
	int failed = look(w, e);

	if (!failed && w->late_n && !w->broken && !imap_dead(w->im))
		failed = late_flush(w, wait && !w->done_n && !w->flights_n, e);
	if (!failed && wait)
		failed = wait_some(w, e);
	for (size_t i = 0; i < w->done_n; i++)
		each(&w->done[i], w->done_batch[i], arg);
	w->done_n = 0;
	if (!failed && w->broken) {
		*e = w->broken_why;
		failed = -1;
	}
	return failed;
}
