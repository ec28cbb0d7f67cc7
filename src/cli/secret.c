/* SPDX-License-Identifier: Apache-2.0 */
/* secret.c - finds a password, keeps it for the run, wipes it. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "cli/secret.h"
#include "util/buf.h"
#include "util/clock.h"

/* Several lanes are refused at the same moment: the one that comes next
 * gets what the first has just found instead of asking again. */
#define FRESH_MS 15000

void secret_harden(void)
{
	const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__ /* its leak check must trace the process */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

void secret_wipe(char **p)
{
	if (*p == NULL)
		return;
	explicit_bzero(*p, strlen(*p));
	free(*p);
	*p = NULL;
}

/* As far as the limits let us: a swapped-out page outlives the process. */
char *secret_locked(const char *value)
{
	char *p = strdup(value);

	if (p != NULL)
		(void)mlock(p, strlen(p) + 1);
	return p;
}

/* Children must not inherit it, and /proc shows the first environment for
 * as long as we run. */
static char *take_variable(const char *name)
{
	char *value = getenv(name), *p;

	if (value == NULL)
		return NULL;
	p = *value != '\0' ? secret_locked(value) : NULL;
	explicit_bzero(value, strlen(value));
	unsetenv(name);
	return p;
}

void vault_init(struct vault *v, struct talk *t, const atomic_int *stop)
{
	*v = (struct vault){ .lock = PTHREAD_MUTEX_INITIALIZER,
		             .talk = t,
		             .stop = stop };
	v->from = take_variable("MAILHAUL_FROM_PASSWORD");
	v->to = take_variable("MAILHAUL_TO_PASSWORD");
	v->client_secret = take_variable("MAILHAUL_CLIENT_SECRET");
	v->passphrase = take_variable("MAILHAUL_CERTIFICATE_PASSPHRASE");
}

void vault_release(struct vault *v)
{
	secret_wipe(&v->from);
	secret_wipe(&v->to);
	secret_wipe(&v->client_secret);
	secret_wipe(&v->passphrase);
	csv_release(&v->csv);
	free(v->csv_source);
	pthread_mutex_destroy(&v->lock);
}

void secret_init(struct secret *s, struct vault *v, const struct account *a,
                 const struct options *o, const char *mailbox)
{
	*s = (struct secret){
		.vault = v, .account = a, .options = o, .mailbox = mailbox
	};
}

void secret_release(struct secret *s)
{
	secret_wipe(&s->kept);
}

static const char *file_of(const struct secret *s)
{
	return s->account->is_from ? s->options->from_password_file
	                           : s->options->to_password_file;
}

static const char *command_of(const struct secret *s)
{
	return s->account->is_from ? s->options->from_password_command
	                           : s->options->to_password_command;
}

static const char *environment_of(const struct secret *s)
{
	return s->account->is_from ? s->vault->from : s->vault->to;
}

bool secret_must_ask(const struct secret *s)
{
	return account_is_imap(s->account) && !account_is_m365(s->account) &&
	       file_of(s) == NULL && command_of(s) == NULL &&
	       s->options->csv == NULL && environment_of(s) == NULL &&
	       secret_terminal();
}

static int missing(const struct secret *s, struct err *e)
{
	bool from = s->account->is_from;

	return err_setf(
	        e, ERR_ACCOUNT, NEXT_SIGN_IN, EC_PASSWORD_MISSING,
	        "There is no password for %.80s at %.80s. Set %s, or name a "
	        "file or a command with --%s-password-file or "
	        "--%s-password-command, or run mailhaul on a terminal, where "
	        "it asks.",
	        s->account->user != NULL ? s->account->user : "?",
	        s->account->host != NULL ? s->account->host : "?",
	        from ? "MAILHAUL_FROM_PASSWORD" : "MAILHAUL_TO_PASSWORD",
	        from ? "from" : "to", from ? "from" : "to");
}

static int no_other(const struct secret *s, struct err *e)
{
	return err_setf(
	        e, ERR_ACCOUNT, NEXT_SIGN_IN, EC_SIGN_IN,
	        "%.80s did not accept the password of %.80s, and there is no "
	        "other one. Check the user name and the password, then run "
	        "again.",
	        s->account->host != NULL ? s->account->host : "The server",
	        s->account->user != NULL ? s->account->user : "the mailbox");
}

/* One from the first source that has one. *out NULL: no source has. */
static int look(struct secret *s, bool again, char **out, struct err *e)
{
	const char *user = s->account->user != NULL ? s->account->user : "";

	*out = NULL;
	if (file_of(s) != NULL)
		return secret_from_file(file_of(s), user, out, e);
	if (command_of(s) != NULL)
		return secret_from_command(command_of(s), user, s->vault->stop,
		                           out, e);
	if (s->options->csv != NULL &&
	    secret_from_csv(s->vault, s, again, out, e) != 0)
		return -1;
	if (*out != NULL)
		return 0;
	if (environment_of(s) != NULL) {
		*out = strdup(environment_of(s));
		return *out != NULL ? 0 : err_memory(e);
	}
	if (!secret_terminal())
		return 0;
	s->asked = true;
	return secret_from_terminal(s->vault, s->account, again, out, e);
}

static int keep(struct secret *s, const char *value, struct err *e)
{
	secret_wipe(&s->kept);
	s->kept = secret_locked(value);
	return s->kept != NULL ? 0 : err_memory(e);
}

/* Under the lock: makes s->kept what is to be used. */
static int refresh(struct secret *s, bool again, struct err *e)
{
	uint64_t now = clock_ms();
	char *found;

	if (s->kept != NULL &&
	    (!again || (s->fresh_ms != 0 && now - s->fresh_ms < FRESH_MS)))
		return 0;
	if (look(s, again, &found, e) != 0)
		return -1;
	if (found == NULL)
		return s->kept != NULL ? no_other(s, e) : missing(s, e);
	if (again && !s->asked && s->kept != NULL &&
	    strcmp(found, s->kept) == 0) {
		secret_wipe(&found);
		return no_other(s, e);
	}
	if (again)
		s->fresh_ms = clock_ms();
	int rc = keep(s, found, e);

	secret_wipe(&found);
	return rc;
}

int secret_find(void *arg, bool again, char **out, struct err *e)
{
	struct secret *s = arg;
	int rc;

	*out = NULL;
	pthread_mutex_lock(&s->vault->lock);
	rc = refresh(s, again, e);
	if (rc == 0) {
		*out = strdup(s->kept);
		if (*out == NULL)
			rc = err_memory(e);
	}
	pthread_mutex_unlock(&s->vault->lock);
	return rc;
}
