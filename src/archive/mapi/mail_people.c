/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail_people.c - who wrote, and to whom ([MS-OXOMSG] 2.2.1, [MS-OXCMAIL]
 * 2.2.1). Exchange knows its own people by distinguished names; what such
 * a name means in the world stands beside it, or in the row of a recipient,
 * or nowhere in the file: then an address is made up that leads nowhere and
 * tells who it was.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "archive/mapi/mail_int.h"

#define NAME_MOST 1000u

static const struct person_ids
        representing = { PID_REPRESENTING_NAME, PID_REPRESENTING_TYPE,
	                 PID_REPRESENTING_ADDRESS, PID_REPRESENTING_SMTP,
	                 PID_REPRESENTING_ENTRY },
        sender = { PID_SENDER_NAME, PID_SENDER_TYPE, PID_SENDER_ADDRESS,
	           PID_SENDER_SMTP, PID_SENDER_ENTRY },
        receiver = { PID_RECEIVED_NAME, PID_RECEIVED_TYPE, PID_RECEIVED_ADDRESS,
	             PID_RECEIVED_SMTP, PID_RECEIVED_ENTRY },
        row_ids = { PID_NAME, PID_ADDRESS_TYPE, PID_ADDRESS, PID_SMTP,
	            PID_ENTRY };

void person_release(struct person *p)
{
	free(p->name);
	free(p->address);
	*p = (struct person){ 0 };
}

static void free_three(char *v[3])
{
	for (int i = 0; i < 3; i++)
		free(v[i]);
}

/* What stands in place of an address is told in the name, unless it is one
 * of Exchange's. */
static void tell(struct person *p, const char *type, const char *address)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	char *all;

	if (!address || !*address || (type && strcasecmp(type, "EX") == 0) ||
	    *address == '/' || (p->name && strcmp(p->name, address) == 0))
		return;
	if (buf_fmt(&b, "%s%s(%s%s%s)", p->name ? p->name : "",
	            p->name ? " " : "", type ? type : "", type ? ": " : "",
	            address))
		return;
	all = buf_take(&b);
	if (all) {
		free(p->name);
		p->name = all;
	}
}

/* --- one person ----------------------------------------------------------- */

/* Fills p->address from what is known, the best first. search: also in the
 * rows of recipients, which is not for each of them. */
static void find_address(struct mail_msg *g, struct person *p, const char *type,
                         const char *address, bool search)
{
	char *copy CLEANUP(free_p) = address ? strdup(address) : NULL;
	char *name CLEANUP(free_p) = p->name ? strdup(p->name) : NULL;

	if (!p->address && copy)
		p->address = mail_address_of(copy);
	if (!p->address && address && address[0] == '/')
		p->address = mail_address_beside(g, address);
	if (!p->address && address && address[0] == '/' && search)
		p->address = mail_address_in_rows(g, address);
	if (!p->address && name && !strchr(name, ' ') &&
	    (!address || !*address || address[0] == '/'))
		p->address = mail_address_of(name);
	if (p->address)
		return;
	tell(p, type, address);
	p->address = mail_placeholder(address, p->name);
	mail_note(g->a,
	          "Some addresses in it only its Exchange server knew: "
	          "they are written as a name that ends in " PLACEHOLDER ".");
}

static void from_entry(struct mapi *of, uint16_t id, char **name, char **type,
                       char **address)
{
	struct mapi_value v;
	char *three[3];

	if (mapi_get(of, id, &v) != 1 || v.type != MAPI_BINARY || !v.p)
		return;
	mail_entry_read(v.p, v.n, of->codepage, three);
	if (!*name && three[0] && *three[0]) {
		*name = three[0];
		three[0] = NULL;
	}
	if (!*address && three[2] && *three[2]) {
		*address = three[2];
		three[2] = NULL;
		free(*type);
		*type = three[1];
		three[1] = NULL;
	}
	free_three(three);
}

