/* SPDX-License-Identifier: Apache-2.0 */
/* graph_id.c - see graph_id.h. */
#include "writer/graph_id.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mime/fingerprint.h"

_Static_assert(FINGERPRINT_LAST < 10, "mh and one digit");

void graph_id_put(const struct graph_id *id, char out[GRAPH_ID_MOST])
{
	char hash[65];

	for (size_t i = 0; i < sizeof(id->sha256); i++)
		snprintf(hash + 2 * i, 3, "%02x", id->sha256[i]);
	snprintf(out, GRAPH_ID_MOST,
	         "mh%" PRIu32 ".%s.%" PRIx64 ".%" PRIx64 ".%" PRIx64 ".%" PRIx64
	         ".%" PRIx64 ".%" PRIx32 ".%" PRIx64 ".%c%s",
	         id->fp.version, hash, id->fp.message_id, id->fp.date,
	         id->fp.from, id->fp.subject, id->fp.text, id->attachments,
	         id->attempt, id->half ? 'h' : 'w', id->draft ? "d" : "");
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A number and the dot behind it. */
static bool take_number(const char **at, uint64_t most, uint64_t *out)
{
	const char *p = *at;
	size_t n = 0;

	*out = 0;
	for (; digit(p[n]) >= 0 && n < 16; n++)
		*out = *out << 4 | (uint64_t)digit(p[n]);
	if (n == 0 || p[n] != '.' || (n > 1 && p[0] == '0') || *out > most)
		return false;
	*at = p + n + 1;
	return true;
}

static bool take_hash(const char **at, unsigned char out[32])
{
	const char *p = *at;

	for (size_t i = 0; i < 32; i++, p += 2) {
		int high = digit(p[0]), low = high < 0 ? -1 : digit(p[1]);

		if (low < 0)
			return false;
		out[i] = (unsigned char)(high << 4 | low);
	}
	*at = p + 1;
	return *p == '.';
}

static bool take_state(const char *p, struct graph_id *out)
{
	out->half = *p == 'h';
	if (*p != 'h' && *p != 'w')
		return false;
	out->draft = p[1] == 'd';
	return p[1 + out->draft] == '\0';
}

bool graph_id_parse(const char *text, struct graph_id *out)
{
	uint64_t attachments;

	memset(out, 0, sizeof(*out));
	if (text[0] != 'm' || text[1] != 'h' || text[2] < '1' ||
	    text[2] > '0' + FINGERPRINT_LAST || text[3] != '.')
		return false;
	out->fp.version = (uint32_t)(text[2] - '0');
	text += 4;
	if (!take_hash(&text, out->sha256) ||
	    !take_number(&text, UINT64_MAX, &out->fp.message_id) ||
	    !take_number(&text, UINT64_MAX, &out->fp.date) ||
	    !take_number(&text, UINT64_MAX, &out->fp.from) ||
	    !take_number(&text, UINT64_MAX, &out->fp.subject) ||
	    !take_number(&text, UINT64_MAX, &out->fp.text) ||
	    !take_number(&text, UINT32_MAX, &attachments) ||
	    !take_number(&text, UINT64_MAX, &out->attempt) ||
	    !take_state(text, out))
		return false;
	out->attachments = (uint32_t)attachments;
	return true;
}
