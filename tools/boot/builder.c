/* SPDX-License-Identifier: ISC */
#include "builder.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bootprog.h"
#include "serverconf.h"
#include "sys/file.h"
#include "ui/log.h"

#define UPDATE		"/usr/sbin/update-initramfs"
#define HOOK		"/usr/share/initramfs-tools/hooks/postern-boot"
#define ETC_HOOK	"/etc/initramfs-tools/hooks/postern-boot"
#define MODULE		"/usr/lib/dracut/modules.d/30postern-boot/" \
			"module-setup.sh"
#define THEIRS		"/usr/share/initramfs-tools/hooks/dropbear"

/* Of each kernel: which one boots next is the boot loader's to say. */
static char *const dracut_argv[] = { "dracut", "-f", "--regenerate-all",
	NULL };
static char *const update_argv[] = { "update-initramfs", "-u", "-k", "all",
	NULL };

int
builder_find(struct builder *ret, struct err *e)
{
	*ret = (struct builder){ 0 };
	if (access(UPDATE, X_OK) == 0 && access("/usr/sbin/mkinitramfs",
	    X_OK) == 0) {
		ret->name = "initramfs-tools";
		ret->command = "update-initramfs -u -k all";
		ret->argv = update_argv;
		ret->dropbear_initramfs = access(THEIRS, F_OK) == 0 ||
		    access(BUILDER_LATE, F_OK) == 0;
		ret->dropbear_late = access(BUILDER_LATE, X_OK) == 0 &&
		    access(ETC_HOOK, X_OK) == -1;
		if (access(HOOK, X_OK) == -1 && access(ETC_HOOK, X_OK) == -1)
			return err_set(e, ERR_CONFIG, HOOK ": isn't there: "
			    "install postern with its hooks for "
			    "initramfs-tools");
		return 0;
	}
	if (!bootprog_have("dracut", NULL))
		return err_set(e, ERR_CONFIG, "neither update-initramfs nor "
		    "dracut is here: nothing makes an initramfs");
	ret->dracut = true;
	ret->name = "dracut";
	ret->command = "dracut -f --regenerate-all";
	ret->argv = dracut_argv;
	if (access(MODULE, R_OK) == -1)
		return err_set(e, ERR_CONFIG, MODULE ": isn't there: install "
		    "postern with its module for dracut");
	return 0;
}

/* The image of one kernel, to ret. */
static bool
image_of(const char *kernel, char *ret, size_t size)
{
	static const struct { const char *before, *after; } at[] = {
		{ "/boot/initrd.img-", "" }, { "/boot/initramfs-", ".img" },
		{ "/boot/initrd-", "" }
	};
	size_t i;

	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		snprintf(ret, size, "%s%s%s", at[i].before, kernel,
		    at[i].after);
		if (access(ret, F_OK) == 0)
			return true;
	}
	return false;
}

int
builder_images(struct strv *out, struct err *e)
{
	struct utsname u;
	char path[512];
	glob_t g = { 0 };
	int rc = 0;
	size_t i;

	if (uname(&u) == -1)
		return err_sys(e, "uname");
	if (image_of(u.release, path, sizeof(path)))
		rc = strv_add(out, path);
	(void)glob("/lib/modules/*", 0, NULL, &g);
	for (i = 0; i < g.gl_pathc && rc == 0; i++)
		if (image_of(strrchr(g.gl_pathv[i], '/') + 1, path,
		    sizeof(path)) && !strv_has(out, path))
			rc = strv_add(out, path);
	globfree(&g);
	if (rc == -1)
		return err_set(e, ERR_MEM, "out of memory");
	if (out->n == 0)
		return err_set(e, ERR_CONFIG, "/boot/initrd.img-%s: isn't "
		    "there, nor another kernel's image: name one", u.release);
	return 0;
}

/* Whether key stands in a line that is no comment. */
static bool
sets(const char *text, const char *key)
{
	const char *p, *line;

	for (p = text; (p = strstr(p, key)) != NULL; p++) {
		for (line = p; line > text && line[-1] != '\n';)
			line--;
		if (line[strspn(line, " \t")] != '#')
			return true;
	}
	return false;
}

void
builder_warn_older(const struct builder *b)
{
	static const char *const keys[] = { "dropbear_port=",
	    "dropbear_acl=", "dropbear_rsa_key=" };
	struct err none = ERR_INIT;
	struct buf text;
	glob_t g = { 0 };
	size_t i, k;

	if (!b->dracut)
		return;
	(void)glob("/etc/dracut.conf", 0, NULL, &g);
	(void)glob("/etc/dracut.conf.d/*.conf", GLOB_APPEND, NULL, &g);
	for (i = 0; i < g.gl_pathc; i++) {
		buf_init(&text, SERVERCONF_MAX);
		if (file_read(g.gl_pathv[i], &text, &none) == -1)
			buf_clear(&text);
		for (k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
			if (sets(text.data, keys[k]))
				log_warn("%s: %.*s counts more than "
				    SERVERCONF_FILE " and what is printed "
				    "here: take it out", g.gl_pathv[i],
				    (int)strlen(keys[k]) - 1, keys[k]);
		buf_clear(&text);
	}
	globfree(&g);
}
