/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_maildir.c - names and the keyword file of a Maildir: the first line
 * is a file's name, the rest is dovecot-keywords. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mailhaul/maildir.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void words(const char *name, const char *text, size_t n)
{
	struct maildir_keywords k = { 0 };
	char *list = NULL;

	if (maildir_keywords_text(&k, text, n) == 0 &&
	    maildir_keywords_of(&k, maildir_letters(name), &list) == 0 && list)
		for (const char *p = list; *p; p++)
			if ((unsigned char)*p < ' ')
				abort();
	free(list);
	maildir_keywords_release(&k);
}

static void index_of(const char *name)
{
	struct maildir_index idx = { 0 };
	char *base = strndup(name, maildir_base(name)), *path = NULL;

	if (base && *base && maildir_is_message(name) &&
	    maildir_index_put(&idx, MAILDIR_CUR, name) == 0)
		path = maildir_index_path(&idx, base);
	if (path && strncmp(path, "cur/", 4) != 0)
		abort();
	free(path);
	free(base);
	maildir_index_release(&idx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nl = size ? memchr(data, '\n', size) : NULL;
	size_t n = nl ? (size_t)(nl - data) : size;
	char *name = strndup((const char *)data, n);
	struct maildir_told told;

	if (!name)
		return 0;
	if (maildir_base(name) > strlen(name))
		abort();
	told = maildir_told(name);
	if (told.wire && told.size != told.wire_size)
		abort();
	if (maildir_flags(maildir_letters(name)) >= MAIL_DELETED << 1)
		abort();
	index_of(name);
	words(name, nl ? (const char *)nl + 1 : "", nl ? size - n - 1 : 0);
	free(name);
	return 0;
}
