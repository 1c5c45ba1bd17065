/* SPDX-License-Identifier: ISC */
/*
 * danger: the paths whose writer is root of the host, whatever else was
 * agreed. A group that reaches one of them can't be confined: no cage holds
 * that must let it write there. Pure: text is compared, nothing is looked at.
 */
#ifndef POSTERN_DANGER_H
#define POSTERN_DANGER_H

#include <stdbool.h>

struct danger {
	const char *path;	/* a file or a folder */
	const char *what;	/* "the commands that root runs" */
};

/* The table, ended by a row without a path. */
extern const struct danger danger_table[];

/* danger_inside(): whether path is folder or lies below it. */
bool danger_inside(const char *path, const char *folder);

/* danger_deeper(): whether path lies in folder with a folder between them. */
bool danger_deeper(const char *path, const char *folder);

/* danger_plain(): whether path is absolute, without empty parts (but for a
 * slash at the end), "." and "..": only such paths compare as text. */
bool danger_plain(const char *path);

/* danger_system(): whether path lies where the system's own programs and
 * libraries come from; not what holds csync2, sh or a library's folder. */
bool danger_system(const char *path);

/*
 * danger_root(): the first row that a writer of everything below root
 * reaches: root lies in it, or it lies in root, or root is called .ssh.
 * NULL: none.
 */
const struct danger *danger_root(const char *root);

#endif
