/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail_report.c - delivery reports and receipts ([MS-OXCMAIL] 2.5) as
 * multipart/report: RFC 3464 and RFC 8098, made of the properties that
 * remain of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "archive/mapi/mail_int.h"

#define VALUE_MOST 900u
#define NOWHERE "exchange.invalid"

static const struct report {
	const char *suffix, *action, *status, *words;
} reports[] = {
	{ ".NDR", "failed", "5.0.0", "could not be delivered" },
	{ ".Delayed.DR", "delayed", "4.0.0", "has not been delivered yet" },
	{ ".Relayed.DR", "relayed", "2.0.0", "was passed on" },
	{ ".Expanded.DR", "expanded", "2.0.0", "was passed on to a list" },
	{ ".DR", "delivered", "2.0.0", "was delivered" },
	{ ".IPNRN", "displayed", NULL, "was read" },
	{ ".IPNNRN", "deleted", NULL, "was deleted without being read" },
};

static const struct report *report_of(const char *class)
{
	size_t n = strlen(class);

	for (size_t i = 0; i < sizeof(reports) / sizeof(*reports); i++) {
		size_t len = strlen(reports[i].suffix);

		if (n > len &&
		    strcasecmp(class + n - len, reports[i].suffix) == 0)
			return &reports[i];
	}
	return NULL;
}

/* name: prefix value, if there is one. */
static void text_field(struct mail_msg *g, struct mapi *o, uint16_t id,
                       const char *name, const char *prefix)
{
	char *text CLEANUP(free_p) = mapi_text(o, id, VALUE_MOST);
	char *value = NULL;

	if (!text || asprintf(&value, "%s%s", prefix, text) < 0)
		return;
	field_write(&g->a->field, &g->a->out, name, value);
	free(value);
}

static void final_recipient(struct mail_msg *g, const struct person *p)
{
	mime_str(&g->a->out, "Final-Recipient: rfc822; ");
	mime_str(&g->a->out, p->address);
	mime_str(&g->a->out, "\r\n");
}

static void status_line(struct mail_msg *g, struct mapi *row,
                        const struct report *r)
{
	int64_t code = mapi_number(row, PID_NDR_STATUS, 0);
	char line[64];

	if (code >= 200 && code < 600)
		snprintf(line, sizeof(line), "Status: %d.%d.%d\r\n",
		         (int)code / 100, (int)code / 10 % 10, (int)code % 10);
	else
		snprintf(line, sizeof(line), "Status: %s\r\n", r->status);
	mime_str(&g->a->out, line);
}

static void delivery_of(struct mail_msg *g, struct mapi *row,
                        const struct report *r)
{
	char line[96];
	struct person p;

	if (!mail_recipient(g, row, &p))
		return;
	mime_str(&g->a->out, "\r\n");
	final_recipient(g, &p);
	person_release(&p);
	mime_str(&g->a->out, "Action: ");
	mime_str(&g->a->out, r->action);
	mime_str(&g->a->out, "\r\n");
	status_line(g, row, r);
	text_field(g, row, PID_REMOTE_MTA, "Remote-MTA", "dns; ");
	if (mapi_has(row, PID_SUPPLEMENTARY)) {
		text_field(g, row, PID_SUPPLEMENTARY, "Diagnostic-Code",
		           "smtp; ");
	} else if (mapi_has(row, PID_NDR_REASON)) {
		snprintf(line, sizeof(line),
		         "Diagnostic-Code: x-mapi; reason %lld, "
		         "diagnostic %lld\r\n",
		         (long long)mapi_number(row, PID_NDR_REASON, 0),
		         (long long)mapi_number(row, PID_NDR_DIAGNOSTIC, -1));
		mime_str(&g->a->out, line);
	}
}

static void delivery(struct mail_msg *g, const struct report *r)
{
	size_t n = g->o->ops->recipients(g->o);

	mime_str(&g->a->out, "Content-Type: message/delivery-status\r\n\r\n");
	if (mapi_has(g->o, PID_REPORTING_MTA))
		text_field(g, g->o, PID_REPORTING_MTA, "Reporting-MTA",
		           "dns; ");
	else
		mime_str(&g->a->out, "Reporting-MTA: dns; " NOWHERE "\r\n");
	for (size_t i = 0; i < n && g->a->people++ < PEOPLE_MOST; i++) {
		struct mapi *row = g->o->ops->recipient(g->o, i);

		if (row) {
			delivery_of(g, row, r);
			mapi_close(&row);
		}
	}
}

static void disposition(struct mail_msg *g, const struct report *r)
{
	struct person p;

	mime_str(&g->a->out,
	         "Content-Type: message/disposition-notification\r\n\r\n");
	if (mail_from(g, &p)) {
		final_recipient(g, &p);
		person_release(&p);
	}
	text_field(g, g->o, PID_ORIGINAL_ID, "Original-Message-ID", "");
	mime_str(&g->a->out, "Disposition: manual-action/MDN-sent-manually; ");
	mime_str(&g->a->out, r->action);
	mime_str(&g->a->out, "\r\n");
}

static void words(struct mail_msg *g, const struct report *r)
{
	char *text CLEANUP(free_p) = mapi_text(g->o, PID_REPORT_TEXT, 0);
	char *about CLEANUP(free_p) = NULL;

	if (g->text.kind || g->html.kind) {
		mail_tree_bodies(g);
		return;
	}
	about = mapi_text(g->o, PID_ORIGINAL_SUBJECT, VALUE_MOST);
	if (!text && asprintf(&text, "The message \"%s\" %s.\r\n",
	                      about ? about : "", r->words) < 0) {
		text = NULL;
		g->a->out.failed = true;
		return;
	}
	mail_text_part(g, "text/plain", NULL, text, strlen(text));
}

bool mail_report(struct mail_msg *g)
{
	const struct report *r = report_of(g->class);
	struct mail_nest n;

	if (!mail_class_is(g, "REPORT") || !r)
		return false;
	mail_nest_begin(g, &n,
	                r->status ? "multipart/report; "
	                            "report-type=delivery-status"
	                          : "multipart/report; "
	                            "report-type=disposition-notification");
	mail_nest_next(g, &n);
	words(g, r);
	mail_nest_next(g, &n);
	if (r->status)
		delivery(g, r);
	else
		disposition(g, r);
	for (size_t i = 0; i < g->parts && !g->a->out.failed; i++)
		mail_attachment(g, &n, &g->part[i]);
	mail_nest_end(g, &n);
	return true;
}
