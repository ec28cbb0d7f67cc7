/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imap_conn.c - commands out, answers in, and whose answer is whose.
 *
 * Any number of commands may be out (RFC 3501 section 5.5); every tagged
 * answer must carry a tag that is owed, else the connection ends.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "net/imap_int.h"
#include "util/log.h"

enum {
	COMMAND_MAX = 1 << 20,
	OWED_MAX = 1 << 20,
	HELD_MAX = 64 << 20,
	LOGOUT_MS = 2000,
	REFUSALS_MOST = 9 /* Exchange hangs up at the tenth */
};
#define BODY_MAX ((uint64_t)4 << 30)

/* --- Life --------------------------------------------------------------- */

static void random_prefix(struct imap *im)
{
	static const char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZ";
	unsigned char o[5] = { 0 };

	/* Without randomness tags are guessable, but still exact. */
	if (getrandom(o, sizeof o, GRND_NONBLOCK) < 0)
		o[0] = (unsigned char)((uintptr_t)im >> 4);
	for (size_t i = 0; i < sizeof o; i++)
		im->prefix[i] = letters[o[i] % (sizeof letters - 1)];
}

int imap_new(struct imap **out, struct stream *s, const char *host,
             struct err *e)
{
	struct imap *im = calloc(1, sizeof *im);

	*out = im;
	if (im) {
		im->stream = s;
		im->body_max = BODY_MAX;
		im->held.max = HELD_MAX;
		im->host = strdup(host);
		random_prefix(im);
		if (im->host)
			return 0;
		im->dead = true;
		imap_close(out);
		return err_memory(e);
	}
	stream_close(&s);
	return err_memory(e);
}

static bool kept_take(struct imap *im, imap_tag tag, struct imap_reply *r)
{
	for (size_t i = 0; i < im->kept_n; i++) {
		struct imap_kept *k = im->kept + i;

		if (k->tag != tag)
			continue;
		buf_clear(&im->code);
		buf_clear(&im->text);
		/* Short of memory the words are lost, not the answer. */
		(void)buf_str(&im->code, k->code);
		(void)buf_str(&im->text, k->text);
		*r = (struct imap_reply){ .kind = IMAP_TAGGED,
			                  .tag = tag,
			                  .status = k->status,
			                  .name = "",
			                  .line = "" };
		r->code = im->code.n ? im->code.p : "";
		r->text = im->text.n ? im->text.p : "";
		free(k->code);
		free(k->text);
		im->kept_n--;
		memmove(k, k + 1, (im->kept_n - i) * sizeof(*k));
		return true;
	}
	return false;
}

static void kept_free(struct imap *im)
{
	for (size_t i = 0; i < im->kept_n; i++) {
		free(im->kept[i].code);
		free(im->kept[i].text);
	}
	free(im->kept);
}

void imap_close(struct imap **imp)
{
	struct imap *im = *imp;
	struct err ignored;

	*imp = NULL;
	if (!im)
		return;
	/* With an answer owed or a BAD, a literal may be half sent, or a body
	 * may be taken for commands: not one octet more. */
	if (!im->dead && !im->distrust && im->owed.n == 0 &&
	    !stream_unsent(im->stream) &&
	    imap_cmd(im, NULL, &ignored, "LOGOUT") == 0)
		stream_flush_within(im->stream, LOGOUT_MS, &ignored);
	stream_close(&im->stream);
	kept_free(im);
	buf_release(&im->line);
	buf_release(&im->code);
	buf_release(&im->text);
	buf_release(&im->held);
	free(im->owed.v);
	free(im->host);
	free(im->user);
	free(im->greeting);
	free(im);
}

void imap_abort(struct imap *im)
{
	im->dead = true;
	stream_abort(im->stream);
}

int imap_dies(struct imap *im)
{
	imap_abort(im);
	return -1;
}

bool imap_dead(const struct imap *im)
{
	return im->dead;
}

unsigned imap_caps(const struct imap *im)
{
	return im->caps;
}

uint64_t imap_append_limit(const struct imap *im)
{
	return im->append_limit;
}

const char *imap_host(const struct imap *im)
{
	return im->host;
}

const char *imap_greeting(const struct imap *im)
{
	return im->greeting ? im->greeting : "";
}

