/* SPDX-License-Identifier: Apache-2.0 */
/* login.c - says what a sign-in may do and what is missing. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/json.h"
#include "cli/login.h"
#include "cli/text.h"

#define WIDTH 78

static const struct right graph_app[] = {
	{ "Mail.ReadWrite", true, "write mail and folders" },
	{ "MailboxSettings.Read", false,
	  "see a mailbox's kind and language before the move" },
	{ "User.Read.All", false, "see whether user and licence are there" },
	{ "Organization.Read.All", false, "see the tenant's name and domains" },
	{ "Domain.Read.All", false, "see whether the domain is verified" },
	{ "Reports.Read.All", false, "see size and quota" },
	{ "Mail-Advanced.ReadWrite.All", false,
	  "hand messages over whole (in preview at Microsoft)" },
	{ NULL, false, NULL }
};
static const struct right graph_person[] = {
	{ "Mail.ReadWrite", true, "write mail and folders" },
	{ "MailboxSettings.Read", false,
	  "see the mailbox's kind and language before the move" },
	{ "User.Read", false, "see who signed in" },
	{ NULL, false, NULL }
};
static const struct right imap_app[] = { { "IMAP.AccessAsApp", true,
	                                   "write mail octet for octet" },
	                                 { NULL, false, NULL } };
static const struct right imap_person[] = { { "IMAP.AccessAsUser.All", true,
	                                      "write mail octet for octet" },
	                                    { NULL, false, NULL } };

const struct right *login_rights(enum oauth_resource r, bool app_only)
{
	if (r == OAUTH_GRAPH)
		return app_only ? graph_app : graph_person;
	return app_only ? imap_app : imap_person;
}

const char *login_way(enum oauth_way way)
{
	return way == OAUTH_DEVICE   ? "device-code"
	       : way == OAUTH_SECRET ? "secret"
	                             : "certificate";
}

static bool app_only(const struct login *l)
{
	return l->way != OAUTH_DEVICE;
}

static bool has(const struct door *d, const char *right)
{
	return d->readable && claims_has(&d->claims, right);
}

bool login_open(const struct login *l, enum oauth_resource r)
{
	const struct door *d = &l->door[r];

	if (!d->token)
		return false;
	if (!d->readable)
		return true;
	for (const struct right *x = login_rights(r, app_only(l)); x->name; x++)
		if (x->needed && !has(d, x->name))
			return false;
	return true;
}

/* --- for people --------------------------------------------------------- */

static const char *name_of(enum oauth_resource r)
{
	return r == OAUTH_GRAPH ? "Graph" : "IMAP ";
}

static const char *api_of(enum oauth_resource r)
{
	return r == OAUTH_GRAPH ? "Microsoft Graph"
	                        : "Office 365 Exchange Online";
}

/* A paragraph behind a label. */
static int item(struct buf *b, const char *label, const char *text)
{
	CLEANUP(buf_release_p) struct buf clean = BUF_INIT(1 << 16);

	if (text_clean(&clean, text) != 0 || buf_fmt(b, "%9s", label) != 0 ||
	    text_wrap(b, clean.n != 0 ? clean.p : "", 9, WIDTH) != 0)
		return -1;
	return buf_chr(b, '\n');
}

static int lacks(struct buf *b, const struct login *l, enum oauth_resource r,
                 const struct right *x)
{
	CLEANUP(buf_release_p) struct buf t = BUF_INIT(1 << 16);
	CLEANUP(free_p) char *url = oauth_consent_url(&l->who);
	CLEANUP(free_p) char *line = oauth_login_line(&l->who);

	if (url == NULL || line == NULL)
		return -1;
	if (!x->needed)
		return buf_fmt(&t, "good to have: %s, to %s.", x->name,
		               x->what) != 0 ||
		                       item(b, "", t.p) != 0
		               ? -1
		               : 0;
	if (buf_fmt(&t,
	            "missing: %s. Give it in the registration: API "
	            "permissions, Add a permission, %s, %s permissions, %s. "
	            "Then an administrator consents: 'Grant admin consent' "
	            "there, or the page %s -",
	            x->name, api_of(r),
	            app_only(l) ? "Application" : "Delegated", x->name,
	            url) != 0)
		return -1;
	if (app_only(l)
	            ? buf_str(&t, " A new right can take two hours to arrive.")
	            : buf_fmt(&t, " and you sign in again: %s", line))
		return -1;
	return item(b, "", t.p);
}

static int rights(struct buf *b, const struct login *l, enum oauth_resource r)
{
	const struct door *d = &l->door[r];

	for (const struct right *x = login_rights(r, app_only(l)); x->name;
	     x++) {
		CLEANUP(buf_release_p) struct buf t = BUF_INIT(1 << 12);

		if (!has(d, x->name)) {
			if (lacks(b, l, r, x) != 0)
				return -1;
			continue;
		}
		if (buf_fmt(&t, "%s: may %s.", x->name, x->what) != 0 ||
		    item(b, "", t.p) != 0)
			return -1;
	}
	return 0;
}

static int print_door(struct buf *b, const struct login *l,
                      enum oauth_resource r)
{
	const struct door *d = &l->door[r];

