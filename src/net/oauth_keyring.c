/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oauth_keyring.c - tokens in the desktop's keyring (libsecret). It is used
 * only if it is there and open: nothing waits for a person to unlock it in
 * the middle of the night. MAILHAUL_KEYRING=no leaves it alone.
 */
#include "net/oauth_int.h"

#ifdef MAILHAUL_LIBSECRET

#include <libsecret/secret.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/log.h"

static const SecretSchema schema = {
	"io.mailhaul.tokens",
	SECRET_SCHEMA_NONE,
	{ { "login", SECRET_SCHEMA_ATTRIBUTE_STRING },
	  { "tenant", SECRET_SCHEMA_ATTRIBUTE_STRING },
	  { "client_id", SECRET_SCHEMA_ATTRIBUTE_STRING },
	  { "account", SECRET_SCHEMA_ATTRIBUTE_STRING } },
};

static bool usable;

/* Asking for a bus where none runs would start one. */
static bool has_bus(void)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(0);
	const char *dir = getenv("XDG_RUNTIME_DIR");

	if (getenv("DBUS_SESSION_BUS_ADDRESS"))
		return true;
	return dir && !buf_fmt(&b, "%s/bus", dir) && !access(b.p, F_OK);
}

static bool is_open(SecretService *service)
{
	SecretCollection *c = secret_collection_for_alias_sync(
	        service, SECRET_COLLECTION_DEFAULT, SECRET_COLLECTION_NONE,
	        NULL, NULL);
	bool open = c && !secret_collection_get_locked(c);

	if (c && !open)
		log_msg("keyring: locked, so a file is used");
	g_clear_object(&c);
	return open;
}

static void look(void)
{
	const char *no = getenv("MAILHAUL_KEYRING");
	SecretService *service;

	if ((no && !strcmp(no, "no")) || !has_bus())
		return;
	service = secret_service_get_sync(SECRET_SERVICE_OPEN_SESSION, NULL,
	                                  NULL);
	if (!service)
		return;
	usable = is_open(service);
	g_object_unref(service);
}

static bool is_usable(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, look);
	return usable;
}

/* One name for one mailbox, however it was written. */
static char *lower(const char *s)
{
	char *copy = strdup(s);

	for (char *p = copy; p && *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p | 0x20);
	return copy;
}

#define ATTRIBUTES(w, name)                                      \
	"login", (w)->login, "tenant", (w)->tenant, "client_id", \
	        (w)->client_id, "account", name, NULL

int keyring_load(const struct oauth_who *w, const char *name, char **json)
{
	CLEANUP(free_p) char *small = lower(name);
	gchar *found;

	*json = NULL;
	if (!small || !is_usable())
		return 0;
	found = secret_password_lookup_sync(&schema, NULL, NULL,
	                                    ATTRIBUTES(w, small));
	if (!found)
		return 0;
	*json = strdup(found);
	secret_password_free(found);
	return 1;
}

int keyring_save(const struct oauth_who *w, const char *name, const char *json)
{
	CLEANUP(buf_release_p) struct buf label = BUF_INIT(0);
	CLEANUP(free_p) char *small = lower(name);

	if (!small || !is_usable() ||
	    buf_fmt(&label, "mailhaul: sign-in of %s at %s", name, w->tenant))
		return 0;
	return secret_password_store_sync(&schema, SECRET_COLLECTION_DEFAULT,
	                                  label.p, json, NULL, NULL,
	                                  ATTRIBUTES(w, small))
	               ? 1
	               : 0;
}

int keyring_drop(const struct oauth_who *w, const char *name)
{
	CLEANUP(free_p) char *small = name ? lower(name) : NULL;

	if ((name && !small) || !is_usable())
		return 0;
	if (!name)
		return secret_password_clear_sync(
		               &schema, NULL, NULL, "login", w->login, "tenant",
		               w->tenant, "client_id", w->client_id, NULL)
		               ? 1
		               : 0;
	return secret_password_clear_sync(&schema, NULL, NULL,
	                                  ATTRIBUTES(w, small))
	               ? 1
	               : 0;
}

#else

int keyring_load(const struct oauth_who *w, const char *name, char **json)
{
	(void)w;
	(void)name;
	*json = NULL;
	return 0;
}

int keyring_save(const struct oauth_who *w, const char *name, const char *json)
{
	(void)w;
	(void)name;
	(void)json;
	return 0;
}

int keyring_drop(const struct oauth_who *w, const char *name)
{
	(void)w;
	(void)name;
	return 0;
}

#endif
