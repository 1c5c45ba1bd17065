/* SPDX-License-Identifier: ISC */
#include "sink.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rootargs.h"
#include "store_loose.h"

#define PATH_ROOM 4096

static int
add_options(const struct sink_spec *s, struct strv *v)
{
	int rc = 0;

	/* -1: times are compared to the nanosecond; a change of the same size
	 * within a second would be missed. */
	rc |= strv_add(v, "-aHAX");
	/* The list is not ours to know: what rsync would hold its names
	 * against is what we ask for. The jail holds it. */
	if (s->listed) {
		rc |= strv_add(v, "--no-recursive");
		rc |= strv_add(v, "--dirs");
		rc |= strv_add(v, "--relative");
		rc |= strv_add(v, "--trust-sender");
	}
	rc |= strv_add(v, "--numeric-ids");
	rc |= strv_add(v, "--modify-window=-1");
	rc |= strv_add(v, "--no-human-readable");
	/* Not --info=stats2: the sender would be told of that. */
	rc |= strv_add(v, "--stats");
	/* Three of its processes' turns a file. */
	if (s->progress)
		rc |= strv_add(v, "--info=progress2");
	rc |= strv_add(v, "--outbuf=L");
	if (s->fake_super)
		rc |= strv_add(v, "--fake-super");
	if (s->one_file_system)
		rc |= strv_add(v, "--one-file-system");
	if (s->exact)
		rc |= strv_add(v, "--delete");
	/* In place, too: zeros in what was there already become a hole. */
	if (s->sparse)
		rc |= strv_add(v, "--sparse");
	if (s->in_place) {
		rc |= strv_add(v, "--inplace");
		/* With it rsync's processes (3.5.0) wait for each other for
		 * ever once a file of several names came torn twice. */
		if (!s->listed)
			rc |= strv_add(v, "--no-inc-recursive");
		rc |= strv_add(v, "--no-whole-file");
	} else
		rc |= strv_add(v, "--partial-dir=" STORE_PARTIAL);
	if (s->link_dest != NULL && s->link_dest[0] != '\0')
		rc |= strv_addf(v, "--link-dest=%s", s->link_dest);
	if (s->compress != REQUEST_COMPRESS_NONE) {
		rc |= strv_add(v, "--compress");
		rc |= strv_addf(v, "--compress-choice=%s",
		    request_compress_name(s->compress));
	}
	if (s->bandwidth > 0)
		rc |= strv_addf(v, "--bwlimit=%" PRId64,
		    (s->bandwidth + 1023) / 1024);
	if (s->more != NULL && s->more->n > 0)
		rc |= strv_addv(v, s->more->v);
	return rc;
}

/* Each root as a source: rsync stays on the file system of each. */
static int
add_roots(const struct strv *roots, struct strv *v, struct err *e)
{
	struct strv words = { 0 };
	size_t i;
	int rc;

	if (rootargs_make(roots, &words, e) == -1)
		return -1;
	rc = strv_add(v, "--relative");
	for (i = 0; i < words.n; i++)
		rc |= strv_addf(v, "x::%s", words.v[i]);
	strv_clear(&words);
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "out of memory");
}

/* The rules of plain as options, and its roots as sources. What rsync would
 * expand over there has a backslash, which it leaves in front of it. */
static int
add_plain(const struct rules *r, struct strv *v, struct err *e)
{
	char *line, *next;
	struct buf b;
	const char *p;
	size_t i;
	int rc;

	buf_init(&b, RULES_TEXT_MAX);
	if (rules_text(r, &b, e) == -1)
		return -1;
	rc = strv_add(v, "--relative");
	rc |= strv_add(v, "--delete-excluded");
	for (line = b.data; rc == 0 && *line != '\0'; line = next) {
		next = strchrnul(line, '\n');
		if (*next != '\0')
			*next++ = '\0';
		rc = strv_addf(v, "--filter=%s", line);
	}
	for (i = 0; rc == 0 && i < r->roots->n; i++) {
		buf_clear(&b);
		rc = buf_adds(&b, "x:");
		for (p = r->roots->v[i]; rc == 0 && *p != '\0'; p++)
			if ((strchr("*?[]", *p) != NULL &&
			    buf_addc(&b, '\\') == -1) ||
			    buf_addc(&b, *p) == -1)
				rc = -1;
		if (rc == 0)
			rc = strv_add(v, b.data);
	}
	buf_clear(&b);
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "out of memory");
}

