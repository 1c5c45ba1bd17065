/* SPDX-License-Identifier: ISC */
#include "cfg.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <unistd.h>

#include "cfg_model.h"

void *
cfg_model_grow(void *v, size_t *n, size_t size)
{
	void **vec = v;
	char *p;

	if (*n >= CFG_LIST_MAX)
		return NULL;
	/* Full whenever the count is a power of two: the room doubles. */
	if ((*n & (*n - 1)) == 0) {
		p = reallocarray(*vec, *n == 0 ? 1 : *n * 2, size);
		if (p == NULL)
			return NULL;
		*vec = p;
	}
	p = (char *)*vec + *n * size;
	memset(p, 0, size);
	(*n)++;
	return p;
}

void
cfg_model_strip(char *path)
{
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		path[--n] = '\0';
}

void
cfg_model_lower(char *s)
{
	for (; *s != '\0'; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
}

const char *
cfg_model_prefixed(const char *text, size_t *len,
	const char **rest)
{
	if (text[0] != '%')
		return NULL;
	*len = strcspn(text + 1, "%");
	*rest = text + 1 + *len;
	if (**rest == '%')
		(*rest)++;
	return text + 1;
}

const char *
cfg_model_prefix(const struct cfg *c, const char *name,
	size_t len, const char *host)
{
	for (size_t i = c->nprefixes; i-- > 0;) {
		const struct cfg_prefix *p = &c->prefixes[i];

		if (strlen(p->name) != len || memcmp(p->name, name, len) != 0)
			continue;
		for (size_t j = 0; j < p->non; j++)
			if (fnmatch(p->on[j].host, host, 0) == 0)
				return p->on[j].path;
	}
	return NULL;
}

static void
clear_group(struct cfg_group *g)
{
	for (size_t i = 0; i < g->nhosts; i++) {
		free(g->hosts[i].self);
		free(g->hosts[i].peer);
	}
	for (size_t i = 0; i < g->npatterns; i++)
		free(g->patterns[i].text);
	for (size_t i = 0; i < g->nactions; i++) {
		strv_clear(&g->actions[i].patterns);
		strv_clear(&g->actions[i].execs);
		free(g->actions[i].logfile);
	}
	free(g->hosts);
	free(g->by_self);
	free(g->patterns);
	free(g->actions);
	free(g->name);
	free(g->key);
	free(g->autom);
	free(g->backup_dir);
	free(g->backup_generations);
}

void
cfg_clear(struct cfg *c)
{
	for (size_t i = 0; i < c->ngroups; i++)
		clear_group(&c->groups[i]);
	for (size_t i = 0; i < c->nprefixes; i++) {
		struct cfg_prefix *p = &c->prefixes[i];

		for (size_t j = 0; j < p->non; j++) {
			free(p->on[j].host);
			free(p->on[j].path);
		}
		free(p->on);
		free(p->name);
	}
	for (size_t i = 0; i < c->nnossl; i++) {
		free(c->nossl[i].from);
		free(c->nossl[i].to);
	}
	free(c->groups);
	free(c->prefixes);
	free(c->nossl);
	free(c->database);
	free(c->tempdir);
	free(c->lock_timeout);
	strv_clear(&c->files);
	memset(c, 0, sizeof(*c));
}

int
cfg_load_file(void *arg, const char *name, struct buf *out,
	struct err *e)
{
	char chunk[4096];
	ssize_t n;
	int rc = -1;
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	(void)arg;
	/* Not file_read(): csync2 takes NUL bytes and pipes as well. */
	if (fd == -1)
		return err_sys(e, "can't open %s", name);
	while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			err_sys(e, "can't read %s", name);
			goto out;
		}
		if (buf_add(out, chunk, (size_t)n) == -1) {
			if (out->max - out->len < (size_t)n)
				err_set(e, ERR_CONFIG, "%s is larger than "
					"%zu bytes", name, out->max);
			else
				err_set(e, ERR_MEM, "out of memory");
			goto out;
		}
	}
	rc = 0;
out:
	close(fd);
	return rc;
}

int
cfg_path(const char *sysdir, const char *cname, const char *file,
	struct buf *out, struct err *e)
{
	int rc;

	if (sysdir == NULL)
		sysdir = "/etc";
	if (file != NULL)
		rc = buf_adds(out, file);
	else if (cname == NULL || *cname == '\0')
		rc = buf_addf(out, "%s/csync2.cfg", sysdir);
	else if (strspn(cname, "abcdefghijklmnopqrstuvwxyz0123456789") !=
		strlen(cname))
		return err_set(e, ERR_USAGE, "configuration name '%s': "
			"csync2 allows only a-z and 0-9 there", cname);
	else
		rc = buf_addf(out, "%s/csync2_%s.cfg", sysdir, cname);
	if (rc == -1)
		return err_set(e, ERR_USAGE, "the path of the configuration "
			"is too long");
	return 0;
}

