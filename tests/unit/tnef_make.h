/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tnef_make.h - makes a winmail.dat in memory, which is the shortest way to a
 * MAPI object with whatever properties a test wants.
 *
 *   struct make m = { 0 };
 *   make_text(&m, 0x0037, "a subject");
 *   make_lid_long(&m, MAPI_PS_TASK, 0x8101, 2);
 *   o = make_open(&m);
 *   ...
 *   mapi_close(&o);
 */
#ifndef MAILHAUL_TESTS_TNEF_MAKE_H
#define MAILHAUL_TESTS_TNEF_MAKE_H

#include <stdint.h>
#include <string.h>

#include "archive/input.h"
#include "archive/mapi/tnef.h"
#include "util/buf.h"

struct make {
	struct buf props; /* a list, without its count */
	uint32_t n;
	struct buf recipients;
	uint32_t recipients_n;
	struct buf attachments; /* attributes */
	uint16_t named;         /* ids given to names */
	struct buf file;
};

static inline void make_16(struct buf *b, unsigned v)
{
	char p[2] = { (char)v, (char)(v >> 8) };

	assert_int_equal(buf_add(b, p, 2), 0);
}

static inline void make_32(struct buf *b, uint32_t v)
{
	make_16(b, v & 0xffff);
	make_16(b, v >> 16);
}

static inline void make_pad(struct buf *b, size_t n)
{
	assert_int_equal(buf_add(b, "\0\0\0", (4 - n % 4) % 4), 0);
}

static inline void make_attribute(struct buf *b, unsigned level, uint32_t id,
                                  const void *p, size_t n)
{
	unsigned sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += ((const unsigned char *)p)[i];
	buf_chr(b, (char)level);
	make_32(b, id);
	make_32(b, (uint32_t)n);
	buf_add(b, n ? p : "", n);
	make_16(b, sum & 0xffff);
}

/* --- properties ---------------------------------------------------------- */

static inline void make_head(struct make *m, uint16_t id, uint16_t type)
{
	make_16(&m->props, type);
	make_16(&m->props, id);
	m->n++;
}

/* The head of one that is named by number, or by name. */
static inline void make_named(struct make *m, const unsigned char *set,
                              uint32_t lid, const char *name, uint16_t type)
{
	size_t n = name ? strlen(name) + 1 : 0;

	make_head(m, (uint16_t)(0x8000 + m->named++), type);
	buf_add(&m->props, set, 16);
	make_32(&m->props, name ? 1 : 0);
	make_32(&m->props, name ? (uint32_t)(2 * n) : lid);
	for (size_t i = 0; i < n; i++)
		make_16(&m->props, (unsigned char)name[i]);
	make_pad(&m->props, 2 * n);
}

static inline void make_octets(struct make *m, const void *p, size_t n)
{
	make_32(&m->props, (uint32_t)n);
	buf_add(&m->props, n ? p : "", n);
	make_pad(&m->props, n);
}

/* UTF-16 of Latin-1. */
static inline void make_wide(struct make *m, const char *s)
{
	size_t n = strlen(s) + 1;

	make_32(&m->props, (uint32_t)(2 * n));
	for (size_t i = 0; i < n; i++)
		make_16(&m->props, (unsigned char)s[i]);
	make_pad(&m->props, 2 * n);
}

static inline void make_text(struct make *m, uint16_t id, const char *s)
{
	make_head(m, id, MAPI_UNICODE);
	make_32(&m->props, 1);
	make_wide(m, s);
}

static inline void make_long(struct make *m, uint16_t id, uint32_t v)
{
	make_head(m, id, MAPI_LONG);
	make_32(&m->props, v);
}

static inline void make_binary(struct make *m, uint16_t id, const void *p,
                               size_t n)
{
	make_head(m, id, MAPI_BINARY);
	make_32(&m->props, 1);
	make_octets(m, p, n);
}

