/* SPDX-License-Identifier: ISC */
#include "asker.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asklist.h"
#include "askproc.h"
#include "askq.h"
#include "exhaust.h"
#include "lukshdr.h"

#define BLOCK "/sys/block"

int
askers_find(struct askers *ret, struct err *e)
{
	struct askers all = { .n = 0 };

	if (askq_find(&all, e) == -1 || askproc_find(&all, e) == -1 ||
	    exhaust_find(&all, e) == -1) {
		askers_clear(&all);
		return -1;
	}
	*ret = all;
	return 0;
}

void
askers_clear(struct askers *a)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		strv_clear(&a->v[i].argv);
	free(a->v);
	*a = (struct askers){ .n = 0 };
}

const struct asker *
askers_get(const struct askers *a, const char *id)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		if (strcmp(a->v[i].prompt.id, id) == 0)
			return &a->v[i];
	return NULL;
}

bool
asker_same(const struct asker *a, const struct asker *b)
{
	return a->kind == b->kind && a->pid == b->pid &&
	    a->start == b->start && strcmp(a->file, b->file) == 0;
}

bool
asker_alive(const struct asker *a)
{
	uint64_t start;

	return asklist_start(a->pid, &start) && start == a->start;
}

bool
asker_is_open(const char *uuid)
{
	DIR *d = opendir(BLOCK);
	struct dirent *de;
	struct buf b;
	char path[sizeof(BLOCK) + NAME_MAX + 16];
	bool open = false;

	if (d == NULL)
		return false;
	buf_init(&b, 256);
	while (!open && (de = readdir(d)) != NULL) {
		if (strncmp(de->d_name, "dm-", 3) != 0)
			continue;
		snprintf(path, sizeof(path), BLOCK "/%s/dm/uuid", de->d_name);
		open = asklist_read(&b, path) && lukshdr_is_open(b.data, uuid);
	}
	buf_clear(&b);
	closedir(d);
	return open;
}
