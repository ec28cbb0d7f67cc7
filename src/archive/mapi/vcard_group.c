/* SPDX-License-Identifier: Apache-2.0 */
/* vcard_group.c - distribution lists; see vcard.h. */
#include <stdlib.h>
#include <string.h>

#include "archive/mapi/text.h"
#include "archive/mapi/vcard.h"
#include "mime/sha256.h"
#include "util/buf.h"

#define PID_NAME 0x3001
/* Of PSETID_Address. */
#define LID_NAME 0x8053
#define LID_ONE_OFFS 0x8054
#define LID_MEMBERS 0x8055
#define LID_STREAM 0x8064

#define STREAM_MOST (8u << 20)
#define MEMBERS_MOST 100000u

struct member {
	char *name, *address; /* UTF-8; address: NULL if it is not known */
	bool group;           /* a list in the list */
};
struct members {
	struct member *v;
	size_t n, cap;
};

static void members_release(struct members *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->v[i].name);
		free(m->v[i].address);
	}
	free(m->v);
}

static struct member *member_add(struct members *m)
{
	if (m->n == m->cap) {
		size_t cap = m->cap ? m->cap * 2 : 16;
		struct member *v = m->n < MEMBERS_MOST
		                           ? realloc(m->v, cap * sizeof(*v))
		                           : NULL;

		if (!v)
			return NULL;
		m->v = v;
		m->cap = cap;
	}
	memset(&m->v[m->n], 0, sizeof(m->v[0]));
	return &m->v[m->n++];
}

/* --- entry ids ----------------------------------------------------------- */

/* [MS-OXCDATA] 2.2.5.1 */
static const unsigned char one_off[16] = { 0x81, 0x2b, 0x1f, 0xa4, 0xbe, 0xa3,
	                                   0x10, 0x19, 0x9d, 0x6e, 0x00, 0xdd,
	                                   0x01, 0x0f, 0x54, 0x02 };
/* [MS-OXOCNTC] 2.2.2.2.4.1.1 */
static const unsigned char wrapped[16] = { 0xc0, 0x91, 0xad, 0xd3, 0x51, 0x9d,
	                                   0xcf, 0x11, 0xa4, 0xa9, 0x00, 0xaa,
	                                   0x00, 0x47, 0xfa, 0xa4 };
/* [MS-OXCDATA] 2.2.5.2: an entry of Exchange's address book. */
static const unsigned char book[16] = { 0xdc, 0xa7, 0x40, 0xc8, 0xc0, 0x42,
	                                0x10, 0x1a, 0xb4, 0xb9, 0x08, 0x00,
	                                0x2b, 0x2f, 0xe1, 0x82 };
#define WRAPPED_TYPE(c) ((c)&0x0f)
#define WRAPPED_GROUP 4
#define IS_UNICODE 0x80

struct entry {
	const unsigned char *p;
	size_t n;
};

static bool is_of(const struct entry *e, const unsigned char *provider)
{
	return e->n >= 24 && memcmp(e->p + 4, provider, 16) == 0;
}

/* The next text with its NUL, as UTF-8; NULL: none, empty, or memory. */
static char *next_text(struct entry *e, bool wide, unsigned codepage)
{
	struct buf out CLEANUP(buf_release_p) = BUF_INIT(0);
	size_t step = wide ? 2 : 1, n = 0;
	const unsigned char *p = e->p;

	while (n + step <= e->n && (p[n] || (wide && p[n + 1])))
		n += step;
	e->p += n + step <= e->n ? n + step : e->n;
	e->n -= n + step <= e->n ? n + step : e->n;
	if (n == 0 || text_add(&out, wide ? CODEPAGE_UTF16 : codepage, p, n) ||
	    out.n == 0)
		return NULL;
	return buf_take(&out);
}

/* Display name, kind of address, address. */
static bool member_one_off(struct member *m, struct entry e, unsigned codepage)
{
	bool wide = e.n >= 24 && e.p[23] & IS_UNICODE;

	if (!is_of(&e, one_off))
		return false;
	e.p += 24;
	e.n -= 24;
	m->name = next_text(&e, wide, codepage);
	free(next_text(&e, wide, codepage));
	m->address = next_text(&e, wide, codepage);
	return m->name || m->address;
}

