/* SPDX-License-Identifier: Apache-2.0 */
/* vcard.c - contacts; see vcard.h. */
#include "archive/mapi/vcard.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "archive/mapi/calendar_zone.h"
#include "util/buf.h"

#define PID_NAME 0x3001
#define PID_CHANGED 0x3008
#define PID_SENSITIVITY 0x0036
#define PID_FIRST 0x3a06
#define PID_LAST 0x3a11
#define PID_MIDDLE 0x3a44
#define PID_PREFIX 0x3a45
#define PID_SUFFIX 0x3a05
#define PID_COMPANY 0x3a16
#define PID_DEPARTMENT 0x3a18
#define PID_OFFICE 0x3a19
#define PID_BIRTHDAY 0x3a42
#define PID_ANNIVERSARY 0x3a41
#define PID_SEX 0x3a4d
#define PID_CERTIFICATES 0x3a70

/* Of PSETID_Address. */
#define LID_FILE_AS 0x8005
#define LID_MAILING 0x8022
#define LID_BIRTHDAY 0x80de
#define LID_ANNIVERSARY 0x80df

static char *named(struct mapi *o, uint32_t lid)
{
	return item_text(o, MAPI_PS_ADDRESS, lid);
}

/* --- names --------------------------------------------------------------- */

/* Texts with ';' between; nothing if all are empty. */
static void parts(struct lines *l, const char *start, struct mapi *o,
                  const uint16_t *ids, size_t n, bool always)
{
	size_t waiting = 0;
	bool begun = always;

	if (always)
		lines_raw(l, start);
	for (size_t i = 0; i < n; i++, waiting++) {
		char *s CLEANUP(free_p) = mapi_text(o, ids[i], 0);

		if (!s && !always)
			continue;
		if (!begun)
			lines_raw(l, start);
		begun = true;
		for (; waiting; waiting--)
			lines_raw(l, ";");
		if (s)
			lines_text(l, s, strlen(s));
	}
	if (begun)
		lines_end(l);
}

/* What a person would call it. */
static char *full_name(struct mapi *o)
{
	static const uint16_t ids[] = { PID_NAME, PID_COMPANY, 0x3a17 };
	static const uint32_t lids[] = { LID_FILE_AS, 0x8083, 0x8080 };
	char *s = NULL;

	for (size_t i = 0; !s && i < sizeof(ids) / sizeof(ids[0]); i++)
		s = mapi_text(o, ids[i], 0);
	for (size_t i = 0; !s && i < sizeof(lids) / sizeof(lids[0]); i++)
		s = named(o, lids[i]);
	return s ? s : item_subject(o);
}

static void names(struct lines *l, struct mapi *o)
{
	static const uint16_t person[] = { PID_LAST, PID_FIRST, PID_MIDDLE,
		                           PID_PREFIX, PID_SUFFIX };
	static const uint16_t firm[] = { PID_COMPANY, PID_DEPARTMENT,
		                         PID_OFFICE };
	char *full CLEANUP(free_p) = full_name(o);

	lines_field(l, "FN", full ? full : "?");
	parts(l, "N:", o, person, 5, true);
	parts(l, "ORG:", o, firm, 3, false);
	lines_prop(l, "TITLE", o, 0x3a17);
	lines_prop(l, "ROLE", o, 0x3a46);
	lines_prop(l, "NICKNAME", o, 0x3a4f);
	lines_prop(l, "X-INITIALS", o, 0x3a0a);
	lines_prop(l, "X-PHONETIC-FIRST-NAME", o,
	           mapi_lid(o, MAPI_PS_ADDRESS, 0x802c));
	lines_prop(l, "X-PHONETIC-LAST-NAME", o,
	           mapi_lid(o, MAPI_PS_ADDRESS, 0x802d));
	lines_prop(l, "X-PHONETIC-ORG", o,
	           mapi_lid(o, MAPI_PS_ADDRESS, 0x802e));
	lines_prop(l, "SORT-STRING", o,
	           mapi_lid(o, MAPI_PS_ADDRESS, LID_FILE_AS));
}

/* --- ways to reach ------------------------------------------------------- */

