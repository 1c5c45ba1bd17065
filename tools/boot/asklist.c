/* SPDX-License-Identifier: ISC */
#include "asklist.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lukshdr.h"
#include "procfile.h"
#include "slurp.h"

#define BY_UUID		"/dev/disk/by-uuid/"
#define ASKERS_MAX	64

bool
asklist_read(struct buf *b, const char *path)
{
	buf_clear(b);
	return slurp_read(path, b, NULL) == 0;
}

bool
asklist_start(pid_t pid, uint64_t *ret)
{
	struct procstat s;
	char path[64];
	struct buf b;
	bool ok;

	buf_init(&b, 4096);
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	ok = asklist_read(&b, path) &&
	    procfile_stat(b.data, b.len, &s, NULL) == 0 && s.state != 'Z';
	if (ok)
		*ret = s.start;
	buf_clear(&b);
	return ok;
}

bool
asklist_root(pid_t pid)
{
	char path[64];
	struct buf b;
	bool root;

	buf_init(&b, 8192);
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	root = asklist_read(&b, path) && procfile_is_root(b.data, b.len);
	buf_clear(&b);
	return root;
}

void
asklist_copy(char *to, size_t cap, const char *from)
{
	snprintf(to, cap, "%s", from);
}

/* What the disk itself says, and its id. Only files and block devices are
 * opened: what else could stand there might block, or do something. 0, or -1:
 * it can't have an id of its own. */
static int
look_at(struct asker *a)
{
	struct bootline_prompt *p = &a->prompt;
	struct stat st;
	struct buf b;

	buf_init(&b, LUKSHDR_BYTES);
	a->luks = p->device[0] == '/' && stat(p->device, &st) == 0 &&
	    (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)) &&
	    asklist_read(&b, p->device) && lukshdr_parse(
	    (const unsigned char *)b.data, b.len, p->uuid, NULL) == 0;
	buf_clear(&b);
	if (!a->luks && strncmp(p->device, BY_UUID, strlen(BY_UUID)) == 0 &&
	    lukshdr_uuid(p->device + strlen(BY_UUID)))
		asklist_copy(p->uuid, sizeof(p->uuid),
		    p->device + strlen(BY_UUID));
	return bootline_id(p->uuid, p->device, p->id);
}

int
asklist_add(struct askers *all, struct asker *a, struct err *e)
{
	struct asker *v;

	if (all->n == ASKERS_MAX || look_at(a) == -1) {
		strv_clear(&a->argv);
		return 0;
	}
	v = reallocarray(all->v, all->n + 1, sizeof(*v));
	if (v == NULL) {
		strv_clear(&a->argv);
		return err_set(e, ERR_MEM, "out of memory");
	}
	all->v = v;
	v[all->n++] = *a;
	return 0;
}
