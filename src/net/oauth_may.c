/* SPDX-License-Identifier: Apache-2.0 */
/* oauth_may.c - what a token may do, looked at before work starts. */
#include "net/oauth_int.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* 8-4-4-4-12: a domain never looks so. */
static bool is_guid(const char *s)
{
	return strlen(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' &&
	       s[23] == '-';
}

static const char *api_of(enum oauth_resource r)
{
	return r == OAUTH_GRAPH ? "Microsoft Graph"
	                        : "Office 365 Exchange Online";
}

static int no_role(const struct oauth_who *w, enum oauth_resource r,
                   const char *right, struct err *e)
{
	CLEANUP(free_p) char *url = oauth_consent_url(w);

	if (!url)
		return err_memory(e);
	return err_setf(e, ERR_ACCOUNT, NEXT_ASK_PERSON, EC_CONSENT,
	                "The registration lacks the application permission %s "
	                "(%s). Add it under API permissions; then an "
	                "administrator consents: %s - then run again. A new "
	                "right can take two hours to arrive.",
	                right, api_of(r), url);
}

static int no_scope(const struct oauth_who *w, enum oauth_resource r,
                    const char *right, struct err *e)
{
	CLEANUP(free_p) char *line = oauth_login_line(w);

	if (!line)
		return err_memory(e);
	return err_setf(e, ERR_ACCOUNT, NEXT_SIGN_IN, EC_CONSENT,
	                "The sign-in does not carry the delegated permission "
	                "%s (%s). Add it to the registration under API "
	                "permissions, and sign in again: %s - then 'mailhaul "
	                "run' goes on.",
	                right, api_of(r), line);
}

static int other_tenant(const struct oauth_who *w, const struct claims *c,
                        struct err *e)
{
	return err_setf(e, ERR_ACCOUNT, NEXT_SIGN_IN, EC_SIGN_IN,
	                "The sign-in is one of another organisation (%.40s) "
	                "than %.40s. Name the right one with --tenant, or sign "
	                "in with an account of that organisation.",
	                c->tenant, w->tenant);
}

static int judge(struct oauth *o, enum oauth_resource r, const struct claims *c,
                 struct err *e)
{
	const char *right = oauth_right(r, oauth_app_only(o));
	struct oauth_who w = oauth_who_is(o);

	if (*c->tenant && is_guid(w.tenant) &&
	    strcasecmp(c->tenant, w.tenant) != 0)
		return other_tenant(&w, c, e);
	if (claims_has(c, right))
		return 0;
	return oauth_app_only(o) ? no_role(&w, r, right, e)
	                         : no_scope(&w, r, right, e);
}

int oauth_may(struct oauth *o, enum oauth_resource r, struct err *e)
{
	CLEANUP(wipe_text_p) char *token = NULL;
	CLEANUP(wipe_text_p) char *fresh = NULL;
	CLEANUP(claims_release) struct claims c = { 0 };

	if (oauth_token(o, r, NULL, &token, NULL, e))
		return -1;
	if (oauth_claims(token, &c, NULL) || judge(o, r, &c, e) == 0)
		return 0;
	/* It is kept for an hour: the right may have been given since. */
	if (e->code != EC_CONSENT || oauth_token(o, r, token, &fresh, NULL, e))
		return -1;
	claims_release(&c);
	return oauth_claims(fresh, &c, NULL) ? 0 : judge(o, r, &c, e);
}
