/* SPDX-License-Identifier: ISC */
#include "cfg.h"

#include "cfg_lex.h"
#include "cfg_model.h"

#define PIPE_HOST "127.0.0.1"
#define PIPE_PEER "receiver"

struct emit {
	const struct cfg *cfg;
	const struct cfg_group *const *g;
	size_t ng;
	const char *pusher, *receiver;
	struct strv logs;
	struct buf *out;
	struct err *e;
};

static int
full(struct emit *x)
{
	return err_set(x->e, ERR_MEM, "out of memory, or the configuration "
		"of one push is too long");
}

static int
add(struct emit *x, const char *text)
{
	return buf_adds(x->out, text) == -1 ? full(x) : 0;
}

/* " "TEXT"": always in quotes, so that no word is reserved or ends early. */
static int
add_word(struct emit *x, const char *text)
{
	if (*text == '\0')
		return err_set(x->e, ERR_CONFIG, "csync2.cfg has no way to "
			"write an empty word");
	if (strchr(text, '"') != NULL)
		return err_set(x->e, ERR_CONFIG, "'%s': csync2.cfg has no "
			"way to write a word with a quote in it", text);
	return buf_addf(x->out, " \"%s\"", text) == -1 ? full(x) : 0;
}

/* "\tNAME "VALUE";\n", or nothing when there is no value. */
static int
add_setting(struct emit *x, const char *name, const char *value)
{
	if (value == NULL)
		return 0;
	if (add(x, name) == -1 || add_word(x, value) == -1)
		return -1;
	return add(x, ";\n");
}

static int
add_words(struct emit *x, const char *name, const struct strv *s)
{
	if (s->n == 0)
		return 0;
	if (add(x, name) == -1)
		return -1;
	for (size_t i = 0; i < s->n; i++)
		if (add_word(x, s->v[i]) == -1)
			return -1;
	return add(x, ";\n");
}

static int
emit_hosts(struct emit *x, const struct cfg_group *g)
{
	const struct cfg_host *pusher = cfg_self(g, x->pusher);
	const struct cfg_host *receiver = cfg_self(g, x->receiver);
	int rc = 0;

	if (pusher == NULL || receiver == NULL)
		return err_set(x->e, ERR_CONFIG, "%s:%u: host %s is not in "
			"group '%s'", g->at.file, g->at.line,
			pusher == NULL ? x->pusher : x->receiver, g->name);
	/* "auto left" and "right" look at which of the two stands first. */
	if (pusher < receiver)
		rc = add(x, "\thost " PIPE_HOST ";\n");
	if (rc == -1 || add(x, "\thost (" PIPE_PEER "@" PIPE_HOST
		");\n") == -1)
		return -1;
	return pusher < receiver ? 0 : add(x, "\thost " PIPE_HOST ";\n");
}

static int
emit_patterns(struct emit *x, const struct cfg_group *g)
{
	static const char *const names[] = { [CFG_INCLUDE] = "include",
		[CFG_EXCLUDE] = "exclude", [CFG_COMPARE] = "compare" };

	/* As few statements as can be: csync2's parser stack is finite. */
	for (size_t i = 0; i < g->npatterns; i++) {
		const struct cfg_pattern *p = &g->patterns[i];
		bool first = i == 0 || p[-1].kind != p->kind ||
			p->kind == CFG_COMPARE;

		if (first && i > 0 && add(x, ";\n") == -1)
			return -1;
		if (first && buf_addf(x->out, "\t%s", names[p->kind]) == -1)
			return full(x);
		if (add_word(x, p->text) == -1)
			return -1;
	}
	return g->npatterns == 0 ? 0 : add(x, ";\n");
}

static size_t
log_index(const struct strv *logs, const char *logfile)
{
	size_t i = 0;

	while (i < logs->n && strcmp(logs->v[i], logfile) != 0)
		i++;
	return i;
}

static int
emit_action(struct emit *x, const struct cfg_action *a)
{
	size_t n = log_index(&x->logs, a->logfile == NULL ? "" : a->logfile);

	if (add(x, "\taction {\n") == -1 ||
		add_words(x, "\t\tpattern", &a->patterns) == -1 ||
		add_words(x, "\t\texec", &a->execs) == -1)
		return -1;
	if (buf_addf(x->out, "\t\tlogfile \"%s%zu\";\n", CFG_ACTION_LOG,
		n) == -1)
		return full(x);
	if (a->do_local && add(x, a->do_local_only ? "\t\tdo-local-only;\n" :
		"\t\tdo-local;\n") == -1)
		return -1;
	return add(x, "\t}\n");
}