static void phones(struct lines *l, struct mapi *o)
{
	static const struct {
		uint16_t id;
		const char *type;
	} all[] = {
		{ 0x3a08, "TYPE=WORK,VOICE" }, { 0x3a1b, "TYPE=WORK,VOICE" },
		{ 0x3a09, "TYPE=HOME,VOICE" }, { 0x3a2f, "TYPE=HOME,VOICE" },
		{ 0x3a1c, "TYPE=CELL,VOICE" }, { 0x3a1a, "TYPE=PREF,VOICE" },
		{ 0x3a1e, "TYPE=CAR,VOICE" },  { 0x3a1f, "TYPE=VOICE" },
		{ 0x3a21, "TYPE=PAGER" },      { 0x3a24, "TYPE=WORK,FAX" },
		{ 0x3a25, "TYPE=HOME,FAX" },   { 0x3a23, "TYPE=FAX" },
		{ 0x3a2d, "TYPE=ISDN" },       { 0x3a57, "TYPE=WORK,PREF" },
		{ 0x3a02, "TYPE=X-CALLBACK" }, { 0x3a1d, "TYPE=X-RADIO" },
		{ 0x3a2c, "TYPE=X-TELEX" },    { 0x3a2e, "TYPE=X-ASSISTANT" },
		{ 0x3a4b, "TYPE=X-TTY" },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct buf name CLEANUP(buf_release_p) = BUF_INIT(0);
		char *s CLEANUP(free_p) = mapi_text(o, all[i].id, 0);

		if (buf_fmt(&name, "TEL;%s", all[i].type))
			continue;
		lines_field(l, name.p, s);
		/* Second numbers may be several. */
		for (size_t k = 0; !s && k < 100; k++) {
			char *one CLEANUP(free_p) =
			        mapi_text_at(o, all[i].id, k);

			if (!one)
				break;
			lines_field(l, name.p, one);
		}
	}
}

/* Display name, type, address and original name of the three. An Exchange
 * address is one of another world: it stands in the note. */
static void mails(struct lines *l, struct mapi *o)
{
	static const uint32_t base[] = { 0x8080, 0x8090, 0x80a0 };

	for (size_t i = 0; i < 3; i++) {
		char *type CLEANUP(free_p) = named(o, base[i] + 2);
		char *address CLEANUP(free_p) = named(o, base[i] + 3);
		char *original CLEANUP(free_p) = named(o, base[i] + 4);
		const char *s = address;

		if (!s || !strchr(s, '@') ||
		    (type && strcasecmp(type, "EX") == 0))
			s = original && strchr(original, '@') ? original : NULL;
		lines_field(l,
		            i ? "EMAIL;TYPE=INTERNET"
		              : "EMAIL;TYPE=INTERNET,PREF",
		            s);
	}
}

static void mails_said(struct note *n, struct mapi *o)
{
	static const uint32_t base[] = { 0x8080, 0x8090, 0x80a0 };

	for (size_t i = 0; i < 3; i++) {
		char *shown CLEANUP(free_p) = named(o, base[i]);
		char *address CLEANUP(free_p) = named(o, base[i] + 3);
		char *original CLEANUP(free_p) = named(o, base[i] + 4);

		if (!address || strchr(address, '@'))
			continue;
		note_said(n, "Exchange address", address);
		note_said(n, "Shown as", original ? original : shown);
	}
}

/* Post box, street, town, state, code, country; whole. */
struct address {
	const char *type;
	uint16_t box, street, town, state, code, country;
	bool by_lid; /* the six are those of PSETID_Address */
	uint32_t whole;
	int64_t mailing; /* what PidLidPostalAddressId calls it */
};

static bool has_text(struct mapi *o, uint16_t id)
{
	char *s CLEANUP(free_p) = mapi_text(o, id, 8);

	return s != NULL;
}

static void adr(struct lines *l, struct mapi *o, const struct address *a,
                const char *type)
{
	uint16_t ids[] = { a->box,   0,       a->street, a->town,
		           a->state, a->code, a->country };
	struct buf name CLEANUP(buf_release_p) = BUF_INIT(0);
	char *whole CLEANUP(free_p) = NULL;
	bool any = false;

	for (size_t i = 0; i < 7; i++) {
		if (a->by_lid && ids[i])
			ids[i] = mapi_lid(o, MAPI_PS_ADDRESS, ids[i]);
		any = any || has_text(o, ids[i]);
	}
	if (a->whole)
		whole = named(o, a->whole);
	if (any && buf_fmt(&name, "ADR;TYPE=%s:", type) == 0)
		parts(l, name.p, o, ids, 7, true);
	buf_clear(&name);
	if (buf_fmt(&name, "LABEL;TYPE=%s", type) == 0)
		lines_field(l, name.p, whole);
}

static void addresses(struct lines *l, struct mapi *o)
{
	static const struct address all[] = {
		{ "HOME", 0x3a5e, 0x3a5d, 0x3a59, 0x3a5c, 0x3a5b, 0x3a5a, false,
		  0x801a, 1 },
		{ "WORK", 0x804a, 0x8045, 0x8046, 0x8047, 0x8048, 0x8049, true,
		  0x801b, 2 },
		{ "POSTAL", 0x3a64, 0x3a63, 0x3a5f, 0x3a62, 0x3a61, 0x3a60,
		  false, 0x801c, 3 },
	};
	/* The mailing address is a copy of one of the three. */
	static const struct address mailing = { "POSTAL", 0x3a2b, 0x3a29,
		                                0x3a27,   0x3a28, 0x3a2a,
		                                0x3a26,   false,  0,
		                                0 };
	int64_t which = item_number(o, MAPI_PS_ADDRESS, LID_MAILING, 0);

	for (size_t i = 0; i < 3; i++) {
		struct buf type CLEANUP(buf_release_p) = BUF_INIT(0);

		if (buf_fmt(&type, "%s%s", all[i].type,
		            all[i].mailing == which ? ",PREF" : "") == 0)
			adr(l, o, &all[i], type.p);
	}
	if (which < 1 || which > 3)
		adr(l, o, &mailing, mailing.type);
}

