/* SPDX-License-Identifier: ISC */
#include "program.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/esc.h"

/* TREE of TREE/tools/backup/postern-backup, when that is a build tree. */
static bool
find_tree(char *path, size_t cap)
{
	char probe[4200];
	ssize_t n;
	char *p;
	int i;

	n = readlink("/proc/self/exe", path, cap - 1);
	if (n <= 0)
		return false;
	path[n] = '\0';
	for (i = 0; i < 3; i++) {
		p = strrchr(path, '/');
		if (p == NULL)
			return false;
		*p = '\0';
	}
	snprintf(probe, sizeof(probe), "%s/meson-private", path);
	return access(probe, F_OK) == 0;
}

int
program_find(struct buf *out, struct err *e)
{
	char path[4096 + sizeof("/postern")];

	if (find_tree(path, 4096))
		memcpy(path + strlen(path), "/postern", sizeof("/postern"));
	else
		snprintf(path, sizeof(path), "%s", POSTERN_BINDIR "/postern");
	if (access(path, X_OK) == -1)
		return err_sys(e, "%s", path);
	if (esc_sh(out, path) == -1)
		return err_set(e, ERR_MEM, "%s: too long", path);
	return 0;
}
