/* SPDX-License-Identifier: ISC */
/*
 * explain: what would be done with a command that the other side sends, and
 * which of a job's rules who enforces. Nothing is done.
 */
#include <stdio.h>
#include <string.h>

#include "allow.h"
#include "backup.h"
#include "gate.h"
#include "rules.h"
#include "say.h"
#include "ui/emit.h"

static int
print(const struct buf *b, struct err *e)
{
	if (fwrite(b->data, 1, b->len, stdout) == b->len &&
	    fflush(stdout) == 0)
		return 0;
	return err_sys(e, "standard output");
}

/* A refusal is an answer: with --json it is one on standard output. */
static int
refused(const struct backup_opts *o, struct err *e)
{
	struct emit j;

	if (!o->json || e->code != ERR_REFUSED)
		return -1;
	emit_begin(&j);
	emit_str(&j, "command", o->args.v[0]);
	emit_bool(&j, "allowed", false);
	emit_str(&j, "why", e->msg);
	return say_json(emit_end(&j, stdout), e) == 0 ? 1 : -1;
}

/* --- on the machine that is backed up --- */

static int
rules_json(const char *job, char *text, struct err *e)
{
	char *line, *save = NULL;
	struct emit j;

	for (line = strtok_r(text, "\n", &save); line != NULL;
	    line = strtok_r(NULL, "\n", &save)) {
		emit_begin(&j);
		emit_str(&j, "job", job);
		emit_str(&j, "rule", line);
		if (say_json(emit_end(&j, stdout), e) == -1)
			return -1;
	}
	return 0;
}

static int
explain_rules(const struct backup_opts *o, const struct settings_job *j,
    struct err *e)
{
	const struct rules r = { &j->roots, &j->excludes };
	struct buf b;
	int rc;

	buf_init(&b, RULES_TEXT_MAX);
	rc = rules_explain(&r, j->mode == MODE_DIRECT, &b, e);
	if (rc == 0)
		rc = o->json ? rules_json(j->section, b.data, e) :
		    print(&b, e);
	buf_clear(&b);
	return rc;
}

static int
explain_gate(const struct backup_opts *o, const struct settings_job *j,
    struct err *e)
{
	const char *command = o->args.v[0];
	struct strv argv = { 0 };
	struct emit out;
	struct buf b;
	size_t i;
	int rc;

	if (gate_parse(command, strlen(command), &j->roots, &argv, e) == -1)
		return refused(o, e);
	if (o->json) {
		emit_begin(&out);
		emit_str(&out, "command", command);
		emit_bool(&out, "allowed", true);
		emit_str(&out, "program", GATE_RSYNC);
		emit_arr(&out, "argv");
		for (i = 0; i < argv.n; i++)
			emit_item(&out, argv.v[i]);
		emit_close(&out);
		rc = say_json(emit_end(&out, stdout), e);
	} else {
		buf_init(&b, 4 * GATE_MAX);
		if (gate_emit(&argv, &b) == -1 || buf_addc(&b, '\n') == -1)
			rc = err_set(e, ERR_MEM, "out of memory");
		else
			rc = print(&b, e);
		buf_clear(&b);
	}
	strv_clear(&argv);
	return rc;
}

/* --- on the store --- */

/* What client may ask for: --allow, or what backup.conf and accept say. */
static int
allowed(struct backup_opts *o, unsigned *ret, struct err *e)
{
	struct settings accepted = { 0 };
	struct settings_policy p;
	int rc = 0;

	*ret = o->allow;
	if (o->allow != 0)
		return 0;
	if (o->client == NULL)
		return err_set(e, ERR_USAGE, "explain: which client's "
		    "command? --client NAME, or --allow LIST");
	if (o->store != NULL)
		rc = settings_accepted(o->store, o->client, &accepted, e);
	if (rc == 0) {
		settings_client_get(&o->conf, &accepted, o->client, &p, NULL);
		*ret = (unsigned)p.allow;
	}
	settings_clear(&accepted);
	return rc;
}

static int
explain_store(struct backup_opts *o, struct err *e)
{
	const char *command = o->args.n > 0 ? o->args.v[0] : NULL, *op_name;
	enum request_op op = 0;
	unsigned bits;
	struct buf b, list;
	struct emit j;
	int rc;

	if (allowed(o, &bits, e) == -1)
		return -1;
	if (allow_command(command, bits, &op, e) == -1)
		return refused(o, e);
	op_name = op != 0 ? request_op_name(op) : NULL;
	buf_init(&b, 1024);
	buf_init(&list, 256);
	rc = allow_emit(bits, &list, e);
	if (rc == 0 && o->json) {
		emit_begin(&j);
		emit_str(&j, "command", command);
		emit_bool(&j, "allowed", true);
		emit_str(&j, "operation", op_name);
		emit_str(&j, "allow", list.data);
		rc = say_json(emit_end(&j, stdout), e);
	} else if (rc == 0) {
		rc = op_name != NULL ? buf_addf(&b, "receive, for %s; the "
		    "request must ask for the same (it may ask for: %s)\n",
		    op_name, list.data) : buf_addf(&b, "receive; what is "
		    "done, the request says (it may ask for: %s)\n",
		    list.data);
		rc = rc == 0 ? print(&b, e) :
		    err_set(e, ERR_MEM, "out of memory");
	}
	buf_clear(&b);
	buf_clear(&list);
	return rc;
}

int
backup_explain(struct backup_opts *o, struct err *e)
{
	struct settings_job *j;

	if (o->side == SIDE_STORE)
		return explain_store(o, e);
	j = settings_job(&o->conf, o->job, e);
	if (j == NULL)
		return -1;
	return o->args.n > 0 ? explain_gate(o, j, e) : explain_rules(o, j, e);
}