	if (buf_fmt(b, "  %s  ", name_of(r)) != 0)
		return -1;
	if (!d->token)
		return buf_str(b, "shut\n") != 0 ||
		                       item(b, "", d->err.text) != 0
		               ? -1
		               : 0;
	if (buf_str(b, login_open(l, r) ? "open\n" : "shut\n") != 0)
		return -1;
	if (!d->readable)
		return item(b, "",
		            "The token can't be read: what it may shows when "
		            "it is used.");
	return rights(b, l, r);
}

static const char *tenant_id(const struct login *l)
{
	for (size_t i = 0; i < OAUTH_RESOURCES; i++)
		if (l->door[i].readable && *l->door[i].claims.tenant)
			return l->door[i].claims.tenant;
	return NULL;
}

static int print_who(struct buf *b, const struct login *l)
{
	const char *id = tenant_id(l);
	CLEANUP(buf_release_p) struct buf t = BUF_INIT(1 << 12);
	CLEANUP(buf_release_p) struct buf clean = BUF_INIT(1 << 12);

	if (l->account != NULL
	            ? buf_fmt(&t, "Signed in to %s as %s", l->who.tenant,
	                      l->account)
	            : buf_fmt(&t,
	                      "The registration %s signs in to %s by its "
	                      "%s",
	                      l->who.client_id, l->who.tenant,
	                      login_way(l->way)))
		return -1;
	if (id != NULL && strcasecmp(id, l->who.tenant) != 0 &&
	    buf_fmt(&t, " (tenant %s)", id) != 0)
		return -1;
	if (buf_str(&t, ".") != 0 || text_clean(&clean, t.p) != 0 ||
	    text_wrap(b, clean.p, 0, WIDTH) != 0)
		return -1;
	return buf_chr(b, '\n');
}

/* Another person's sign-in opens a mailbox only with rights on it. */
static int print_whose(struct buf *b, const struct login *l)
{
	CLEANUP(buf_release_p) struct buf t = BUF_INIT(1 << 12);
	const char *wanted = l->who.account;

	if (app_only(l) || wanted == NULL || l->account == NULL ||
	    strcasecmp(wanted, l->account) == 0)
		return 0;
	if (buf_fmt(&t,
	            "That is not %s. mailhaul uses this sign-in for mailboxes "
	            "whose owner has not signed in; it opens them by IMAP, if "
	            "%s has full access to them (in the Exchange admin "
	            "center: the mailbox, Delegation, Read and manage).\n",
	            wanted, l->account) != 0)
		return -1;
	return text_wrap(b, t.p, 0, WIDTH) != 0 ? -1 : buf_chr(b, '\n');
}

static int print_end(struct buf *b, const struct login *l)
{
	bool graph = login_open(l, OAUTH_GRAPH);
	bool imap = login_open(l, OAUTH_IMAP);
	const char *text =
	        graph && imap ? "Both doors are open. Whether a mailbox lets "
	                        "mailhaul "
	                        "in is shown by: mailhaul check"
	        : graph || imap
	                ? "One door suffices to move mail. With both, mail "
	                  "keeps every octet (IMAP) and its categories "
	                  "(Graph)."
	                : "No mail can be moved before one of the doors is "
	                  "open.";

	return text_wrap(b, text, 0, WIDTH) != 0 ? -1 : buf_chr(b, '\n');
}

int login_print(struct buf *b, const struct login *l)
{
	bool any = l->door[OAUTH_GRAPH].token || l->door[OAUTH_IMAP].token;

	if ((any && print_who(b, l) != 0) || print_whose(b, l) != 0 ||
	    print_door(b, l, OAUTH_IMAP) != 0 ||
	    print_door(b, l, OAUTH_GRAPH) != 0)
		return -1;
	return print_end(b, l);
}

/* --- for scripts -------------------------------------------------------- */

static json_t *json_rights(const struct login *l, enum oauth_resource r,
                           bool there)
{
	const struct door *d = &l->door[r];
	json_t *all = json_array();

	for (const struct right *x = login_rights(r, app_only(l));
	     d->readable && x->name; x++) {
		if (has(d, x->name) != there)
			continue;
		if (there)
			json_array_append_new(all, json_string(x->name));
		else
			json_array_append_new(
			        all, json_pack("{s:s, s:b}", "right", x->name,
			                       "needed", x->needed));
	}
	return all;
}

json_t *login_doors(const struct login *l)
{
	json_t *all = json_array();

	for (size_t i = 0; i < OAUTH_RESOURCES; i++) {
		enum oauth_resource r = (enum oauth_resource)i;
		const struct door *d = &l->door[i];
		json_t *o = json_object();

		json_object_set_new(
		        o, "door",
		        json_string(r == OAUTH_GRAPH ? "graph" : "imap"));
		json_object_set_new(o, "open", json_boolean(login_open(l, r)));
		json_object_set_new(o, "rights", json_rights(l, r, true));
		json_object_set_new(o, "missing", json_rights(l, r, false));
		json_object_set_new(o, "tenant_id",
		                    d->readable ? json_text(d->claims.tenant)
		                                : json_null());
		json_object_set_new(
		        o, "expires",
		        json_when(d->readable ? d->claims.expires : 0));
		json_object_set_new(o, "error",
		                    d->token ? json_null() : json_err(&d->err));
		json_array_append_new(all, o);
	}
	return all;
}
