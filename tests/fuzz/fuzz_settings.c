/* SPDX-License-Identifier: ISC */
/*
 * settings_parse(): a refusal has file and line; what is accepted keeps the
 * promises of settings.h, so that nothing behind it need check again.
 */
#include <stdint.h>

#include "settings.h"
#include "ssh/host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
demand(int ok)
{
	if (!ok)
		abort();
}

static void
clean_path(const char *p)
{
	size_t len = strlen(p);

	demand(p[0] == '/' && (len == 1 || p[len - 1] != '/'));
	demand(strstr(p, "//") == NULL && strstr(p, "/../") == NULL);
	demand(len < 3 || strcmp(p + len - 3, "/..") != 0);
}

static void
good_name(const char *s)
{
	demand(s != NULL && *s != '\0' && strlen(s) <= 63);
	demand(*s != '-' && *s != '.' && strchr(s, '/') == NULL);
	demand(strstr(s, "..") == NULL);
}

static void
good_job(const struct settings_job *j)
{
	struct err e = ERR_INIT;
	size_t i;

	good_name(j->section);
	if (j->name != NULL)
		good_name(j->name);
	if (j->destination != NULL)
		demand(host_check(j->destination, &e) == 0);
	for (i = 0; i < j->roots.n; i++)
		clean_path(j->roots.v[i]);
	for (i = 0; i < j->excludes.n; i++)
		demand(*j->excludes.v[i] != '\0');
	demand(j->nice >= -1 && j->nice <= 19);
	demand(j->compress >= -1 && j->compress <= COMPRESS_ZLIB);
	demand(j->mode >= -1 && j->mode <= MODE_DIRECT);
	demand(j->bandwidth >= -1 && j->timeout >= -1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct settings s = { 0 };
	struct settings_policy p;
	struct err e = ERR_INIT;
	size_t i;

	if (settings_parse(&s, (const char *)data, size, "f", &e) == -1) {
		demand(e.code == ERR_CONFIG || e.code == ERR_MEM);
		demand(strncmp(e.msg, "f:", 2) == 0);
		demand(strchr(e.msg, '\n') == NULL);
	}
	for (i = 0; i < s.njobs; i++)
		good_job(&s.jobs[i]);
	for (i = 0; i < s.nclients; i++) {
		good_name(s.clients[i].name);
		good_job(&s.clients[i].pull);
		settings_client_get(&s, NULL, s.clients[i].name, &p, NULL);
		demand(p.min_keep >= 1 && p.quota >= 0 && p.allow > 0);
	}
	if (s.store.dir != NULL)
		clean_path(s.store.dir);
	settings_clear(&s);
	return 0;
}
