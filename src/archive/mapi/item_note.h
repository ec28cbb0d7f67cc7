/* SPDX-License-Identifier: Apache-2.0 */
/*
 * item_note.h - the long text of an item (NOTE, DESCRIPTION, or the end of a
 * .txt): its body, and below it whatever the form has no field for. The line
 * begins with the first character; empty lines at both ends are left away.
 *
 *   struct note n;
 *   note_begin(&n, &l, "DESCRIPTION:");
 *   note_body(&n, o);
 *   note_said(&n, "Mileage", text);
 *   note_end(&n);
 */
#ifndef MAILHAUL_ARCHIVE_MAPI_ITEM_NOTE_H
#define MAILHAUL_ARCHIVE_MAPI_ITEM_NOTE_H

#include "archive/mapi/item_lines.h"

struct note {
	struct lines *l;
	const char *begin;
	bool open;    /* something stands on the line */
	size_t empty; /* line ends that wait for more text */
	size_t most;  /* of the body's octets, about; 0: all */
	size_t taken; /* of it so far */
};

void note_begin(struct note *n, struct lines *l, const char *begin);
/* UTF-8, in pieces; any line ends. */
void note_text(struct note *n, const char *s, size_t len);
/* "what: text" on a line of its own; nothing if text is NULL or empty. */
void note_said(struct note *n, const char *what, const char *text);
void note_prop(struct note *n, const char *what, struct mapi *o, uint16_t id);
/* A sentence on a line of its own. */
void note_line(struct note *n, const char *s);
void note_end(struct note *n);

/* The body as text: as it is, or out of RTF or HTML. */
void note_body(struct note *n, struct mapi *o);

#endif
