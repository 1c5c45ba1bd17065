/* SPDX-License-Identifier: ISC */
#include "sshsaid.h"

#include <string.h>

#include "sys/file.h"
#include "ui/log.h"

#define PINS_MAX (1u << 20)

void
sshsaid_note(struct sshsaid *s, const char *line, bool peer)
{
	enum sshfail f = peer ? SSHFAIL_OTHER : sshargv_fail(line);
	size_t n;

	bootpins_see(&s->seen, line);
	if (line[strspn(line, " \t")] == '\0' || f < s->fail ||
	    strncmp(line, "debug", 5) == 0)
		return;
	n = strnlen(line, SSHSAID_WORDS);
	memcpy(s->words, line, n);
	s->words[n] = '\0';
	s->fail = f;
}

void
sshsaid_keys(const struct sshsaid *s, const char *file, struct buf *out)
{
	char known[BOOTPINS_FP] = "?";
	struct err e = ERR_INIT;
	struct buf text;

	if (file == NULL)
		file = s->seen.file;
	buf_init(&text, PINS_MAX);
	if (s->seen.line == 0 || file_read(file, &text, &e) == -1 ||
	    bootpins_fp(text.data, s->seen.line, known, &e) == -1)
		log_debug("the known host key: %s", e.msg);
	(void)buf_addf(out, "is %s (%s:%u), it shows %s", known, file,
	    s->seen.line, s->seen.shown[0] != '\0' ? s->seen.shown :
	    "another");
	buf_clear(&text);
}