bool imap_exchange(const struct imap *im)
{
	return im->exchange;
}

static bool ends_here(struct err *e, const char *text, const char *detail)
{
	(void)err_set(e, ERR_ACCOUNT, NEXT_RETRY, EC_BYE, text, "%s", detail);
	if (e)
		e->wait_ms = 1;
	return true;
}

bool imap_worn(const struct imap *im, uint64_t now_ms, struct err *e)
{
	if (im->token_ends_ms &&
	    now_ms + im->token_margin_ms >= im->token_ends_ms)
		return ends_here(e,
		                 "The sign-in ends soon; mailhaul signs in "
		                 "anew and goes on.",
		                 "token");
	if (im->exchange && im->refusals >= REFUSALS_MOST)
		return ends_here(e,
		                 "The server refused several things on one "
		                 "connection; mailhaul connects anew before "
		                 "it hangs up, and goes on.",
		                 "refusals");
	return false;
}

void imap_set_body_max(struct imap *im, uint64_t octets)
{
	im->body_max = octets;
}

void imap_set_sink(struct imap *im, const struct imap_sink *sink)
{
	im->sink = sink;
}

static struct imap_counts counts(struct stream_counts c)
{
	return (struct imap_counts){ c.in, c.out, c.waits };
}

struct imap_counts imap_counts(const struct imap *im)
{
	return counts(stream_counts(im->stream));
}

struct imap_counts imap_counts_all(void)
{
	return counts(stream_counts_all());
}

/* --- Tags --------------------------------------------------------------- */

static int tag_add(struct imap *im, imap_tag tag, struct err *e)
{
	struct imap_tags *t = &im->owed;

	if (t->n >= OWED_MAX)
		return err_set(e, ERR_ACCOUNT, NEXT_RETRY, EC_INTERNAL,
		               "Too many commands are waiting for answers.",
		               "%zu tags", t->n);
	if (t->head + t->n == t->cap && t->head) {
		memmove(t->v, t->v + t->head, t->n * sizeof *t->v);
		t->head = 0;
	}
	if (t->n == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 64;
		imap_tag *v = realloc(t->v, cap * sizeof *v);

		if (!v)
			return err_memory(e);
		t->v = v;
		t->cap = cap;
	}
	t->v[t->head + t->n++] = tag;
	return 0;
}

/* Mostly the oldest is answered first, but a server may choose. */
int imap_tag_settle(struct imap *im, imap_tag tag)
{
	struct imap_tags *t = &im->owed;
	imap_tag *v = t->v + t->head;

	for (size_t i = 0; i < t->n; i++) {
		if (v[i] != tag)
			continue;
		if (i == 0)
			t->head++;
		else
			memmove(v + i, v + i + 1, (t->n - i - 1) * sizeof *v);
		if (--t->n == 0)
			t->head = 0;
		return 0;
	}
	return -1;
}

static bool tag_owed(const struct imap *im, imap_tag tag)
{
	const struct imap_tags *t = &im->owed;

	for (size_t i = 0; i < t->n; i++)
		if (t->v[t->head + i] == tag)
			return true;
	return false;
}

/* --- Writing ------------------------------------------------------------ */

static int gone(const struct imap *im, struct err *e)
{
	err_setf(e, ERR_ACCOUNT, NEXT_RETRY, EC_CONN_LOST,
	         "The connection to %s is closed. Nothing is lost: mailhaul "
	         "connects again and goes on.",
	         im->host);
	return -1;
}

/* A server that hangs up on us often said why just before. */
static int write_failed(struct imap *im, struct err *e)
{
	struct imap_reply r;
	struct err later;
	size_t n;

	im->sink = NULL;
	while (e && e->code == EC_CONN_LOST &&
	       (stream_peek(im->stream, &n), n) &&
	       imap_frame(im, &r, &later) == 0)
		if (r.kind == IMAP_UNTAGGED && r.status == IMAP_BYE) {
			imap_error(im, &r, ERR_ACCOUNT, e);
			break;
		}
	return imap_dies(im);
}

