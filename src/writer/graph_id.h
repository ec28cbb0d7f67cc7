/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph_id.h - the value of our SourceId (mime/graph_ids.h): each copy
 * carries it, so that a listing of a Microsoft 365 folder tells which
 * message a copy is of, which sending made it, and whether it was
 * completed.
 *
 *   mh2.SHA256.ID.DATE.FROM.SUBJECT.TEXT.ATTACHMENTS.ATTEMPT.STATE
 *
 * Numbers in lower-case hex without leading zeros. SHA256 is of the
 * source's octets, ID to TEXT are the fingerprint, ATTACHMENTS how many the
 * copy must have (ffffffff: not told), STATE is w (whole) or h (begun), and
 * d behind it where the copy is meant to be a draft. mh2 stands for version
 * 2 of the fingerprint, too; earlier ones are understood. Shorter than the
 * 255 characters by which Exchange compares strings.
 */
#ifndef MAILHAUL_WRITER_GRAPH_ID_H
#define MAILHAUL_WRITER_GRAPH_ID_H

#include "mailhaul/mail.h"

#define GRAPH_ID_MOST 250 /* with its NUL */
#define GRAPH_ID_ANY 0xffffffffu

struct graph_id {
	unsigned char sha256[32];
	struct fingerprint fp;
	uint32_t attachments;
	uint64_t attempt;
	bool half, draft;
};

void graph_id_put(const struct graph_id *id, char out[GRAPH_ID_MOST]);
/* False: not one of ours, to the last character. */
bool graph_id_parse(const char *text, struct graph_id *out);

#endif
