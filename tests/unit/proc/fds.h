/* SPDX-License-Identifier: ISC */
/* fds: how many descriptors this process has open. */
#ifndef TESTS_FDS_H
#define TESTS_FDS_H

#include <dirent.h>

static inline int
fds_open(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

#endif
