/* SPDX-License-Identifier: ISC */
#include "send_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "changes.h"
#include "proc/msgtext.h"
#include "sys/file.h"

#define ORDER_MAX ((size_t)64 << 20)	/* as RULES_TEXT_MAX */

static int
add_all(struct buf *text, const char *key, const struct strv *v)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < v->n; i++)
		rc = msgtext_add(text, key, v->v[i]);
	return rc;
}

int
send_scan_order(const struct scan_spec *spec, const char *old,
    const char *out_path, const char *changes, struct buf *text,
    struct err *e)
{
	int rc = add_all(text, "root", spec->roots);

	rc |= add_all(text, "exclude", spec->excludes);
	rc |= add_all(text, "own", spec->own);
	if (spec->one_fs)
		rc |= msgtext_add(text, "one-file-system", "yes");
	if (spec->late)
		rc |= msgtext_add(text, "late", "yes");
	rc |= msgtext_add_num(text, "doubt", (uint64_t)spec->doubt_ns);
	if (old != NULL)
		rc |= msgtext_add(text, "old", old);
	rc |= msgtext_add(text, "out", out_path);
	rc |= msgtext_add(text, "changes", changes);
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "out of memory");
}

static int
no_mem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory");
}

static int
take_path(char **to, const char *value, struct err *e)
{
	free(*to);
	*to = strdup(value);
	return *to != NULL ? 0 : no_mem(e);
}

/* A msgtext_fn. */
static int
on_key(void *arg, const char *key, const char *value, size_t len,
    struct err *e)
{
	struct send_scan *s = arg;
	uint64_t n;

	if (strcmp(key, "root") == 0)
		return strv_add(&s->roots, value) == 0 ? 0 : no_mem(e);
	if (strcmp(key, "exclude") == 0)
		return strv_add(&s->excludes, value) == 0 ? 0 : no_mem(e);
	if (strcmp(key, "own") == 0)
		return strv_add(&s->own, value) == 0 ? 0 : no_mem(e);
	if (strcmp(key, "old") == 0)
		return take_path(&s->old, value, e);
	if (strcmp(key, "out") == 0)
		return take_path(&s->out, value, e);
	if (strcmp(key, "changes") == 0)
		return take_path(&s->told, value, e);
	if (strcmp(key, "doubt") == 0) {
		if (num_u64(value, key, 0, INT64_MAX, &n, e) == -1)
			return -1;
		s->spec.doubt_ns = (int64_t)n;
	}
	if (strcmp(key, "one-file-system") == 0)
		s->spec.one_fs = true;
	if (strcmp(key, "late") == 0)
		s->spec.late = true;
	return 0;
}

static FILE *
open_file(const char *path, int flags, struct err *e)
{
	FILE *f = NULL;
	int fd;

	fd = path == NULL ? -1 : open(path, flags | O_NOFOLLOW | O_CLOEXEC);
	if (fd != -1)
		f = fdopen(fd, flags == O_RDONLY ? "r" : "w");
	if (f != NULL)
		return f;
	err_sys(e, "%s", path != NULL ? path : "the order of a scan");
	if (fd != -1)
		close(fd);
	return NULL;
}

int
send_scan_open(struct send_scan *s, const char *path, struct err *e)
{
	struct buf text;
	int rc;

	buf_init(&text, ORDER_MAX);
	rc = file_read(path, &text, e);
	if (rc == 0)
		rc = msgtext_parse(text.data, text.len, on_key, s, e);
	buf_clear(&text);
	if (rc == -1)
		return err_wrap(e, "%s", path);
	if (s->old != NULL) {
		s->spec.old = open_file(s->old, O_RDONLY, e);
		if (s->spec.old == NULL)
			return -1;
	}
	s->spec.out = open_file(s->out, O_WRONLY, e);
	if (s->spec.out == NULL)
		return -1;
	s->changes = open_file(s->told, O_WRONLY, e);
	if (s->changes == NULL)
		return -1;
	s->spec.roots = &s->roots;
	s->spec.excludes = &s->excludes;
	s->spec.own = &s->own;
	return 0;
}

int
send_scan_run(struct send_scan *s, struct err *e)
{
	struct scan_result r;
	struct buf changes;
	int rc;

	buf_init(&changes, CHANGES_MAX);
	s->spec.changes = &changes;
	rc = scan_run(&s->spec, &r, e);
	if (rc == 0 && changes.len > 0 && fwrite(changes.data, changes.len, 1,
	    s->changes) != 1)
		rc = err_sys(e, "%s", s->told);
	if (rc == 0 && fflush(s->changes) != 0)
		rc = err_sys(e, "%s", s->told);
	if (rc == 0 && dprintf(STDOUT_FILENO, "%llu %llu %lld\n",
	    (unsigned long long)r.files, (unsigned long long)r.bytes,
	    (long long)r.top_ns) < 0)
		rc = err_sys(e, "standard output");
	buf_clear(&changes);
	return rc;
}

void
send_scan_clear(struct send_scan *s)
{
	if (s->spec.old != NULL)
		fclose(s->spec.old);
	if (s->spec.out != NULL)
		fclose(s->spec.out);
	if (s->changes != NULL)
		fclose(s->changes);
	strv_clear(&s->roots);
	strv_clear(&s->excludes);
	strv_clear(&s->own);
	free(s->old);
	free(s->out);
	free(s->told);
	*s = (struct send_scan){ .old = NULL };
}