static int
emit_group(struct emit *x, size_t n)
{
	const struct cfg_group *g = x->g[n];

	if (add(x, "group") == -1 || add_word(x, g->name) == -1 ||
		add(x, " {\n") == -1 || emit_hosts(x, g) == -1)
		return -1;
	if (buf_addf(x->out, "\tkey k%zu;\n", n) == -1)
		return full(x);
	if (emit_patterns(x, g) == -1 ||
		add_setting(x, "\tauto", g->autom) == -1 ||
		add_setting(x, "\tbackup-directory", g->backup_dir) == -1 ||
		add_setting(x, "\tbackup-generations",
			g->backup_generations) == -1)
		return -1;
	for (size_t i = 0; i < g->nactions; i++)
		if (emit_action(x, &g->actions[i]) == -1)
			return -1;
	return add(x, "}\n");
}

/* Whether a pattern of a group may mean the prefix name. */
static bool
prefix_used(const struct emit *x, const char *name)
{
	size_t n = strlen(name), len = 0;
	const char *text, *rest;

	for (size_t i = 0; i < x->ng; i++) {
		const struct cfg_group *g = x->g[i];

		for (size_t j = 0; j < g->npatterns; j++) {
			text = cfg_model_prefixed(g->patterns[j].text, &len,
				&rest);
			if (text != NULL && (strcspn(text, "*?[\\") < len ||
				(len == n && memcmp(text, name, n) == 0)))
				return true;
		}
	}
	return false;
}

static bool
prefix_later(const struct cfg *c, size_t i)
{
	for (size_t j = i + 1; j < c->nprefixes; j++)
		if (strcmp(c->prefixes[j].name, c->prefixes[i].name) == 0)
			return true;
	return false;
}

/* "on HOST: PATH;"; the host is a pattern there. */
static int
emit_on(struct emit *x, const char *host, const char *path)
{
	struct buf name;
	int rc = -1;

	if (path == NULL)
		return 0;
	buf_init(&name, CFG_FILE_MAX);
	for (; *host != '\0'; host++) {
		if (strchr("*?[\\", *host) != NULL &&
			buf_addc(&name, '\\') == -1)
			goto full;
		if (buf_addc(&name, *host) == -1)
			goto full;
	}
	if (add(x, "\ton") == -1 || add_word(x, name.data) == -1 ||
		add(x, ":") == -1 || add_word(x, path) == -1)
		goto out;
	rc = add(x, ";\n");
	goto out;
full:
	full(x);
out:
	buf_clear(&name);
	return rc;
}

static int
emit_prefixes(struct emit *x)
{
	const struct cfg *c = x->cfg;

	for (size_t i = 0; i < c->nprefixes; i++) {
		const char *name = c->prefixes[i].name, *here, *there;

		if (!prefix_used(x, name) || prefix_later(c, i))
			continue;
		here = cfg_model_prefix(c, name, strlen(name), x->pusher);
		there = cfg_model_prefix(c, name, strlen(name), x->receiver);
		if (here == NULL && there == NULL)
			continue;
		if (add(x, "prefix") == -1 || add_word(x, name) == -1 ||
			add(x, " {\n") == -1 ||
			emit_on(x, PIPE_HOST, here) == -1 ||
			emit_on(x, PIPE_PEER, there) == -1 ||
			add(x, "}\n") == -1)
			return -1;
	}
	return 0;
}

int
cfg_action_logs(const struct cfg_group *const *g, size_t ng,
	struct strv *out, struct err *e)
{
	for (size_t i = 0; i < ng; i++) {
		for (size_t j = 0; j < g[i]->nactions; j++) {
			const char *s = g[i]->actions[j].logfile;

			if (s == NULL)
				s = "";
			if (log_index(out, s) == out->n &&
				strv_add(out, s) == -1)
				return err_set(e, ERR_MEM, "out of memory");
		}
	}
	return 0;
}

int
cfg_emit_pipe(const struct cfg *c, const struct cfg_group *const *g,
	size_t ng, const char *pusher, const char *receiver, struct buf *out,
	struct err *e)
{
	struct emit x = { .cfg = c, .g = g, .ng = ng, .pusher = pusher,
		.receiver = receiver, .out = out, .e = e };
	int rc = -1;

	if (strcmp(receiver, pusher) == 0)
		return err_set(e, ERR_CONFIG, "%s can't push to itself",
			pusher);
	if (cfg_action_logs(g, ng, &x.logs, e) == -1 ||
		add(&x, "nossl * *;\n") == -1)
		goto out;
	if ((c->ignore_uid && add(&x, "ignore uid;\n") == -1) ||
		(c->ignore_gid && add(&x, "ignore gid;\n") == -1) ||
		(c->ignore_mod && add(&x, "ignore mod;\n") == -1) ||
		add_setting(&x, "tempdir", c->tempdir) == -1 ||
		add_setting(&x, "lock-timeout", c->lock_timeout) == -1)
		goto out;
	for (size_t i = 0; i < ng; i++)
		if (emit_group(&x, i) == -1)
			goto out;
	rc = emit_prefixes(&x);
out:
	strv_clear(&x.logs);
	return rc;
}
