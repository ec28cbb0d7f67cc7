/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_login.c - mailhaul login: signs a person in to Microsoft 365, or
 * tests a registration that signs in by itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/device.h"
#include "cli/json.h"
#include "cli/login.h"
#include "cli/setup_script.h"
#include "util/log.h"

#define STOPPING "Stopping. Nothing was changed."

/* --- what is asked for -------------------------------------------------- */

static int check_account(const char *s, struct err *e)
{
	const char *at = s != NULL ? strchr(s, '@') : NULL;

	if (s == NULL)
		return 0;
	if (at == NULL || at == s || at[1] == '\0' || strlen(s) > 320 ||
	    s[strspn(s, "abcdefghijklmnopqrstuvwxyz"
	                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	                "@.!#$%&*+-/=?^_~")] != '\0')
		return err_setf(e, ERR_RUN, NEXT_GIVE_UP, EC_INPUT,
		                "--account is \"%.100s\". Write the address of "
		                "a mailbox, such as ann@contoso.com.",
		                s);
	return 0;
}

static int read_options(struct cli *c, struct options *o, struct err *e)
{
	if (cli_mailbox_options(&c->args, o, e) != 0 ||
	    options_set(o, "tenant", c->args.operand[0], e) != 0 ||
	    check_account(opt_value(&c->args, "account"), e) != 0)
		return -1;
	if (opt_given(&c->args, "print-setup") && opt_given(&c->args, "forget"))
		return err_setf(e, ERR_RUN, NEXT_GIVE_UP, EC_USAGE,
		                "--print-setup and --forget are two different "
		                "wishes. Give one of them.");
	return 0;
}

/* --- showing ------------------------------------------------------------ */

static void show(const struct device_code *d, void *arg)
{
	struct cli *c = arg;

	if (c->json) {
		json_t *o = json_head("event", "device-code");

		json_object_set_new(o, "url", json_text(d->url));
		json_object_set_new(o, "code", json_text(d->code));
		json_object_set_new(o, "expires_s", json_integer(d->expires_s));
		json_line(o);
		fflush(stdout);
	}
	device_show(&c->talk, d, opt_value(&c->args, "account"),
	            !opt_given(&c->args, "no-qr"));
}

static void tick(unsigned left_s, void *arg)
{
	struct cli *c = arg;

	device_left(&c->talk, left_s);
}

/* --- the sign-in -------------------------------------------------------- */

static void look_behind(struct oauth *o, struct door *d)
{
	struct err unreadable;
	char *token;

	if (oauth_token(o, d->resource, NULL, &token, NULL, &d->err) != 0)
		return;
	d->token = true;
	d->readable = oauth_claims(token, &d->claims, &unreadable) == 0;
	secret_wipe(&token);
}

static int exit_of(const struct login *l)
{
	int code = 0;

	for (size_t i = 0; i < OAUTH_RESOURCES; i++) {
		const struct door *d = &l->door[i];

		if (!d->token)
			code = cli_worst(code, transfer_exit_code(&d->err));
		else if (!login_open(l, (enum oauth_resource)i))
			code = cli_worst(code, EXIT_PERSON);
	}
	return code;
}

static void answer(struct cli *c, const struct login *l, int code)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(1 << 20);
	json_t *o;

	if (!c->json) {
		if (login_print(&b, l) == 0)
			cli_print(&b);
		return;
	}
	o = json_head("command", "login");
	json_object_set_new(o, "tenant", json_text(l->who.tenant));
	json_object_set_new(o, "client_id", json_text(l->who.client_id));
	json_object_set_new(o, "way", json_string(login_way(l->way)));
	json_object_set_new(o, "account", json_text(l->account));
	json_object_set_new(o, "doors", login_doors(l));
	json_object_set_new(o, "error", json_null());
	json_object_set_new(o, "exit", json_integer(code));
	json_line(o);
}

/* The first refusal ends it, before there is anything to list. */
static int fail(struct cli *c, const struct login *l, const struct err *e)
{
	int code = cli_fail(c, e);
	json_t *o;

	if (!c->json)
		return code;
	o = json_head("command", "login");
	json_object_set_new(o, "tenant", json_text(l->who.tenant));
	json_object_set_new(o, "client_id", json_text(l->who.client_id));
	json_object_set_new(o, "way", json_string(login_way(l->way)));
	json_object_set_new(o, "account", json_null());
	json_object_set_new(o, "doors", json_array());
	json_object_set_new(o, "error", json_err(e));
	json_object_set_new(o, "exit", json_integer(code));
	json_line(o);
	return code;
}

/* One reason keeps both doors shut: it is said once. */
static bool same_refusal(const struct login *l)
{
	const struct door *a = &l->door[OAUTH_GRAPH];
	const struct door *b = &l->door[OAUTH_IMAP];

	return !a->token && !b->token && strcmp(a->err.text, b->err.text) == 0;
}

/* What the service said, for its support. */
static void say_details(struct cli *c, const struct login *l)
{
	for (size_t i = 0; log_on() && i < OAUTH_RESOURCES; i++)
		if (!l->door[i].token)
			talk_warn(&c->talk, "  (%s: %s)",
			          err_code_name(l->door[i].err.code),
			          l->door[i].err.detail);
}

