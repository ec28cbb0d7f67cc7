/* SPDX-License-Identifier: Apache-2.0 */
/* join.c - see join.h. */
#include "transfer/join.h"

#include "util/buf.h"
#include "util/step.h"

int join_follow(struct move *m, bool *again, struct err *e)
{
	uint64_t n = 0;

	if (m->joining &&
	    store_join_follow(m->store, m->job->mailbox->id, &n, e))
		return -1;
	*again |= n > 0;
	return 0;
}

int join_begin(struct move *m, struct err *e)
{
	bool again = false;

	if (store_join_begin(m->store, m->job->mailbox->id, &m->joining, e))
		return -1;
	return join_follow(m, &again, e);
}

static int note_unsure(struct move *m, const struct message *msg,
                       const struct joined *j, struct err *e)
{
	CLEANUP(buf_release_p) struct buf note = BUF_INIT(0);

	if (buf_fmt(&note,
	            "It may be the same message as one of '%s' (folder "
	            "\"%s\"), but is not quite alike: both were kept.",
	            j->mailbox, j->folder))
		return err_memory(e);
	return store_note(m->store, msg->row, note.p, e);
}

static int join_one(struct move *m, const struct batch *b, struct message *msg,
                    struct err *e)
{
	CLEANUP(joined_release) struct joined j = { 0 };

	if (msg->state != MSG_SENDING || !msg->fetched)
		return 0;
	if (store_join_find(m->store, b->mailbox, msg, b->dest_folder, NULL,
	                    NULL, &j, e))
		return -1;
	if (!j.row)
		return 0;
	if (j.how == FP_UNSURE)
		return note_unsure(m, msg, &j, e);
	return store_join_take(m->store, msg, &j, e);
}

struct settled_by_others {
	uint64_t there, gone, octets;
};

static bool came_by_another(const struct message *msg, void *arg)
{
	struct settled_by_others *s = arg;

	if (msg->state != MSG_ADOPTED && msg->state != MSG_GONE_DEST)
		return false;
	s->there += msg->state == MSG_ADOPTED;
	s->gone += msg->state == MSG_GONE_DEST;
	s->octets += msg->size;
	return true;
}

static void drop_joined(struct move *m, struct batch *b)
{
	struct settled_by_others s = { 0 };
	uint64_t n;

	batch_drop(b, came_by_another, &s);
	n = s.there + s.gone;
	pthread_mutex_lock(&m->lock);
	m->progress.adopted += s.there;
	m->progress.gone += s.gone;
	m->progress.left -= m->progress.left < n ? m->progress.left : n;
	m->progress.bytes_settled += s.octets;
	pthread_mutex_unlock(&m->lock);
}

int join_batch(struct move *m, struct batch *b, struct err *e)
{
	if (!m->joining || b->n == 0)
		return 0;
	if (store_begin(m->store, e))
		return -1;
	for (size_t i = 0; i < b->n; i++)
		if (join_one(m, b, &b->v[i], e)) {
			store_rollback(m->store);
			return -1;
		}
	step("join");
	if (store_commit(m->store, e))
		return -1;
	drop_joined(m, b);
	return 0;
}