/* Seconds since 1970. */
static inline void make_time_value(struct make *m, int64_t sec)
{
	uint64_t v = (uint64_t)(sec + INT64_C(11644473600)) * 10000000;

	make_32(&m->props, (uint32_t)v);
	make_32(&m->props, (uint32_t)(v >> 32));
}

static inline void make_time(struct make *m, uint16_t id, int64_t sec)
{
	make_head(m, id, MAPI_TIME);
	make_time_value(m, sec);
}

static inline void make_lid_text(struct make *m, const unsigned char *set,
                                 uint32_t lid, const char *s)
{
	make_named(m, set, lid, NULL, MAPI_UNICODE);
	make_32(&m->props, 1);
	make_wide(m, s);
}

static inline void make_lid_long(struct make *m, const unsigned char *set,
                                 uint32_t lid, uint32_t v)
{
	make_named(m, set, lid, NULL, MAPI_LONG);
	make_32(&m->props, v);
}

static inline void make_lid_time(struct make *m, const unsigned char *set,
                                 uint32_t lid, int64_t sec)
{
	make_named(m, set, lid, NULL, MAPI_TIME);
	make_time_value(m, sec);
}

static inline void make_lid_binary(struct make *m, const unsigned char *set,
                                   uint32_t lid, const void *p, size_t n)
{
	make_named(m, set, lid, NULL, MAPI_BINARY);
	make_32(&m->props, 1);
	make_octets(m, p, n);
}

/* --- what stands beside -------------------------------------------------- */

/* The list of from, which is empty then. */
static inline void make_list(struct buf *to, struct make *from)
{
	make_32(to, from->n);
	buf_add(to, from->props.p ? from->props.p : "", from->props.n);
	buf_clear(&from->props);
	from->n = 0;
}

static inline void make_recipient(struct make *m, struct make *props)
{
	make_list(&m->recipients, props);
	buf_release(&props->props);
	m->recipients_n++;
}

/* Rendering data, then a list of properties. */
static inline void make_attachment(struct make *m, struct make *props)
{
	static const char rend[14] = { 1 };
	struct buf list = BUF_INIT(0);

	make_list(&list, props);
	make_attribute(&m->attachments, 2, 0x00069002, rend, sizeof(rend));
	make_attribute(&m->attachments, 2, 0x00069005, list.p, list.n);
	buf_release(&list);
	buf_release(&props->props);
}

/* A file of octets. */
static inline void make_file(struct make *m, const char *name, const void *p,
                             size_t n)
{
	struct make a = { 0 };

	make_text(&a, 0x3707, name);
	make_binary(&a, 0x3701, p, n);
	make_long(&a, 0x3705, 1);
	make_attachment(m, &a);
}

/* --- the whole ----------------------------------------------------------- */

static inline void make_octets_all(struct make *m)
{
	struct buf list = BUF_INIT(0);

	make_32(&m->file, 0x223e9f78);
	make_16(&m->file, 1);
	make_list(&list, m);
	make_attribute(&m->file, 1, 0x00069003, list.p, list.n);
	buf_clear(&list);
	make_32(&list, m->recipients_n);
	buf_add(&list, m->recipients.p ? m->recipients.p : "", m->recipients.n);
	make_attribute(&m->file, 1, 0x00069004, list.p, list.n);
	buf_release(&list);
	buf_add(&m->file, m->attachments.p ? m->attachments.p : "",
	        m->attachments.n);
}

static inline void make_release(struct make *m)
{
	buf_release(&m->props);
	buf_release(&m->recipients);
	buf_release(&m->attachments);
	buf_release(&m->file);
	memset(m, 0, sizeof(*m));
}

/* Releases m. */
static inline struct mapi *make_open(struct make *m)
{
	struct in_memory in;
	struct mapi *o;

	make_octets_all(m);
	input_memory(&in, m->file.p, m->file.n);
	o = tnef_open(&in.in);
	assert_non_null(o);
	make_release(m);
	return o;
}

#endif
