/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph_mail.h - a message as Microsoft Graph's JSON: found in its parts
 * without a tree in memory, decoded with GMime, written as text that
 * streams.
 *
 *   graph_mail_open(&g, &body, &err);
 *   graph_mail_plan(g, room);              what goes where
 *   graph_mail_json(g, &facts, &out, &err);
 *   for each i < graph_mail_apart(g):      attachments that go apart
 *       graph_mail_attachment(g, i, &a), graph_mail_octets(g, i, &out, &err)
 *   graph_mail_note(g)                     what could not be kept exactly
 *   graph_mail_close(&g);
 *
 * The JSON is a create call of m365.md C.4 (a): non-draft by MAPI
 * properties, checked against graph-v1.0-mail.csdl. Memory stays small
 * whatever the size and however many parts: parts are places in the body,
 * and decoded octets go to *out, which spools.
 */
#ifndef MAILHAUL_MIME_GRAPH_MAIL_H
#define MAILHAUL_MIME_GRAPH_MAIL_H

#include "mailhaul/mail.h"

struct graph_mail;

#define GRAPH_REQUEST_MOST 3900000u   /* octets of one request, m365.md C.2 */
#define GRAPH_INLINE_MOST 2900000u    /* an attachment within a POST */
#define GRAPH_SESSION_MOST 150000000u /* an attachment by upload session */

/* What the JSON says besides the message's own octets. */
struct graph_facts {
	unsigned flags;         /* enum mail_flag */
	const char *categories; /* space-separated keywords, or NULL */
	struct mail_date date;  /* INTERNALDATE: 0x0E06 */
	const char *source_id;  /* our named property's value, or NULL */
};

/* Why a message can't go by Graph at all. */
enum graph_obstacle {
	GRAPH_FITS,
	GRAPH_BODY_TOO_BIG,       /* text and HTML alone are over the limit */
	GRAPH_ATTACHMENT_TOO_BIG, /* over what an upload session takes */
	GRAPH_TOO_MANY_PARTS      /* never told: such a message goes whole, as
	                           * one attachment, with a note */
};

/* b is borrowed until close. EC_MEMORY, EC_SPOOL. Hostile mail is no
 * error: what can't be understood is kept as an attachment. */
int graph_mail_open(struct graph_mail **out, const struct body *b,
                    struct err *e);
void graph_mail_close(struct graph_mail **g);
/* Decides which attachments stand in the JSON (all of it at most
 * request_most octets) and which go apart. */
enum graph_obstacle graph_mail_plan(struct graph_mail *g,
                                    uint64_t request_most);
/* Appends the JSON to *out (body_init done by the caller). */
int graph_mail_json(struct graph_mail *g, const struct graph_facts *f,
                    struct body *out, struct err *e);
size_t graph_mail_apart(const struct graph_mail *g);
struct graph_attachment {
	const char *name, *type, *content_id; /* UTF-8; content_id or NULL */
	bool is_inline;
	uint64_t size; /* decoded */
};
void graph_mail_attachment(const struct graph_mail *g, size_t i,
                           struct graph_attachment *a);
int graph_mail_octets(struct graph_mail *g, size_t i, struct body *out,
                      struct err *e);
/* All attachments, in the JSON or apart. */
size_t graph_mail_attachments(const struct graph_mail *g);
/* A sentence for problems about what a reader will not find exactly as it
 * was (signature, structure), or NULL. */
const char *graph_mail_note(const struct graph_mail *g);
/* Without angle brackets' absence mended: as the field stands, or NULL. */
const char *graph_mail_message_id(const struct graph_mail *g);

#endif
