/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event.h - how the engine speaks. Nothing below cli/ prints.
 *
 * Events may come from any thread, one at a time (the engine serialises
 * them). Everything an event points to is gone when the call returns.
 */
#ifndef MAILHAUL_EVENT_H
#define MAILHAUL_EVENT_H

#include <stdint.h>

#include "mailhaul/err.h"

enum event_kind {
	EVENT_START,     /* mailbox begins; text: "FROM -> TO" */
	EVENT_PROGRESS,  /* about four a second for each mailbox */
	EVENT_FOLDER,    /* a folder is created or finished; text says which */
	EVENT_WAIT,      /* waits until wait_until_ms; text says for what */
	EVENT_PROBLEM,   /* a message could not be moved; err */
	EVENT_NOTE,      /* worth knowing, nothing is wrong */
	EVENT_RETRY,     /* connection lost, goes on; err */
	EVENT_DONE       /* mailbox ended; exit_code, err if any */
};

/* Counts of one mailbox. left = everything that is not settled. */
struct progress {
	uint64_t listed, moved, adopted, left_out, problems, holes, ignored,
	        gone, left;
	uint64_t bytes_listed, bytes_settled; /* advisory sizes */
	uint64_t bytes_moved;                 /* octets sent in this run */
	uint64_t messages_moved;              /* in this run */
	bool listing;                         /* more may be found yet */
};

struct event {
	enum event_kind kind;
	int64_t mailbox;
	const char *name;     /* of the mailbox */
	const char *folder;   /* or NULL */
	const char *text;     /* or NULL */
	const struct err *err; /* or NULL */
	struct progress progress;
	uint64_t wait_until_ms; /* CLOCK_REALTIME, milliseconds */
	uint64_t now_ms;        /* CLOCK_REALTIME */
	int exit_code;
};

typedef void event_fn(const struct event *ev, void *arg);

#endif
