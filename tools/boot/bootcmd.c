/* SPDX-License-Identifier: ISC */
#include "bootcmd.h"

#include <string.h>

static int
refuse(struct err *e)
{
	return err_set(e, ERR_REFUSED, "only 'list', 'unlock ID', 'peek' "
	    "and 'log' can be run here");
}

int
bootcmd_parse(const char *text, struct bootcmd *ret, struct err *e)
{
	struct bootcmd c = { .verb = BOOTCMD_LIST };

	if (strcmp(text, "peek") == 0) {
		c.verb = BOOTCMD_PEEK;
	} else if (strcmp(text, "log") == 0) {
		c.verb = BOOTCMD_LOG;
	} else if (strncmp(text, "unlock ", 7) == 0) {
		c.verb = BOOTCMD_UNLOCK;
		if (bootline_id_parse(text + 7, strlen(text + 7), c.id) == -1)
			return refuse(e);
	} else if (strcmp(text, "list") != 0) {
		return refuse(e);
	}
	*ret = c;
	return 0;
}

int
bootcmd_line(char *line, size_t len, struct bootcmd *ret, struct err *e)
{
	if (len == 0 || line[len - 1] != '\n' ||
	    memchr(line, '\0', len) != NULL)
		return refuse(e);
	line[len - 1] = '\0';
	return bootcmd_parse(line, ret, e);
}

int
bootcmd_emit(const struct bootcmd *c, struct buf *out)
{
	switch (c->verb) {
	case BOOTCMD_UNLOCK:
		return buf_addf(out, "unlock %s", c->id);
	case BOOTCMD_PEEK:
		return buf_adds(out, "peek");
	case BOOTCMD_LOG:
		return buf_adds(out, "log");
	case BOOTCMD_LIST:
		break;
	}
	return buf_adds(out, "list");
}
