/* SPDX-License-Identifier: Apache-2.0 */
/* m365.c - who signs in to Microsoft 365, how, and whether it suffices. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/device.h"
#include "cli/m365.h"
#include "util/buf.h"

static const char *or_variable(const char *option, const char *variable)
{
	const char *value = getenv(variable);

	if (option != NULL)
		return option;
	return value != NULL && *value != '\0' ? value : NULL;
}

enum oauth_way m365_way(const struct options *o, const struct vault *v)
{
	if (o->client_certificate != NULL)
		return OAUTH_CERTIFICATE;
	if (o->client_secret_file != NULL || v->client_secret != NULL)
		return OAUTH_SECRET;
	return OAUTH_DEVICE;
}

bool m365_person(const struct vault *v)
{
	return !v->nobody && isatty(STDERR_FILENO);
}

/* --- the secret --------------------------------------------------------- */

static int passphrase(struct m365 *m, bool again, char **out, struct err *e)
{
	CLEANUP(buf_release_p) struct buf prompt = BUF_INIT(1 << 16);
	const char *known =
	        m->passphrase != NULL ? m->passphrase : m->vault->passphrase;

	if (known != NULL && !again) {
		*out = strdup(known);
		return *out != NULL ? 0 : err_memory(e);
	}
	if (buf_fmt(&prompt, "%sPassphrase of the key in %s: ",
	            again ? "That passphrase does not open it. " : "",
	            m->options->client_certificate) != 0)
		return err_memory(e);
	if (secret_ask(m->vault, prompt.p, out, e) != 0)
		return -1;
	if (*out != NULL) {
		secret_wipe(&m->passphrase);
		m->passphrase = secret_locked(*out);
		return 0;
	}
	return err_setf(e, ERR_ACCOUNT, NEXT_SIGN_IN, EC_PASSWORD_MISSING,
	                "%s '%.120s'%s. Set %sMAILHAUL_CERTIFICATE_PASSPHRASE, "
	                "or run mailhaul on a terminal, where it asks.",
	                again ? "The passphrase that was given does not open "
	                        "the key in"
	                      : "The key in",
	                m->options->client_certificate,
	                again ? "" : " has a passphrase",
	                again ? "the right one in " : "");
}

static int client_secret(struct m365 *m, char **out, struct err *e)
{
	if (m->options->client_secret_file != NULL)
		return secret_from_file(m->options->client_secret_file, m->user,
		                        out, e);
	*out = m->vault->client_secret != NULL ? strdup(m->vault->client_secret)
	                                       : NULL;
	return *out != NULL ? 0 : err_memory(e);
}

int m365_secret(void *arg, bool again, char **out, struct err *e)
{
	struct m365 *m = arg;
	int rc;

	*out = NULL;
	pthread_mutex_lock(&m->vault->lock);
	if (m->options->client_certificate != NULL)
		rc = passphrase(m, again, out, e);
	else
		rc = client_secret(m, out, e);
	pthread_mutex_unlock(&m->vault->lock);
	return rc;
}

void m365_show(const struct device_code *d, void *arg)
{
	const struct m365 *m = arg;

	device_show(m->vault->talk, d, *m->user != '\0' ? m->user : NULL, true);
}

/* --- wiring ------------------------------------------------------------- */

/* The organisation of an address is mostly known by its domain. */
static char *tenant_of(const struct options *o, const char *address)
{
	const char *named = or_variable(o->tenant, "MAILHAUL_TENANT");
	const char *at = address != NULL ? strrchr(address, '@') : NULL;

	if (named == NULL && at != NULL)
		named = at + 1;
	return strdup(named != NULL ? named : "");
}

int m365_config(struct m365 *m, struct oauth_config *c, const char *account,
                const struct options *o, struct vault *v, struct err *e)
{
	m->options = o;
	m->vault = v;
	m->user = account != NULL ? account : "";
	m->client_id = or_variable(o->client_id, "MAILHAUL_CLIENT_ID");
	m->tenant = tenant_of(o, account);
	if (m->tenant == NULL)
		return err_memory(e);
	if (cloud_get(&m->cloud, o->cloud, e) != 0)
		return -1;
	*c = (struct oauth_config){
		.cloud = m->cloud,
		.tenant = m->tenant,
		.client_id = m->client_id,
		.account = account,
		.way = m365_way(o, v),
		.certificate_file = o->client_certificate,
		.ca_file = o->ca_file,
		.secret = m365_secret,
		.secret_arg = m,
		.show = m365_person(v) ? m365_show : NULL,
		.show_arg = m,
		.cancel = v->stop,
	};
	return 0;
}

int m365_wire(struct m365 *m, struct account *a, const struct options *o,
              struct vault *v, struct err *e)
{
	struct oauth_config c;

	if (!account_is_m365(a))
		return 0;
	if (m365_config(m, &c, a->user, o, v, e) != 0 ||
	    account_cloud(a, m->cloud.imap, e) != 0 ||
	    oauth_get(&m->oauth, &c, e) != 0)
		return -1;
	a->oauth = m->oauth;
	a->tenant = m->tenant;
	a->client_id = m->client_id;
	a->graph_url = m->cloud.graph;
	/* Three services, whose certificates Microsoft changes as it likes:
	 * a pin is the other end's. */
	a->pin = NULL;
	return 0;
}

void m365_release(struct m365 *m)
{
	secret_wipe(&m->passphrase);
	free(m->tenant);
	*m = (struct m365){ 0 };
}

/* --- before work starts ------------------------------------------------- */

static int neither(const struct account *a, struct err *e)
{
	bool app = oauth_app_only(a->oauth);

	return err_setf(
	        e, ERR_ACCOUNT, NEXT_ASK_PERSON, EC_CONSENT,
	        "The registration has neither of the two rights of which one "
	        "must be there: %s (Office 365 Exchange Online) or %s "
	        "(Microsoft Graph). 'mailhaul login %.80s --print-setup' "
	        "prints how to give them; then run again.",
	        oauth_right(OAUTH_IMAP, app), oauth_right(OAUTH_GRAPH, app),
	        a->tenant);
}

int m365_ready(const struct account *a, struct err *e)
{
	struct err imap = { 0 }, graph = { 0 };

	if (!account_is_m365(a) || a->oauth == NULL)
		return 0;
	if (a->kind == KIND_M365_GRAPH)
		return oauth_may(a->oauth, OAUTH_GRAPH, e);
	if (a->kind == KIND_M365_IMAP)
		return oauth_may(a->oauth, OAUTH_IMAP, e);
	if (oauth_may(a->oauth, OAUTH_GRAPH, &graph) == 0 ||
	    oauth_may(a->oauth, OAUTH_IMAP, &imap) == 0)
		return 0;
	if (graph.code == EC_CONSENT && imap.code == EC_CONSENT)
		return neither(a, e);
	if (e != NULL)
		*e = graph.code == EC_CONSENT ? imap : graph;
	return -1;
}
