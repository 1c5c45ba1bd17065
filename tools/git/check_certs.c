/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/buf.h"
#include "check_priv.h"

/* Of whose certificates sshd takes some for the user, and what says for whom
 * they are; "": nothing. */
struct certs {
	struct buf ca, file, command;
};

/* What sshd has of word, "" for none. */
static int
says(struct check *c, const char *word, struct buf *out, struct err *e)
{
	buf_init(out, 8192);
	if (check_sshd_says(c, word, out, e) == -1)
		return -1;
	if (strcmp(out->data, "none") == 0)
		buf_clear(out);
	return 0;
}

static int
ask(struct check *c, struct certs *ret, struct err *e)
{
	*ret = (struct certs){ 0 };
	return says(c, "trustedusercakeys", &ret->ca, e) == -1 ||
	    says(c, "authorizedprincipalsfile", &ret->file, e) == -1 ||
	    says(c, "authorizedprincipalscommand", &ret->command, e) == -1 ?
	    -1 : 0;
}

static void
clear(struct certs *s)
{
	buf_clear(&s->ca);
	buf_clear(&s->file);
	buf_clear(&s->command);
}

int
check_certs(struct check *c, struct err *e)
{
	struct certs s;
	struct buf ours;
	int rc = ask(c, &s, e);

	buf_init(&ours, 8192);
	if (rc == 0 && buf_addf(&ours, "%s/current/principals",
	    c->conf->gateway.keys_dir) == -1)
		rc = err_set(e, ERR_MEM, "out of memory");
	if (rc == 0 && s.ca.len > 0 && (s.command.len > 0 ||
	    strcmp(s.file.data, ours.data) != 0))
		rc = err_set(e, ERR_CONFIG, "sshd takes certificates for %s "
		    "that the authorities of %s have signed, and not %s alone "
		    "says whose they are: one with the principal %s could be "
		    "a login without a user's id", c->user.pw_name,
		    s.ca.data, ours.data, c->user.pw_name);
	buf_clear(&ours);
	clear(&s);
	return rc;
}

int
check_certs_note(struct check *c, struct err *e)
{
	struct certs s;
	int rc = ask(c, &s, e);

	if (rc == 0 && s.ca.len > 0 && s.file.len == 0 && s.command.len == 0)
		check_note(c, "sshd takes certificates that the authorities "
		    "of %s have signed: one with the principal %s is a login "
		    "as %s, past gateway and git.conf", s.ca.data,
		    c->user.pw_name, c->user.pw_name);
	clear(&s);
	return rc;
}
