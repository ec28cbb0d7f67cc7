/* SPDX-License-Identifier: Apache-2.0 */
/*
 * governor.c - budgets, pure in time; see governor.h.
 *
 * A window of the service may begin anywhere within our oldest slot, so
 * one slot more than the span holds is counted. A request counts from when
 * it leaves until a span after its answer, because the service counts it
 * at some time between the two. So no window of the service holds more
 * than the limit, whatever its phase and however slow the line.
 */
#include "net/governor.h"

#include <string.h>

enum { QUIET_MS = 60000, RECENT_MS = 10000, SILENT_MOST_MS = 60000 };

static const double pace_least = 0.05, rate_least = 1, rate_most = 1000,
                    growth = 1.1, rate_step = 0.5;

/* --- Windows ------------------------------------------------------------ */

static uint64_t width(const struct gov_window *w)
{
	uint64_t ms = (w->span_ms + GOV_SLOTS - 1) / GOV_SLOTS;

	return ms ? ms : 1;
}

static void advance(struct gov_window *w, uint64_t now)
{
	uint64_t to = now / width(w);

	if (to > w->at + GOV_SLOTS) {
		memset(w->slot, 0, sizeof w->slot);
		w->total = 0;
		w->at = to;
	}
	while (w->at < to) {
		uint64_t *s = &w->slot[++w->at % (GOV_SLOTS + 1)];

		w->total -= *s;
		*s = 0;
	}
}

static void book(struct gov_window *w, uint64_t n)
{
	w->slot[w->at % (GOV_SLOTS + 1)] += n;
	w->total += n;
}

static void hold(struct gov_window *w, uint64_t n)
{
	w->held += n;
}

static void settle(struct gov_window *w, uint64_t now, uint64_t n)
{
	w->held -= n < w->held ? n : w->held;
	advance(w, now);
	book(w, n);
}

/* Milliseconds until n more fit; the window has been advanced to now. */
static uint64_t window_wait(const struct gov_window *w, double pace,
                            uint64_t now, uint64_t n)
{
	uint64_t limit = (uint64_t)((double)w->limit * pace);
	uint64_t left = w->total + w->held;

	if (!w->limit || !n)
		return 0;
	limit = limit ? limit : 1;
	n = n < limit ? n : limit;
	for (uint64_t i = 0; left + n > limit && i <= GOV_SLOTS; i++) {
		uint64_t oldest = w->at + 1 + i;

		left -= w->slot[oldest % (GOV_SLOTS + 1)];
		if (left + n <= limit)
			return oldest * width(w) - now;
	}
	return left + n > limit ? UINT64_MAX : 0;
}

/* --- Budgets ------------------------------------------------------------ */

void gov_init(struct gov_budget *b, const struct gov_limits *l)
{
	memset(b, 0, sizeof *b);
	b->requests.limit = l->requests;
	b->requests.span_ms = l->requests_ms;
	b->octets.limit = l->octets;
	b->octets.span_ms = l->octets_ms;
	b->recent.span_ms = RECENT_MS;
	b->most_at_once = l->at_once;
	b->at_once = l->at_once;
	b->pace = 1;
	b->quiet_ms = l->quiet_ms ? l->quiet_ms : QUIET_MS;
}

/* By a tenth, but from a slow pace not at a crawl; 0: unlimited again. */
static double grown(double rate)
{
	double more = rate * growth > rate + rate_step ? rate * growth
	                                               : rate + rate_step;

	return more < rate_most ? more : 0;
}

