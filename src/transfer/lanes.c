/* SPDX-License-Identifier: Apache-2.0 */
/* lanes.c - the lanes of a mailbox: started, waited for, ended. */
#include <stdlib.h>

#include "transfer/move.h"
#include "transfer/tour.h"

static struct lane *lane_new(struct move *m, size_t index)
{
	struct lane *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->m = m;
	l->index = index;
	if (index == 0) {
		l->writer = m->writer;
		l->writer_open = m->writer != NULL;
		if (!m->tour) {
			l->reader = m->reader;
			m->reader = NULL;
		}
		m->writer = NULL;
	}
	return l;
}

static int lane_start(struct lane *l)
{
	if (pthread_create(&l->read_thread, NULL, lane_read_main, l))
		return -1;
	if (pthread_create(&l->write_thread, NULL, lane_write_main, l)) {
		l->quit = true;
		pthread_join(l->read_thread, NULL);
		lane_put_back(l);
		return -1;
	}
	return 0;
}

static void lane_end(struct move *m, struct lane *l)
{
	pthread_join(l->write_thread, NULL);
	if (l->reader && l->index == 0) {
		m->reader = l->reader;
	} else if (l->reader) {
		m->reader_ops->close(&l->reader);
	}
	if (l->index == 0) {
		m->writer = l->writer;
	} else {
		m->writer_ops->close(&l->writer);
	}
	free(l);
}

static void lane_not_started(struct move *m, struct lane *l)
{
	pthread_mutex_lock(&m->lock);
	m->lanes_busy--;
	pthread_mutex_unlock(&m->lock);
	if (l->reader && l->index == 0)
		m->reader = l->reader;
	else if (l->reader)
		m->reader_ops->close(&l->reader);
	if (l->index == 0)
		m->writer = l->writer;
	free(l);
}

/* The lanes send what the archive gives, and end when it does. */
static void read_archive(struct move *m)
{
	struct err why = { 0 };

	if (m->tour && tour_run(m, &why))
		move_fail(m, &why);
}

int lanes_run(struct move *m, struct err *e)
{
	size_t n = 0;

	tour_begin(m);
	m->in_lanes = true;
	for (size_t i = 0; i < m->lanes_most; i++) {
		struct lane *l = lane_new(m, i);

		if (!l)
			break;
		pthread_mutex_lock(&m->lock);
		m->lanes_busy++;
		pthread_mutex_unlock(&m->lock);
		if (lane_start(l)) {
			lane_not_started(m, l);
			break;
		}
		m->lanes[n++] = l;
	}
	if (n)
		read_archive(m);
	for (size_t i = 0; i < n; i++)
		lane_end(m, m->lanes[i]);
	tour_put_back(m);
	m->in_lanes = false;
	if (n == 0)
		return err_memory(e);
	if (journal_sync(m->journal, e))
		return -1;
	if (m->fatal.code) {
		*e = m->fatal;
		return -1;
	}
	return 0;
}
