/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail_address.c - addresses, and the names that Exchange has for its own
 * people ([MS-OXCDATA] 2.2.5): see mail_int.h.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "archive/mapi/mail_int.h"
#include "archive/mapi/text.h"

#define LOCAL_MOST 64
#define ENTRY_NAME_MOST 4000u
#define ROWS_LOOKED 1000u /* for the sender among the recipients */

/* --- an address as RFC 5322 has it ---------------------------------------- */

static bool atext(char c, bool domain)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_')
		return true;
	return c && strchr(domain ? "[]:" : "!#$%&'*+/=?^`{|}~", c);
}

/* Blanks, <> and quotes around it, and what names its kind before it. */
static char *trim(char *s)
{
	size_t n;

	/* A local part may be quoted itself. */
	while (*s && strchr(strstr(s, "\"@") ? " \t\r\n<'" : " \t\r\n<'\"", *s))
		s++;
	if (strncasecmp(s, "smtp:", 5) == 0)
		s += 5;
	else if (strncasecmp(s, "mailto:", 7) == 0)
		s += 7;
	n = strlen(s);
	while (n && strchr(" \t\r\n>'\"", s[n - 1]))
		n--;
	s[n] = '\0';
	return s;
}

static bool dots_fit(const char *p, size_t n)
{
	return n && p[0] != '.' && p[n - 1] != '.' && !memmem(p, n, "..", 2);
}

static bool is_quoted(const char *p, const char *end)
{
	if (end - p < 3 || *p != '"' || end[-1] != '"')
		return false;
	for (p++, end--; p < end && *p != '"'; p++)
		if (*p == '\\' && ++p == end)
			return false;
	return p == end;
}

/* s, perhaps with its local part quoted; malloc'd; NULL: it is no address. */
char *mail_address_of(char *s)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	char *at;
	bool atoms;

	s = trim(s);
	at = strrchr(s, '@');
	if (!at || at == s || strlen(s) > ADDRESS_MOST ||
	    !dots_fit(at + 1, strlen(at + 1)))
		return NULL;
	for (const char *p = at + 1; *p; p++)
		if (!atext(*p, true))
			return NULL;
	atoms = dots_fit(s, (size_t)(at - s));
	for (const char *p = s; p < at; p++) {
		if (*p < ' ' || *p >= 0x7f)
			return NULL;
		atoms &= atext(*p, false);
	}
	if (atoms || is_quoted(s, at))
		return strdup(s);
	if (buf_chr(&b, '"'))
		return NULL;
	for (const char *p = s; p < at; p++)
		if ((*p == '"' || *p == '\\' ? buf_chr(&b, '\\') : 0) ||
		    buf_chr(&b, *p))
			return NULL;
	return buf_chr(&b, '"') || buf_str(&b, at) ? NULL : buf_take(&b);
}

char *mail_smtp_of(struct mapi *of, uint16_t id)
{
	char *text CLEANUP(free_p) = mapi_text(of, id, ADDRESS_MOST * 2);

	return text ? mail_address_of(text) : NULL;
}

/* --- entry ids ([MS-OXCDATA] 2.2.5) --------------------------------------- */

static const unsigned char one_off[16] = { 0x81, 0x2b, 0x1f, 0xa4, 0xbe, 0xa3,
	                                   0x10, 0x19, 0x9d, 0x6e, 0x00, 0xdd,
	                                   0x01, 0x0f, 0x54, 0x02 };
static const unsigned char exchange[16] = { 0xdc, 0xa7, 0x40, 0xc8, 0xc0, 0x42,
	                                    0x10, 0x1a, 0xb4, 0xb9, 0x08, 0x00,
	                                    0x2b, 0x2f, 0xe1, 0x82 };

/* The next of the NUL-terminated texts at *p, as UTF-8; malloc'd. */
static char *next_text(const unsigned char **p, const unsigned char *end,
                       bool unicode, unsigned codepage)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(ENTRY_NAME_MOST);
	const unsigned char *from = *p, *at = from;
	size_t step = unicode ? 2 : 1;

	while ((size_t)(end - at) >= step && (at[0] || (unicode && at[1])))
		at += step;
	*p = (size_t)(end - at) >= step ? at + step : end;
	if (text_add(&b, unicode ? CODEPAGE_UTF16 : codepage, from,
	             (size_t)(at - from)))
		return NULL;
	return buf_take(&b);
}