/* Quiet minutes since the last refusal (or growth) make it larger. */
static void grow(struct gov_budget *b, uint64_t now)
{
	bool small = b->pace < 1 || b->at_once < b->most_at_once || b->rate > 0;

	while (small && now >= b->quiet_since + b->quiet_ms) {
		b->quiet_since += b->quiet_ms;
		b->pace = b->pace * growth < 1 ? b->pace * growth : 1;
		b->at_once = b->at_once + 1 < b->most_at_once ? b->at_once + 1
		                                              : b->most_at_once;
		if (b->rate > 0)
			b->rate = grown(b->rate);
		small = b->pace < 1 || b->at_once < b->most_at_once ||
		        b->rate > 0;
	}
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* A request that needs more places than there are goes alone. */
static bool places(const struct gov_budget *b, const struct gov_need *n)
{
	return !b->most_at_once || !n->at_once || !b->running ||
	       b->running + n->at_once <= (unsigned)b->at_once;
}

uint64_t gov_peek(struct gov_budget *b, uint64_t now, const struct gov_need *n)
{
	uint64_t wait = 0;

	advance(&b->requests, now);
	advance(&b->octets, now);
	advance(&b->recent, now);
	grow(b, now);
	if (now < b->blocked_until)
		wait = b->blocked_until - now;
	wait = later(wait,
	             window_wait(&b->requests, b->pace, now, n->requests));
	wait = later(wait, window_wait(&b->octets, b->pace, now, n->octets));
	if (b->rate > 0 && b->next_at > (double)now)
		wait = later(wait, (uint64_t)(b->next_at - (double)now) + 1);
	if (wait)
		return wait;
	return places(b, n) ? 0 : UINT64_MAX;
}

uint64_t gov_ask(struct gov_budget *b, uint64_t now, const struct gov_need *n)
{
	uint64_t wait = gov_peek(b, now, n);

	if (wait)
		return wait;
	if (!b->recent.total)
		b->first = now;
	hold(&b->requests, n->requests);
	hold(&b->octets, n->octets);
	book(&b->recent, n->requests);
	if (n->at_once)
		b->running += n->at_once;
	if (b->rate > 0) {
		double from = b->next_at > (double)now - 1000 / b->rate
		                      ? b->next_at
		                      : (double)now;

		b->next_at = from + n->requests * 1000 / b->rate;
	}
	return 0;
}

void gov_left(struct gov_budget *b, uint64_t now, const struct gov_need *n,
              bool well)
{
	settle(&b->requests, now, n->requests);
	settle(&b->octets, now, n->octets);
	b->last = now;
	b->running -= n->at_once < b->running ? n->at_once : b->running;
	if (well)
		b->streak = 0;
}

/* Requests a second, of the last seconds. */
static double achieved(const struct gov_budget *b, uint64_t now)
{
	uint64_t since = now - b->first;

	if (since > RECENT_MS)
		since = RECENT_MS;
	if (since < 1000)
		since = 1000;
	return (double)b->recent.total * 1000 / (double)since;
}

static void halve(struct gov_budget *b, uint64_t now)
{
	b->pace = b->pace / 2 > pace_least ? b->pace / 2 : pace_least;
	if (b->most_at_once)
		b->at_once = b->at_once / 2 > 1 ? b->at_once / 2 : 1;
	if (b->requests.limit)
		return;
	b->rate = (b->rate > 0 ? b->rate : achieved(b, now)) / 2;
	if (b->rate < rate_least)
		b->rate = rate_least;
}

static uint64_t silent_wait(struct gov_budget *b)
{
	uint64_t ms = 1000u << (b->streak < 6 ? b->streak : 6);

	b->streak++;
	return ms < SILENT_MOST_MS ? ms : SILENT_MOST_MS;
}

void gov_refused(struct gov_budget *b, uint64_t now, uint64_t wait_ms)
{
	bool known = now < b->blocked_until;

	advance(&b->recent, now);
	grow(b, now);
	if (!known)
		halve(b, now);
	if (!wait_ms && known)
		return;
	wait_ms = wait_ms ? wait_ms : silent_wait(b);
	b->blocked_until = later(b->blocked_until, now + wait_ms);
	b->quiet_since = b->blocked_until;
}

bool gov_idle(const struct gov_budget *b, uint64_t now)
{
	uint64_t span = later(b->requests.span_ms, b->octets.span_ms);

	return !b->requests.held && now >= b->blocked_until && b->pace >= 1 &&
	       b->rate <= 0 && b->at_once >= b->most_at_once &&
	       now > b->last + 2 * later(span, RECENT_MS);
}
