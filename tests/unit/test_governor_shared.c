/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_governor_shared.c - one governor for all threads: who shares, who
 * waits, who is told. Waits are ended by cancelling, not by the clock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <pthread.h>

#include "net/governor.h"
#include "util/clock.h"

/* What account->waiting was told; the first telling cancels. */
struct told {
	atomic_int cancel;
	unsigned begun, ended;
	uint64_t until;
	char what[64];
};

static void on_waiting(void *arg, const char *what, uint64_t until_ms)
{
	struct told *t = arg;

	if (!until_ms) {
		t->ended++;
		return;
	}
	t->begun++;
	t->until = until_ms;
	snprintf(t->what, sizeof t->what, "%s", what);
	atomic_store(&t->cancel, 1);
}

static struct account mailbox(const char *user, struct told *t)
{
	struct account a = { .user = (char *)user,
		             .tenant = "contoso.com",
		             .client_id = "app",
		             .cancel = &t->cancel,
		             .waiting = on_waiting,
		             .waiting_arg = t };

	return a;
}

static struct gov_lease *enter(const struct account *a, enum gov_door door)
{
	struct gov_lease *l;
	struct err e;

	assert_int_equal(governor_enter(&l, a, door, 10, &e), 0);
	return l;
}

static void leave_all(struct gov_lease **v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		governor_leave(v + i);
}

struct fifth {
	struct account a;
	int rc;
	struct err err;
	atomic_int in;
};

static void *be_fifth(void *arg)
{
	struct fifth *f = arg;
	struct gov_lease *l;

	f->rc = governor_enter(&l, &f->a, GOV_GRAPH, 10, &f->err);
	atomic_store(&f->in, 1);
	governor_leave(&l);
	return NULL;
}

static void the_fifth_waits_for_one_to_leave(void **state)
{
	struct told t = { 0 }, other = { 0 };
	struct fifth f = { .a = mailbox("ann", &t) };
	struct account bob = mailbox("bob", &other);
	struct gov_lease *v[5], *w;
	pthread_t thread;

	for (size_t i = 0; i < 4; i++)
		v[i] = enter(&f.a, GOV_GRAPH);
	/* Neither an upload nor another mailbox nor IMAP has to wait. */
	v[4] = enter(&f.a, GOV_UPLOAD);
	w = enter(&bob, GOV_GRAPH);
	governor_leave(&w);
	w = enter(&f.a, GOV_IMAP);
	governor_leave(&w);
	pthread_create(&thread, NULL, be_fifth, &f);
	governor_leave(v + 4);
	assert_int_equal(atomic_load(&f.in), 0);
	governor_leave(v + 3);
	pthread_join(thread, NULL);
	assert_int_equal(f.rc, 0);
	leave_all(v, 3);
}

static void cancelled_in_the_queue(void **state)
{
	struct told t = { .cancel = 0 };
	struct fifth f = { .a = mailbox("carol", &t) };
	struct gov_lease *v[4];
	pthread_t thread;

	for (size_t i = 0; i < 4; i++)
		v[i] = enter(&f.a, GOV_GRAPH);
	pthread_create(&thread, NULL, be_fifth, &f);
	atomic_store(&t.cancel, 1);
	pthread_join(thread, NULL);
	assert_int_equal(f.rc, -1);
	assert_int_equal(f.err.code, EC_INTERRUPTED);
	leave_all(v, 4);
}

static void a_long_wait_is_told(void **state)
{
	struct told t = { 0 };
	struct account a = mailbox("dave", &t);
	struct gov_lease *l = enter(&a, GOV_GRAPH);
	uint64_t before = clock_wall_ms();
	struct err e;

	governor_refused(l, 299961);
	governor_leave(&l);
	assert_int_equal(governor_enter(&l, &a, GOV_GRAPH, 10, &e), -1);
	assert_int_equal(e.code, EC_INTERRUPTED);
	assert_null(l);
	assert_int_equal(t.begun, 1);
	assert_int_equal(t.ended, 1);
	assert_string_equal(t.what, "as Microsoft asked");
	assert_true(t.until >= before + 299900);
	assert_true(t.until <= clock_wall_ms() + 299961);
}

static void one_mailbox_waits_the_others_go_on(void **state)
{
	struct told t = { 0 }, other = { 0 };
	struct account eve = mailbox("eve", &t),
	               frank = mailbox("frank", &other);
	struct gov_lease *l;
	struct err e;

	governor_refused_late(&eve, GOV_GRAPH, 100000);
	assert_int_equal(governor_enter(&l, &eve, GOV_UPLOAD, 1, &e), -1);
	l = enter(&frank, GOV_GRAPH);
	governor_leave(&l);
	assert_int_equal(other.begun, 0);
	/* IMAP has a budget of its own. */
	atomic_store(&t.cancel, 0);
	l = enter(&eve, GOV_IMAP);
	governor_leave(&l);
}

static void the_whole_application_waits(void **state)
{
	struct told t = { 0 }, other = { 0 };
	struct account gina = mailbox("gina", &t), hugo = mailbox("hugo", &t),
	               ivy = mailbox("ivy", &other);
	struct gov_lease *l;
	struct err e;

	gina.client_id = hugo.client_id = "busy";
	l = enter(&gina, GOV_GRAPH);
	governor_refused_all(l, 100000);
	governor_leave(&l);
	assert_int_equal(governor_enter(&l, &hugo, GOV_GRAPH, 1, &e), -1);
	assert_string_equal(t.what, "as Microsoft asked");
	l = enter(&ivy, GOV_GRAPH);
	governor_leave(&l);
}

static void own_limits_have_other_words(void **state)
{
	struct told t = { 0 };
	struct account a = mailbox("jack", &t);
	struct gov_lease *l;
	struct err e;

	assert_int_equal(governor_enter(&l, &a, GOV_GRAPH, 148999999, &e), 0);
	governor_leave(&l);
	assert_int_equal(governor_enter(&l, &a, GOV_GRAPH, 1000000, &e), -1);
	assert_string_equal(t.what, "to stay within Microsoft's limits");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_fifth_waits_for_one_to_leave),
		cmocka_unit_test(cancelled_in_the_queue),
		cmocka_unit_test(a_long_wait_is_told),
		cmocka_unit_test(one_mailbox_waits_the_others_go_on),
		cmocka_unit_test(the_whole_application_waits),
		cmocka_unit_test(own_limits_have_other_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
