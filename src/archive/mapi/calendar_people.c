/* SPDX-License-Identifier: Apache-2.0 */
/* calendar_people.c - organizer and attendees; see calendar_int.h. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "archive/mapi/calendar_int.h"
#include "util/buf.h"

#define PID_CLASS 0x001a
#define PID_RECIPIENT_TYPE 0x0c15
#define PID_NAME 0x3001
#define PID_ADDRESS_TYPE 0x3002
#define PID_ADDRESS 0x3003
#define PID_SMTP 0x39fe
#define PID_RECIPIENT_FLAGS 0x5ffd
#define PID_TRACK_STATUS 0x5fff
#define RECIPIENT_ORGANIZER 2
#define RECIPIENT_DELETED 0x20 /* from this one of a series */
#define RECIPIENT_CC 2
#define RECIPIENT_RESOURCE 3

#define LID_STATE 0x8217
#define STATE_MEETING 1

/* Where the sender of a message stands: name, SMTP address, type, address. */
struct sender {
	uint16_t name, smtp, type, address;
};
static const struct sender represented = { 0x0042, 0x5d02, 0x0064, 0x0065 };
static const struct sender sender = { 0x0c1a, 0x5d01, 0x0c1e, 0x0c1f };

struct person {
	char *name, *address;
};

static void person_release(struct person *p)
{
	free(p->name);
	free(p->address);
}

/* An Exchange name is no address. */
static struct person person_of(struct mapi *o, const struct sender *s)
{
	struct person p = { mapi_text(o, s->name, 1024),
		            mapi_text(o, s->smtp, 1024) };
	char *type CLEANUP(free_p) = NULL;

	if (p.address && strchr(p.address, '@'))
		return p;
	free(p.address);
	p.address = mapi_text(o, s->address, 1024);
	type = mapi_text(o, s->type, 16);
	if (p.address && ((type && strcasecmp(type, "EX") == 0) ||
	                  !strchr(p.address, '@'))) {
		free(p.address);
		p.address = NULL;
	}
	return p;
}

static struct person recipient_of(struct mapi *r)
{
	static const struct sender row = { PID_NAME, PID_SMTP, PID_ADDRESS_TYPE,
		                           PID_ADDRESS };

	return person_of(r, &row);
}

static void uri(struct lines *l, const char *address)
{
	static const char good[] = "!#$&'*+-./=?@^_`{|}~";

	if (!address) {
		/* What other programs write where they know no address. */
		lines_raw(l, ":invalid:nomail");
		return;
	}
	lines_raw(l, ":mailto:");
	for (; *address; address++) {
		unsigned char c = (unsigned char)*address;

		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		    (c >= 'a' && c <= 'z') || strchr(good, c))
			lines_fmt(l, "%c", c);
		else
			lines_fmt(l, "%%%02X", c);
	}
}

static void person_write(struct lines *l, const char *start,
                         const struct person *p)
{
	const char *name = p->name ? p->name : p->address;

	lines_raw(l, start);
	if (name) {
		lines_raw(l, ";CN=");
		lines_param(l, name);
	}
	uri(l, p->address);
	lines_end(l);
}

static const char *answer(int64_t status)
{
	switch (status) {
	case 1: /* its own organizer */
	case 3:
		return "ACCEPTED";
	case 2:
		return "TENTATIVE";
	case 4:
		return "DECLINED";
	default:
		return "NEEDS-ACTION";
	}
}

static const char *role(int64_t type)
{
	switch (type) {
	case RECIPIENT_CC:
		return ";ROLE=OPT-PARTICIPANT";
	case RECIPIENT_RESOURCE:
		return ";ROLE=NON-PARTICIPANT;CUTYPE=RESOURCE";
	default:
		return ";ROLE=REQ-PARTICIPANT";
	}
}

static void attendee(struct lines *l, struct mapi *r, bool asks)
{
	struct person p CLEANUP(person_release) = recipient_of(r);
	struct buf s CLEANUP(buf_release_p) = BUF_INIT(0);
	int64_t status = mapi_number(r, PID_TRACK_STATUS, 0);

	if ((!p.name && !p.address) ||
	    mapi_number(r, PID_RECIPIENT_FLAGS, 0) & RECIPIENT_DELETED)
		return;
	if (buf_fmt(&s, "ATTENDEE%s;PARTSTAT=%s%s",
	            role(mapi_number(r, PID_RECIPIENT_TYPE, 1)), answer(status),
	            asks ? ";RSVP=TRUE" : "") == 0)
		person_write(l, s.p, &p);
}

static bool is_organizer(struct mapi *r)
{
	return mapi_number(r, PID_RECIPIENT_FLAGS, 0) & RECIPIENT_ORGANIZER;
}

/* The organizer's row, or whoever it was sent for. */
static struct person organizer(struct mapi *o, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct mapi *r CLEANUP(mapi_close) = o->ops->recipient(o, i);

		if (r && is_organizer(r))
			return recipient_of(r);
	}
	return person_of(o, &represented);
}

static void meeting(struct lines *l, const struct event *e, size_t n)
{
	struct mapi *o = e->o;
	struct person p CLEANUP(person_release) = organizer(o, n);
	bool asks = e->method && strcmp(e->method, "REQUEST") == 0;

	if (p.name || p.address)
		person_write(l, "ORGANIZER", &p);
	for (size_t i = 0; i < n && !l->failed; i++) {
		struct mapi *r CLEANUP(mapi_close) = o->ops->recipient(o, i);

		if (r && !is_organizer(r))
			attendee(l, r, asks);
	}
}

/* RFC 5546 3.2.3: one attendee, who answers, to the organizer. */
static void reply(struct lines *l, const struct event *e, size_t n)
{
	char *class CLEANUP(free_p) = mapi_text(e->o, PID_CLASS, 256);
	struct person p CLEANUP(person_release) = person_of(e->o, &represented);
	const char *how = "ATTENDEE;PARTSTAT=ACCEPTED";

	if (n) {
		struct mapi *r CLEANUP(mapi_close) =
		        e->o->ops->recipient(e->o, 0);
		struct person to CLEANUP(person_release) = { NULL, NULL };

		if (r)
			to = recipient_of(r);
		if (to.name || to.address)
			person_write(l, "ORGANIZER", &to);
	}
	if (class && strcasestr(class, ".Resp.Neg"))
		how = "ATTENDEE;PARTSTAT=DECLINED";
	else if (class && strcasestr(class, ".Resp.Tent"))
		how = "ATTENDEE;PARTSTAT=TENTATIVE";
	if (!p.name && !p.address) {
		person_release(&p);
		p = person_of(e->o, &sender);
	}
	person_write(l, how, &p);
}

void calendar_people(struct lines *l, const struct event *e)
{
	struct mapi *o = e->o;
	size_t n = o->ops->recipients ? o->ops->recipients(o) : 0;
	int64_t state = item_number(o, MAPI_PS_APPOINTMENT, LID_STATE, 0);

	if (e->method && (strcmp(e->method, "REPLY") == 0 ||
	                  strcmp(e->method, "COUNTER") == 0))
		reply(l, e, n);
	else if (e->method || n || state & STATE_MEETING)
		meeting(l, e, n);
}
