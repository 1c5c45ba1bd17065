/* SPDX-License-Identifier: ISC */
#include "askargv.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

#define BLANKS " \t\n"

/* UNUSED: a value that counts for no passphrase that is typed, and would for
 * one on standard input. */
enum takes { NOTHING, VALUE, UNUSED, NO_PROMPT };

/* Options of cryptsetup 2.0 to 2.8 that "open" of a LUKS disk may have. */
static const struct {
	char letter;
	const char *name;
	enum takes takes;
} options[] = {
	{ 'T', "tries", VALUE }, { 't', "timeout", VALUE },
	{ 'M', "type", VALUE }, { 'S', "key-slot", VALUE },
	{ 0, "token-id", UNUSED }, { 0, "token-type", UNUSED },
	{ 'b', "size", VALUE }, { 0, "device-size", VALUE },
	{ 0, "sector-size", VALUE }, { 'l', "keyfile-size", UNUSED },
	{ 0, "keyfile-offset", UNUSED },
	{ 0, "allow-discards", NOTHING }, { 'r', "readonly", NOTHING },
	{ 0, "persistent", NOTHING }, { 0, "shared", NOTHING },
	{ 'q', "batch-mode", NOTHING }, { 'v', "verbose", NOTHING },
	{ 0, "debug", NOTHING }, { 0, "disable-locks", NOTHING },
	{ 0, "disable-keyring", NOTHING },
	{ 0, "serialize-memory-hard-pbkdf", NOTHING },
	{ 0, "perf-same_cpu_crypt", NOTHING },
	{ 0, "perf-submit_from_crypt_cpus", NOTHING },
	{ 0, "perf-no_read_workqueue", NOTHING },
	{ 0, "perf-no_write_workqueue", NOTHING },
	{ 'd', "key-file", NO_PROMPT }, { 0, "header", NO_PROMPT },
	{ 0, "test-passphrase", NO_PROMPT }, { 0, "token-only", NO_PROMPT },
	{ 0, "volume-key-file", NO_PROMPT },
	{ 0, "master-key-file", NO_PROMPT },
};
#define OPTIONS (sizeof(options) / sizeof(options[0]))

/* What the option in word takes, and whether it has it already. NO_PROMPT for
 * one that is not known. */
static enum takes
option(const char *word, bool *has)
{
	size_t i, n;

	if (word[1] != '-') {
		*has = word[1] != '\0' && word[2] != '\0';
		for (i = 0; i < OPTIONS; i++)
			if (word[1] != '\0' && options[i].letter == word[1])
				/* Letters behind a flag may be anything. */
				return options[i].takes == NOTHING && *has ?
				    NO_PROMPT : options[i].takes;
		return NO_PROMPT;
	}
	n = strcspn(word + 2, "=");
	*has = word[2 + n] == '=';
	for (i = 0; i < OPTIONS; i++)
		if (strlen(options[i].name) == n &&
		    memcmp(options[i].name, word + 2, n) == 0)
			return options[i].takes;
	return NO_PROMPT;
}

int
askargv_parse(const struct strv *argv, struct askargv *ret, struct err *e)
{
	const char *operand[3] = { NULL, NULL, NULL };
	enum takes takes;
	size_t i, n = 0;
	bool has;

	for (i = 1; i < argv->n; i++) {
		if (argv->v[i][0] != '-') {
			if (n == 3)
				goto bad;
			operand[n++] = argv->v[i];
			continue;
		}
		takes = option(argv->v[i], &has);
		if (takes == NO_PROMPT)
			goto bad;
		if (takes != NOTHING && !has && ++i == argv->n)
			goto bad;
	}
	if (n != 3 || (strcmp(operand[0], "open") != 0 &&
	    strcmp(operand[0], "luksOpen") != 0) || operand[1][0] != '/' ||
	    operand[2][0] == '\0')
		goto bad;
	ret->device = operand[1];
	ret->name = operand[2];
	return 0;
bad:
	return err_set(e, ERR_PEER, "not a cryptsetup that asks for the "
	    "passphrase of a disk");
}

/* Its words, split as plymouth does where nothing is quoted. */
static int
split(const char *s, struct strv *out, struct err *e)
{
	size_t n;

	if (strpbrk(s, "\"'\\") != NULL)
		return err_set(e, ERR_PEER, "plymouth's command has quotes");
	for (s += strspn(s, BLANKS); *s != '\0'; s += strspn(s, BLANKS)) {
		n = strcspn(s, BLANKS);
		if (n > INT_MAX || strv_addf(out, "%.*s", (int)n, s) == -1)
			return err_set(e, ERR_MEM, "out of memory");
		s += n;
	}
	return 0;
}

int
askargv_plymouth(const struct strv *argv, struct strv *out, struct err *e)
{
	static const char word[] = "--command";
	const char *s, *command = NULL;
	bool asks = false;
	size_t i;

	for (i = 1; i < argv->n; i++) {
		s = argv->v[i];
		asks |= strcmp(s, "ask-for-password") == 0;
		if (strcmp(s, word) == 0 && i + 1 < argv->n)
			command = argv->v[++i];
		else if (strncmp(s, word, sizeof(word) - 1) == 0 &&
		    s[sizeof(word) - 1] == '=')
			command = s + sizeof(word);
		else if (strcmp(s, "--prompt") == 0)
			i++;
	}
	if (!asks || command == NULL)
		return err_set(e, ERR_PEER, "not a plymouth that asks for a "
		    "command");
	return split(command, out, e);
}

int
askargv_rerun(const struct strv *argv, struct strv *out)
{
	static char *const more[] = { "--key-file=-", "--tries=1", NULL };
	bool has;
	size_t i;

	if (strv_add(out, argv->v[0]) == -1 ||
	    strv_add(out, ASKARGV_NO_TOKEN) == -1)
		return -1;
	for (i = 1; i < argv->n; i++)
		if (argv->v[i][0] == '-' &&
		    option(argv->v[i], &has) == UNUSED)
			i += !has;
		else if (strv_add(out, argv->v[i]) == -1)
			return -1;
	return strv_addv(out, more);
}