/* What is known only by its place in an address book. */
static void member_other(struct member *m, const struct entry *e,
                         unsigned codepage)
{
	if (is_of(e, wrapped) && e->n > 21)
		m->group = WRAPPED_TYPE(e->p[20]) == WRAPPED_GROUP;
	if (is_of(e, book) && e->n > 28) {
		struct entry dn = { e->p + 28, e->n - 28 };

		m->name = next_text(&dn, false, codepage);
	}
}

static int member_read(struct members *all, struct entry id, struct entry off,
                       unsigned codepage)
{
	struct member *m = member_add(all);

	if (!m)
		return -1;
	member_other(m, &id, codepage);
	if (!m->name && !member_one_off(m, off, codepage))
		(void)member_one_off(m, id, codepage);
	if (m->address && !strchr(m->address, '@')) {
		free(m->address);
		m->address = NULL;
	}
	return 0;
}

/* --- where they stand ---------------------------------------------------- */

static struct entry value_at(struct mapi *o, uint16_t id, size_t i)
{
	struct mapi_value v;

	if (!id || !o->ops->one || o->ops->one(o, id, i, &v) != 1 || !v.p)
		return (struct entry){ NULL, 0 };
	return (struct entry){ v.p, v.n };
}

/* Two lists, in step. Octets of a value may go when the next is asked for:
 * copied. */
static int from_lists(struct members *all, struct mapi *o)
{
	uint16_t ids = mapi_lid(o, MAPI_PS_ADDRESS, LID_MEMBERS);
	uint16_t offs = mapi_lid(o, MAPI_PS_ADDRESS, LID_ONE_OFFS);
	struct mapi_value v;
	size_t n = 0;

	if (mapi_get(o, ids, &v) == 1 && v.type & MAPI_MULTIPLE)
		n = v.n;
	if (mapi_get(o, offs, &v) == 1 && v.type & MAPI_MULTIPLE && v.n > n)
		n = v.n;
	for (size_t i = 0; i < n && all->n < MEMBERS_MOST; i++) {
		struct buf copy CLEANUP(buf_release_p) = BUF_INIT(0);
		struct entry id = value_at(o, ids, i), off;

		if (buf_add(&copy, id.p ? (const char *)id.p : "", id.n))
			return -1;
		id.p = (const unsigned char *)copy.p;
		off = value_at(o, offs, i);
		if (member_read(all, id, off, o->codepage))
			return -1;
	}
	return 0;
}

static bool take_entry(struct entry *rest, struct entry *out)
{
	size_t n;

	if (rest->n < 4)
		return false;
	n = rest->p[0] | (size_t)rest->p[1] << 8 | (size_t)rest->p[2] << 16 |
	    (size_t)rest->p[3] << 24;
	if (n > rest->n - 4)
		return false;
	*out = (struct entry){ rest->p + 4, n };
	rest->p += 4 + n;
	rest->n -= 4 + n;
	return true;
}

#define STREAM_HEAD 28u
#define STREAM_COUNT 12u

/* [MS-OXOCNTC] 2.2.2.2.4 */
static int from_stream(struct members *all, struct mapi *o)
{
	uint16_t id = mapi_lid(o, MAPI_PS_ADDRESS, LID_STREAM);
	unsigned char *p CLEANUP(free_p) = NULL;
	struct entry rest, member, off, extra;
	size_t n, count;

	p = item_octets(o, id, STREAM_MOST, &n);
	if (!p || n < STREAM_HEAD || p[0] != 1)
		return 0;
	count = p[STREAM_COUNT] | (size_t)p[STREAM_COUNT + 1] << 8 |
	        (size_t)p[STREAM_COUNT + 2] << 16;
	rest = (struct entry){ p + STREAM_HEAD, n - STREAM_HEAD };
	while (all->n < count && all->n < MEMBERS_MOST &&
	       take_entry(&rest, &member) && take_entry(&rest, &off) &&
	       take_entry(&rest, &extra)) {
		if (member_read(all, member, off, o->codepage))
			return -1;
	}
	return 0;
}

/* --- cards --------------------------------------------------------------- */

