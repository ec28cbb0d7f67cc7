/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - the option tables that commands share. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

const struct opt opts_common[] = {
	{ "store", 0, "FILE", 0,
	  "the job store (else $MAILHAUL_STORE, else ./mailhaul.db)" },
	{ "quiet", 0, NULL, 0, "only say what went wrong" },
	{ "verbose", 0, NULL, 0,
	  "also say, on stderr, what helps to find a fault" },
	{ "yes", 0, NULL, 0, "do not ask back" },
	{ "help", 'h', NULL, 0, "show this" },
	{ NULL }
};

const struct opt opts_json[] = {
	{ "json", 0, NULL, 0, "answer in JSON on stdout" }, { NULL }
};

const struct opt opts_mailbox[] = {
	{ "include", 0, "GLOB", OPT_MAILBOX | OPT_REPEAT,
	  "only folders that match; * stays within a level, ** crosses "
	  "(repeatable)" },
	{ "exclude", 0, "GLOB", OPT_MAILBOX | OPT_REPEAT,
	  "leave out folders that match (repeatable)" },
	{ "map", 0, "OLD=NEW", OPT_MAILBOX | OPT_REPEAT,
	  "folder OLD of the source goes to folder NEW (repeatable)" },
	{ "into", 0, "FOLDER", OPT_MAILBOX, "put all folders below this one" },
	{ "since", 0, "DATE", OPT_MAILBOX,
	  "only messages that arrived on this day or later (YYYY-MM-DD)" },
	{ "before", 0, "DATE", OPT_MAILBOX,
	  "only messages that arrived before this day (YYYY-MM-DD)" },
	{ "max-size", 0, "SIZE", OPT_MAILBOX,
	  "leave out larger messages (bytes, or with K, M, G)" },
	{ "order", 0, "newest|oldest", OPT_MAILBOX,
	  "which messages go first (newest)" },
	{ "lanes", 0, "N", OPT_MAILBOX,
	  "connections for one mailbox at each end" },
	{ "rate", 0, "BYTES", OPT_MAILBOX,
	  "at most so many bytes a second (K, M, G)" },
	{ "repair", 0, NULL, OPT_MAILBOX | OPT_YES_NO,
	  "send a repaired copy where the original was refused (as it is)" },
	{ "no-repair", 0, NULL, OPT_MAILBOX, "never send a repaired copy" },
	{ "compress", 0, NULL, OPT_MAILBOX | OPT_YES_NO,
	  "compress the connection where the server offers it" },
	{ "ca-file", 0, "FILE", OPT_MAILBOX,
	  "also trust the certificate authorities in this file" },
	{ "pin", 0, "SHA256", OPT_MAILBOX,
	  "accept this certificate and no other" },
	{ "allow-cleartext", 0, NULL, OPT_MAILBOX | OPT_YES_NO,
	  "let imap+cleartext: go beyond this machine: others can read "
	  "along" },
	{ "from-password-file", 0, "FILE", OPT_MAILBOX,
	  "first line is the source's password; {user} is the user" },
	{ "to-password-file", 0, "FILE", OPT_MAILBOX,
	  "the same for the destination" },
	{ "from-password-command", 0, "COMMAND", OPT_MAILBOX,
	  "first line it prints is the source's password" },
	{ "to-password-command", 0, "COMMAND", OPT_MAILBOX,
	  "the same for the destination" },
	{ "tenant", 0, "DOMAIN", OPT_MAILBOX,
	  "Microsoft 365: the organisation (else $MAILHAUL_TENANT, else the "
	  "domain of the address)" },
	{ "client-id", 0, "ID", OPT_MAILBOX,
	  "the registration that mailhaul signs in as (else "
	  "$MAILHAUL_CLIENT_ID)" },
	{ "client-secret-file", 0, "FILE", OPT_MAILBOX,
	  "first line is its secret (else $MAILHAUL_CLIENT_SECRET): no "
	  "person signs in" },
	{ "client-certificate", 0, "FILE", OPT_MAILBOX,
	  "its certificate and key, PEM: no person signs in" },
	{ "cloud", 0, "NAME", OPT_MAILBOX,
	  "global, usgov, dod or china (global)" },
	{ "unpack-winmail", 0, NULL, OPT_MAILBOX | OPT_YES_NO,
	  "of an Outlook file: what is in a winmail.dat in its place" },
	{ NULL }
};

const struct opt opts_run[] = {
	{ "mailboxes", 0, "N", 0, "mailboxes at once" },
	{ "memory", 0, "SIZE", 0,
	  "for messages on their way, all lanes together" },
	{ "dry-run", 0, NULL, 0, "show what would be done; change nothing" },
	{ NULL }
};

int cli_mailbox_options(const struct parsed *p, struct options *o,
                        struct err *e)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct opt *opt = p->v[i].opt;

		if ((opt->flags & OPT_MAILBOX) &&
		    options_set(o, opt->name, p->v[i].value, e) != 0)
			return -1;
	}
	return options_check(o, e);
}

int cli_run_options(const struct parsed *p, struct run_options *o,
                    struct err *e)
{
	const char *mailboxes = opt_value(p, "mailboxes");
	const char *memory = opt_value(p, "memory");
	char *end;

	if (mailboxes != NULL) {
		unsigned long n = strtoul(mailboxes, &end, 10);

		if (*mailboxes < '0' || *mailboxes > '9' || *end != '\0' ||
		    n < 1 || n > 1000)
			return err_setf(e, ERR_RUN, NEXT_GIVE_UP, EC_INPUT,
			                "--mailboxes takes a number from 1 "
			                "to 1000, not '%.60s'.",
			                mailboxes);
		o->mailboxes = (unsigned)n;
	}
	if (memory != NULL &&
	    (plan_size(memory, &o->memory) != 0 || o->memory < 1 << 20))
		return err_setf(e, ERR_RUN, NEXT_GIVE_UP, EC_INPUT,
		                "--memory takes a size of at least 1M, such "
		                "as 64M, not '%.60s'.",
		                memory);
	o->dry_run = opt_given(p, "dry-run");
	return 0;
}
