/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "setup_both.h"
#include "setup_text.h"

#define TEXT_MAX ((size_t)1 << 20)

/* text with one more key; whether it was there is said. */
static int
put(struct setup *s, const char *section, const struct setup_conf *r,
    struct buf *text, struct err *e)
{
	struct buf has, out;
	bool there;
	int rc = 0;

	buf_init(&has, TEXT_MAX);
	buf_init(&out, TEXT_MAX);
	there = setup_text_conf_get(text->data, text->len, section, r->key,
	    &has);
	if (there && (r->how == SETUP_CONF_DEFAULT ||
	    strcmp(has.data, r->value) == 0)) {
		step_say(&s->step, false, GITCONF_PATH ": %s = %s", r->key,
		    has.data);
	} else if (there && r->how == SETUP_CONF_ONLY) {
		rc = err_set(e, ERR_CONFIG, GITCONF_PATH ": [%s] has %s = %s, "
		    "not %s; change it there first if that is meant", section,
		    r->key, has.data, r->value);
	} else {
		rc = setup_text_conf(text->data, text->len, section, r->key,
		    r->value, &out, e);
		step_say(&s->step, true, GITCONF_PATH ": %s = %s", r->key,
		    r->value);
		buf_clear(text);
		if (rc == 0)
			rc = buf_add(text, out.data, out.len) == 0 ? 0 :
			    err_set(e, ERR_MEM, "out of memory");
	}
	buf_clear(&has);
	buf_clear(&out);
	return rc;
}

int
setup_conf(struct setup *s, const char *section,
    const struct setup_conf *rows, struct err *e)
{
	struct buf text;
	int rc;

	buf_init(&text, TEXT_MAX);
	rc = step_read(GITCONF_PATH, &text, e);
	if (rc == 0 && text.len == 0)
		rc = buf_adds(&text, "# git.conf(5)\n") == 0 ? 0 :
		    err_set(e, ERR_MEM, "out of memory");
	for (; rc == 0 && rows->key != NULL; rows++)
		if (rows->value != NULL)
			rc = put(s, section, rows, &text, e);
	if (rc == 0)
		rc = step_file(&s->step, GITCONF_PATH, text.data, text.len,
		    0644, 0, e);
	buf_clear(&text);
	return rc;
}
