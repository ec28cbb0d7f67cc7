/* SPDX-License-Identifier: Apache-2.0 */
/*
 * folders_use.c - which folder is the inbox, the sent items, ...: by the
 * entry ids that the store, the inbox and the root have of them ([MS-OXOSFLD]
 * 2.2), never by name. Where there are none the names count, which the
 * parent knows in all languages.
 */
#include "archive/pst/folders.h"

#include <string.h>
#include <strings.h>

#define PID_OUTBOX 0x35e2
#define PID_TRASH 0x35e3
#define PID_SENT 0x35e4
#define PID_VIEWS 0x35e5
#define PID_COMMON_VIEWS 0x35e6
#define PID_FINDER 0x35e7
#define PID_ARCHIVE 0x35ff
#define PID_DRAFTS 0x36d7
#define PID_ADDITIONAL 0x36d8
/* What stands where in it. */
enum additional {
	CONFLICTS,
	SYNC_ISSUES,
	LOCAL_FAILURES,
	SERVER_FAILURES,
	JUNK
};

/* [MS-PST] 2.4.3.2: flags, the store's key, the nid. */
#define ENTRY_OCTETS 24
#define ENTRY_NID 20
/* [MS-OXCDATA] 2.2.4.1: flags, provider, type, replica, counter, padding. */
#define SERVER_ENTRY_OCTETS 46
#define SERVER_ENTRY_COUNTER 38

static uint32_t by_counter(const struct pst_folders *l, const unsigned char *p)
{
	uint64_t counter = 0;

	/* As the little-endian number that the folder has of it. */
	for (int i = 5; i >= 0; i--)
		counter = counter << 8 | p[i];
	for (size_t i = 1; i < l->n && counter; i++)
		if (l->v[i].counter == counter)
			return l->v[i].nid;
	return 0;
}

uint32_t pst_folders_entry(const struct pst_folders *l, const unsigned char *p,
                           size_t n)
{
	uint32_t nid;

	if (n == SERVER_ENTRY_OCTETS)
		return by_counter(l, p + SERVER_ENTRY_COUNTER);
	if (n != ENTRY_OCTETS)
		return 0;
	p += ENTRY_NID;
	nid = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	      (uint32_t)p[3] << 24;
	return NID_TYPE(nid) == NID_FOLDER ? nid : 0;
}

static struct pst_folder *folder_of(const struct pst_folders *l, uint32_t nid)
{
	uint32_t i = nid ? pst_folders_find(l, nid) : PST_NOWHERE;

	return i == PST_NOWHERE ? NULL : &l->v[i];
}

/* The folder whose entry id this property is; NULL. */
static struct pst_folder *named(const struct pst_folders *l, struct mapi *o,
                                uint16_t id)
{
	struct mapi_value v;

	if (!o || mapi_get(o, id, &v) != 1 || v.type != MAPI_BINARY || !v.p)
		return NULL;
	return folder_of(l, pst_folders_entry(l, v.p, v.n));
}

static struct pst_folder *one_of(const struct pst_folders *l, struct mapi *o,
                                 enum additional which)
{
	struct mapi_value v = { 0 };

	if (!o->ops->one || o->ops->one(o, PID_ADDITIONAL, which, &v) != 1 ||
	    !v.p)
		return NULL;
	return folder_of(l, pst_folders_entry(l, v.p, v.n));
}

static void set_use(struct pst_folder *f, enum mail_use use)
{
	if (!f || f->sort != PST_MAIL || f->use != USE_NONE)
		return;
	f->use = use;
	f->quiet = f->foreign = false;
}

static void set_outbox(struct pst_folder *f)
{
	if (!f || f->sort != PST_MAIL || f->use != USE_NONE)
		return;
	f->outbox = f->quiet = true;
}

static void set_own(struct pst_folder *f)
{
	if (f && f->use == USE_NONE && !f->outbox)
		f->sort = PST_OWN;
}

static void set_quiet(struct pst_folder *f)
{
	if (f && f->use == USE_NONE)
		f->quiet = true;
}

/* --- the inbox ----------------------------------------------------------- */

/* It has the entry ids of the calendar and its like; in a PST the root may
 * have them as well. At the top before elsewhere. */
static struct pst_folder *inbox_of(const struct pst_folders *l)
{
	struct pst_folder *found = NULL;

	for (size_t i = 1; i < l->n; i++) {
		struct pst_folder *f = &l->v[i];

		if (!f->settings || f->sort != PST_MAIL || f->beyond ||
		    f->nid == l->subtree)
			continue;
		if (!found || (found->depth > 0 && f->depth == 0))
			found = f;
	}
	return found;
}

/* --- what the entry ids say ---------------------------------------------- */

static void by_store(struct pst_folders *l, struct mapi *store)
{
	set_use(named(l, store, PID_TRASH), USE_TRASH);
	set_use(named(l, store, PID_SENT), USE_SENT);
	set_outbox(named(l, store, PID_OUTBOX));
	set_own(named(l, store, PID_VIEWS));
	set_own(named(l, store, PID_COMMON_VIEWS));
	set_own(named(l, store, PID_FINDER));
}

/* o is the inbox, or the root. */
static void by_settings(struct pst_folders *l, struct mapi *o)
{
	set_use(named(l, o, PID_DRAFTS), USE_DRAFTS);
	set_use(one_of(l, o, JUNK), USE_JUNK);
	set_use(named(l, o, PID_ARCHIVE), USE_ARCHIVE);
	/* The log of Outlook's exchanges with the server. What could not be
	 * exchanged stands below it, and may be nowhere else. */
	set_own(one_of(l, o, SYNC_ISSUES));
	set_quiet(one_of(l, o, CONFLICTS));
	set_quiet(one_of(l, o, LOCAL_FAILURES));
	set_quiet(one_of(l, o, SERVER_FAILURES));
}

static void by_settings_of(struct pst_folders *l, uint32_t nid)
{
	struct pst_node node;
	struct mapi *o = NULL;

	if (pst_node(l->file->p, nid, &node) > 0)
		o = pst_properties(l->file, &node);
	if (o)
		by_settings(l, o);
	mapi_close(&o);
}

/*
 * In an OST the server knows which folders these are, and the file does not
 * say; Outlook makes them first, always in this order.
 */
#define OST_SUBTREE 0x2142u
#define OST_TRASH 0x2162u
#define OST_INBOX 0x2182u
#define OST_OUTBOX 0x21a2u
#define OST_SENT 0x21c2u

static void by_number(struct pst_folders *l)
{
	const struct pst_folder *inbox = folder_of(l, OST_INBOX);

	if (l->subtree != OST_SUBTREE || !inbox || inbox->use != USE_INBOX)
		return;
	set_use(folder_of(l, OST_TRASH), USE_TRASH);
	set_outbox(folder_of(l, OST_OUTBOX));
	set_use(folder_of(l, OST_SENT), USE_SENT);
}

void pst_folders_use(struct pst_folders *l, struct mapi *store)
{
	struct pst_folder *inbox = inbox_of(l);

	if (inbox) {
		set_use(inbox, USE_INBOX);
		by_settings_of(l, inbox->nid);
	}
	by_settings_of(l, NID_ROOT);
	if (store)
		by_store(l, store);
	by_number(l);
}