int imap_out(struct imap *im, const void *p, size_t n, struct err *e)
{
	if (im->dead)
		return gone(im, e);
	return stream_write(im->stream, p, n, e) ? write_failed(im, e) : 0;
}

int imap_flush(struct imap *im, struct err *e)
{
	if (im->dead)
		return gone(im, e);
	return stream_flush(im->stream, e) ? write_failed(im, e) : 0;
}

int imap_secret(struct imap *im, const char *p, size_t n, struct err *e)
{
	int rc = imap_out(im, p, n, e);

	if (rc == 0)
		rc = imap_flush(im, e);
	stream_wipe(im->stream);
	return rc;
}

static int settle_all(struct imap *im, struct err *e);

/* Exchange takes no second command while it works on the first. */
static int hold(struct imap *im, const char *head, const char *words,
                struct err *e)
{
	return buf_fmt(&im->held, "%s%s\r\n", head, words) ? err_memory(e) : 0;
}

/* The answer to the one before has come. A failure to send is found by who
 * waits for the answer. */
static void send_held(struct imap *im)
{
	struct err ignored;
	const char *p, *end;

	if (im->held_at == im->held.n)
		return;
	p = im->held.p + im->held_at;
	end = memchr(p, '\n', im->held.n - im->held_at);
	if (!end)
		return;
	im->held_at += (size_t)(end + 1 - p);
	(void)imap_out(im, p, (size_t)(end + 1 - p), &ignored);
	if (im->held_at == im->held.n) {
		buf_clear(&im->held);
		im->held_at = 0;
	}
}

static int command(struct imap *im, imap_tag *tag, bool whole, struct err *e,
                   const char *fmt, va_list ap)
        __attribute__((format(printf, 5, 0)));

static int command(struct imap *im, imap_tag *tag, bool whole, struct err *e,
                   const char *fmt, va_list ap)
{
	CLEANUP(free_p) char *words = NULL;
	char head[24];
	int n = vasprintf(&words, fmt, ap);

	if (n < 0) {
		words = NULL;
		return err_memory(e);
	}
	/* The last line of defence: one call is one command. */
	if (n > COMMAND_MAX || strpbrk(words, "\r\n"))
		return err_set(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_INTERNAL,
		               "A command for the server could not be made.",
		               "%d octets", n);
	if (im->dead)
		return gone(im, e);
	bool wait = im->exchange && im->owed.n > 0;

	if (wait && !whole && settle_all(im, e))
		return -1;
	imap_tag own = ++im->last_tag;
	int head_n = snprintf(head, sizeof head, "%s%u ", im->prefix, own);

	if (tag_add(im, own, e))
		return -1;
	if (tag)
		*tag = own;
	log_msg("%s < %s%.200s", im->host, head, words);
	if (wait && whole)
		return hold(im, head, words, e);
	if (imap_out(im, head, (size_t)head_n, e) ||
	    imap_out(im, words, (size_t)n, e))
		return -1;
	return whole ? imap_out(im, "\r\n", 2, e) : 0;
}

int imap_cmd(struct imap *im, imap_tag *tag, struct err *e, const char *fmt,
             ...)
{
	va_list ap;

	va_start(ap, fmt);
	int rc = command(im, tag, true, e, fmt, ap);

	va_end(ap);
	return rc;
}

int imap_cmd_start(struct imap *im, imap_tag *tag, struct err *e,
                   const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int rc = command(im, tag, false, e, fmt, ap);

	va_end(ap);
	return rc;
}

/* --- Reading ------------------------------------------------------------ */

int imap_next_any(struct imap *im, struct imap_reply *r, struct err *e)
{
	if (im->dead)
		return gone(im, e);
	if (imap_frame(im, r, e))
		return imap_dies(im);
	if (r->status == IMAP_BAD)
		im->distrust = true;
	if (r->kind == IMAP_TAGGED) {
		im->refusals += r->status == IMAP_NO || r->status == IMAP_BAD;
		send_held(im);
	}
	return 0;
}

static int next_fresh(struct imap *im, struct imap_reply *r, struct err *e)
{
	if (imap_next_any(im, r, e))
		return -1;
	if (r->kind != IMAP_UNTAGGED || r->status != IMAP_BYE)
		return 0;
	imap_error(im, r, ERR_ACCOUNT, e);
	return imap_dies(im);
}

