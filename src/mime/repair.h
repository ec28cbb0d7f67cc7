/* SPDX-License-Identifier: Apache-2.0 */
/*
 * repair.h - a copy of a message that a destination refused, made
 * acceptable, and what was changed in words.
 *
 * Mends: NUL octets (dropped), bare LF and bare CR (to CRLF), lines over
 * 998 octets (folded in the header at white space; in the body by
 * re-encoding the part quoted-printable where it is no multipart and not
 * encoded yet, else broken with CRLF), 8-bit octets in header fields
 * (RFC 2047 encoded as UTF-8, or as unknown-8bit/iso-8859-1), a missing
 * final CRLF. Streams: memory is bounded.
 */
#ifndef MAILHAUL_MIME_REPAIR_H
#define MAILHAUL_MIME_REPAIR_H

#include "mailhaul/mail.h"

/*
 * Makes the repaired octets of m in place: body, sha256, repaired,
 * repair_note ("2 lines of more than 998 octets broken, 1 NUL octet
 * dropped") and orig_sha256 are set, fp stays the original's. *changed is
 * false if nothing needed mending.
 */
int repair_message(struct message *m, bool *changed, struct err *e);

/*
 * Requests for read receipts (Disposition-Notification-To,
 * Return-Receipt-To, X-Confirm-Reading-To) in the message's own header get
 * names that no program knows ("X-mailhaul-..."): for mail that will be
 * unread at a place whose programs would answer them. Nothing else is
 * touched. The same members of m are set as by repair_message(); a note
 * that is there already is added to.
 */
int repair_receipts(struct message *m, bool *changed, struct err *e);

/* Lines over this (without the line end) are refused by Exchange. */
#define REPAIR_LINE_EXCHANGE 10239

/* What a destination might dislike, for the reason in problems: "" if
 * nothing. */
struct repair_look {
	uint64_t nul, bare_lf, bare_cr, long_lines, raw_header, longest;
	bool no_final_crlf;
};
int repair_look(const struct body *b, struct repair_look *out, struct err *e);

#endif
