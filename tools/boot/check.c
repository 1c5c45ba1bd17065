/* SPDX-License-Identifier: ISC */
/*
 * check: an image, as it was built, is looked at as the boot will use it: its
 * programs are run in it, its files are read in it. What the machine has by
 * now is compared, so that a key that is not in there yet is said.
 */
#include "check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/esc.h"
#include "server.h"
#include "stage.h"
#include "ui/emit.h"
#include "watch.h"

void
check_say(struct check *c, enum check_level level, const char *id,
    const char *fmt, ...)
{
	char text[1024];
	struct emit j;
	struct buf b;
	va_list ap;

	if (imgtree_interrupted(&c->tree))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (level == CHECK_ERROR)
		c->errors++;
	else
		c->warnings++;
	if (c->json) {
		emit_begin(&j);
		emit_str(&j, "event", "finding");
		emit_str(&j, "finding", id);
		emit_str(&j, "level", level == CHECK_ERROR ? "error" :
		    "warning");
		emit_str(&j, "text", text);
		(void)emit_end(&j, stdout);
		return;
	}
	buf_init(&b, 8192);
	(void)esc_text(&b, text, strlen(text));
	printf("%-9s%s\n", level == CHECK_ERROR ? "ERROR" : "warning",
	    b.data);
	buf_clear(&b);
}

static void
end(const struct check *c)
{
	struct emit j;

	if (c->json) {
		emit_begin(&j);
		emit_str(&j, "event", "end");
		emit_str(&j, "image", c->image);
		emit_num(&j, "errors", c->errors);
		emit_num(&j, "warnings", c->warnings);
		(void)emit_end(&j, stdout);
	} else if (c->errors + c->warnings > 0) {
		printf("%s: %u error%s, %u warning%s\n", c->image, c->errors,
		    c->errors == 1 ? "" : "s", c->warnings,
		    c->warnings == 1 ? "" : "s");
	} else if (!c->quiet) {
		printf("%s: nothing is wrong\n", c->image);
	}
	fflush(stdout);
}

/* A path of the image's conf that is not boot.conf's: dracut.conf has it, and
 * counts. */
static int
told(const char *conf, const char *key, char **ret)
{
	const char *p = strstr(conf, key);
	char *path;

	if (p == NULL)
		return 0;
	p += strlen(key);
	p += *p == '\'';
	path = strndup(p, strcspn(p, "'\n"));
	if (path == NULL)
		return -1;
	free(*ret);
	*ret = path;
	return 0;
}

static void
rules(struct check *c)
{
	struct buf conf;
	bool there;

	c->dracut = imgtree_has(&c->tree, "/usr/lib/dracut") ||
	    imgtree_has(&c->tree, "/lib/dracut");
	c->systemd = imgtree_has(&c->tree, "/usr/lib/systemd/systemd") ||
	    imgtree_has(&c->tree, "/lib/systemd/systemd");
	buf_init(&conf, 8192);
	there = imgtree_read(&c->tree, "/etc/postern-boot/conf", &conf);
	c->dropbear = strstr(conf.data, "sshd=dropbear\n") != NULL;
	c->hostonly = strstr(conf.data, "hostonly=1\n") != NULL;
	there = there && told(conf.data, STAGE_KEYS, &c->conf.keys) == 0 &&
	    told(conf.data, STAGE_HOST_KEY, &c->conf.host_key) == 0;
	if (!there)
		check_say(c, CHECK_ERROR, "absent", "nothing of postern boot "
		    "is in the image: %s, then %s", c->conf.found ?
		    "see what was said when it was built" :
		    "postern boot setup", c->build);
	buf_clear(&conf);
	if (!there)
		return;
	check_parts(c);
	check_login(c);
	check_network(c);
}

/* One image: as check_run(). That it can't be looked at is what is found of
 * it. */
static int
one(const struct server_opts *o, const char *image, struct err *e)
{
	struct check c = { .json = o->json, .quiet = o->quiet,
	    .image = image, .tree = { .fd = -1 } };
	struct err none = ERR_INIT, why = ERR_INIT;
	int rc = -1;

	/* Not beside systemd's. */
	c.build = builder_find(&c.builder, &none) != 0 ? "build it anew" :
	    watch_active() ? "postern boot setup --build" :
	    c.builder.command;
	if (stage_conf(o, &c.conf, e) == 0) {
		if (imgtree_open(&c.tree, image, &why) == 0)
			rules(&c);
		else if (!imgtree_interrupted(&c.tree))
			check_say(&c, CHECK_ERROR, "image", "%s: mend that, or "
			    "%s", why.msg, c.build);
		if (!imgtree_interrupted(&c.tree)) {
			end(&c);
			rc = c.errors > 0 ? 1 : c.warnings > 0 ? 2 : 0;
		} else {
			err_set(e, ERR_REFUSED, "%s: interrupted", image);
		}
	}
	imgtree_close(&c.tree);
	serverconf_clear(&c.conf);
	return rc;
}

int
check_run(const struct server_opts *o, struct err *e)
{
	struct strv images = { 0 };
	int rc = 0, now;
	size_t i;

	if (o->operand != NULL)
		return one(o, o->operand, e);
	if (builder_images(&images, e) == -1)
		rc = -1;
	for (i = 0; i < images.n && rc != -1; i++) {
		now = one(o, images.v[i], e);
		/* An error in one counts more than a warning in another. */
		if (now == -1 || now == 1 || rc == 0)
			rc = now;
	}
	strv_clear(&images);
	return rc;
}