int imap_next(struct imap *im, struct imap_reply *r, struct err *e)
{
	/* Those that came while another was waited for, in their order. */
	if (im->kept_n && kept_take(im, im->kept[0].tag, r))
		return 0;
	return next_fresh(im, r, e);
}

bool imap_pending(struct imap *im)
{
	return im->dead || im->kept_n || stream_pending(im->stream);
}

int imap_poll(struct imap *im, struct err *e)
{
	if (im->dead)
		return gone(im, e);
	if (im->kept_n)
		return 1;
	int n = stream_poll(im->stream, im->owed.n > 0, e);

	return n < 0 ? write_failed(im, e) : n;
}

void imap_wake(struct imap *im)
{
	stream_wake(im->stream);
}

static int keep(struct imap *im, const struct imap_reply *r, struct err *e)
{
	if (im->kept_n == im->kept_cap) {
		size_t cap = im->kept_cap ? im->kept_cap * 2 : 16;
		struct imap_kept *v = realloc(im->kept, cap * sizeof *v);

		if (!v)
			return err_memory(e);
		im->kept = v;
		im->kept_cap = cap;
	}
	struct imap_kept k = { r->tag, r->status, strdup(r->code),
		               strdup(r->text) };

	if (!k.code || !k.text) {
		free(k.code);
		free(k.text);
		return err_memory(e);
	}
	im->kept[im->kept_n++] = k;
	return 0;
}

/* One step of a wait for tag: 1 done, 2 a "+" came, 0 go on, -1. */
static int wait_step(struct imap *im, imap_tag tag, imap_untagged_fn *each,
                     void *arg, struct imap_reply *r, struct err *e)
{
	if (next_fresh(im, r, e))
		return -1;
	if (r->kind == IMAP_CONTINUE)
		return 2;
	if (r->kind == IMAP_UNTAGGED) {
		if (each && each(r, arg, e))
			return imap_dies(im);
		return 0;
	}
	if (r->tag == tag)
		return 1;
	return keep(im, r, e) ? imap_dies(im) : 0;
}

/* Answers to all that is out; untagged ones belong to nobody here. */
static int settle_all(struct imap *im, struct err *e)
{
	struct imap_reply r;

	while (im->owed.n) {
		int n = wait_step(im, 0, NULL, NULL, &r, e);

		if (n == 2)
			imap_broken(im, EC_PROTOCOL, e, "unexpected +");
		if (n)
			return imap_dies(im);
	}
	return 0;
}

static int check_owed(struct imap *im, imap_tag tag, struct err *e)
{
	if (im->dead)
		return gone(im, e);
	if (tag_owed(im, tag))
		return 0;
	return err_set(e, ERR_ACCOUNT, NEXT_RETRY, EC_INTERNAL,
	               "An answer was waited for that nobody owes.", "tag %u",
	               tag);
}

int imap_wait(struct imap *im, imap_tag tag, imap_untagged_fn *each, void *arg,
              struct imap_reply *r, struct err *e)
{
	int n = 0;

	if (kept_take(im, tag, r))
		return 0;
	if (check_owed(im, tag, e))
		return -1;
	while (n == 0)
		n = wait_step(im, tag, each, arg, r, e);
	if (n == 2) {
		imap_broken(im, EC_PROTOCOL, e, "unexpected +");
		return imap_dies(im);
	}
	return n < 0 ? -1 : 0;
}

int imap_do(struct imap *im, imap_tag tag, imap_untagged_fn *each, void *arg,
            struct err *e)
{
	struct imap_reply r;

	if (imap_wait(im, tag, each, arg, &r, e))
		return -1;
	return r.status == IMAP_OK ? 0 : imap_error(im, &r, ERR_FOLDER, e);
}

int imap_wait_go(struct imap *im, imap_tag tag, imap_untagged_fn *each,
                 void *arg, struct imap_reply *r, struct err *e)
{
	int n = 0;

	if (kept_take(im, tag, r))
		return 0;
	if (check_owed(im, tag, e))
		return -1;
	while (n == 0)
		n = wait_step(im, tag, each, arg, r, e);
	return n < 0 ? -1 : n == 2;
}
