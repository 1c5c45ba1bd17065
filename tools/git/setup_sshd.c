/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "setup_both.h"
#include "sys/file.h"
#include "ui/log.h"

#define SSHD	"/usr/sbin/sshd"
#define FOLDER	"/etc/ssh/sshd_config.d"
#define DROPIN	FOLDER "/50-postern-git.conf"
#define STARTUPS 60	/* clients at once, before any is dropped */
#define TEXT_MAX ((size_t)1 << 20)

/* What holds for a login of the user. */
static int
settings(struct setup *s, struct buf *out, struct err *e)
{
	char spec[320];
	const char *argv[] = { SSHD, "-T", "-C", spec, NULL };

	snprintf(spec, sizeof(spec), "user=%s,host=localhost,addr=127.0.0.1",
	    s->user.data);
	return step_run(argv, out, e);
}

int
setup_sshd_may_run(const char *program, struct err *e)
{
	if (file_root_only(program, e) == -1)
		return err_wrap(e, "sshd would not run %s", program);
	if (access(program, X_OK) == -1)
		return err_sys(e, "%s", program);
	return 0;
}

int
setup_sshd_says(struct setup *s, const char *word, struct buf *out,
    struct err *e)
{
	size_t n = strlen(word);
	const char *p, *nl;
	struct buf text;
	int rc;

	buf_init(&text, TEXT_MAX);
	rc = settings(s, &text, e);
	for (p = text.data; rc == 0 && *p != '\0'; p = nl + (*nl == '\n')) {
		nl = strchrnul(p, '\n');
		if (strncmp(p, word, n) != 0 || p[n] != ' ')
			continue;
		if (buf_add(out, p + n + 1, (size_t)(nl - p) - n - 1) == -1)
			rc = err_set(e, ERR_MEM, "out of memory");
		break;
	}
	buf_clear(&text);
	return rc;
}

/* Whether each of want is a line of what sshd says now. */
static int
holds(struct setup *s, const char *const *want, struct err *e)
{
	struct buf text, line;
	int rc;

	buf_init(&text, TEXT_MAX);
	buf_init(&line, 8192);
	rc = buf_addc(&text, '\n');
	if (rc == 0)
		rc = settings(s, &text, e);
	for (; rc == 0 && *want != NULL; want++) {
		buf_clear(&line);
		(void)buf_addf(&line, "\n%s\n", *want);
		if (strstr(text.data, line.data) == NULL)
			rc = err_set(e, ERR_REFUSED, "sshd does not say '%s' "
			    "for %s with " DROPIN ": either /etc/ssh/"
			    "sshd_config does not include that folder, or an "
			    "earlier line of it comes first", *want,
			    s->user.data);
	}
	buf_clear(&text);
	buf_clear(&line);
	return rc;
}

static int
reload(struct err *e)
{
	static const char *const units[] = { "ssh", "sshd" };
	const char *active[] = { "systemctl", "-q", "is-active", NULL, NULL };
	const char *again[] = { "systemctl", "reload", NULL, NULL };
	const char *hup[] = { "pkill", "-HUP", "-F", "/run/sshd.pid", NULL };
	size_t i;

	if (!step_systemd())
		return access("/run/sshd.pid", F_OK) == -1 ? 0 :
		    step_run(hup, NULL, e);
	for (i = 0; i < sizeof(units) / sizeof(*units); i++) {
		active[3] = again[2] = units[i];
		if (step_run(active, NULL, NULL) == 0)
			return step_run(again, NULL, e);
	}
	/* One that a socket starts reads its settings each time. */
	return 0;
}

/* The old drop-in, or none. */
static void
put_back(const struct buf *old, bool was)
{
	struct err e = ERR_INIT;

	if (was && file_write(DROPIN, old->data, old->len, 0644, NULL,
	    &e) == -1)
		log_error("%s", e.msg);
	if (!was && unlink(DROPIN) == -1)
		log_error("%s: %s", DROPIN, strerror(errno));
}

/* Of everybody's logins on this host, so only the value that nobody chose is
 * replaced: by it sshd drops some of a team that comes at once, or of the
 * sessions that found no connection that stands. */
static int
startups(struct setup *s, struct buf *out, struct err *e)
{
	static const char before[] = "10:30:100", ours[] = "100:30:200";
	struct buf has;
	int rc;

	buf_init(&has, 64);
	rc = setup_sshd_says(s, "maxstartups", &has, e);
	if (rc == 0 && strcmp(has.data, before) == 0)
		log_info("MaxStartups of sshd, for all users of this host: "
		    "%s instead of %s", ours, before);
	else if (rc == 0 && strtoul(has.data, NULL, 10) < STARTUPS)
		log_warn("sshd's MaxStartups is %s: of more that come at once "
		    "some are dropped", has.data);
	if (rc == 0 && (strcmp(has.data, before) == 0 ||
	    strcmp(has.data, ours) == 0) &&
	    buf_addf(out, "MaxStartups %s\n", ours) == -1)
		rc = err_set(e, ERR_MEM, "out of memory");
	buf_clear(&has);
	return rc;
}

int
setup_sshd_add(struct setup_sshd *d, const char *word, const char *value,
    struct err *e)
{
	char low[64];
	size_t i;

	for (i = 0; word[i] != '\0' && i < sizeof(low) - 1; i++)
		low[i] = (char)tolower((unsigned char)word[i]);
	low[i] = '\0';
	return buf_addf(&d->lines, "\t%s %s\n", word, value) == 0 &&
	    strv_addf(&d->want, "%s %s", low, value) == 0 ? 0 :
	    err_set(e, ERR_MEM, "out of memory");
}

void
setup_sshd_clear(struct setup_sshd *d)
{
	buf_clear(&d->lines);
	strv_clear(&d->want);
}

int
setup_sshd(struct setup *s, const struct setup_sshd *d, struct err *e)
{
	static const char *const test[] = { SSHD, "-t", NULL };
	bool was = access(DROPIN, F_OK) == 0;
	unsigned before = s->step.changed;
	struct buf old, text, max;
	int rc = -1;

	buf_init(&max, 64);
	buf_init(&old, TEXT_MAX);
	buf_init(&text, TEXT_MAX);
	if (startups(s, &max, e) == -1)
		goto out;
	if (buf_addf(&text, "# Written by postern git setup.\n%s"
	    "Match User %s\n%sMatch all\n", max.data, s->user.data,
	    d->lines.data) == -1) {
		err_set(e, ERR_MEM, "out of memory");
		goto out;
	}
	if (step_read(DROPIN, &old, e) == -1)
		goto out;
	if (!s->o->dry_run && step_folder(&s->step, FOLDER, 0755, 0, 0,
	    e) == -1)
		goto out;
	if (step_file(&s->step, DROPIN, text.data, text.len, 0644, 0,
	    e) == -1)
		goto out;
	if (s->o->dry_run) {
		rc = 0;
		goto out;
	}
	if (step_run(test, NULL, e) == -1 || holds(s,
	    (const char *const *)d->want.v, e) == -1) {
		put_back(&old, was);
		err_wrap(e, "sshd's settings are as they were");
		goto out;
	}
	rc = s->step.changed == before ? 0 : reload(e);
	if (rc == 0)
		step_say(&s->step, s->step.changed != before,
		    "sshd has these settings");
out:
	buf_clear(&max);
	buf_clear(&old);
	buf_clear(&text);
	return rc;
}
