/* SPDX-License-Identifier: ISC */
#include "scanner_file.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plain.h"
#include "sys/file.h"

char *
scanner_cache(struct err *e)
{
	const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char *dir = NULL, *real = NULL;
	int rc = -1;

	if (geteuid() == 0)
		rc = asprintf(&dir, "/var/cache/postern/backup");
	else if (base != NULL && *base == '/')
		rc = asprintf(&dir, "%s/postern/backup", base);
	else if (home != NULL && *home == '/')
		rc = asprintf(&dir, "%s/.cache/postern/backup", home);
	if (rc == -1)
		return NULL;
	/* It is to be left out of backups by its path. */
	if (file_mkdirs(dir, 0700, e) == 0)
		real = realpath(dir, NULL);
	free(dir);
	if (real != NULL && plain_why(real) == NULL &&
	    strpbrk(real, "*?[\\\n") == NULL)
		return real;
	free(real);
	return NULL;
}

static void
sum_text(crypto_generichash_state *h, const char *text)
{
	crypto_generichash_update(h, (const unsigned char *)(text != NULL ?
	    text : ""), text != NULL ? strlen(text) + 1 : 1);
}

static void
sum_list(crypto_generichash_state *h, const char *what, const struct strv *v)
{
	size_t i;

	sum_text(h, what);
	for (i = 0; i < v->n; i++)
		sum_text(h, v->v[i]);
}

/* What it was to do: with other roots or excludes it is of no use. */
static void
sum_job(const struct settings_job *j, unsigned char out[SEEN_SUM])
{
	crypto_generichash_state h;

	crypto_generichash_init(&h, NULL, 0, SEEN_SUM);
	sum_text(&h, j->name);
	sum_text(&h, j->destination);
	sum_text(&h, j->one_file_system == 1 ? "one" : "all");
	sum_list(&h, "roots", &j->roots);
	sum_list(&h, "excludes", &j->excludes);
	crypto_generichash_final(&h, out, SEEN_SUM);
}

char *
scanner_file(const char *cache, const struct settings_job *j)
{
	unsigned char sum[crypto_generichash_BYTES_MIN];
	crypto_generichash_state h;
	char hex[2 * 8 + 1], *path;

	crypto_generichash_init(&h, NULL, 0, sizeof(sum));
	sum_text(&h, j->destination);
	sum_text(&h, j->key);
	crypto_generichash_final(&h, sum, sizeof(sum));
	sodium_bin2hex(hex, sizeof(hex), sum, 8);
	return asprintf(&path, "%s/%s.%s", cache, j->name, hex) == -1 ? NULL :
	    path;
}

void
scanner_read(const char *file, const struct settings_job *j,
    struct seen_head *ret)
{
	unsigned char job[SEEN_SUM];
	FILE *f = NULL;
	int fd = open(file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	*ret = (struct seen_head){ .magic = "" };
	if (fd != -1 && (f = fdopen(fd, "r")) == NULL)
		close(fd);
	if (f == NULL)
		return;
	sum_job(j, job);
	/* With a clock that was set back two changes may have one ctime. */
	if (fread(ret, sizeof(*ret), 1, f) != 1 || !seen_head_ok(ret) ||
	    memcmp(ret->job, job, sizeof(job)) != 0 ||
	    !steady_since(ret->begun_ns, ret->offset_ns, ret->boot))
		*ret = (struct seen_head){ .magic = "" };
	fclose(f);
}

int
scanner_write(const char *path, const char *file,
    const struct settings_job *j, struct seen_head *head)
{
	int fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC), rc = -1;

	sum_job(j, head->job);
	if (fd != -1 && pwrite(fd, head, sizeof(*head), 0) ==
	    (ssize_t)sizeof(*head) && fsync(fd) == 0)
		rc = rename(path, file);
	if (fd != -1)
		close(fd);
	return rc;
}
