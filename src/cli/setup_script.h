/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setup_script.h - a script for Microsoft's own PowerShell modules that
 * makes the registration mailhaul signs in as, filled in for a tenant.
 */
#ifndef MAILHAUL_CLI_SETUP_SCRIPT_H
#define MAILHAUL_CLI_SETUP_SCRIPT_H

#include "util/buf.h"

struct setup {
	const char *tenant;
	const char *cloud;   /* of cloud_find() */
	const char *account; /* a mailbox to begin with, or NULL */
};

/* Pure. Nothing of *s may hold a quote or a control character. */
int setup_script(struct buf *b, const struct setup *s);

#endif
