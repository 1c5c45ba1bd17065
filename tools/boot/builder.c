/* SPDX-License-Identifier: ISC */
#include "builder.h"

#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bootprog.h"

#define UPDATE		"/usr/sbin/update-initramfs"
#define HOOK		"/usr/share/initramfs-tools/hooks/postern-boot"
#define ETC_HOOK	"/etc/initramfs-tools/hooks/postern-boot"
#define MODULE		"/usr/lib/dracut/modules.d/30postern-boot/" \
			"module-setup.sh"
#define THEIRS		"/usr/share/initramfs-tools/hooks/dropbear"

static char *const dracut_argv[] = { "dracut", "-f", NULL };
static char *const update_argv[] = { "update-initramfs", "-u", NULL };

int
builder_find(struct builder *ret, struct err *e)
{
	struct buf at;
	bool dracut;

	*ret = (struct builder){ 0 };
	if (access(UPDATE, X_OK) == 0 && access("/usr/sbin/mkinitramfs",
	    X_OK) == 0) {
		ret->name = "initramfs-tools";
		ret->command = "update-initramfs -u";
		ret->argv = update_argv;
		ret->dropbear_initramfs = access(THEIRS, F_OK) == 0;
		if (access(HOOK, X_OK) == -1 && access(ETC_HOOK, X_OK) == -1)
			return err_set(e, ERR_CONFIG, HOOK ": isn't there: "
			    "install postern with its hooks for "
			    "initramfs-tools");
		return 0;
	}
	buf_init(&at, 4096);
	dracut = bootprog_have("dracut", &at);
	buf_clear(&at);
	if (!dracut)
		return err_set(e, ERR_CONFIG, "neither update-initramfs nor "
		    "dracut is here: nothing makes an initramfs");
	ret->dracut = true;
	ret->name = "dracut";
	ret->command = "dracut -f";
	ret->argv = dracut_argv;
	if (access(MODULE, R_OK) == -1)
		return err_set(e, ERR_CONFIG, MODULE ": isn't there: install "
		    "postern with its module for dracut");
	return 0;
}

int
builder_image(struct buf *out, struct err *e)
{
	static const struct { const char *before, *after; } at[] = {
		{ "/boot/initrd.img-", "" }, { "/boot/initramfs-", ".img" },
		{ "/boot/initrd-", "" }
	};
	struct utsname u;
	char path[512];
	size_t i;

	if (uname(&u) == -1)
		return err_sys(e, "uname");
	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		snprintf(path, sizeof(path), "%s%s%s", at[i].before, u.release,
		    at[i].after);
		if (access(path, F_OK) == 0)
			return buf_adds(out, path) == 0 ? 0 :
			    err_set(e, ERR_MEM, "out of memory");
	}
	return err_set(e, ERR_CONFIG, "%s%s: isn't there, nor another image of "
	    "the running kernel: name one", at[0].before, u.release);
}
