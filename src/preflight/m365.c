/* SPDX-License-Identifier: Apache-2.0 */
/*
 * m365.c - the preflight table of a Microsoft 365 mailbox: each row one
 * question, asked with the rights that are there. m365.md F.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net/oauth.h"
#include "preflight/ask.h"
#include "util/buf.h"
#include "writer/door.h"

/* --- sign-in and rights --------------------------------------------------- */

/* What is missing and would be of use; the rights that only show more are
 * named where they show it. */
static void ask_rights(struct ask *q, const struct claims *c, bool app)
{
	const char *kind = app ? "application" : "delegated";
	const char *advanced =
	        app ? "Mail-Advanced.ReadWrite.All" : "Mail-Advanced.ReadWrite";

	if (!claims_has(c, "Mail.ReadWrite"))
		ask_tell(q, "right",
		         q->job->to.kind == KIND_M365_GRAPH ? VERDICT_FAIL
		                                            : VERDICT_NOTE,
		         "The right Mail.ReadWrite is missing: it is needed to "
		         "store mail by Graph, and labels as categories. An "
		         "administrator adds it in the Entra admin centre (App "
		         "registrations, API permissions, Microsoft Graph, %s "
		         "permissions) and chooses 'Grant admin consent'. It "
		         "can take two hours to reach Exchange.",
		         kind);
	if (q->job->to.kind != KIND_M365_IMAP && !claims_has(c, advanced))
		ask_tell(q, "right", VERDICT_NOTE,
		         "With the right %s (Microsoft Graph, %s) mail could "
		         "go by Graph with every octet, where Microsoft offers "
		         "that.",
		         advanced, kind);
}

static bool sign_in(struct ask *q, enum oauth_resource r, const char *what,
                    bool needed)
{
	struct account *to = &q->job->to;
	struct claims c = { 0 };
	struct err why = { 0 };
	char *token = NULL;

	/* A token is kept for an hour: a right may have been given since. */
	(void)oauth_may(to->oauth, r, &why);
	if (oauth_token(to->oauth, r, NULL, &token, NULL, &why)) {
		ask_failed(q, what, &why, !needed);
		return false;
	}
	if (oauth_claims(token, &c, &why) == 0) {
		bool app = oauth_app_only(to->oauth);

		ask_tell(q, what, VERDICT_OK,
		         "Signed in for %s as %s%s, tenant %s.",
		         r == OAUTH_GRAPH ? "Graph" : "IMAP",
		         app ? "the registration " : "", app ? c.app : c.user,
		         c.tenant);
		if (r == OAUTH_GRAPH)
			ask_rights(q, &c, app);
	}
	claims_release(&c);
	explicit_bzero(token, strlen(token));
	free(token);
	return true;
}

/* --- tenant and domain ---------------------------------------------------- */

static const char *text_of(json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s ? s : "";
}

static void ask_tenant(struct ask *q)
{
	json_t *o = NULL;
	struct err why = { 0 };
	json_t *first;

	if (graph_get(q->g, &o, &why,
	              "/organization?$select=id,displayName,verifiedDomains")) {
		ask_failed(q, "tenant", &why, true);
		return;
	}
	first = json_array_get(json_object_get(o, "value"), 0);
	ask_tell(q, "tenant", VERDICT_OK, "The tenant is %s (%s).",
	         text_of(first, "displayName"), text_of(first, "id"));
	json_decref(o);
}

static bool has_email(json_t *services)
{
	size_t i;
	json_t *v;

	json_array_foreach(services, i,
	                   v) if (json_is_string(v) &&
	                          strcasecmp(json_string_value(v), "Email") ==
	                                  0) return true;
	return json_array_size(services) == 0;
}

