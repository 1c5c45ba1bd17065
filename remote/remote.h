/* SPDX-License-Identifier: ISC */
/*
 * remote: the scripts of this folder as text in the program, each composed of
 * common.sh and its own parts, without comments: they travel over ssh with
 * every connection. remote/NAME.sh says in its head what it takes and says.
 */
#ifndef POSTERN_REMOTE_H
#define POSTERN_REMOTE_H

struct remote_script {
	const char *name;	/* "holder" */
	const char *text;	/* ends in a newline; has no line "#END" */
};

/* All scripts; ends with a NULL name. */
extern const struct remote_script remote_scripts[];

/* remote_script(): the text of script name, or NULL if there is none. */
const char *remote_script(const char *name);

#endif
