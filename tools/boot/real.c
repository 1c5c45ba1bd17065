/* SPDX-License-Identifier: ISC */
#include "real.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "proc/child.h"
#include "sshsaid.h"
#include "sys/file.h"
#include "ui/log.h"

#define PINS_MAX (1u << 20)

struct real {
	struct real_spec spec;
	struct child *child;
	int fd;				/* what ssh takes for its agent */
	struct loop_fd *watch;
	struct sockaddr_un at;
	struct sshsaid said;
	bool asked;			/* ssh turned to its agent */
	bool boot;			/* it named a key of the initramfs' */
};

int
real_enter(struct buf *dir, struct err *e)
{
	const char *run = getenv("XDG_RUNTIME_DIR");

	/* ssh reads ~, % and $ in it. */
	if (run == NULL || run[0] != '/' || strlen(run) > 40 ||
	    run[strcspn(run, "~%$\"\\ \t\n")] != '\0')
		run = "/tmp";
	if (buf_addf(dir, "%s/postern-boot.XXXXXX", run) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	if (mkdtemp(dir->data) != NULL)
		return 0;
	err_sys(e, "%s", dir->data);
	buf_clear(dir);
	return -1;
}

void
real_leave(struct buf *dir)
{
	if (dir->len > 0 && rmdir(dir->data) == -1)
		log_debug("%s: %s", dir->data, strerror(errno));
	buf_clear(dir);
}

static int
listen_at(struct real *r, struct err *e)
{
	int n;

	r->at.sun_family = AF_UNIX;
	n = snprintf(r->at.sun_path, sizeof(r->at.sun_path), "%s/%zu",
	    r->spec.dir, r->spec.index);
	if (n < 0 || (size_t)n >= sizeof(r->at.sun_path))
		return err_set(e, ERR_CONFIG, "%s: too long a path",
		    r->spec.dir);
	r->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (r->fd == -1 || bind(r->fd, (const struct sockaddr *)&r->at,
	    sizeof(r->at)) == -1 || listen(r->fd, 1) == -1)
		return err_sys(e, "%s", r->at.sun_path);
	return 0;
}

/* Where ssh would go for the initramfs' port, it has to be told another. */
static int
add_port(const struct boot_host *h, struct strv *out)
{
	const char *colon = strrchr(h->dest, ':'), *end = strrchr(h->dest, ']');

	if (h->real_port != 0)
		return strv_addf(out, "Port=%" PRIu64, h->real_port);
	if (strncmp(h->dest, "ssh://", 6) != 0 || colon == NULL ||
	    colon[1] == '/' || (end != NULL && colon < end))
		return 0;
	return strv_add(out, "Port=22");
}

static int
options(const struct real *r, struct strv *out, struct err *e)
{
	/* ssh takes the first: none of a configuration's, but for those that
	 * say where the host is and which keys it has. */
	static char *const fixed[] = {
		"ControlPath=none", "ControlMaster=no", "UpdateHostKeys=no",
		"PreferredAuthentications=publickey",
		"PubkeyAuthentication=yes", "PKCS11Provider=none",
		"AddKeysToAgent=no", "LogLevel=DEBUG1",
		"FingerprintHash=sha256", NULL
	};
	const struct boot_host *h = r->spec.host;
	int rc;

	rc = strv_addv(out, fixed);
	if (rc == 0)
		rc = strv_addf(out, "IdentityAgent=%s", r->at.sun_path);
	if (rc == 0)
		rc = add_port(h, out);
	if (rc == 0 && h->real_known_hosts != NULL)
		rc = strv_addf(out, "UserKnownHostsFile=\"%s\"",
		    h->real_known_hosts);
	if (rc == 0 && h->real_known_hosts != NULL)
		rc = strv_add(out, "GlobalKnownHostsFile=none");
	if (rc == 0 && h->real_known_hosts != NULL)
		rc = strv_add(out, "KnownHostsCommand=none");
	if (rc == 0 && r->spec.o->ssh_options.n > 0)
		rc = strv_addv(out, r->spec.o->ssh_options.v);
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "out of memory");
}

static int
argv_of(const struct real *r, struct strv *out, struct err *e)
{
	const struct boot_opts *o = r->spec.o;
	struct strv v = { .n = 0 };
	struct sshargv_opts so = { .program = o->ssh, .config = o->ssh_config,
	    .user = r->spec.host->user, .options = &v,
	    .connect_timeout_s = (unsigned)((o->connect_ms + 999) / 1000) };
	int rc;

	rc = options(r, &v, e);
	if (rc == 0)
		rc = sshargv_build(&so, r->spec.host->dest, "true", out, e);
	strv_clear(&v);
	return rc;
}

/* Whether it is the initramfs that still answers. */
static bool
is_boot(const struct real *r, const struct bootpins_seen *s)
{
	struct buf text;
	bool is;

	if (s->shown[0] == '\0')
		return false;
	buf_init(&text, PINS_MAX);
	is = file_read(r->spec.pins, &text, NULL) == 0 &&
	    bootpins_has(text.data, s->shown);
	buf_clear(&text);
	return is;
}

