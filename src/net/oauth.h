/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oauth.h - tokens of Microsoft Entra ID: device code (RFC 8628), client
 * secret, certificate assertion (RFC 7523), refresh. m365.md A.
 *
 *   oauth_get(&o, &config, &err);       one handle a tenant, app and person,
 *                                       shared by all who ask for the same
 *   oauth_token(o, OAUTH_GRAPH, ...);   any thread; from memory, the cache
 *                                       file or keyring, else the network
 *   oauth_put(&o);
 *
 * Tokens are kept under $XDG_STATE_HOME/mailhaul/tokens (0600, in a folder
 * of 0700, written to a new file and renamed), or in the desktop's keyring
 * when built with libsecret and one is running (MAILHAUL_KEYRING=no: file).
 * One thread for all handles refreshes at 80 % of a token's life. Another
 * process may refresh the same token: before a refresh the cache is read
 * again. Secrets and tokens are wiped before their memory is freed, and
 * never stand in an error, a log line or the job store.
 * A certificate signs with PS256, and with RS256 if that is refused;
 * MAILHAUL_ASSERTION=PS256 or RS256 allows only the one.
 *
 * A refusal that a person must cure is EC_SIGN_IN or EC_CONSENT with
 * NEXT_SIGN_IN or NEXT_ASK_PERSON, the sentence of m365.md A.6 and the
 * correlation id in the detail. Transient ones are NEXT_RETRY.
 */
#ifndef MAILHAUL_NET_OAUTH_H
#define MAILHAUL_NET_OAUTH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mailhaul/account.h"
#include "mailhaul/err.h"

/* One cloud of m365.md A.1. */
struct cloud {
	const char *name;        /* global, usgov, dod, china */
	const char *login;       /* "https://login.microsoftonline.com" */
	const char *graph;       /* "https://graph.microsoft.com" */
	const char *graph_app;   /* resource of Graph tokens: the same, whatever
	                       * MAILHAUL_GRAPH_URL says */
	const char *imap;        /* "imaps://outlook.office365.com:993" */
	const char *outlook;     /* resource of IMAP tokens, delegated:
	                       * "https://outlook.office.com" */
	const char *outlook_app; /* app-only: "https://outlook.office365.com" */
};
/* By name; NULL: none. */
const struct cloud *cloud_find(const char *name);
/* Fills *out from name (NULL: global); MAILHAUL_LOGIN_URL,
 * MAILHAUL_GRAPH_URL and MAILHAUL_M365_IMAP replace login, graph and imap.
 * Strings are static or the environment's. EC_INPUT for an unknown name. */
int cloud_get(struct cloud *out, const char *name, struct err *e);

enum oauth_resource { OAUTH_GRAPH, OAUTH_IMAP, OAUTH_RESOURCES };
enum oauth_way { OAUTH_DEVICE, OAUTH_SECRET, OAUTH_CERTIFICATE };

/* What to show a person who signs in by device code. */
struct device_code {
	const char *url, *code, *message;
	unsigned expires_s;
};

struct oauth_config {
	struct cloud cloud;
	const char *tenant; /* GUID or domain */
	const char *client_id;
	const char *account; /* whose sign-in (device code); NULL: whoever */
	enum oauth_way way;
	const char *certificate_file; /* PEM with key and certificate */
	const char *ca_file, *pin;
	/* The client secret, or the passphrase of the key file. */
	secret_fn *secret;
	void *secret_arg;
	/* Shows a device code; NULL: nobody is there, and a missing sign-in
	 * is EC_SIGN_IN with "mailhaul login TENANT" in its sentence. */
	void (*show)(const struct device_code *d, void *arg);
	/* About once a second until the person has signed in; or NULL. */
	void (*tick)(unsigned left_s, void *arg);
	void *show_arg;
	const atomic_int *cancel;
};

struct oauth;
/* EC_MEMORY. A tenant or client_id that is missing (NULL) is told by
 * oauth_token(): EC_SIGN_IN. What *c points to is copied, but for
 * secret_arg, show_arg and cancel, which must live until the last handle of
 * this tenant, app and person is put. */
int oauth_get(struct oauth **out, const struct oauth_config *c, struct err *e);
void oauth_put(struct oauth **o);

/*
 * A token for the resource (malloc'd; the caller wipes and frees it) and
 * when it ends (clock_ms(); may be NULL). refused: the service has refused
 * this one (borrowed, may be NULL): it is not given out again.
 */
int oauth_token(struct oauth *o, enum oauth_resource r, const char *refused,
                char **out, uint64_t *ends_ms, struct err *e);

/* What a token says of itself, decoded and not verified (it is the
 * resource that verifies). Strings are malloc'd. */
struct claims {
	char *tenant;   /* tid */
	char *audience; /* aud */
	char *roles;    /* application permissions, space-separated, or "" */
	char *scopes;   /* scp, delegated, or "" */
	char *user;     /* upn, preferred_username or "" */
	char *app;      /* appid or azp, or "" */
	int64_t expires;
};
int oauth_claims(const char *token, struct claims *out, struct err *e);
void claims_release(struct claims *c);
bool claims_has(const struct claims *c, const char *right);

/* Whether the sign-in is app-only: rights are roles, not scopes. */
bool oauth_app_only(const struct oauth *o);
/* Who signed in, once a token was given out; NULL: nobody yet, or app-only.
 * malloc'd. */
char *oauth_account(struct oauth *o);
/*
 * Fetches a token for r and looks whether it carries what moving mail
 * through that door needs. EC_CONSENT names the missing right and how to
 * give it. A token that can't be read says nothing and is let through: the
 * service decides.
 */
int oauth_may(struct oauth *o, enum oauth_resource r, struct err *e);
/* The right that this door needs: "Mail.ReadWrite". Static. */
const char *oauth_right(enum oauth_resource r, bool app_only);
/* Signs in anew even if there is a token (mailhaul login). App-only: the
 * next oauth_token() asks the service again. */
int oauth_sign_in(struct oauth *o, struct err *e);
/* Forgets what is cached (mailhaul login --forget): of the account; without
 * one, of everybody; app-only, the registration's own. */
int oauth_forget(struct oauth *o, struct err *e);

/* Whom the sentences of an error are about; all borrowed. */
struct oauth_who {
	const char *login; /* "https://login.microsoftonline.com" */
	const char *cloud; /* NULL: global */
	const char *tenant, *client_id;
	const char *account; /* or NULL */
};
/* Fills e from the error JSON of the sign-in service (m365.md A.6).
 * Pure; status 200 is no error: 0. */
int oauth_error(int status, const char *json, size_t n,
                const struct oauth_who *w, struct err *e);
/* The address where an administrator consents for the tenant. malloc'd. */
char *oauth_consent_url(const struct oauth_who *w);
/* "mailhaul login TENANT --client-id ID ...". malloc'd. */
char *oauth_login_line(const struct oauth_who *w);

#endif
