/* SPDX-License-Identifier: Apache-2.0 */
/* signals.c - stops gently, and at once if asked twice. */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <termios.h>
#include <unistd.h>

#include "cli/signals.h"
#include "mailhaul/transfer.h"

static struct {
	atomic_int stop;
	atomic_int tty; /* + 1 */
	struct talk *talk;
	_Atomic(const char *) message;
	bool started;
} state;

static void echo_on(int tty)
{
	struct termios t;

	if (tty < 0 || tcgetattr(tty, &t) != 0)
		return;
	t.c_lflag |= ECHO;
	tcsetattr(tty, TCSANOW, &t);
}

static void *wait_for_signals(void *arg)
{
	sigset_t *set = arg;
	int sig;

	for (;;) {
		if (sigwait(set, &sig) != 0)
			continue;
		if (atomic_exchange(&state.stop, 1) != 0) {
			echo_on(atomic_load(&state.tty) - 1);
			_exit(EXIT_UNFINISHED);
		}
		const char *message = atomic_load(&state.message);

		if (message != NULL)
			talk_warn(state.talk, "%s", message);
	}
	return NULL;
}

int signals_start(struct talk *t, const char *message)
{
	static sigset_t set;
	struct sigaction hup;
	pthread_t thread;

	signal(SIGPIPE, SIG_IGN);
	state.talk = t;
	atomic_store(&state.message, message);
	if (state.started)
		return 0;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (sigaction(SIGHUP, NULL, &hup) == 0 && hup.sa_handler != SIG_IGN)
		sigaddset(&set, SIGHUP); /* else started by nohup */
	if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
		return -1;
	if (pthread_create(&thread, NULL, wait_for_signals, &set) != 0)
		return -1;
	state.started = true;
	return pthread_detach(thread) == 0 ? 0 : -1;
}

const atomic_int *signals_stop(void)
{
	return &state.stop;
}

bool signals_stopped(struct err *e)
{
	if (atomic_load(&state.stop) == 0)
		return false;
	err_set(e, ERR_ACCOUNT, NEXT_RETRY, EC_INTERRUPTED,
	        "Stopped, as asked.", "%s", "");
	return true;
}

void signals_echo_off(int tty)
{
	atomic_store(&state.tty, tty + 1);
}
