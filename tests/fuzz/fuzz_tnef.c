/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_tnef.c - any winmail.dat becomes mail, and a file of its kind, without
 * an end of memory or patience; what is told of it is UTF-8.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "archive/input.h"
#include "archive/mapi/item.h"
#include "archive/mapi/mail.h"
#include "archive/mapi/text.h"
#include "archive/mapi/tnef.h"
#include "util/utf8.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int drop(struct mapi_out *o, const void *p, size_t n)
{
	return n && !p ? -1 : 0;
}

static void mail(struct mapi *o, struct mapi_out *to)
{
	struct mapi_origin origin = { .nid = 1, .unpack = true };
	struct mapi_mail m;

	if (mapi_mail_open(&m, o, &origin))
		return;
	(void)mapi_mail_write(&m, to);
	if (m.subject && !utf8_valid(m.subject))
		abort();
	mapi_mail_close(&m);
}

static void item(struct mapi *o, struct mapi_out *to, enum mapi_kind kind)
{
	char *name = item_name(o, kind);

	if (name && (!*name || !utf8_valid(name) || strchr(name, '/')))
		abort();
	free(name);
	(void)item_write(o, kind, to);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	text_load();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct mapi_out to = { .data = drop };
	struct in_memory m;
	struct mapi *o;

	if (!n)
		return 0;
	input_memory(&m, data + 1, n - 1);
	o = tnef_open(&m.in);
	if (!o)
		return 0;
	mail(o, &to);
	item(o, &to,
	     (enum mapi_kind)(MAPI_CONTACT + data[0] % (MAPI_SETTINGS - 1)));
	mapi_close(&o);
	return 0;
}
