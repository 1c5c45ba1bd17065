/* SPDX-License-Identifier: ISC */
#include "bootsecret.h"

#include <string.h>

#include "base/esc.h"
#include "bootline.h"
#include "secret/source.h"

#define SOURCE_MAX 4096		/* of which the first line counts */

bool
bootsecret_by_uuid(const char *spec)
{
	return strncmp(spec, "cmd:", 4) == 0 && strstr(spec, "{uuid}") != NULL;
}

int
bootsecret_check(const char *spec, struct err *e)
{
	static const char *const begins[] = { "file:", "fd:", "cmd:" };
	bool known = strcmp(spec, "tty") == 0;
	size_t i;

	for (i = 0; i < sizeof(begins) / sizeof(begins[0]); i++)
		known |= strncmp(spec, begins[i], strlen(begins[i])) == 0;
	if (!known)
		return err_set(e, ERR_USAGE, "'%s' is none of file:PATH, fd:N, "
		    "cmd:COMMAND, tty", spec);
	if (!bootsecret_by_uuid(spec) || strstr(spec, "{host}") != NULL)
		return 0;
	return err_set(e, ERR_USAGE, "{uuid} without {host}: a host could name "
	    "another's disk, and would get its passphrase");
}

int
bootsecret_expand(const char *spec, const char *host, const char *uuid,
    struct buf *out, struct err *e)
{
	bool command = strncmp(spec, "cmd:", 4) == 0;
	int rc = 0;

	if (bootsecret_check(spec, e) == -1)
		return -1;
	while (*spec != '\0' && rc == 0) {
		if (command && strncmp(spec, "{host}", 6) == 0) {
			rc = esc_sh(out, host);
			spec += 6;
		} else if (command && strncmp(spec, "{uuid}", 6) == 0) {
			if (uuid[0] == '\0')
				return err_set(e, ERR_CONFIG, "the secret's "
				    "{uuid}: this disk has none");
			rc = esc_sh(out, uuid);
			spec += 6;
		} else {
			rc = buf_addc(out, *spec++);
		}
	}
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "the secret's command is too "
	    "long");
}

bool
bootsecret_varies(const char *spec)
{
	return strcmp(spec, "tty") == 0 || (strncmp(spec, "cmd:", 4) == 0 &&
	    (strstr(spec, "{host}") != NULL || strstr(spec, "{uuid}") != NULL));
}

struct secret *
bootsecret_read(const char *spec, const char *prompt, unsigned timeout_ms,
    struct err *e)
{
	const struct source_opts o = { .option = "secret", .also = "",
	    .prompt = prompt, .max = SOURCE_MAX, .timeout_ms = timeout_ms };
	struct secret *s, *line = NULL;
	size_t len;

	s = source_read(spec, &o, e);
	if (s == NULL)
		return NULL;
	source_line(s);
	len = secret_len(s);
	if (len == 0)
		err_set(e, ERR_CONFIG, "secret: an empty passphrase");
	else if (len > BOOTLINE_SECRET)
		err_set(e, ERR_USAGE, "secret: more than %d bytes",
		    BOOTLINE_SECRET);
	else if (memchr(secret_data(s), '\0', len) != NULL)
		err_set(e, ERR_USAGE, "secret: has a NUL");
	else
		line = secret_new(len + 1, e);
	if (line != NULL) {
		memcpy(secret_data_mut(line), secret_data(s), len);
		secret_data_mut(line)[len] = '\n';
	}
	secret_free(s);
	return line;
}