/* --- the rest ------------------------------------------------------------ */

/* The day itself in newer files; else a midnight or noon in UTC. */
static void day(struct lines *l, const char *name, struct mapi *o, uint32_t lid,
                uint16_t id)
{
	struct mail_date d = item_date(o, MAPI_PS_ADDRESS, lid);
	struct civil c;

	if (!d.known)
		d = mapi_date(o, id);
	if (!d.known)
		return;
	c = civil_of(civil_nearest_day(d.sec));
	lines_fmt(l, "%s:%04lld-%02u-%02u", name, (long long)c.year, c.month,
	          c.day);
	lines_end(l);
}

static void links(struct lines *l, struct mapi *o)
{
	char *page CLEANUP(free_p) = named(o, 0x802b);
	char *work CLEANUP(free_p) = mapi_text(o, 0x3a51, 0);
	char *home CLEANUP(free_p) = mapi_text(o, 0x3a50, 0);
	char *busy CLEANUP(free_p) = named(o, 0x80d8);
	char *chat CLEANUP(free_p) = named(o, 0x8062);

	lines_uri(l, "URL;TYPE=WORK", work ? work : page);
	if (work && page && strcmp(work, page) != 0)
		lines_uri(l, "URL", page);
	lines_uri(l, "URL;TYPE=HOME", home);
	lines_uri(l, "FBURL", busy);
	/* RFC 4770 wants a scheme. */
	lines_uri(l, chat && strchr(chat, ':') ? "IMPP" : "X-MS-IMADDRESS",
	          chat);
	lines_prop(l, "X-SPOUSE", o, 0x3a48);
	lines_prop(l, "X-MANAGER", o, 0x3a4e);
	lines_prop(l, "X-ASSISTANT", o, 0x3a30);
	day(l, "BDAY", o, LID_BIRTHDAY, PID_BIRTHDAY);
	day(l, "X-ANNIVERSARY", o, LID_ANNIVERSARY, PID_ANNIVERSARY);
	item_categories(l, "CATEGORIES", o);
}

static void sex(struct note *n, struct mapi *o)
{
	int64_t which = mapi_number(o, PID_SEX, 0);

	if (which == 1 || which == 2)
		note_said(n, "Gender", which == 1 ? "female" : "male");
}

static void note(struct lines *l, struct mapi *o, size_t photo)
{
	static const struct {
		uint16_t id;
		const char *what;
	} all[] = { { 0x3a58, "Child" },
		    { 0x3a43, "Hobbies" },
		    { 0x3a0c, "Language" },
		    { 0x3a47, "Referred by" },
		    { 0x3a00, "Account" },
		    { 0x3a4a, "Customer ID" },
		    { 0x3a10, "Organization ID" },
		    { 0x3a07, "Government ID" },
		    { 0x3a49, "Computer network" },
		    { 0x3a4c, "FTP site" } };
	static const char *const user[] = { "User field 1", "User field 2",
		                            "User field 3", "User field 4" };
	struct note n;

	note_begin(&n, l, "NOTE:");
	note_body(&n, o);
	mails_said(&n, o);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		item_each_said(&n, all[i].what, o, all[i].id);
	sex(&n, o);
	note_prop(&n, "Location", o, 0x3a0d);
	for (uint32_t i = 0; i < 4; i++)
		note_prop(&n, user[i], o,
		          mapi_lid(o, MAPI_PS_ADDRESS, 0x804f + i));
	item_fields(&n, o);
	if (mapi_has(o, PID_CERTIFICATES))
		note_line(&n, "(Certificates, which are not in this file.)");
	item_attached(&n, o, false, photo);
	note_end(&n);
}

int vcard_contact(struct mapi *o, struct mapi_out *out)
{
	char *key CLEANUP(free_p) = item_key(o);
	size_t photo = item_photo(o);
	struct mail_date changed = mapi_date(o, PID_CHANGED);
	struct lines l;

	if (!key)
		return -1;
	lines_begin(&l, out, true);
	lines_whole(&l, "BEGIN:VCARD");
	lines_whole(&l, "VERSION:3.0");
	lines_whole(&l, "PRODID:-//mailhaul//" MAILHAUL_VERSION "//EN");
	lines_field(&l, "UID", key);
	names(&l, o);
	mails(&l, o);
	phones(&l, o);
	addresses(&l, o);
	links(&l, o);
	note(&l, o, photo);
	item_photo_write(&l, o, photo);
	item_attach(&l, o, "X-ATTACH;ENCODING=b", photo);
	if (mapi_number(o, PID_SENSITIVITY, 0) > 0)
		lines_whole(&l, "CLASS:PRIVATE");
	if (changed.known) {
		lines_raw(&l, "REV");
		zone_stamp(&l, changed.sec);
		lines_end(&l);
	}
	lines_whole(&l, "END:VCARD");
	return lines_done(&l);
}