/* The same for the same person in the same list at each run. */
static void uid(struct lines *l, const char *start, const char *list,
                const struct member *m, size_t i)
{
	struct buf all CLEANUP(buf_release_p) = BUF_INIT(0);
	unsigned char d[SHA256_OCTETS];

	if (buf_fmt(&all, "%s\n%zu\n%s\n%s", list, i, m->name ? m->name : "",
	            m->address ? m->address : "")) {
		l->failed = true;
		return;
	}
	sha256_of(all.p, all.n, d);
	d[6] = (d[6] & 0x0f) | 0x80;
	d[8] = (d[8] & 0x3f) | 0x80;
	lines_raw(l, start);
	for (size_t k = 0; k < 16; k++)
		lines_fmt(l, "%s%02x",
		          k == 4 || k == 6 || k == 8 || k == 10 ? "-" : "",
		          d[k]);
	lines_end(l);
}

static bool is_known(const struct member *m)
{
	return m->name || m->address;
}

static void named(struct note *n, const struct member *m)
{
	struct buf s CLEANUP(buf_release_p) = BUF_INIT(0);
	const char *name = m->name ? m->name : "(a member that can't be read)";

	if (m->address && m->name)
		(void)buf_fmt(&s, "%s <%s>", name, m->address);
	else
		(void)buf_str(&s, m->address ? m->address : name);
	if (m->group)
		(void)buf_str(&s, " (a list)");
	if (s.p)
		note_line(n, s.p);
}

static void group(struct lines *l, struct mapi *o, const char *key,
                  const char *name, const struct members *all)
{
	struct note n;

	lines_whole(l, "BEGIN:VCARD");
	lines_whole(l, "VERSION:3.0");
	lines_whole(l, "PRODID:-//mailhaul//" MAILHAUL_VERSION "//EN");
	lines_field(l, "UID", key);
	lines_field(l, "FN", name);
	lines_raw(l, "N:");
	lines_text(l, name, strlen(name));
	lines_whole(l, ";;;;");
	lines_whole(l, "X-ADDRESSBOOKSERVER-KIND:group");
	for (size_t i = 0; i < all->n; i++) {
		if (is_known(&all->v[i]))
			uid(l, "X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:", key,
			    &all->v[i], i);
	}
	item_categories(l, "CATEGORIES", o);
	note_begin(&n, l, "NOTE:");
	note_body(&n, o);
	if (all->n == 0)
		note_line(&n, "(No members, or none that could be read.)");
	for (size_t i = 0; i < all->n; i++)
		named(&n, &all->v[i]);
	if (all->n == MEMBERS_MOST)
		note_line(&n, "(And more, which are not told here.)");
	item_attached(&n, o, false, ITEM_NONE);
	note_end(&n);
	item_attach(l, o, "X-ATTACH;ENCODING=b", ITEM_NONE);
	lines_whole(l, "END:VCARD");
}

static void person(struct lines *l, const char *key, const char *list,
                   const struct member *m, size_t i)
{
	const char *name = m->name ? m->name : m->address;

	lines_whole(l, "BEGIN:VCARD");
	lines_whole(l, "VERSION:3.0");
	uid(l, "UID:", key, m, i);
	lines_field(l, "FN", name ? name : "?");
	lines_raw(l, "N:");
	if (name)
		lines_text(l, name, strlen(name));
	lines_whole(l, ";;;;");
	lines_field(l, "EMAIL;TYPE=INTERNET", m->address);
	lines_field(l, "CATEGORIES", list);
	lines_whole(l, "END:VCARD");
}

int vcard_group(struct mapi *o, struct mapi_out *out)
{
	struct members all CLEANUP(members_release) = { 0 };
	char *key CLEANUP(free_p) = item_key(o);
	char *name CLEANUP(free_p) = item_text(o, MAPI_PS_ADDRESS, LID_NAME);
	struct lines l;

	if (!name)
		name = mapi_text(o, PID_NAME, 0);
	if (!name)
		name = item_subject(o);
	if (!name)
		name = strdup("?");
	if (!key || !name || from_stream(&all, o) ||
	    (all.n == 0 && from_lists(&all, o)))
		return -1;
	lines_begin(&l, out, true);
	group(&l, o, key, name, &all);
	for (size_t i = 0; i < all.n && !l.failed; i++) {
		if (is_known(&all.v[i]))
			person(&l, key, name, &all.v[i], i);
	}
	return lines_done(&l);
}
