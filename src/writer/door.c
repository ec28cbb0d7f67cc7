/* SPDX-License-Identifier: Apache-2.0 */
/* door.c - see door.h. */
#include "writer/door.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "net/graph.h"
#include "net/imap_mail.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/log.h"

/* A service that is busy is asked again after the time it named; longer
 * than this nobody waits for a choice. */
#define TRIAL_WAIT_MOST_MS 70000u

int door_try_imap(const struct account *a, struct err *e)
{
	struct account by = *a;
	struct folder now = { 0 };
	struct imap *im = NULL;
	imap_tag tag;
	int failed;

	by.kind = KIND_M365_IMAP;
	if (imap_open(&im, &by, e))
		return -1;
	failed = imap_select_ask(im, "INBOX", true, &tag, e) ||
	         imap_select_take(im, tag, &now, e);
	free(now.keywords);
	imap_close(&im);
	return failed ? -1 : 0;
}

int door_rights(const struct account *a, struct err *e)
{
	if (!account_is_m365(a) || a->kind == KIND_M365 || !a->oauth)
		return 0;
	return oauth_may(a->oauth,
	                 a->kind == KIND_M365_GRAPH ? OAUTH_GRAPH : OAUTH_IMAP,
	                 e);
}

static int try_graph(const struct account *a, struct err *e)
{
	struct account by = *a;
	struct graph *g = NULL;
	json_t *inbox = NULL;
	int failed;

	by.kind = KIND_M365_GRAPH;
	if (door_rights(&by, e) || graph_open(&g, &by, e))
		return -1;
	failed = graph_get(g, &inbox, e, "%s/mailFolders/inbox?$select=id",
	                   graph_user(g));
	json_decref(inbox);
	graph_close(&g);
	return failed;
}

static bool cancelled(const struct account *a)
{
	return a->cancel && atomic_load(a->cancel);
}

static void wait_for(const struct account *a, uint64_t ms)
{
	const struct timespec slice = { .tv_nsec = 100000000 };
	uint64_t until = clock_ms() + ms;

	if (a->waiting)
		a->waiting(a->waiting_arg, "to let a busy mailbox rest",
		           clock_wall_ms() + ms);
	while (clock_ms() < until && !cancelled(a))
		nanosleep(&slice, NULL);
	if (a->waiting)
		a->waiting(a->waiting_arg, "", 0);
}

/* The first refusal may be a passing one; not of a mailbox that Graph says
 * is not there. */
static int try_imap_patiently(const struct account *a, struct err *e)
{
	struct err graph = { 0 };

	if (door_try_imap(a, e) == 0)
		return 0;
	if (e->next != NEXT_WAIT || e->wait_ms > TRIAL_WAIT_MOST_MS)
		return -1;
	if (try_graph(a, &graph) &&
	    (graph.code == EC_NO_MAILBOX || graph.code == EC_NOT_FOUND))
		return -1;
	wait_for(a, e->wait_ms);
	return cancelled(a) ? -1 : door_try_imap(a, e);
}

static bool needs_person(const struct err *e)
{
	return e->next == NEXT_SIGN_IN || e->next == NEXT_ASK_PERSON;
}

int door_choose(const struct account *a, enum account_kind *kind, char **why,
                struct err *e)
{
	struct buf b = BUF_INIT(4096);
	struct err imap = { 0 }, graph = { 0 };

	*kind = KIND_M365_IMAP;
	if (try_imap_patiently(a, &imap) == 0) {
		*why = strdup("goes by IMAP, which is open for this mailbox "
		              "and keeps every message as it is");
		return *why ? 0 : err_memory(e);
	}
	log_msg("%s: no IMAP: %s (%s)", a->locator, imap.text, imap.detail);
	if (imap.code == EC_INTERRUPTED || imap.reach == ERR_RUN) {
		*e = imap;
		return -1;
	}
	*kind = KIND_M365_GRAPH;
	if (try_graph(a, &graph) == 0) {
		if (buf_fmt(&b, "goes by Graph, because IMAP is not open: %s",
		            imap.text)) {
			buf_release(&b);
			return err_memory(e);
		}
		*why = buf_take(&b);
		return *why ? 0 : err_memory(e);
	}
	log_msg("%s: no Graph: %s (%s)", a->locator, graph.text, graph.detail);
	/* What Graph says of a mailbox is the plainer of the two. */
	*e = needs_person(&graph) || !needs_person(&imap) ? graph : imap;
	err_detail(e, "IMAP: %.200s", imap.detail);
	return -1;
}
