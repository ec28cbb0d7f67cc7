/* SPDX-License-Identifier: Apache-2.0 */
/*
 * life.c - what becomes of a row: intended, settled, pending again,
 * problem, and what a person says of it.
 */
#include <string.h>

#include "store/db.h"

static bool known(const unsigned char hash[32])
{
	static const unsigned char none[32];

	return memcmp(hash, none, sizeof(none)) != 0;
}

struct val hash_val(const unsigned char hash[32], bool wanted)
{
	return vb(wanted && known(hash) ? hash : NULL, 32);
}

const unsigned char *source_octets(const struct message *m)
{
	const unsigned char *hash = m->repaired ? m->orig_sha256 : m->sha256;

	return known(hash) ? hash : NULL;
}

static const char *words_of(const char *text)
{
	return text && *text ? text : NULL;
}

/* --- Intent --- */

struct mark {
	uint32_t uidvalidity, uidnext;
	int64_t now;
};

static int intend_one(struct store *s, int64_t dest, const struct mark *k,
                      const struct message *m, struct err *e)
{
	const struct fingerprint *fp = &m->fp;
	int rc = db_run_met(
	        s, ST_INTEND, e,
	        V(vi(m->row), vz(dest), vi(k->uidvalidity), vi(k->uidnext),
	          vi(k->now), hash_val(m->sha256, true),
	          hash_val(m->orig_sha256, m->repaired), vi(fp->version),
	          vi((int64_t)fp->message_id), vi((int64_t)fp->date),
	          vi((int64_t)fp->from), vi((int64_t)fp->subject),
	          vi((int64_t)fp->text), vi(m->set_flags),
	          vt(words_of(m->set_keywords)), vt(words_of(m->dest_name)),
	          vt(words_of(m->repair_note))));

	return rc ? rc : note_add(s, m->row, m->made_note, e);
}

static int intend_all(struct store *s, const struct batch *b,
                      const struct mark *k, struct err *e)
{
	for (size_t i = 0; i < b->n; i++) {
		if (b->v[i].hole)
			continue;
		if (intend_one(s, b->dest_folder, k, &b->v[i], e))
			return -1;
	}
	return 0;
}

int store_intend(struct store *s, const struct batch *b,
                 uint32_t mark_uidvalidity, uint32_t mark_uidnext,
                 struct err *e)
{
	struct mark k = { mark_uidvalidity, mark_uidnext, now_seconds() };

	if (write_begin(s, e))
		return -1;
	return write_end(s, intend_all(s, b, &k, e), e);
}

/* --- Settling --- */

static int settle_as(struct store *s, enum statement id,
                     const struct message *m, enum msg_state state,
                     int64_t dest_folder, bool named, bool *unique,
                     struct err *e)
{
	return db_try(s, id, unique, e,
	              V(vi(m->row), vi(state), vz(dest_folder),
	                vz(m->dest_uidvalidity), vz(named ? m->dest_uid : 0),
	                vt(named ? words_of(m->dest_name) : NULL)));
}

/* The copy is another row's: this row keeps its state without a name. */
static int settle_row(struct store *s, const struct message *m,
                      enum msg_state state, int64_t dest_folder, bool *clash,
                      struct err *e)
{
	enum statement id = ST_SETTLE;

	if (settle_as(s, id, m, state, dest_folder, true, clash, e))
		return -1;
	if (!*clash && db_changes(s) == 0) {
		id = ST_SETTLE_ELSEWHERE;
		if (settle_as(s, id, m, state, dest_folder, true, clash, e))
			return -1;
	}
	if (*clash) {
		bool unique;

		if (settle_as(s, id, m, state, dest_folder, false, &unique, e))
			return -1;
	}
	if (db_changes(s) > 0)
		return 0;
	return err_set(e, ERR_FOLDER, NEXT_RETRY, EC_STORE,
	               "A message's entry in the job store is not there any "
	               "more. Nothing is lost: its folder is listed again.",
	               "settle: no row %lld", (long long)m->row);
}

/* An adopted copy was never intended: its octets are told now. */
static int remember(struct store *s, const struct message *m, struct err *e)
{
	const struct fingerprint *fp = &m->fp;

	if (!m->fetched || !known(m->sha256))
		return 0;
	return db_run(s, ST_REMEMBER, e,
	              V(vi(m->row), hash_val(m->sha256, true),
	                hash_val(m->orig_sha256, m->repaired), vi(fp->version),
	                vi((int64_t)fp->message_id), vi((int64_t)fp->date),
	                vi((int64_t)fp->from), vi((int64_t)fp->subject),
	                vi((int64_t)fp->text), vi(m->set_flags),
	                vt(words_of(m->set_keywords))));
}

int store_settle(struct store *s, const struct message *m, enum msg_state state,
                 int64_t dest_folder, bool *clash, struct err *e)
{
	bool clashed = false;
	int rc;

	if (write_begin(s, e))
		return -1;
	rc = settle_row(s, m, state, dest_folder, &clashed, e);
	if (rc == 0 && state == MSG_ADOPTED)
		rc = remember(s, m, e);
	if (clash)
		*clash = clashed;
	return write_end(s, rc, e);
}

int store_again(struct store *s, const struct message *m, struct err *e)
{
	if (write_begin(s, e))
		return -1;
	return write_end(s,
	                 db_run_met(s, ST_AGAIN, e,
	                            V(vi(m->row), vi(m->tries),
	                              vi(m->batch_max), vi(m->want_repair))),
	                 e);
}

int store_problem(struct store *s, const struct message *m,
                  enum msg_state state, struct err *e)
{
	if (write_begin(s, e))
		return -1;
	return write_end(
	        s,
	        db_run_met(s, ST_PROBLEM, e,
	                   V(vi(m->row), vi(state),
	                     vt(err_code_name(m->why.code)), vt(m->why.text),
	                     vt(words_of(m->why.detail)), vi(m->tries),
	                     vi(m->batch_max), vi(m->want_repair),
	                     vz(m->dest_uidvalidity), vz(m->dest_uid))),
	        e);
}

/* --- State, note, flags --- */

int note_add(struct store *s, int64_t row, const char *note, struct err *e)
{
	if (!words_of(note))
		return 0;
	return db_run_met(s, ST_NOTE, e, V(vi(row), vt(note)));
}

static int put_state(struct store *s, int64_t row, enum msg_state state,
                     const char *note, struct err *e)
{
	int rc = state == MSG_PENDING
	                 ? db_run_met(s, ST_RETRY, e, V(vi(row)))
	                 : db_run_met(s, ST_STATE, e, V(vi(row), vi(state)));

	return rc ? rc : note_add(s, row, note, e);
}

int store_state(struct store *s, int64_t row, enum msg_state state,
                const char *note, struct err *e)
{
	if (write_begin(s, e))
		return -1;
	return write_end(s, put_state(s, row, state, note, e), e);
}

int store_note(struct store *s, int64_t row, const char *note, struct err *e)
{
	if (write_begin(s, e))
		return -1;
	return write_end(s, note_add(s, row, note, e), e);
}

int store_set_flags(struct store *s, const struct message *m, struct err *e)
{
	if (write_begin(s, e))
		return -1;
	return write_end(
	        s,
	        db_run_met(s, ST_SET_FLAGS, e,
	                   V(vi(m->row), vi(m->set_flags & MAIL_FLAGS_KEPT),
	                     vt(words_of(m->set_keywords)))),
	        e);
}