static int sign_in(struct cli *c, struct oauth *o, struct login *l)
{
	struct err e = { 0 };
	int code;

	if (oauth_sign_in(o, &e) != 0)
		return fail(c, l, &e);
	for (size_t i = 0; i < OAUTH_RESOURCES; i++) {
		l->door[i].resource = (enum oauth_resource)i;
		look_behind(o, &l->door[i]);
	}
	if (same_refusal(l))
		return fail(c, l, &l->door[OAUTH_GRAPH].err);
	say_details(c, l);
	l->account = oauth_account(o);
	code = exit_of(l);
	answer(c, l, code);
	free(l->account);
	for (size_t i = 0; i < OAUTH_RESOURCES; i++)
		claims_release(&l->door[i].claims);
	return code;
}

static int forget(struct cli *c, struct oauth *o, const struct login *l)
{
	struct err e = { 0 };

	if (oauth_forget(o, &e) != 0)
		return fail(c, l, &e);
	if (c->json) {
		json_t *j = json_head("command", "login");

		json_object_set_new(j, "tenant", json_text(l->who.tenant));
		json_object_set_new(j, "forgotten", json_true());
		json_object_set_new(j, "exit", json_integer(0));
		json_line(j);
	} else if (!c->quiet) {
		printf("The sign-in to %s is forgotten on this computer. To "
		       "end it everywhere, an administrator revokes the "
		       "sessions of the account.\n",
		       l->who.tenant);
	}
	return 0;
}

static int with_handle(struct cli *c, const struct options *o,
                       const struct m365 *m, struct oauth *oauth)
{
	struct login l = {
		.who = { .login = m->cloud.login,
		         .cloud = m->cloud.name,
		         .tenant = m->tenant,
		         .client_id = m->client_id,
		         .account = opt_value(&c->args, "account") },
		.way = m365_way(o, &c->vault),
	};
	int code;

	if (opt_given(&c->args, "forget"))
		return forget(c, oauth, &l);
	code = cli_signals(c, STOPPING);
	return code != 0 ? code : sign_in(c, oauth, &l);
}

static int login(struct cli *c, const struct options *o)
{
	struct m365 m = { 0 };
	struct oauth_config config;
	struct err e = { 0 };
	int code;

	if (m365_config(&m, &config, opt_value(&c->args, "account"), o,
	                &c->vault, &e) != 0) {
		m365_release(&m);
		return cli_fail(c, &e);
	}
	config.show = show;
	config.tick = tick;
	config.show_arg = c;
	if (oauth_get(&m.oauth, &config, &e) != 0)
		code = cli_fail(c, &e);
	else
		code = with_handle(c, o, &m, m.oauth);
	oauth_put(&m.oauth);
	m365_release(&m);
	return code;
}

static int print_setup(struct cli *c, const struct options *o)
{
	const struct setup s = { .tenant = o->tenant,
		                 .cloud =
		                         o->cloud != NULL ? o->cloud : "global",
		                 .account = opt_value(&c->args, "account") };
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(1 << 20);
	struct err e;

	if (setup_script(&b, &s) != 0) {
		err_memory(&e);
		return cli_fail(c, &e);
	}
	cli_print(&b);
	return 0;
}

static int run_login(struct cli *c)
{
	struct options o;
	struct err e = { 0 };
	int code;

	options_init(&o);
	if (read_options(c, &o, &e) != 0)
		code = cli_fail(c, &e);
	else if (opt_given(&c->args, "print-setup"))
		code = print_setup(c, &o);
	else
		code = login(c, &o);
	options_release(&o);
	return code;
}

static const struct opt own[] = {
	{ "client-id", 0, "ID", OPT_MAILBOX,
	  "the registration to sign in as (else $MAILHAUL_CLIENT_ID)" },
	{ "account", 0, "ADDRESS", 0, "whose mailbox it is for" },
	{ "client-secret-file", 0, "FILE", OPT_MAILBOX,
	  "test the registration with the secret in its first line (else "
	  "$MAILHAUL_CLIENT_SECRET)" },
	{ "client-certificate", 0, "FILE", OPT_MAILBOX,
	  "test the registration with this certificate and key (PEM)" },
	{ "cloud", 0, "NAME", OPT_MAILBOX,
	  "global, usgov, dod or china (global)" },
	{ "ca-file", 0, "FILE", OPT_MAILBOX,
	  "also trust the certificate authorities in this file" },
	{ "print-setup", 0, NULL, 0,
	  "print the script that makes the registration; sign nobody in" },
	{ "forget", 0, NULL, 0, "forget the sign-in on this computer" },
	{ "no-qr", 0, NULL, 0, "show no QR code" },
	{ NULL }
};

const struct command command_login = {
	.name = "login",
	.operands = "TENANT",
	.summary = "sign in to Microsoft 365, or test a registration",
	.text = "TENANT is the organisation: its domain or its id. Shows a "
	        "page and a code to\nenter there, waits for you, and says "
	        "what the sign-in may and what is missing.\nIt is kept for "
	        "later runs, for its owner only. With a secret or a "
	        "certificate\nnobody is asked: the registration itself is "
	        "tested.\n\nmailhaul does not come with a registration of "
	        "its own. --print-setup prints a\nscript that makes one; "
	        "docs/microsoft365.md explains it step by step.\n\n"
	        "Exit: 0 all is there, 3 a person must act.\n",
	.operands_min = 1,
	.operands_max = 1,
	.tables = { own, opts_json, opts_common },
	.run = run_login,
};