struct half *
sink_start(struct loop *l, const struct sink_spec *s,
    const struct half_calls *calls, struct err *e)
{
	struct strv v = { 0 };
	char program[PATH_ROOM];
	struct half_recv what = { .program = program, .dir = s->dir,
		.privileged = s->privileged, .uid = s->uid, .gid = s->gid };
	struct half *h = NULL;
	size_t i;
	int rc;

	if (half_program("postern-backup-recv", program, sizeof(program),
	    e) == -1)
		return NULL;
	rc = add_options(s, &v);
	if (rc == 0 && ((s->plain != NULL && add_plain(s->plain, &v,
	    e) == -1) || (s->plain == NULL && s->roots != NULL &&
	    add_roots(s->roots, &v, e) == -1))) {
		strv_clear(&v);
		return NULL;
	}
	if (s->paths == NULL && s->roots == NULL && s->plain == NULL)
		rc |= strv_add(&v, "x::root/");
	for (i = 0; s->paths != NULL && i < s->paths->n; i++)
		rc |= strv_addf(&v, "x::root%s", s->paths->v[i]);
	rc |= strv_add(&v, s->target);
	if (rc == 0) {
		what.argv = v.v;
		h = half_recv_start(l, &what, calls, e);
	} else {
		err_set(e, ERR_MEM, "out of memory");
	}
	strv_clear(&v);
	return h;
}

/* "(xfr#3, to-chk=12/34)", behind the figures when a file is complete; ir-chk
 * as long as the list grows: how many files of it have been looked at. */
static void
looked_at(const char *line, struct reply *r)
{
	const char *at = strstr(line, "-chk=");
	uint64_t left, all;

	if (at != NULL && sscanf(at, "-chk=%" SCNu64 "/%" SCNu64 ")", &left,
	    &all) == 2 && left <= all)
		r->files = all - left;
}

/* --info=progress2: "  1234567  12%  117.74MB/s    0:00:12 (xfr#3, …)" */
static bool
progress(const char *line, struct reply *r)
{
	uint64_t bytes, percent;
	double rate;
	char unit;

	if (sscanf(line, " %" SCNu64 " %" SCNu64 "%% %lf%cB/s", &bytes,
	    &percent, &rate, &unit) != 4 || percent > 100 || rate < 0 ||
	    rate > 1e9)
		return false;
	r->bytes = bytes;
	r->percent = percent;
	r->rate = (uint64_t)(rate * (unit == 'G' ? 1073741824.0 :
	    unit == 'M' ? 1048576.0 : 1024.0));
	looked_at(line, r);
	return true;
}

bool
sink_line(const char *line, struct reply *r)
{
	static const struct {
		const char *head;
		size_t at;
	} figures[] = {
		{ "Number of files: ", offsetof(struct reply, files) },
		{ "Total file size: ", offsetof(struct reply, bytes) },
		{ "Total transferred file size: ",
		    offsetof(struct reply, added) },
	};
	size_t i, len;

	if (progress(line, r))
		return true;
	for (i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
		len = strlen(figures[i].head);
		if (strncmp(line, figures[i].head, len) == 0 &&
		    line[len] >= '0' && line[len] <= '9')
			*(uint64_t *)((char *)r + figures[i].at) =
			    strtoull(line + len, NULL, 10);
	}
	return false;
}

const char *
sink_why(int rc)
{
	static const struct {
		int rc;
		const char *why;
	} reasons[] = {
		{ 2, "the two rsyncs don't understand each other" },
		{ 4, "the two rsyncs have not the same abilities" },
		{ 5, "the other rsync would not begin" },
		{ 10, "the connection broke" },
		{ 11, "reading or writing files failed" },
		{ 12, "the connection broke" },
		{ 13, "rsync was told nonsense" },
		{ 14, "rsync's processes lost each other" },
		{ 19, "rsync was ended" },
		{ 20, "rsync was ended" },
		{ 22, "rsync ran out of memory" },
		{ 23, "some files could not be copied" },
		{ 25, "more would be deleted than is allowed" },
		{ 30, "nothing came for too long" },
		{ 35, "nothing came for too long" },
		{ 120, "rsync could not be started" },
	};
	size_t i;

	if (rc == 0 || rc == 24)
		return NULL;
	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].rc == rc)
			return reasons[i].why;
	return "rsync failed";
}