const struct cfg_group *
cfg_group(const struct cfg *c, const char *name,
	size_t *i)
{
	while (*i < c->ngroups) {
		const struct cfg_group *g = &c->groups[(*i)++];

		if (strcmp(g->name, name) == 0)
			return g;
	}
	return NULL;
}

int
cfg_key_path(const struct cfg_group *g, const char *sysdir,
	struct buf *out, struct err *e)
{
	int rc;

	if (g->key[0] == '/')
		rc = buf_adds(out, g->key);
	else
		rc = buf_addf(out, "%s/%s", sysdir == NULL ? "/etc" : sysdir,
			g->key);
	if (rc == -1)
		return err_set(e, ERR_MEM, "%s:%u: the key's path is too "
			"long", g->key_at.file, g->key_at.line);
	return 0;
}

const char *
cfg_database(const struct cfg *c)
{
	static const char *const files[] = { "sqlite://", "sqlite3://",
		"sqlite2://" };
	const char *db = c->database;

	if (db == NULL || db[0] == '\0')
		return "/var/lib/csync2";
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (strncmp(db, files[i], strlen(files[i])) == 0)
			return db + strlen(files[i]);
	return db[0] == '/' || strstr(db, "://") == NULL ? db : NULL;
}

int
cfg_database_folder(const struct cfg *c, struct buf *out, bool *ret_file,
	struct err *e)
{
	static const char *const ends[] = { ".db", ".db2", ".db3", ".sqlite",
		".sqlite3" };
	const char *db = cfg_database(c), *at = c->files.n > 0 ?
		c->files.v[0] : "", *slash, *dot;
	bool file = false;
	size_t len;

	if (db == NULL)
		return err_set(e, ERR_CONFIG, "%s: the database %s is on a "
			"server, or of an unknown kind", at, c->database);
	if (db[0] != '/')
		return err_set(e, ERR_CONFIG, "%s: the database '%s' is not "
			"an absolute path", at, db);
	len = strlen(db);
	slash = strrchr(db, '/');
	dot = strrchr(slash, '.');
	for (size_t i = 0; dot != NULL && i < sizeof(ends) / sizeof(*ends);
		i++)
		file = file || strcmp(dot, ends[i]) == 0;
	if (file)
		len = (size_t)(slash - db);
	if (len == 0)
		return err_set(e, ERR_CONFIG, "%s: the database '%s' has no "
			"folder of its own", at, db);
	if (buf_add(out, db, len) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	if (ret_file != NULL)
		*ret_file = file;
	return 0;
}

static int
by_self(const void *pa, const void *pb)
{
	const struct cfg_host *a = *(struct cfg_host *const *)pa;
	const struct cfg_host *b = *(struct cfg_host *const *)pb;
	int rc = strcmp(a->self, b->self);

	return rc != 0 ? rc : (a > b) - (a < b);
}

int
cfg_model_index(struct cfg *c, struct err *e)
{
	for (size_t i = 0; i < c->ngroups; i++) {
		struct cfg_group *g = &c->groups[i];

		if (g->nhosts == 0)
			continue;
		g->by_self = calloc(g->nhosts, sizeof(struct cfg_host *));
		if (g->by_self == NULL)
			return err_set(e, ERR_MEM, "out of memory");
		for (size_t j = 0; j < g->nhosts; j++)
			g->by_self[j] = &g->hosts[j];
		qsort(g->by_self, g->nhosts, sizeof(struct cfg_host *),
			by_self);
	}
	return 0;
}

const struct cfg_host *
cfg_self(const struct cfg_group *g, const char *name)
{
	size_t low = 0, high = g->nhosts, mid;

	if (g->by_self == NULL) {
		for (size_t i = g->nhosts; i-- > 0;)
			if (strcmp(g->hosts[i].self, name) == 0)
				return &g->hosts[i];
		return NULL;
	}
	/* Named twice, the later one overrides: the last that is not more. */
	while (low < high) {
		mid = low + (high - low) / 2;
		if (strcmp(g->by_self[mid]->self, name) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low > 0 && strcmp(g->by_self[low - 1]->self, name) == 0 ?
		g->by_self[low - 1] : NULL;
}

int
cfg_expand(const struct cfg *c, const char *text, const char *host,
	struct buf *out, struct err *e)
{
	const char *rest = text, *path = "", *name;
	size_t len = 0;

	name = cfg_model_prefixed(text, &len, &rest);
	if (name != NULL) {
		path = cfg_model_prefix(c, name, len, host);
		if (path == NULL)
			return err_set(e, ERR_CONFIG, "'%s': no prefix "
				"'%.*s' is defined for host %s", text,
				(int)(len > 200 ? 200 : len), name, host);
		if (strcmp(path, "/") == 0 && *rest == '/')
			rest++;
	}
	if (buf_addf(out, "%s%s", path, rest) == -1)
		return err_set(e, ERR_MEM, "'%s' is too long", text);
	return 0;
}
