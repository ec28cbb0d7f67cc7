/* SPDX-License-Identifier: Apache-2.0 */
/* source.c - see source.h. */
#include "archive/source.h"

#include <string.h>

#include "mime/sha256.h"
#include "util/step.h"

uint64_t item_uid(const char *name)
{
	unsigned char hash[SHA256_OCTETS];
	uint64_t id = 0;

	sha256_of(name, strlen(name), hash);
	for (int i = 0; i < 8; i++)
		id = id << 8 | hash[i];
	id &= UINT64_MAX >> 1;
	return id ? id : 1;
}

static int trouble(struct sink *s, const char *name, const char *sentence,
                   unsigned flags)
{
	struct item it = { .uid = item_uid(name), .key = name, .flags = flags };

	return s->begin(s, &it) < 0 || s->end(s, 0, sentence) ? -1 : 0;
}

int source_trouble(struct sink *s, const char *name, const char *sentence)
{
	return trouble(s, name, sentence, 0);
}

int source_trouble_all(struct sink *s, const char *name, const char *sentence)
{
	return trouble(s, name, sentence, MAIL_WHOLE);
}

uint64_t source_soon(void)
{
	return (uint64_t)step_number("MAILHAUL_TEST_ARCHIVE_SOON", 64L << 20);
}
