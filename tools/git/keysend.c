/* SPDX-License-Identifier: ISC */
#include "keysend.h"

#include <string.h>

#include "gitssh.h"
#include "keyproc.h"
#include "keyread.h"
#include "keysig.h"
#include "keyupdate.h"
#include "ssh/sshargv.h"

#define ANSWER_MAX	16384	/* bytes: a login shell may greet first */

int
keysend_sign(const char *key, const struct buf *text, unsigned timeout_ms,
    struct buf *out, struct err *e)
{
	char *argv[] = { "ssh-keygen", "-q", "-Y", "sign", "-n",
		KEYREAD_NAMESPACE, "-f", (char *)(uintptr_t)key, NULL };
	struct keyproc p = { .argv = argv, .in = text->data,
		.in_len = text->len, .timeout_ms = timeout_ms };
	struct keyproc_end end;
	struct buf sig;
	size_t n = 0;
	int rc = -1;

	buf_init(&sig, KEYSIG_MAX);
	if (keyproc_run(&p, &sig, &end, e) == -1 ||
	    keyproc_why(&end, "ssh-keygen -Y sign", e) == -1)
		goto out;
	if (keysig_find(sig.data, sig.len, &n, e) == -1 || n != sig.len) {
		err_set(e, ERR_PEER, "ssh-keygen -Y sign: no signature came");
		goto out;
	}
	if (buf_add(out, sig.data, sig.len) == -1 ||
	    buf_add(out, text->data, text->len) == -1) {
		err_set(e, ERR_MEM, "out of memory");
		goto out;
	}
	rc = 0;
out:
	buf_clear(&sig);
	return rc;
}

int
keysend_argv(const struct keysend *s, const char *command,
    struct strv *argv, struct err *e)
{
	struct strv options = { 0 };
	struct sshargv_opts o = {
		.config = s->ssh_config != NULL ? s->ssh_config : "none",
		.options = &options,
		.connect_timeout_s = s->connect_s,
	};
	int rc;

	rc = gitssh_path(&options, "UserKnownHostsFile", s->known_hosts);
	rc |= gitssh_path(&options, "IdentityFile", s->key);
	rc |= strv_add(&options, "GlobalKnownHostsFile=none");
	rc |= strv_add(&options, "UpdateHostKeys=no");
	rc |= strv_add(&options, "IdentitiesOnly=yes");
	rc |= strv_add(&options, "IdentityAgent=none");
	rc |= strv_add(&options, "CertificateFile=none");
	rc |= strv_add(&options, "ControlPath=none");
	rc |= strv_add(&options, "ServerAliveInterval=3");
	rc |= strv_add(&options, "ServerAliveCountMax=2");
	if (s->set_env != NULL)
		rc |= strv_addf(&options, "SetEnv=%s", s->set_env);
	rc = rc != 0 ? err_set(e, ERR_MEM, "out of memory") :
	    sshargv_build(&o, s->gateway, command, argv, e);
	strv_clear(&options);
	return rc;
}

/* The last line that came: what stands before it is a login shell's. */
static int
answer(const struct buf *out, struct keyreply *ret, struct err *e)
{
	size_t len = out->len;
	const char *nl;

	if (len > 0 && out->data[len - 1] == '\n')
		len--;
	nl = len > 0 ? memrchr(out->data, '\n', len) : NULL;
	if (nl != NULL) {
		len -= (size_t)(nl + 1 - out->data);
		return keyreply_parse(nl + 1, len, ret, e);
	}
	return keyreply_parse(out->data, len, ret, e);
}

/* One ssh: stream (NULL: nothing) to it, its line back. */
static int
talk(const struct keysend *s, const char *command, const struct buf *stream,
    unsigned timeout_ms, struct keyreply *ret, bool *ret_again,
    struct gitreach *reach, struct err *e)
{
	struct strv argv = { 0 };
	struct keyproc p = { .in = stream != NULL ? stream->data : "",
		.in_len = stream != NULL ? stream->len : 0,
		.timeout_ms = timeout_ms, .on_said = gitreach_said,
		.arg = reach };
	struct keyproc_end end;
	struct buf out;
	int rc = -1;

	*ret_again = false;
	*reach = (struct gitreach){ 0 };
	buf_init(&out, ANSWER_MAX);
	if (keysend_argv(s, command, &argv, e) == -1)
		goto out;
	p.argv = argv.v;
	if (keyproc_run(&p, &out, &end, e) == -1)
		goto out;
	gitreach_end(reach, &end);
	/* Whatever the status: the line says more. */
	if (out.len > 0 && !end.timed_out) {
		reach->in = true;
		reach->fail = SSHFAIL_OTHER;
		rc = answer(&out, ret, e);
		goto out;
	}
	if (keyproc_why(&end, s->gateway, e) == 0)
		err_set(e, ERR_PEER, "%s: no answer came", s->gateway);
	*ret_again = !reach->in && reach->fail < SSHFAIL_DENIED;
out:
	strv_clear(&argv);
	buf_clear(&out);
	return rc;
}

int
keysend_once(const struct keysend *s, const struct buf *stream, bool force,
    unsigned timeout_ms, struct keyreply *ret, bool *ret_again,
    struct err *e)
{
	struct gitreach reach;

	return talk(s, force ? KEYUPDATE_FORCE : KEYUPDATE_COMMAND, stream,
	    timeout_ms, ret, ret_again, &reach, e);
}

int
keysend_ask(const struct keysend *s, unsigned timeout_ms,
    struct keyreply *ret, struct gitreach *reach, struct err *e)
{
	struct keyreply r;
	bool again;

	if (talk(s, KEYUPDATE_STATUS, NULL, timeout_ms, &r, &again, reach,
	    e) == -1)
		return -1;
	if (r.what != KEYREPLY_NOW)
		return err_set(e, ERR_PEER, "%s: %s%s%s", s->gateway,
		    keyreply_word(r.what), r.why[0] != '\0' ? ": " : "",
		    r.why);
	*ret = r;
	return 0;
}
