/* SPDX-License-Identifier: ISC */
/*
 * The gateway's rows that go the whole way: in through its own sshd with a key
 * of the check's own, through the forced command and whatever connection it
 * takes, to the git server, gitolite and git; and no more once the key is gone.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check_priv.h"
#include "gitcheck.h"
#include "gitprog.h"
#include "keyline.h"
#include "setup_both.h"

#define SSHD	"/usr/sbin/sshd"
#define CANT_RUN 126		/* a shell's: a program that can't be run */
#define NOT_FOUND 127
#define PATH	4200
#define SAID_MAX ((size_t)1 << 20)

/* Where sshd listens, as this host reaches it. */
struct here {
	char address[64], port[8];
	struct buf dest;	/* ssh://USER@ADDRESS:PORT */
	struct buf name;	/* as known_hosts has it */
	struct buf known;
};

static int
no_mem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory");
}

/* The next line of sshd -T that begins with word and a blank, from *at on: what
 * follows; NULL: none. */
static const char *
next(const char **at, const char *word, size_t *ret_len)
{
	size_t n = strlen(word);
	const char *p, *nl;

	for (p = *at; *p != '\0'; p = *at) {
		nl = strchrnul(p, '\n');
		*at = nl + (*nl != '\0');
		if (strncmp(p, word, n) != 0 || p[n] != ' ')
			continue;
		*ret_len = (size_t)(nl - p) - n - 1;
		return p + n + 1;
	}
	return NULL;
}

/* "ADDRESS:PORT" or "[ADDRESS]:PORT", maybe with more behind a blank. */
static bool
listens(struct here *h, const char *at, size_t n)
{
	char text[128], *colon, *address = text;

	snprintf(text, sizeof(text), "%.*s", (int)n, at);
	text[strcspn(text, " ")] = '\0';
	colon = strrchr(text, ':');
	if (colon == NULL || colon == text)
		return false;
	*colon = '\0';
	if (*address == '[' && colon[-1] == ']') {
		address++;
		colon[-1] = '\0';
	}
	/* Any address of this host is one of them. */
	if (strcmp(address, "0.0.0.0") == 0)
		address = "127.0.0.1";
	else if (strcmp(address, "::") == 0)
		address = "::1";
	snprintf(h->address, sizeof(h->address), "%.63s", address);
	snprintf(h->port, sizeof(h->port), "%.7s", colon + 1);
	return true;
}

static int
names(struct here *h, const char *user, struct err *e)
{
	bool v6 = strchr(h->address, ':') != NULL;
	bool plain = strcmp(h->port, "22") == 0;

	return buf_addf(&h->dest, "ssh://%s@%s%s%s:%s", user, v6 ? "[" : "",
	    h->address, v6 ? "]" : "", h->port) == -1 ||
	    buf_addf(&h->name, plain ? "%s" : "[%s]:%s", h->address,
	    h->port) == -1 ? no_mem(e) : 0;
}

/* One that has no public half beside it is passed over. */
static int
host_key(struct here *h, const char *path, size_t n, struct err *e)
{
	char pub[PATH];
	struct buf text, key;
	int rc = 0;

	snprintf(pub, sizeof(pub), "%.*s.pub", (int)n, path);
	if (access(pub, R_OK) == -1)
		return 0;
	buf_init(&text, KEYLINE_MAX);
	buf_init(&key, KEYLINE_MAX);
	rc = step_read(pub, &text, e);
	if (rc == 0)
		rc = setup_keys_plain(pub, text.data, text.len, &key, e);
	if (rc == 0 && buf_addf(&h->known, "%s %s\n", h->name.data,
	    key.data) == -1)
		rc = no_mem(e);
	buf_clear(&text);
	buf_clear(&key);
	return rc;
}

/* What sshd says of itself. */
static int
find(struct here *h, const char *user, struct err *e)
{
	char spec[320];
	const char *argv[] = { SSHD, "-T", "-C", spec, NULL };
	const char *at, *p;
	struct buf said;
	size_t n;
	int rc;

	snprintf(spec, sizeof(spec), "user=%s,host=localhost,addr=127.0.0.1",
	    user);
	buf_init(&said, SAID_MAX);
	rc = step_run(argv, &said, e);
	at = said.data;
	if (rc == 0 && ((p = next(&at, "listenaddress", &n)) == NULL ||
	    !listens(h, p, n)))
		rc = err_set(e, ERR_CONFIG, "sshd -T does not say where it "
		    "listens");
	if (rc == 0)
		rc = names(h, user, e);
	at = said.data;
	while (rc == 0 && (p = next(&at, "hostkey", &n)) != NULL)
		rc = host_key(h, p, n, e);
	buf_clear(&said);
	return rc;
}

/* As each key's line has it. */
static int
proxy_path(const struct check *c, struct buf *out, struct err *e)
{
	const char *set = c->conf->gateway.proxy;

	if (set == NULL)
		return gitprog_path("postern-git-proxy", out, e);
	return buf_adds(out, set) == -1 ? no_mem(e) : 0;
}