static void ask_domain(struct ask *q)
{
	const char *at = strrchr(q->job->to.user, '@');
	CLEANUP(free_p) char *name = at ? http_escape(at + 1) : NULL;
	struct err why = { 0 };
	json_t *o = NULL;

	if (!name)
		return;
	if (graph_get(q->g, &o, &why, "/domains/%s", name)) {
		if (why.code == EC_NOT_FOUND)
			ask_tell(q, "domain", VERDICT_FAIL,
			         "The domain %s is not one of this tenant. Add "
			         "and verify it in the Microsoft 365 admin "
			         "centre (Settings, Domains), or check the "
			         "address.",
			         at + 1);
		else
			ask_failed(q, "domain", &why, true);
		return;
	}
	if (!json_is_true(json_object_get(o, "isVerified")))
		ask_tell(q, "domain", VERDICT_FAIL,
		         "The domain %s is not verified yet: finish that in "
		         "the Microsoft 365 admin centre (Settings, Domains).",
		         at + 1);
	else if (!has_email(json_object_get(o, "supportedServices")))
		ask_tell(q, "domain", VERDICT_NOTE,
		         "The domain %s is verified, but not set up for mail "
		         "yet (Settings, Domains, DNS).",
		         at + 1);
	else
		ask_tell(q, "domain", VERDICT_OK, "The domain %s is verified.",
		         at + 1);
	json_decref(o);
}

/* --- user and licence ----------------------------------------------------- */

static bool has_exchange(json_t *plans)
{
	size_t i;
	json_t *v;

	json_array_foreach(
	        plans, i,
	        v) if (strcasecmp(text_of(v, "service"), "exchange") == 0 &&
	               strcasecmp(text_of(v, "capabilityStatus"), "Enabled") ==
	                       0) return true;
	return false;
}

static void tell_user(struct ask *q, json_t *u)
{
	bool enabled = !json_is_false(json_object_get(u, "accountEnabled"));

	ask_tell(q, "user", enabled ? VERDICT_OK : VERDICT_NOTE,
	         "The user is %s%s.", text_of(u, "userPrincipalName"),
	         enabled ? ""
	                 : "; its sign-in is blocked, as it is for "
	                   "shared mailboxes");
	if (json_is_true(json_object_get(u, "onPremisesSyncEnabled")))
		ask_tell(q, "user", VERDICT_NOTE,
		         "The user is synchronised from a directory of your "
		         "own: its mailbox may be there and not in the cloud.");
	if (has_exchange(json_object_get(u, "assignedPlans")))
		ask_tell(q, "licence", VERDICT_OK,
		         "The user has a licence for Exchange.");
	else
		ask_tell(q, "licence", VERDICT_NOTE,
		         "The user has no licence for Exchange. A shared "
		         "mailbox needs none; any other one gets its mailbox "
		         "some minutes to hours after the licence (Microsoft "
		         "365 admin centre, Users, Licences and apps).");
}

/* The address is the person's: it goes into the question escaped. */
static char *user_question(const char *address)
{
	CLEANUP(free_p) char *a = NULL;
	struct buf quoted = BUF_INIT(4096), b = BUF_INIT(16384);

	for (const char *p = address; *p; p++)
		if (buf_chr(&quoted, *p) ||
		    (*p == '\'' && buf_chr(&quoted, *p)))
			break;
	a = quoted.p ? http_escape(quoted.p) : NULL;
	buf_release(&quoted);
	if (!a ||
	    buf_fmt(&b,
	            "/users?$filter=mail%%20eq%%20'%s'%%20or%%20"
	            "userPrincipalName%%20eq%%20'%s'%%20or%%20"
	            "proxyAddresses/any(p:p%%20eq%%20'smtp:%s')&$count=true"
	            "&$select=id,userPrincipalName,mail,proxyAddresses,"
	            "accountEnabled,assignedPlans,onPremisesSyncEnabled",
	            a, a, a)) {
		buf_release(&b);
		return NULL;
	}
	return buf_take(&b);
}

static void ask_user(struct ask *q)
{
	static const char *const headers[] = { "ConsistencyLevel: eventual",
		                               NULL };
	CLEANUP(free_p) char *path = user_question(q->job->to.user);
	struct graph_call call = { .method = "GET",
		                   .path = path,
		                   .headers = headers };
	struct graph_reply r = { 0 };
	struct err why = { 0 };
	json_t *users;

	if (!path)
		return;
	if (graph_call(q->g, &call, &r, &why)) {
		ask_failed(q, "user", &why, true);
		graph_reply_release(&r);
		return;
	}
	users = json_object_get(r.json, "value");
	if (json_array_size(users) == 0)
		ask_tell(q, "user", VERDICT_FAIL,
		         "There is no user with the address %s in this tenant. "
		         "Check how it is written, or create the user in the "
		         "Microsoft 365 admin centre.",
		         q->job->to.user);
	else
		tell_user(q, json_array_get(users, 0));
	graph_reply_release(&r);
}

