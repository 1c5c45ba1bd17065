/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plan.h"

static const char text[] =
    "group sbin {\n"
    "	host admin web1 web2@10.0.0.2 (db1);\n"
    "	key /var/lib/csync2/sbin.key;\n"
    "	include /usr/local/sbin;\n"
    "}\n"
    "group cron {\n"
    "	host admin web1 web1;\n"
    "	key cron.key;\n"
    "	include /etc/cron.local;\n"
    "}\n"
    "group others {\n"
    "	host web1 web2;\n"
    "	key others.key;\n"
    "	include /srv;\n"
    "}\n";

static int
load(void *arg, const char *name, struct buf *out, struct err *e)
{
	(void)arg, (void)name, (void)e;
	return buf_adds(out, text);
}

struct fixture {
	struct unlock_opts o;
	struct cfg c;
	struct plan p;
	struct err e;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->o.self = strdup("admin");
	f->o.sysdir = strdup("/etc");
	assert_int_equal(cfg_parse("t.cfg", "admin", load, NULL, &f->c,
	    &f->e), 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	plan_clear(&f->p);
	cfg_clear(&f->c);
	free(f->o.self);
	free(f->o.sysdir);
	free(f->o.from);
	strv_clear(&f->o.groups);
	strv_clear(&f->o.only);
	strv_clear(&f->o.except);
	if (f->o.nmap > 0) {
		free(f->o.map[0].name);
		free(f->o.map[0].dest);
		free(f->o.map);
	}
	free(f);
	return 0;
}

static int
make(struct fixture *f, const char *group)
{
	assert_int_equal(strv_add(&f->o.groups, group), 0);
	return plan_make(&f->o, &f->c, &f->p, &f->e);
}

static void
add_map(struct fixture *f, const char *name, const char *dest)
{
	f->o.map = calloc(1, sizeof(*f->o.map));
	f->o.map[0] = (struct unlock_map){ strdup(name), strdup(dest) };
	f->o.nmap = 1;
}

static void
plan_takes_hosts_and_slaves_from_the_group(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(make(f, "sbin"), 0);
	assert_int_equal(f->p.nhosts, 4);
	assert_int_equal(f->p.nrows, 4);
	assert_int_equal(f->p.pusher, 0);
	assert_true(f->p.hosts[0].here);
	assert_string_equal(f->p.hosts[0].dest, "");
	assert_string_equal(f->p.hosts[2].name, "web2");
	assert_string_equal(f->p.hosts[2].dest, "10.0.0.2");
	assert_true(f->p.rows[3].host->slave);
	assert_string_equal(f->p.rows[1].key, "/var/lib/csync2/sbin.key");
	assert_int_equal(f->p.stops.n, 0);
}

static void
plan_makes_one_host_of_two_groups_and_a_set_for_each_kind(void **state)
{
	struct fixture *f = *state;
	const struct plan_row *r;

	assert_int_equal(strv_add(&f->o.groups, "sbin"), 0);
	assert_int_equal(make(f, "cron"), 0);
	assert_int_equal(f->p.nhosts, 4);
	assert_int_equal(f->p.nrows, 6);
	r = plan_first(&f->p, 1);
	assert_string_equal(r->group->name, "sbin");
	r = plan_next(&f->p, r);
	assert_string_equal(r->group->name, "cron");
	assert_string_equal(r->key, "/etc/cron.key");
	assert_null(plan_next(&f->p, r));
	assert_int_equal(f->p.nsets, 2);
	assert_int_not_equal(f->p.hosts[1].set, f->p.hosts[2].set);
	assert_int_equal(f->p.hosts[2].set, f->p.hosts[3].set);
}

static void
plan_counts_a_group_or_host_given_twice_once(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(strv_add(&f->o.groups, "cron"), 0);
	assert_int_equal(make(f, "cron"), 0);
	assert_int_equal(f->p.nhosts, 2);
	assert_int_equal(f->p.nrows, 2);
}

static void
plan_maps_names_to_destinations(void **state)
{
	struct fixture *f = *state;

	add_map(f, "WEB2", "root@backdoor.example.org");
	assert_int_equal(make(f, "sbin"), 0);
	assert_string_equal(f->p.hosts[2].dest, "root@backdoor.example.org");
}

static void
plan_refuses_an_unknown_group_by_name(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(make(f, "sbim"), -1);
	assert_int_equal(f->e.code, ERR_USAGE);
	assert_non_null(strstr(f->e.msg, "'sbim'"));
}

static void
plan_narrows_receivers_but_keeps_the_pusher(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(strv_add(&f->o.only, "web2"), 0);
	assert_int_equal(make(f, "sbin"), 0);
	assert_int_equal(f->p.nhosts, 2);
	assert_string_equal(f->p.hosts[0].name, "admin");
	assert_string_equal(f->p.hosts[1].name, "web2");
}

static void
plan_leaves_out_what_is_excluded_by_its_peer_name(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(strv_add(&f->o.except, "10.0.0.2"), 0);
	assert_int_equal(make(f, "sbin"), 0);
	assert_int_equal(f->p.nhosts, 3);
}

static void
plan_refuses_to_narrow_to_a_host_that_is_not_there(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(strv_add(&f->o.only, "web9"), 0);
	assert_int_equal(make(f, "sbin"), -1);
	assert_int_equal(f->e.code, ERR_USAGE);
}

static void
plan_says_that_the_pusher_is_not_in_the_group(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(make(f, "others"), 0);
	assert_int_equal(f->p.pusher, PLAN_NOBODY);
	assert_int_equal(f->p.stops.n, 1);
	assert_non_null(strstr(f->p.stops.v[0], "t.cfg:11"));
	assert_non_null(strstr(f->p.stops.v[0], "admin"));
}

static void
plan_stops_a_push_from_a_slave(void **state)
{
	struct fixture *f = *state;

	f->o.from = strdup("db1");
	assert_int_equal(make(f, "sbin"), 0);
	assert_int_equal(f->p.stops.n, 1);
	assert_non_null(strstr(f->p.stops.v[0], "slave"));
}

static void
plan_stops_a_verify_with_nothing_here_to_compare_with(void **state)
{
	struct fixture *f = *state;

	f->o.action = UNLOCK_COMMAND;
	f->o.verify = true;
	assert_int_equal(make(f, "others"), 0);
	assert_int_equal(f->p.pusher, PLAN_NOBODY);
	assert_int_equal(f->p.stops.n, 1);
	assert_non_null(strstr(f->p.stops.v[0], "admin"));
	plan_clear(&f->p);
	f->o.verify = false;
	assert_int_equal(plan_make(&f->o, &f->c, &f->p, &f->e), 0);
	assert_int_equal(f->p.stops.n, 0);
}

static void
plan_with_from_says_what_that_host_sees(void **state)
{
	struct fixture *f = *state;

	f->o.from = strdup("web1");
	assert_int_equal(make(f, "sbin"), 0);
	assert_int_equal(f->p.stops.n, 0);
	assert_string_equal(f->p.hosts[f->p.pusher].name, "web1");
	assert_int_equal(f->p.notes.n, 1);
	assert_non_null(strstr(f->p.notes.v[0], "web1 sees the key"));
}

static void
plan_refuses_a_name_that_ssh_would_take_for_an_option(void **state)
{
	struct fixture *f = *state;

	free(f->c.groups[0].hosts[1].peer);
	f->c.groups[0].hosts[1].peer = strdup("-oProxyCommand=x");
	assert_int_equal(make(f, "sbin"), -1);
	assert_int_equal(f->e.code, ERR_CONFIG);
	assert_non_null(strstr(f->e.msg, "t.cfg:2"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(plan_takes_hosts_and_slaves_from_the_group),
		T(plan_makes_one_host_of_two_groups_and_a_set_for_each_kind),
		T(plan_counts_a_group_or_host_given_twice_once),
		T(plan_maps_names_to_destinations),
		T(plan_refuses_an_unknown_group_by_name),
		T(plan_narrows_receivers_but_keeps_the_pusher),
		T(plan_leaves_out_what_is_excluded_by_its_peer_name),
		T(plan_refuses_to_narrow_to_a_host_that_is_not_there),
		T(plan_says_that_the_pusher_is_not_in_the_group),
		T(plan_stops_a_push_from_a_slave),
		T(plan_stops_a_verify_with_nothing_here_to_compare_with),
		T(plan_with_from_says_what_that_host_sees),
		T(plan_refuses_a_name_that_ssh_would_take_for_an_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
