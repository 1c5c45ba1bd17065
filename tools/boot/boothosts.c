/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "boot.h"
#include "ssh/host.h"

/* The first of three that says something. */
static const char *
text(const char *given, const char *own, const char *all)
{
	if (given != NULL)
		return given;
	return own != NULL ? own : all;
}

static uint64_t
number(uint64_t given, int64_t own, int64_t all)
{
	if (given != 0)
		return given;
	return (uint64_t)(own != 0 ? own : all);
}

static struct boot_host
settle(const struct boot_opts *o, const char *name)
{
	static const struct bootconf_host nothing = { .name = NULL };
	const struct bootconf_host *own = bootconf_find(&o->conf, name);
	const struct bootconf_host *all = &o->conf.all;
	const struct boot_host *given = &o->given;

	/* A host that the file doesn't name is none of its. */
	if (own == NULL)
		own = all = &nothing;
	return (struct boot_host){
		.name = name,
		.dest = own->address != NULL ? own->address : name,
		.user = text(given->user, own->user, all->user),
		.key = text(given->key, own->key, all->key),
		.secret = text(text(given->secret, own->secret, all->secret),
		    "tty", NULL),
		.known_hosts = text(given->known_hosts, own->known_hosts,
		    all->known_hosts),
		.real_known_hosts = text(given->real_known_hosts,
		    own->real_known_hosts, all->real_known_hosts),
		.port = number(given->port, own->port, all->port),
		.real_port = number(given->real_port, own->real_port,
		    all->real_port),
		.keep_going = given->keep_going || number(0, own->keep_going,
		    all->keep_going) == 2,
	};
}

int
boothosts_add(struct boot_opts *o, const char *name, struct err *e)
{
	struct boot_host *v;
	size_t i;

	for (i = 0; i < o->nhosts; i++)
		if (strcmp(o->hosts[i].name, name) == 0)
			return 0;
	if (host_check(name, e) == -1)
		return -1;
	v = reallocarray(o->hosts, o->nhosts + 1, sizeof(*v));
	if (v == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	o->hosts = v;
	v[o->nhosts++] = settle(o, name);
	return 0;
}

int
boothosts_all(struct boot_opts *o, struct err *e)
{
	size_t i;

	if (o->conf.n == 0)
		return err_set(e, ERR_CONFIG, "--all: no boot.conf has a "
		    "section [host NAME]");
	for (i = 0; i < o->conf.n; i++)
		if (boothosts_add(o, o->conf.hosts[i].name, e) == -1)
			return -1;
	return 0;
}
