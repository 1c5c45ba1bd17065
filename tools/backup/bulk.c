/* SPDX-License-Identifier: ISC */
#include "bulk.h"

#include <sys/wait.h>

#include "cmd.h"
#include "ssh/host.h"
#include "ssh/sshcipher.h"
#include "ui/log.h"

#define ASK_MS 5000

/* ssh -G of dest into *out. config: instead of o's, and without its options. */
static bool
ask(const struct sshargv_opts *o, const char *config, const char *dest,
    struct buf *out)
{
	const struct strv *more = config == NULL ? o->options : NULL;
	const char *file = config != NULL ? config : o->config;
	struct strv argv = { 0 };
	struct err e = ERR_INIT;
	int rc, status = 0;
	size_t i;

	rc = strv_add(&argv, o->program != NULL ? o->program : "ssh");
	if (file != NULL)
		rc |= strv_add(&argv, "-F") | strv_add(&argv, file);
	for (i = 0; more != NULL && i < more->n; i++)
		rc |= strv_add(&argv, "-o") | strv_add(&argv, more->v[i]);
	rc |= strv_add(&argv, "-G");
	rc |= host_words(dest, &argv);
	if (rc == 0)
		rc = cmd_run(argv.v, ASK_MS, out, &status, &e);
	strv_clear(&argv);
	return rc == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int
bulk_options(const struct sshargv_opts *o, const char *dest, struct strv *out,
    struct err *e)
{
	struct buf mine, plain;
	int rc = 0;

	if (!sshcipher_here() || host_check(dest, e) == -1)
		return 0;
	buf_init(&mine, CMD_OUT_MAX);
	buf_init(&plain, CMD_OUT_MAX);
	if (ask(o, NULL, dest, &mine) && ask(o, "none", "x", &plain) &&
	    sshcipher_same(mine.data, plain.data))
		rc = strv_add(out, SSHCIPHER_FIRST);
	else
		log_debug("%s: the cipher is what ssh's configuration says",
		    dest);
	buf_clear(&mine);
	buf_clear(&plain);
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "out of memory");
}
