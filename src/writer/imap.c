/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imap.c - the IMAP writer: opening, folders, listing, reading back.
 */
#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "writer/imap_writer.h"

#define EXCHANGE_NAME_MOST 255

static bool accepts(const struct account *a)
{
	return account_is_imap(a);
}

static void imap_writer_close(struct writer **wp)
{
	struct writer *w = *wp;

	if (!w)
		return;
	governor_leave(&w->lease);
	side_close(w);
	/* A half-sent APPEND must never be completed by a LOGOUT. */
	if (w->im && w->flights_n)
		imap_abort(w->im);
	imap_close(&w->im);
	imap_bodies_release(&w->bodies);
	imap_namespace_release(&w->ns);
	folder_list_release(&w->have);
	free(w->flights);
	free(w->done);
	free(w->done_batch);
	free(w->reserved);
	free(w->late);
	free(w->late_raw);
	free(w->open_raw);
	free(w);
	*wp = NULL;
}

static int imap_writer_open(struct writer **out, const struct account *a,
                            struct err *e)
{
	struct writer *w = calloc(1, sizeof(*w));

	if (!w)
		return err_memory(e);
	w->a = a;
	if (imap_open(&w->im, a, e)) {
		free(w);
		return -1;
	}
	w->exchange = imap_exchange(w->im);
	imap_bodies_init(&w->bodies, w->im, a);
	*out = w;
	return 0;
}

static unsigned traits(struct writer *w)
{
	unsigned t = WRITER_KEEPS_OCTETS | WRITER_FOLDS_SPACE | WRITER_LANES |
	             WRITER_FLAG_CHANGES;

	return append_one_by_one(w) ? t | WRITER_ONE_BY_ONE : t;
}

static int folders(struct writer *w, struct folder_list *out, struct err *e)
{
	imap_tag unselect = 0;
	struct imap_reply ignored;

	imap_namespace_release(&w->ns);
	folder_list_release(&w->have);
	/* Of a selected mailbox STATUS tells what this session has seen, not
	 * what other connections have brought. */
	if (w->selected && imap_caps(w->im) & CAP_UNSELECT &&
	    imap_cmd(w->im, &unselect, e, "UNSELECT"))
		return -1;
	w->selected = false;
	late_deselected(w);
	if (imap_folders(w->im, true, &w->ns, &w->have, e))
		return -1;
	if (unselect && imap_wait(w->im, unselect, NULL, NULL, &ignored, e))
		return -1;
	w->delim = w->ns.delim;
	if (w->exchange) {
		side_uses(w);
		if (exchange_names(w, e))
			return -1;
	}
	for (size_t i = 0; i < w->have.n; i++) {
		struct folder *f = folder_list_add(out);

		if (!w->delim)
			w->delim = w->have.v[i].delim;
		if (!f || folder_copy(f, &w->have.v[i]))
			return err_memory(e);
	}
	return 0;
}

static struct name_rules rules(struct writer *w)
{
	return (struct name_rules){
		.delim = w->delim,
		.prefix = w->ns.prefix ? w->ns.prefix : "",
		.forbidden = "",
		.case_blind = w->exchange,
		.trims = w->exchange,
		.max_component = w->exchange ? EXCHANGE_NAME_MOST : 0,
		.reserved = w->reserved,
	};
}

int writer_select(struct writer *w, const struct folder *f, bool read_only,
                  struct folder *now, struct err *e)
{
	imap_tag tag;

	w->selected = true;
	late_deselected(w);
	if (imap_select_ask(w->im, f->raw, read_only, &tag, e) ||
	    imap_select_take(w->im, tag, now, e))
		return -1;
	if (!f->uidvalidity || now->uidvalidity == f->uidvalidity)
		return 0;
	return err_set(e, ERR_FOLDER, NEXT_RETRY, EC_PROTOCOL,
	               "The new server renumbered a folder. Run mailhaul "
	               "again: it will recognise the messages there.",
	               "UIDVALIDITY %u, was %u", now->uidvalidity,
	               f->uidvalidity);
}

static int list(struct writer *w, struct folder *f, uint32_t since,
                message_fn *each, void *arg, struct err *e)
{
	uint32_t *uids CLEANUP(free_p) = NULL;
	imap_tag select, search;
	size_t n = 0, skip = 0;

	w->selected = true;
	late_deselected(w);
	if (imap_select_ask(w->im, f->raw, true, &select, e) ||
	    imap_uids_ask(w->im, &search, e))
		return -1;
	if (imap_select_take(w->im, select, f, e)) {
		struct imap_reply ignored;
		struct err more;

		if (!imap_dead(w->im))
			imap_wait(w->im, search, NULL, NULL, &ignored, &more);
		return -1;
	}
	if (imap_uids_take(w->im, search, &uids, &n, e))
		return -1;
	while (skip < n && uids[skip] < since)
		skip++;
	return imap_meta(w->im, uids + skip, n - skip, false, each, arg, e);
}

static int read_back(struct writer *w, const struct folder *f, struct batch *b,
                     bool headers_only, message_fn *each, void *arg,
                     struct err *e)
{
	struct folder now = { 0 };
	int failed = writer_select(w, f, true, &now, e);

	free(now.keywords);
	if (failed || b->n == 0)
		return failed;
	if (imap_bodies_ask(&w->bodies, b, true, headers_only, e))
		return -1;
	return imap_bodies_take(&w->bodies, each, arg, e);
}

static size_t in_flight(struct writer *w, uint64_t *bytes)
{
	if (bytes)
		*bytes = w->octets;
	return w->flights_n + w->done_n;
}

static void wake(struct writer *w)
{
	imap_wake(w->im);
}

const struct writer_ops writer_imap = {
	.name = "imap",
	.accepts = accepts,
	.open = imap_writer_open,
	.traits = traits,
	.folders = folders,
	.rules = rules,
	.make = make_folders,
	.prepare = append_prepare,
	.submit = append_submit,
	.in_flight = in_flight,
	.ready = append_ready,
	.wake = wake,
	.collect = append_collect,
	.list = list,
	.read = read_back,
	.finish = change_flags,
	.take_back = change_take_back,
	.close = imap_writer_close,
};
