/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device.h - the page and the code of a sign-in, large and plain, and the
 * page as a QR code where the terminal can show one.
 */
#ifndef MAILHAUL_CLI_DEVICE_H
#define MAILHAUL_CLI_DEVICE_H

#include <stdbool.h>

#include "cli/talk.h"
#include "net/oauth.h"
#include "util/buf.h"

/* On stderr, also with --quiet: it was asked for. account: as whom, or NULL. */
void device_show(struct talk *t, const struct device_code *d,
                 const char *account, bool qr);
/* "How long it is good for", redrawn; 0 takes it away. */
void device_left(struct talk *t, unsigned left_s);

/*
 * qr.c: text as a QR code of half blocks, in lines that end with \n, each
 * indent columns in. Light modules are drawn and dark ones left blank. 1:
 * made, 0: it does not fit, or was built without libqrencode; -1: memory.
 */
int qr_text(struct buf *b, const char *text, size_t indent, size_t columns);

#endif
