/* SPDX-License-Identifier: ISC */
/* gitcmd: whatever is taken, its canonical form is plain ASCII, is taken again
 * and is the same in bytes and meaning; it reaches no repository that policy
 * denies and writes none that it lets be read only. A refusal is printable. */
#include <stdint.h>

#include "gitcmd.h"
#include "gitrepo.h"
#include "retell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct strv deny, read_only, commands;

static void
make_policy(void)
{
	static const char *const names[] = { "info", "desc", "perms", "fork",
		"create", "D", "readme", "motd", "option", "config",
		"who-pushed", "lock", "newbranch", "symbolic-ref", "sskm",
		"writable", "help", NULL };

	if (deny.n > 0)
		return;
	demand(strv_add(&deny, "gitolite-admin") == 0);
	demand(strv_add(&read_only, "old*") == 0);
	demand(strv_addv(&commands, (char *const *)(uintptr_t)names) == 0);
}

static void
check_meaning(const struct gitcmd *c, const struct gitcmd_policy *p)
{
	size_t i;

	demand(strcmp(c->line.words.v[0], c->verb) == 0);
	demand((c->kind == GITCMD_GITOLITE) == gitcmd_known(c->verb));
	if (c->repo != NULL) {
		demand(strcmp(c->repo, "gitolite-admin") != 0);
		demand(c->repo[0] != '-' && c->repo[0] != '/');
		demand(strstr(c->repo, "..") == NULL);
	}
	if (c->kind == GITCMD_GIT) {
		demand(c->line.words.n == 2 && c->line.quoted == 2);
		demand(c->repo != NULL);
		demand(c->write == (strcmp(c->verb, "git-receive-pack") == 0));
		demand(!c->write || p->read_only == NULL ||
		    strncmp(c->repo, "old", 3) != 0);
	}
	if (c->kind == GITCMD_GITOLITE)
		demand(c->line.quoted == 0);
	for (i = 1; i < c->line.words.n && c->kind != GITCMD_GITOLITE; i++)
		demand(c->line.words.v[i][0] != '-');
}

static void
one(const char *text, size_t size, const struct gitcmd_policy *p)
{
	struct gitcmd c = { 0 }, again = { 0 };
	struct err e = ERR_INIT;
	struct buf first, second;
	const char *s;
	size_t i;

	buf_init(&first, 8 * GITWORD_LINE_MAX);
	buf_init(&second, 8 * GITWORD_LINE_MAX);
	if (gitcmd_parse(text, size, p, &c, &e) == 0) {
		check_meaning(&c, p);
		demand(gitcmd_emit(&c, &first) == 0);
		for (i = 0; i < first.len; i++)
			demand(first.data[i] >= 0x20 && first.data[i] < 0x7f);
		if (first.len <= GITWORD_LINE_MAX) {
			demand(gitcmd_parse(first.data, first.len, p, &again,
			    &e) == 0);
			demand(gitcmd_emit(&again, &second) == 0);
			demand(strcmp(first.data, second.data) == 0);
			demand(again.kind == c.kind && again.write == c.write);
		}
	} else {
		demand(e.code == ERR_REFUSED);
		for (s = e.msg; *s != '\0'; s++)
			demand(*s >= 0x20 && *s < 0x7f);
	}
	gitcmd_clear(&c);
	gitcmd_clear(&again);
	buf_clear(&first);
	buf_clear(&second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gitcmd_policy p = { 0 };

	make_policy();
	one((const char *)data, size, &p);
	p = (struct gitcmd_policy){ .lfs = true, .login_info = true,
		.deny_repos = &deny, .read_only = &read_only,
		.commands = &commands };
	one((const char *)data, size, &p);
	return 0;
}
