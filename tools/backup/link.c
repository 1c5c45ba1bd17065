/* SPDX-License-Identifier: ISC */
#include "link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/esc.h"
#include "proc/child.h"
#include "ui/log.h"

#define SSH_FAILED 255
#define WORDS_MAX 300

struct link {
	struct link_spec spec;
	struct child *ssh;
	bool over;
	int status;			/* as waitpid(2) gave it */
	enum sshfail fail;
	char words[WORDS_MAX];		/* the last meaningful ones, escaped */
};

static void
on_line(void *arg, enum child_stream s, const char *line, size_t len,
    bool cut)
{
	struct link *k = arg;
	enum sshfail f = sshargv_fail(line);
	struct buf b;

	log_debug("ssh: %s", line);
	if (k->spec.on_said != NULL)
		k->spec.on_said(k->spec.arg, line, cut);
	if (line[strspn(line, " \t\r")] == '\0' || f < k->fail)
		return;
	k->fail = f;
	buf_init(&b, sizeof(k->words) - 1);
	/* What is too long is cut: an escaped byte takes four. */
	if (esc_text(&b, line, strcspn(line, "\r")) == 0 || esc_text(&b, line,
	    strnlen(line, (sizeof(k->words) - 1) / 4)) == 0)
		snprintf(k->words, sizeof(k->words), "%s", b.data);
	buf_clear(&b);
}

static void
on_end(void *arg, const struct child_end *end)
{
	struct link *k = arg;

	k->over = true;
	k->status = end->status;
	/* Its words explain only its own failure. */
	if (!WIFEXITED(end->status) || WEXITSTATUS(end->status) != SSH_FAILED)
		k->fail = SSHFAIL_OTHER;
	k->spec.on_end(k->spec.arg);
}

struct link *
link_start(struct loop *l, const struct link_spec *spec, struct err *e)
{
	struct link *k = calloc(1, sizeof(*k));
	struct child_spec s = { .argv = spec->argv,
		.io = { CHILD_FD, CHILD_FD, CHILD_PIPE },
		.fd = { spec->in, spec->out }, .own_group = true,
		.on_line = on_line, .on_end = on_end, .arg = k };

	if (k == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	k->spec = *spec;
	k->ssh = child_start(l, &s, e);
	if (k->ssh == NULL) {
		free(k);
		return NULL;
	}
	return k;
}

void
link_free(struct link *k)
{
	if (k == NULL)
		return;
	child_free(k->ssh);
	free(k);
}

void
link_deadline(struct link *k, uint64_t ms)
{
	if (!k->over)
		child_deadline(k->ssh, ms);
}

bool
link_said(const struct link *k)
{
	return k->words[0] != '\0';
}

bool
link_over(const struct link *k)
{
	return k->over;
}

int
link_status(const struct link *k)
{
	return WIFSIGNALED(k->status) ? 128 + WTERMSIG(k->status) :
	    WEXITSTATUS(k->status);
}

void
link_judge(const struct link *k, const struct err *other, struct err *e)
{
	const char *dest = k->spec.dest;
	char why[64];
	bool later = k->fail == SSHFAIL_UNREACHABLE || k->fail == SSHFAIL_LOST;

	if (other->code != ERR_NONE && other->code != ERR_PEER &&
	    k->fail == SSHFAIL_OTHER)
		err_set(e, other->code, "%s: %s", dest, other->msg);
	else if (k->fail != SSHFAIL_OTHER)
		err_set(e, later ? ERR_TIMEOUT : ERR_PEER, "%s: %s: %s",
		    dest, sshargv_failname(k->fail), k->words);
	else if (other->code != ERR_NONE)
		err_set(e, ERR_PEER, "%s: %s", dest, other->msg);
	else if (k->words[0] != '\0')
		err_set(e, ERR_PEER, "%s: %s", dest, k->words);
	else {
		child_why(k->status, why, sizeof(why));
		err_set(e, ERR_PEER, "%s: hung up without a result (ssh: %s)",
		    dest, why);
	}
}