/* Name, type and address out of an entry id; each NULL, or malloc'd. */
void mail_entry_read(const unsigned char *p, size_t n, unsigned codepage,
                     char *out[3])
{
	const unsigned char *at = p + 24, *end = p + n;

	out[0] = out[1] = out[2] = NULL;
	if (n < 28)
		return;
	if (memcmp(p + 4, one_off, 16) == 0) {
		bool unicode = p[23] & 0x80;

		for (int i = 0; i < 3; i++)
			out[i] = next_text(&at, end, unicode, codepage);
	} else if (memcmp(p + 4, exchange, 16) == 0) {
		at = p + 28;
		out[1] = strdup("EX");
		out[2] = next_text(&at, end, false, codepage);
	}
}

static void free_three(char *v[3])
{
	for (int i = 0; i < 3; i++)
		free(v[i]);
}

/* --- people of Exchange --------------------------------------------------- */

/* The distinguished name of an address, or in an entry id; malloc'd. */
static char *dn_of(struct mapi *of, uint16_t address, uint16_t entry)
{
	char *text = mapi_text(of, address, 0), *three[3];
	struct mapi_value v;

	if (text && *text == '/')
		return text;
	free(text);
	if (mapi_get(of, entry, &v) != 1 || v.type != MAPI_BINARY || !v.p)
		return NULL;
	mail_entry_read(v.p, v.n, of->codepage, three);
	text = three[2];
	three[2] = NULL;
	free_three(three);
	return text;
}

/* What stands beside dn in another place of the message itself. */
char *mail_address_beside(struct mail_msg *g, const char *dn)
{
	static const struct {
		uint16_t address, entry, smtp;
	} places[] = {
		{ PID_SENDER_ADDRESS, PID_SENDER_ENTRY, PID_SENDER_SMTP },
		{ 0, PID_SENDER_ENTRY, PID_SENDER_ADDRESS },
		{ PID_REPRESENTING_ADDRESS, PID_REPRESENTING_ENTRY,
		  PID_REPRESENTING_SMTP },
		{ 0, PID_REPRESENTING_ENTRY, PID_REPRESENTING_ADDRESS },
		{ PID_CREATOR_ADDRESS, 0, PID_CREATOR_SMTP },
		{ PID_MODIFIER_ADDRESS, 0, PID_MODIFIER_SMTP },
	};
	char *found = NULL;

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		char *own CLEANUP(free_p) =
		        dn_of(g->o, places[i].address, places[i].entry);

		if (own && strcasecmp(own, dn) == 0)
			found = mail_smtp_of(g->o, places[i].smtp);
		if (found)
			return found;
	}
	return NULL;
}

/* The SMTP address of the recipient that has this distinguished name. */
char *mail_address_in_rows(struct mail_msg *g, const char *dn)
{
	size_t n = g->o->ops->recipients(g->o);
	char *found = NULL;

	for (size_t i = 0; i < n && i < ROWS_LOOKED && !found; i++) {
		struct mapi *row;
		char *own;

		if (g->a->looked++ > PEOPLE_MOST)
			return NULL;
		row = g->o->ops->recipient(g->o, i);
		own = row ? dn_of(row, PID_ADDRESS, PID_ENTRY) : NULL;
		if (own && strcasecmp(own, dn) == 0)
			found = mail_smtp_of(row, PID_SMTP);
		free(own);
		if (row)
			mapi_close(&row);
	}
	return found;
}

/* The last name in a distinguished name, or of a person, as a local part. */
char *mail_placeholder(const char *dn, const char *name)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	const char *from = dn && *dn ? dn : name ? name : "", *cn;
	bool bad = false;

	if (from == dn && *dn == '/' && (cn = strrchr(dn, '=')))
		from = cn + 1;
	for (; *from && b.n < LOCAL_MOST; from++) {
		if (atext(*from, false) && *from != '.')
			bad |= buf_chr(&b, *from) != 0;
		else if (b.n && b.p[b.n - 1] != '.')
			bad |= buf_chr(&b, '.') != 0;
	}
	while (b.n && b.p[b.n - 1] == '.')
		b.n--;
	bad |= buf_str(&b, b.n ? PLACEHOLDER : "unknown" PLACEHOLDER) != 0;
	return bad ? NULL : buf_take(&b);
}