static int
begin(struct check *c, struct err *e)
{
	struct here h = { .port = "" };
	struct buf proxy;
	int rc;

	buf_init(&c->dest, 512);
	buf_init(&h.dest, 512);
	buf_init(&h.name, 256);
	buf_init(&h.known, SAID_MAX);
	buf_init(&proxy, PATH);
	rc = proxy_path(c, &proxy, e);
	if (rc == 0)
		rc = find(&h, c->user.pw_name, e);
	if (rc == 0 && buf_adds(&c->dest, h.dest.data) == -1)
		rc = no_mem(e);
	if (rc == 0)
		rc = canary_begin_here(&c->canary, &c->user, proxy.data,
		    c->dest.data, &h.known, e);
	buf_clear(&h.dest);
	buf_clear(&h.name);
	buf_clear(&h.known);
	buf_clear(&proxy);
	return rc;
}

/* A login for 'info'; what is said of it stays in c->said. */
static int
login(struct check *c, struct err *e)
{
	int in;

	buf_clear(&c->said);
	in = canary_login(&c->canary, GITPROBE_C_INFO, &c->said, e);
	c->arrived = in != -1 && gitprobe_way(c->said.data, &c->way);
	return in;
}

/* The forced command is there for its user. */
static bool
proxy_runs(struct check *c, struct err *e)
{
	const char *words[] = { "test", "-x", NULL, NULL };
	struct buf path;
	bool runs = true;

	if (c->canary.status != CANT_RUN && c->canary.status != NOT_FOUND)
		return true;
	buf_init(&path, PATH);
	if (proxy_path(c, &path, NULL) == 0) {
		words[2] = path.data;
		runs = check_as_user(c, words, NULL, NULL) == 0;
	}
	if (!runs)
		err_wrap(e, "the forced command %s can't be run", path.data);
	buf_clear(&path);
	return runs;
}

static int
let_in(struct check *c, struct err *e)
{
	int in;

	if (!c->canary.begun && begin(c, e) == -1)
		return -1;
	in = login(c, e);
	c->in = in == CANARY_IN || in == CANARY_IN_FAILED;
	c->refused = in == CANARY_REFUSED;
	if (c->refused)
		err_set(e, ERR_PEER, "sshd here (%s) refused the key in "
		    GITCHECK_PATH, c->dest.data);
	if (c->in && !c->arrived && !proxy_runs(c, e))
		c->in = false;
	return c->in ? 0 : -1;
}

static int
through(struct check *c, struct err *e)
{
	int in = CANARY_IN;

	if (!c->in)
		return CHECK_NOT_TRIED;
	/* The first may have come too early after a set-up. */
	if (!c->arrived)
		in = login(c, e);
	if (c->arrived)
		return check_came(c, e);
	if (in == CANARY_IN)
		err_set(e, ERR_PEER, "the session ended well, and not at "
		    "the git server's postern-git-serve");
	return -1;
}

static int
another(struct check *c)
{
	check_note(c, "not here: another program than gitolite serves on the "
	    "git server");
	return CHECK_NOT_TRIED;
}

static int
answers(struct check *c, struct err *e)
{
	int in = CANARY_IN;

	if (!c->arrived)
		return CHECK_NOT_TRIED;
	if (!c->way.gitolite)
		return another(c);
	if (strstr(c->said.data, GITPROBE_GREETS) == NULL)
		in = login(c, e);
	if (strstr(c->said.data, GITPROBE_GREETS) != NULL)
		return 0;
	return in == CANARY_IN_FAILED ? -1 : err_set(e, ERR_PEER, "it did "
	    "not greet");
}

static int
version2(struct check *c, struct err *e)
{
	if (!c->arrived || !c->way.version2)
		return CHECK_NOT_TRIED;
	return c->way.gitolite ? check_version2(c, e) : another(c);
}

static int
gone(struct check *c, struct err *e)
{
	int in;

	if (!c->in)
		return CHECK_NOT_TRIED;
	canary_gone(&c->canary);
	in = login(c, e);
	return in <= CANARY_REFUSED ? in : err_set(e, ERR_PEER, "sshd here "
	    "(%s) let in a key that is gone", c->dest.data);
}

int
check_came(struct check *c, struct err *e)
{
	return c->way.ip && c->way.version2 ? 0 : err_set(e, ERR_PEER,
	    "of ip=ADDRESS, gitproto=version=2 came '%s'", c->way.shown);
}

int
check_version2(struct check *c, struct err *e)
{
	struct buf said;
	int in;

	buf_init(&said, SAID_MAX);
	in = canary_login(&c->canary, GITPROBE_C_GIT, &said, e);
	if (in == CANARY_REFUSED)
		err_set(e, ERR_PEER, "the key was refused meanwhile");
	else if (in == CANARY_IN && strstr(said.data, GITPROBE_V2) == NULL)
		in = err_set(e, ERR_PEER, "git did not answer in version 2");
	buf_clear(&said);
	return in == CANARY_IN ? 0 : -1;
}

const struct check_row check_here_rows[] = {
	{ "a key of this check's is let in by sshd here", let_in,
	    "postern git setup-gateway; where sshd takes nobody from this "
	    "host itself, nothing", .again = true },
	{ "its session comes to the git server, with address and protocol",
	    through, "what it says; postern git check on the git server",
	    .again = true },
	{ "gitolite answers it", answers, "what gitolite logged on the git "
	    "server, in ~/.gitolite/logs", .again = true },
	{ "git answers in version 2 of its protocol", version2,
	    "postern git check on the git server" },
	{ "the key is refused once it is gone", gone,
	    "postern git setup-gateway" },
	{ NULL }
};
