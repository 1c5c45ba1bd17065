/* SPDX-License-Identifier: ISC */
/*
 * The host keys of the real system: what lies where its sshds look by
 * default, and what sshd says it uses. Both halves of each are compared: a
 * private key without its .pub is a host key as well.
 */
#include "hostkey.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "bootprog.h"
#include "ui/log.h"

#define PROG_MS		20000u
#define TEXT_MAX	(1u << 20)

struct look {
	const char *line;	/* "TYPE BASE64" of what is asked about */
	const struct stat *st;	/* of its file, or NULL */
	char *ret;
	size_t size;
};

/* Whether path, a private key, is the one that is asked about. */
static bool
same(const struct look *l, const char *path)
{
	struct stat st;
	struct buf own;
	bool found;

	if (stat(path, &st) == -1)
		return false;
	found = l->st != NULL && st.st_dev == l->st->st_dev &&
	    st.st_ino == l->st->st_ino;
	buf_init(&own, HOSTKEY_PUB_MAX);
	if (!found && (hostkey_public(path, &own) ||
	    hostkey_pub_file(path, &own)))
		found = strcmp(own.data, l->line) == 0;
	buf_clear(&own);
	if (found)
		snprintf(l->ret, l->size, "%s", path);
	return found;
}

static bool
by_place(const struct look *l)
{
	/* A .pub without its private key is one that lies elsewhere. */
	static const char *const at[] = { "/etc/ssh/ssh_host_*_key",
	    "/etc/ssh/ssh_host_*_key.pub",
	    "/etc/dropbear/dropbear_*_host_key",
	    "/etc/dropbear/dropbear_*_host_key.pub" };
	bool found = false;
	struct buf own;
	size_t i, k;
	glob_t g;

	for (i = 0; i < sizeof(at) / sizeof(at[0]) && !found; i++) {
		g = (glob_t){ 0 };
		(void)glob(at[i], 0, NULL, &g);
		for (k = 0; k < g.gl_pathc && !found; k++) {
			if (i % 2 == 0) {
				found = same(l, g.gl_pathv[k]);
				continue;
			}
			buf_init(&own, HOSTKEY_PUB_MAX);
			g.gl_pathv[k][strlen(g.gl_pathv[k]) - 4] = '\0';
			found = hostkey_pub_file(g.gl_pathv[k], &own) &&
			    strcmp(own.data, l->line) == 0;
			if (found)
				snprintf(l->ret, l->size, "%s.pub",
				    g.gl_pathv[k]);
			buf_clear(&own);
		}
		globfree(&g);
	}
	return found;
}

/* What sshd says of its configuration, to text: "" where there is no sshd. It
 * looks for its folder first, which is made at its start alone. */
static void
configuration(char *sshd, struct buf *text)
{
	static const char folder[] = "Missing privilege separation directory: ";
	char *const argv[] = { sshd, "-T", NULL };
	const struct bootprog b = { .argv = argv, .timeout_ms = PROG_MS };
	struct err e = ERR_INIT;
	char path[4096], *p;
	int status = 0, times;

	for (times = 0; times < 2; times++) {
		buf_clear(text);
		if (bootprog_run(&b, text, &status, &e) == 0 && status == 0)
			return;
		p = strstr(text->data, folder);
		if (p == NULL)
			break;
		p += sizeof(folder) - 1;
		snprintf(path, sizeof(path), "%.*s", (int)strcspn(p, "\r\n"),
		    p);
		if (path[0] != '/' || mkdir(path, 0755) == -1)
			break;
	}
	log_warn("sshd -T fails, so that host keys which lie elsewhere than in "
	    "/etc/ssh aren't known: %.*s%s", (int)strcspn(text->data, "\n"),
	    text->data, e.msg);
	buf_clear(text);
}

/* HostKey of sshd_config, wherever it is. */
static bool
by_sshd(const struct look *l)
{
	static const char key[] = "hostkey ";
	bool found = false;
	struct buf prog, text;
	char path[4096];
	const char *p;

	buf_init(&prog, 4096);
	buf_init(&text, TEXT_MAX);
	if (bootprog_have("sshd", &prog))
		configuration(prog.data, &text);
	for (p = text.data; p != NULL && *p != '\0' && !found;
	    p = strchr(p, '\n'), p = p != NULL ? p + 1 : NULL) {
		if (strncmp(p, key, sizeof(key) - 1) != 0)
			continue;
		snprintf(path, sizeof(path), "%.*s", (int)strcspn(p +
		    sizeof(key) - 1, "\n"), p + sizeof(key) - 1);
		found = same(l, path);
	}
	buf_clear(&prog);
	buf_clear(&text);
	return found;
}

bool
hostkey_real(const char *line, const struct stat *st, char *ret, size_t size)
{
	const struct look l = { line, st, ret, size };

	return by_place(&l) || by_sshd(&l);
}