static void
end(struct real *r, enum real_word word, struct buf *why)
{
	struct real_end re = { .word = word };

	snprintf(re.why, sizeof(re.why), "%s", why != NULL ? why->data : "");
	if (why != NULL)
		buf_clear(why);
	/* r may be gone thereafter. */
	r->spec.on_end(r->spec.arg, &re);
}

static void
on_agent(void *arg, int fd, short revents)
{
	struct real *r = arg;

	(void)fd;
	(void)revents;
	loop_fd_free(r->watch);
	r->watch = NULL;
	r->asked = true;
	/* Which key it was is written already, but perhaps not read: it is
	 * once ssh has ended. */
	child_kill(r->child, SIGKILL);
}

static void
on_line(void *arg, enum child_stream stream, const char *line, size_t len,
    bool cut)
{
	struct bootpins_seen one = { .line = 0 };
	struct real *r = arg;

	(void)len;
	(void)cut;
	if (stream != CHILD_STDERR)
		return;
	log_debug("%s: %s", r->spec.host->name, line);
	sshsaid_note(&r->said, line, false);
	/* A peer's words may look like such a line, but keep none away. */
	bootpins_see(&one, line);
	r->boot = r->boot || is_boot(r, &one);
}

/* ssh knows the key. But whoever logged into the initramfs by a plain ssh has
 * that one among the real system's. */
static void
accepted(struct real *r)
{
	struct buf b;

	if (!r->boot && r->said.seen.shown[0] != '\0') {
		end(r, REAL_UP, NULL);
		return;
	}
	buf_init(&b, 1000);
	(void)buf_adds(&b, r->boot ? "the initramfs' sshd answers" :
	    "ssh doesn't say which host key answers");
	end(r, r->boot ? REAL_BOOT : REAL_AGAIN, &b);
}

static void
on_end(void *arg, const struct child_end *ce)
{
	struct real *r = arg;
	char status[64];
	struct buf b;

	if (r->asked) {
		accepted(r);
		return;
	}
	buf_init(&b, 1000);
	if (r->said.fail < SSHFAIL_HOSTKEY_UNKNOWN) {
		child_why(ce->status, status, sizeof(status));
		if (r->said.fail == SSHFAIL_DENIED)
			(void)buf_adds(&b, "it takes no public keys, so that "
			    "can't be told: ");
		else if (r->said.fail != SSHFAIL_OTHER)
			(void)buf_addf(&b, "%s: ",
			    sshargv_failname(r->said.fail));
		(void)buf_adds(&b, ce->timed_out ? "no answer in time" :
		    r->said.words[0] != '\0' ? r->said.words : status);
		end(r, REAL_AGAIN, &b);
		return;
	}
	if (is_boot(r, &r->said.seen)) {
		(void)buf_adds(&b, "the initramfs' sshd answers");
		end(r, REAL_BOOT, &b);
		return;
	}
	if (r->said.fail == SSHFAIL_HOSTKEY_CHANGED) {
		(void)buf_adds(&b, "its own host key changed: known ");
		sshsaid_keys(&r->said, NULL, &b);
		(void)buf_adds(&b, ". Somebody may answer in its place");
		end(r, REAL_KEY, &b);
		return;
	}
	(void)buf_addf(&b, "its own host key is not known: it shows %s. If "
	    "that is its key, put it into %s", r->said.seen.shown[0] != '\0' ?
	    r->said.seen.shown : "one",
	    r->spec.host->real_known_hosts != NULL ?
	    r->spec.host->real_known_hosts : "known_hosts");
	end(r, REAL_UNKNOWN, &b);
}

struct real *
real_start(struct loop *l, const struct real_spec *s, struct err *e)
{
	struct real *r = calloc(1, sizeof(*r));
	struct strv argv = { .n = 0 };
	struct child_spec cs = {
		.io = { CHILD_NULL, CHILD_NULL, CHILD_PIPE },
		.own_group = true,
		.timeout_ms = s->o->connect_ms,
		.on_line = on_line,
		.on_end = on_end,
		.arg = r,
	};

	if (r == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	r->spec = *s;
	r->fd = -1;
	if (listen_at(r, e) == -1 || argv_of(r, &argv, e) == -1)
		goto fail;
	r->watch = loop_fd_new(l, r->fd, POLLIN, on_agent, r, e);
	if (r->watch == NULL)
		goto fail;
	cs.argv = argv.v;
	r->child = child_start(l, &cs, e);
	if (r->child == NULL)
		goto fail;
	strv_clear(&argv);
	return r;
fail:
	strv_clear(&argv);
	real_free(r);
	return NULL;
}

void
real_free(struct real *r)
{
	if (r == NULL)
		return;
	child_free(r->child);
	loop_fd_free(r->watch);
	if (r->fd != -1)
		close(r->fd);
	if (r->fd != -1 && r->at.sun_path[0] != '\0')
		unlink(r->at.sun_path);
	free(r);
}
