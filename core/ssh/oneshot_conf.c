/* SPDX-License-Identifier: ISC */
#include "ssh/oneshot_conf.h"

#include <string.h>

/* sshd takes nothing from /etc/ssh: this is all of it. What only root could
 * do is off, and so is all that is not one program on two pipes. */
static const char fixed[] =
	"PidFile none\n"
	"UsePAM no\n"
	"StrictModes yes\n"
	"AuthenticationMethods publickey\n"
	"PasswordAuthentication no\n"
	"KbdInteractiveAuthentication no\n"
	"AuthorizedKeysFile none\n"
	"PubkeyAcceptedAlgorithms ssh-ed25519\n"
	"HostKeyAlgorithms ssh-ed25519\n"
	"PermitRootLogin prohibit-password\n"
	"LoginGraceTime 15\n"
	"MaxAuthTries 2\n"
	"MaxSessions 1\n"
	"DisableForwarding yes\n"
	"PermitTTY no\n"
	"PermitUserRC no\n"
	"PermitUserEnvironment no\n"
	"PrintMotd no\n"
	"PrintLastLog no\n"
	"UseDNS no\n"
	"Compression no\n"
	"ClientAliveInterval 15\n"
	"ClientAliveCountMax 3\n";

/* A word in the middle of a line. */
static int
check_word(const char *what, const char *s, const char *more, struct err *e)
{
	const char *p;

	for (p = s; *p != '\0'; p++)
		if (*p < '!' || *p > '~' || strchr("\"'\\#%*?!,", *p) != NULL)
			if (strchr(more, *p) == NULL)
				break;
	if (*s == '\0' || *p != '\0')
		return err_set(e, ERR_CONFIG, "%s '%s' can't be written into "
		    "an sshd_config", what, s);
	return 0;
}

static int
check(const struct oneshot_conf *c, struct err *e)
{
	size_t i;

	if (check_word("the user", c->user, "", e) == -1 ||
	    check_word("the path", c->host_key, "", e) == -1 ||
	    check_word("the key", c->login_key, " ", e) == -1)
		return -1;
	for (i = 0; i < c->peers->n; i++)
		if (check_word("the address", c->peers->v[i], "%", e) == -1)
			return -1;
	for (i = 0; c->command[i] != '\0'; i++)
		if ((unsigned char)c->command[i] < ' ' ||
		    c->command[i] == 0x7f)
			return err_set(e, ERR_CONFIG, "a control character in "
			    "the command");
	return 0;
}

int
oneshot_conf_emit(const struct oneshot_conf *c, struct buf *out,
    struct err *e)
{
	size_t i;
	int rc;

	if (check(c, e) == -1)
		return -1;
	rc = buf_adds(out, fixed);
	rc |= buf_addf(out, "HostKey %s\n", c->host_key);
	rc |= buf_addf(out, "AllowUsers %s\n", c->user);
	rc |= buf_addf(out, "AuthorizedKeysCommandUser %s\n", c->user);
	/* echo is what every system has that is root's and prints a line. */
	rc |= buf_adds(out, "AuthorizedKeysCommand /bin/echo restrict,from=");
	for (i = 0; i < c->peers->n; i++)
		rc |= buf_addf(out, "%s%s", i == 0 ? "\\\"" : ",",
		    c->peers->v[i]);
	rc |= buf_addf(out, "\\\" %s\n", c->login_key);
	rc |= buf_addf(out, "ForceCommand %s\n", c->command);
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "out of memory");
}
