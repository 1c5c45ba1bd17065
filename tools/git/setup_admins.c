/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "gitadmins.h"
#include "setup_both.h"
#include "setup_text.h"
#include "ui/log.h"

#define TEXT_MAX ((size_t)1 << 20)

static int
no_mem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory");
}

static int
deny(struct setup *s, const char *id, struct buf *text, struct err *e)
{
	struct buf out;
	int rc;

	buf_init(&out, TEXT_MAX);
	rc = setup_text_conf_add(text->data, text->len, "server", "deny-id",
	    id, &out, e);
	buf_clear(text);
	if (rc == 0 && buf_add(text, out.data, out.len) == -1)
		rc = no_mem(e);
	buf_clear(&out);
	step_say(&s->step, true, GITCONF_PATH ": deny-id = %s, who may write "
	    "to gitolite-admin", id);
	return rc;
}

static int
deny_all(struct setup *s, struct gitadmins *a, struct buf *text,
    struct err *e)
{
	char *id, *rest = a->ids;

	while ((id = strsep(&rest, " ")) != NULL)
		if (deny(s, id, text, e) == -1)
			return -1;
	if (a->cut)
		log_warn("%zu users may write to gitolite-admin; not all are "
		    "denied: postern git check names those", a->n);
	return step_file(&s->step, GITCONF_PATH, text->data, text->len, 0644,
	    0, e);
}

int
setup_admins(struct setup *s, struct err *e)
{
	const struct passwd *pw = getpwnam(s->user.data);
	struct gitadmins a;
	struct buf text, has;
	int rc;

	buf_init(&text, TEXT_MAX);
	buf_init(&has, 4096);
	rc = step_read(GITCONF_PATH, &text, e);
	if (rc == -1)
		goto out;
	if (setup_text_conf_get(text.data, text.len, "server", "deny-id",
	    &has)) {
		step_say(&s->step, false, GITCONF_PATH ": deny-id");
	} else if (pw == NULL) {
		rc = err_set(e, ERR_SYS, "user %s is gone", s->user.data);
	} else {
		rc = gitadmins_ask(pw, &s->conf.server, &a, e);
		if (rc == 0 && a.n > 0)
			rc = deny_all(s, &a, &text, e);
	}
out:
	buf_clear(&text);
	buf_clear(&has);
	return rc;
}
