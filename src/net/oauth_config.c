/* SPDX-License-Identifier: Apache-2.0 */
/* oauth_config.c - what a handle stands for: copied, compared, checked. */
#include "net/oauth_int.h"

#include <stdlib.h>
#include <string.h>

static int copy(const char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return from && !*to ? -1 : 0;
}

int config_copy(struct oauth_config *to, const struct oauth_config *c)
{
	*to = *c;
	to->cloud = (struct cloud){ 0 };
	to->tenant = to->client_id = to->account = NULL;
	to->certificate_file = to->ca_file = to->pin = NULL;
	return copy(&to->cloud.name, c->cloud.name) ||
	                       copy(&to->cloud.login, c->cloud.login) ||
	                       copy(&to->cloud.graph, c->cloud.graph) ||
	                       copy(&to->cloud.graph_app, c->cloud.graph_app) ||
	                       copy(&to->cloud.imap, c->cloud.imap) ||
	                       copy(&to->cloud.outlook, c->cloud.outlook) ||
	                       copy(&to->cloud.outlook_app,
	                            c->cloud.outlook_app) ||
	                       copy(&to->tenant, c->tenant) ||
	                       copy(&to->client_id, c->client_id) ||
	                       copy(&to->account, c->account) ||
	                       copy(&to->certificate_file,
	                            c->certificate_file) ||
	                       copy(&to->ca_file, c->ca_file) ||
	                       copy(&to->pin, c->pin)
	               ? -1
	               : 0;
}

void config_release(struct oauth_config *c)
{
	const char *const all[] = { c->cloud.name,
		                    c->cloud.login,
		                    c->cloud.graph,
		                    c->cloud.graph_app,
		                    c->cloud.imap,
		                    c->cloud.outlook,
		                    c->cloud.outlook_app,
		                    c->tenant,
		                    c->client_id,
		                    c->account,
		                    c->certificate_file,
		                    c->ca_file,
		                    c->pin };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		free((char *)all[i]);
}

bool oauth_same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool app_only(const struct oauth_config *c)
{
	return c->way != OAUTH_DEVICE;
}

bool config_same(const struct oauth_config *a, const struct oauth_config *b)
{
	return a->way == b->way && oauth_same(a->cloud.login, b->cloud.login) &&
	       oauth_same(a->cloud.name, b->cloud.name) &&
	       oauth_same(a->tenant, b->tenant) &&
	       oauth_same(a->client_id, b->client_id) &&
	       oauth_same(a->certificate_file, b->certificate_file) &&
	       oauth_same(a->ca_file, b->ca_file) &&
	       oauth_same(a->pin, b->pin) &&
	       (app_only(a) || oauth_same(a->account, b->account));
}

int config_check(const struct oauth_config *c, struct err *e)
{
	if (!c->tenant || !*c->tenant)
		return err_setf(e, ERR_ACCOUNT, NEXT_ASK_PERSON, EC_SIGN_IN,
		                "Which Microsoft 365 organisation this "
		                "mailbox is in is not known. Name its domain "
		                "with --tenant, or set MAILHAUL_TENANT.");
	if (!c->client_id || !*c->client_id)
		return err_setf(
		        e, ERR_ACCOUNT, NEXT_ASK_PERSON, EC_SIGN_IN,
		        "mailhaul has no client id for '%.80s': it does not "
		        "come with a registration of its own. Make one once, "
		        "as docs/microsoft365.md explains ('mailhaul login "
		        "%.80s --print-setup' prints it as a script), then "
		        "name it with --client-id or MAILHAUL_CLIENT_ID.",
		        c->tenant, c->tenant);
	return 0;
}
