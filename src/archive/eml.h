/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eml.h - one message in a file: .eml as it is, .emlx of Apple Mail.
 *
 * The message begins behind a byte-order mark, blank lines and a From_ line.
 * Its date is that of the topmost Received:, else Date:, else the file's.
 * An .eml rarely says whether it was read. Where it does not, it counts as
 * read: whoever kept it has seen it, and a mailbox full of unread old mail
 * helps nobody.
 */
#ifndef MAILHAUL_ARCHIVE_EML_H
#define MAILHAUL_ARCHIVE_EML_H

#include "archive/input.h"

/* True if p, which begins with a From_ line, holds no other message: it is
 * an .eml saved with that line, and not an mbox under a wrong name. Of what
 * can't be read at any place only the head is looked at. */
bool eml_alone(const struct peeked *p);

/* The message of in, whose folder has been told; at->raw is its path. 0, or
 * -1 when the sink ends it. */
int eml_item(struct input *in, const struct where *at, bool emlx,
             struct sink *s);

#endif
