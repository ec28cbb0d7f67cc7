/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crlf.h - line ends, many octets at a time: the wire form of a message has
 * CRLF where an archive may have LF alone.
 *
 *   bool cr = false;                   the octet before the next was a CR
 *   while (p < end)
 *           n = crlf_copy(&p, end, &cr, out, room);    room: 2 or more
 */
#ifndef MAILHAUL_MIME_CRLF_H
#define MAILHAUL_MIME_CRLF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies from *p to out, each bare LF as CRLF, until end or until the room
 * is used up but for an octet: how many octets that made. */
size_t crlf_copy(const char **p, const char *end, bool *cr, char *out,
                 size_t room);
/*
 * p is where a line begins. The first line from there on that begins with a
 * or b, or the last that begins before end or right at it. *bare grows by
 * the LFs passed without a CR before them; the octet before p is looked at.
 */
const char *crlf_lines(const char *p, const char *end, char a, char b,
                       uint64_t *bare);

#endif