bool mail_person(struct mail_msg *g, struct mapi *of,
                 const struct person_ids *ids, struct person *out)
{
	char *type CLEANUP(free_p) = NULL, *address CLEANUP(free_p) = NULL;

	*out = (struct person){ .name = mapi_text(of, ids->name, NAME_MOST),
		                .address = mail_smtp_of(of, ids->smtp) };
	if (!out->address) {
		type = mapi_text(of, ids->type, 64);
		address = mapi_text(of, ids->address, 4096);
	}
	if (!out->address && !address)
		from_entry(of, ids->entry, &out->name, &type, &address);
	if (!out->address && !out->name && !address)
		return false;
	if (!out->address)
		find_address(g, out, type, address, of == g->o);
	if (!out->address) { /* memory */
		g->a->out.failed = true;
		person_release(out);
		return false;
	}
	return true;
}

bool mail_sender(struct mail_msg *g, struct person *out)
{
	return mail_person(g, g->o, &sender, out);
}

bool mail_receiver(struct mail_msg *g, struct person *out)
{
	return mail_person(g, g->o, &receiver, out);
}

static bool has_address(struct mapi *o, const struct person_ids *ids)
{
	return mapi_has(o, ids->address) || mapi_has(o, ids->smtp) ||
	       mapi_has(o, ids->entry);
}

bool mail_from(struct mail_msg *g, struct person *out)
{
	/* A name alone is less than the one who sent it. */
	if (!has_address(g->o, &representing) && has_address(g->o, &sender) &&
	    mail_sender(g, out))
		return true;
	return mail_person(g, g->o, &representing, out) || mail_sender(g, out);
}

bool mail_recipient(struct mail_msg *g, struct mapi *row, struct person *out)
{
	return mail_person(g, row, &row_ids, out);
}

/* The name without the quotes that Outlook puts around addresses. */
static bool tells_nothing(const char *name, const char *address)
{
	size_t n = strlen(name);

	if (n > 2 && name[0] == '\'' && name[n - 1] == '\'') {
		name++;
		n -= 2;
	}
	return n == strlen(address) && strncasecmp(name, address, n) == 0;
}

static void clean(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = ' ';
}

void person_add(struct field *f, const struct person *p, bool first)
{
	size_t n = strlen(p->address);
	char angle[ADDRESS_MOST * 2 + 8];

	if (!first)
		field_atom(f, ",", 1, false);
	if (!p->name || tells_nothing(p->name, p->address) ||
	    n > sizeof(angle) - 2) {
		field_atom(f, p->address, n, true);
		return;
	}
	clean(p->name);
	field_phrase(f, p->name, strlen(p->name));
	angle[0] = '<';
	memcpy(angle + 1, p->address, n);
	angle[n + 1] = '>';
	field_atom(f, angle, n + 2, true);
}

/* --- many ----------------------------------------------------------------- */

static void recipient(struct mail_msg *g, struct mapi *row, struct field *f,
                      bool any[3], const bool want[3])
{
	static const char *const names[] = { "To", "Cc", "Bcc" };
	/* Above the low four bits are flags of sending again. */
	int64_t kind = mapi_number(row, PID_RECIPIENT_TYPE, 1) & 15;
	struct person p;

	if (kind < 1 || kind > 3 || !want[kind - 1] ||
	    !mail_recipient(g, row, &p))
		return;
	kind--;
	if (!any[kind])
		field_begin(&f[kind], names[kind]);
	person_add(&f[kind], &p, !any[kind]);
	any[kind] = true;
	person_release(&p);
}

void mail_recipients(struct mail_msg *g, const bool want[3])
{
	struct field f[3] = { FIELD_INIT, FIELD_INIT, FIELD_INIT };
	size_t n = g->o->ops->recipients(g->o);
	bool any[3] = { false };

	for (size_t i = 0; i < n; i++) {
		struct mapi *row;

		if (g->a->people++ >= PEOPLE_MOST || g->a->out.failed ||
		    f[0].b.n + f[1].b.n + f[2].b.n > FIELD_MOST / 2) {
			mail_in_part(g->a, "It has more recipients than can "
			                   "be written.");
			break;
		}
		row = g->o->ops->recipient(g->o, i);
		if (!row) {
			mail_in_part(g->a, "A recipient could not be read.");
			continue;
		}
		recipient(g, row, f, any, want);
		mapi_close(&row);
	}
	for (int i = 0; i < 3; i++) {
		if (any[i])
			field_end(&f[i], &g->a->out);
		field_release(&f[i]);
	}
}

