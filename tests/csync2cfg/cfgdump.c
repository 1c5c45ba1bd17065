/* SPDX-License-Identifier: ISC */
/*
 * cfgdump: what our parser makes of a csync2.cfg, for the differential test
 * of tests/system/test_csync2cfg.py.
 *
 *	cfgdump verdict FILE SYSDIR HOST	"ok" or "error: ..."
 *	cfgdump model FILE			the model, a line an item
 *	cfgdump dirty FILE HOST <paths		what csync2 -c marks dirty
 *	cfgdump walk FILE HOST DIR		what csync2 -cr DIR finds
 *	cfgdump expand FILE HOST <names		each %prefix% expanded
 *	cfgdump emit FILE PUSHER RECEIVER	cfg_emit_pipe() of each group
 *						that has both
 * Lists are separated by NUL bytes.
 */
#include <dirent.h>
#include <sys/stat.h>

#include "cfg.h"

static struct cfg cfg;
static struct err err = ERR_INIT;

static int
fail(void)
{
	printf("error: %s\n", err.msg);
	return 1;
}

/* What csync2 asks of a key file, which cfg_parse() never opens. */
static int
key_readable(const struct cfg_group *g, const char *sysdir)
{
	struct buf path;
	char line[1024];
	FILE *f = NULL;
	size_t n;
	int rc = -1;

	buf_init(&path, 1 << 20);
	if (cfg_key_path(g, sysdir, &path, &err) == -1)
		goto out;
	f = fopen(path.data, "re");
	if (f == NULL || fgets(line, sizeof(line), f) == NULL) {
		err_set(&err, ERR_CONFIG, "%s:%u: can't read key %s",
			g->key_at.file, g->key_at.line, path.data);
		goto out;
	}
	n = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"abcdefghijklmnopqrstuvwxyz0123456789._");
	if ((line[n] != '\n' && line[n] != '\0') || n < 32) {
		err_set(&err, ERR_CONFIG, "%s:%u: bad key", g->key_at.file,
			g->key_at.line);
		goto out;
	}
	rc = 0;
out:
	if (f != NULL)
		fclose(f);
	buf_clear(&path);
	return rc;
}

static int
verdict(const char *sysdir)
{
	for (size_t i = 0; i < cfg.ngroups; i++)
		if (key_readable(&cfg.groups[i], sysdir) == -1)
			return fail();
	puts("ok");
	return 0;
}

static int
model(void)
{
	static const char *const kind[] = { "include", "exclude", "compare" };

	for (size_t i = 0; i < cfg.ngroups; i++) {
		const struct cfg_group *g = &cfg.groups[i];

		printf("group %s key %s auto %s at %s:%u\n", g->name, g->key,
			g->autom, g->at.file, g->at.line);
		for (size_t j = 0; j < g->nhosts; j++)
			printf("host\t%s\t%s\t%s\n", g->hosts[j].self,
				g->hosts[j].peer,
				g->hosts[j].slave ? "slave" : "");
		for (size_t j = 0; j < g->npatterns; j++)
			printf("%s %s\n", kind[g->patterns[j].kind],
				g->patterns[j].text);
	}
	for (size_t i = 0; i < cfg.nprefixes; i++)
		for (size_t j = 0; j < cfg.prefixes[i].non; j++)
			printf("prefix %s on %s: %s\n", cfg.prefixes[i].name,
				cfg.prefixes[i].on[j].host,
				cfg.prefixes[i].on[j].path);
	return 0;
}

/* As csync2 keeps its groups the later ones come first, a peer counts once,
 * under the name that we have in the first group that has it. */
static void
dirty(const char *host, const char *path)
{
	struct strv seen = { 0 };

	for (size_t i = cfg.ngroups; i-- > 0;) {
		const struct cfg_group *g = &cfg.groups[i];

		if (!cfg_match(&cfg, g, host, path))
			continue;
		for (size_t j = 0; j < g->nhosts; j++) {
			const struct cfg_host *h = &g->hosts[j];

			if (strcmp(h->self, host) == 0 ||
				strv_has(&seen, h->peer))
				continue;
			if (strv_add(&seen, h->peer) == -1)
				abort();
			printf("%s\t%s\t%s%c", cfg_self(g, host)->peer,
				h->peer, path, 0);
		}
	}
	strv_clear(&seen);
}

static void
walk(const char *host, const char *path)
{
	bool match = false, enter = false;
	char *sub = NULL;
	struct dirent *d;
	DIR *dir;

	for (size_t i = 0; i < cfg.ngroups; i++) {
		match |= cfg_match(&cfg, &cfg.groups[i], host, path);
		enter |= cfg_enter(&cfg, &cfg.groups[i], host, path);
	}
	if (match)
		printf("%s%c", path, 0);
	dir = enter ? opendir(path) : NULL;
	if (dir == NULL)
		return;
	while ((d = readdir(dir)) != NULL) {
		if (strcmp(d->d_name, ".") == 0 ||
			strcmp(d->d_name, "..") == 0)
			continue;
		if (asprintf(&sub, "%s/%s", path, d->d_name) == -1)
			abort();
		walk(host, sub);
		free(sub);
	}
	closedir(dir);
}

static int
each_path(const char *host, bool expand)
{
	char *line = NULL;
	size_t cap = 0;
	struct buf out;
	int rc = 0;

	buf_init(&out, 1 << 20);
	while (rc == 0 && getdelim(&line, &cap, '\0', stdin) > 0) {
		buf_clear(&out);
		if (!expand)
			dirty(host, line);
		else if (cfg_expand(&cfg, line, host, &out, &err) == -1)
			rc = fail();
		else
			printf("%s%c", out.data, 0);
	}
	buf_clear(&out);
	free(line);
	return rc;
}

static int
emit(const char *pusher, const char *receiver)
{
	const struct cfg_group **g;
	struct buf out;
	size_t n = 0;
	int rc = 0;

	g = calloc(cfg.ngroups + 1, sizeof(*g));
	if (g == NULL)
		abort();
	for (size_t i = 0; i < cfg.ngroups; i++)
		if (cfg_self(&cfg.groups[i], pusher) != NULL &&
			cfg_self(&cfg.groups[i], receiver) != NULL)
			g[n++] = &cfg.groups[i];
	buf_init(&out, 1 << 20);
	if (cfg_emit_pipe(&cfg, g, n, pusher, receiver, &out, &err) == -1)
		rc = fail();
	else
		fwrite(out.data, 1, out.len, stdout);
	buf_clear(&out);
	free(g);
	return rc;
}

int
main(int argc, char **argv)
{
	int rc = 64;

	if (argc < 3)
		return rc;
	if (cfg_parse(argv[2], "h1", cfg_load_file, NULL, &cfg, &err) == -1)
		rc = fail();
	else if (strcmp(argv[1], "verdict") == 0 && argc == 5)
		rc = verdict(argv[3]);
	else if (strcmp(argv[1], "model") == 0)
		rc = model();
	else if (strcmp(argv[1], "dirty") == 0 && argc == 4)
		rc = each_path(argv[3], false);
	else if (strcmp(argv[1], "expand") == 0 && argc == 4)
		rc = each_path(argv[3], true);
	else if (strcmp(argv[1], "emit") == 0 && argc == 5)
		rc = emit(argv[3], argv[4]);
	else if (strcmp(argv[1], "walk") == 0 && argc == 5) {
		walk(argv[3], argv[4]);
		rc = 0;
	}
	cfg_clear(&cfg);
	return rc;
}