/* --- the doors ------------------------------------------------------------ */

/* A run would wait and try again: here the likely reasons are said. */
static void shut_at_first(struct ask *q, struct err *why)
{
	const struct account *to = &q->job->to;

	(void)err_setf(why, ERR_ACCOUNT, NEXT_ASK_PERSON, EC_PERMISSION,
	               "Microsoft 365 signed in by IMAP and did not open "
	               "%.64s. Check that IMAP is on for it (Set-CASMailbox "
	               "-ImapEnabled $true) and that %s full access to it "
	               "(docs/microsoft365.md, step 6). It may also have had "
	               "too many sessions a moment ago.",
	               to->user,
	               oauth_app_only(to->oauth) ? "the registration has"
	                                         : "who signs in has");
}

/* What Graph knows tells IMAP's one refusal for everything apart. */
static void imap_closed(struct ask *q, struct err *why)
{
	if (why->next == NEXT_WAIT && why->code == EC_PERMISSION)
		shut_at_first(q, why);
	if (q->job->to.kind == KIND_M365_IMAP) {
		ask_failed(q, "imap", why, false);
		return;
	}
	ask_tell(q, "imap", VERDICT_NOTE,
	         "IMAP is not open for this mailbox%s. %s",
	         q->mailbox_there ? ", although the mailbox is there; it goes "
	                            "by Graph then"
	                          : "",
	         why->text);
}

static bool ask_imap(struct ask *q)
{
	struct err why = { 0 };

	if (q->job->to.kind == KIND_M365_GRAPH)
		return false;
	if (door_try_imap(&q->job->to, &why)) {
		imap_closed(q, &why);
		return false;
	}
	ask_tell(q, "imap", VERDICT_OK,
	         "IMAP is open for this mailbox: mail arrives with every "
	         "octet.");
	return true;
}

static bool ask_graph(struct ask *q)
{
	struct err why = { 0 };

	if (graph_open(&q->g, &q->job->to, &why)) {
		ask_failed(q, "graph", &why, q->job->to.kind == KIND_M365_IMAP);
		return false;
	}
	ask_tenant(q);
	ask_domain(q);
	ask_user(q);
	ask_mailbox(q);
	return q->mailbox_there;
}

static void tell_door(struct ask *q, bool imap, bool graph)
{
	if (imap)
		ask_tell(q, "door", VERDICT_OK, "It goes by IMAP%s%s.",
		         q->begun ? ", as it has begun" : "",
		         graph ? "; labels are set by Graph" : "");
	else if (graph && q->job->to.kind != KIND_M365_IMAP)
		ask_tell(q, "door", VERDICT_OK, "It goes by Graph%s.",
		         q->begun ? ", as it has begun" : "");
	else if (q->sum->exit_code == 0)
		ask_tell(q, "door", VERDICT_FAIL,
		         "Neither IMAP nor Graph is open for this mailbox. "
		         "docs/microsoft365.md shows how to open them.");
}

/* A mailbox that has begun stays with its way: docs/store.md, `learnt`. */
static void take_way(struct ask *q, struct store *s)
{
	struct account *to = &q->job->to;
	struct err ignored;
	int64_t way = 0;

	if (to->kind != KIND_M365 ||
	    store_learnt(s, q->job->mailbox->to_key, "door", &way, &ignored))
		return;
	if (way == 1 || way == 2)
		to->kind = way == 1 ? KIND_M365_IMAP : KIND_M365_GRAPH;
	q->begun = to->kind != KIND_M365;
}

void ask_m365(struct ask *q, struct store *s)
{
	bool imap = false, graph = false;

	take_way(q, s);
	if (sign_in(q, OAUTH_GRAPH, "sign-in-graph",
	            q->job->to.kind == KIND_M365_GRAPH))
		graph = ask_graph(q);
	if (q->job->to.kind != KIND_M365_GRAPH &&
	    sign_in(q, OAUTH_IMAP, "sign-in-imap",
	            q->job->to.kind == KIND_M365_IMAP))
		imap = ask_imap(q);
	tell_door(q, imap, graph);
	ask_estimate(q, !imap);
	graph_close(&q->g);
}