static uint32_t u32(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

/* Of one entry of a FLATENTRYLIST ([MS-OXCDATA] 2.3.3). */
static bool reply_person(struct mail_msg *g, const unsigned char *p, size_t n,
                         struct person *out)
{
	char *three[3];

	mail_entry_read(p, n, g->o->codepage, three);
	*out = (struct person){ 0 };
	if (three[2] && *three[2]) {
		out->name = three[0] && *three[0] ? three[0] : NULL;
		three[0] = out->name ? NULL : three[0];
		find_address(g, out, three[1], three[2], true);
	}
	free_three(three);
	if (out->address)
		return true;
	person_release(out);
	return false;
}

void mail_reply_to(struct mail_msg *g)
{
	struct field *f = &g->a->field;
	struct mapi_value v;
	size_t at = 8;
	bool any = false;

	if (mapi_get(g->o, PID_REPLY_ENTRIES, &v) != 1 || !v.p ||
	    v.type != MAPI_BINARY || v.n < 12)
		return;
	while (v.n - at > 4) {
		size_t n = u32(v.p + at);
		struct person p;

		at += 4;
		if (n > v.n - at)
			break;
		if (reply_person(g, v.p + at, n, &p)) {
			if (!any)
				field_begin(f, "Reply-To");
			person_add(f, &p, !any);
			any = true;
			person_release(&p);
		}
		n = (n + 3) & ~(size_t)3;
		at = n < v.n - at ? at + n : v.n;
	}
	if (any)
		field_end(f, &g->a->out);
}

/* --- as they stand in transport headers ----------------------------------- */

static bool special(char c)
{
	return c && strchr("<>,;:\"()@", c);
}

/* A quoted string's inside, or up to the mark that ends a token. */
static size_t token_end(const char *p, size_t n)
{
	size_t i = 1;

	if (*p == '"') {
		while (i < n && p[i] != '"')
			i += p[i] == '\\' && i + 1 < n ? 2 : 1;
		return i < n ? i + 1 : n;
	}
	if (*p == '<') {
		while (i < n && p[i] != '>')
			i++;
		return i < n ? i + 1 : n;
	}
	if (special(*p))
		return 1;
	while (i < n && p[i] != ' ' && p[i] != '\t' && !special(p[i]))
		i++;
	return i;
}

/* between: words apart are one text, and the blank is a part of it. */
static void encode(struct field *f, const char *p, size_t n, bool between)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(FIELD_MOST);
	bool quoted = n > 1 && p[0] == '"';

	if (between)
		f->bad |= buf_chr(&b, ' ') != 0;
	for (size_t i = quoted; i < n - (quoted && p[n - 1] == '"'); i++) {
		if (quoted && p[i] == '\\' && i + 2 < n)
			i++;
		f->bad |= buf_chr(&b, p[i]) != 0;
	}
	if (b.n)
		field_words(f, b.p, b.n);
}

void mail_people_text(struct field *f, const char *p, size_t n)
{
	bool word = false; /* the token before was encoded */

	for (size_t i = 0, len; i < n; i += len) {
		bool blank = f->b.n && f->b.p[f->b.n - 1] == ':';

		while (i < n && (p[i] == ' ' || p[i] == '\t')) {
			i++;
			blank = true;
		}
		if (i == n)
			break;
		len = token_end(p + i, n - i);
		if (mime_ascii(p + i, len)) {
			field_atom(f, p + i, len,
			           blank || (word && !special(p[i])));
			word = false;
			continue;
		}
		encode(f, p + i, len, word);
		word = true;
	}
}
