/* SPDX-License-Identifier: ISC */
/*
 * postern NAME ...: runs LIBEXECDIR/postern-NAME, or TREE/tools/NAME/
 * postern-NAME when this program itself lies in a build tree. It never
 * searches PATH for a command: what runs is what was installed beside it.
 */
#include <errno.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/strv.h"
#include "ui/log.h"
#include "ui/opt.h"

static const struct command {
	const char *name, *summary;
} commands[] = {
	{ "unlock", "one-time keys for csync2 groups, while a sync runs" },
	{ "backup", "one read-only rsync of one host, on its own request" },
	{ "git", "one git command as one gitolite user, through a gateway" },
	{ "boot", "a passphrase to the prompt of a server's initramfs" },
	{ "tunnel", "a forwarded port while a lock is held" },
	{ "mount", "a remote folder with a cache, while a lock is held" },
	{ "chroot", "a whole Linux with sshd beside Android, from boot" },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* Names that people knew a command under before. */
static const struct alias {
	const char *name, *command;
	const char *words[4];	/* in front of the operands; NULL-ended */
} aliases[] = {
	{ "csync2_unlocker", "unlock", { "--hold" } },
};
#define ALIASES (sizeof(aliases) / sizeof(aliases[0]))

static const char *const usage[] = {
	"postern NAME [OPTION ...] [OPERAND ...]",
	"postern help [NAME]",
	NULL,
};
static const struct opt_row rows[] = { { 0 } };
static const struct opt_cmd cmd = { "postern", usage,
	"Opens access over OpenSSH for the moment and the purpose it is for.",
	rows };

static bool
name_ok(const char *s)
{
	return *s >= 'a' && *s <= 'z' &&
	    s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

/*
 * The folder of a build tree that this program was started from; out stays
 * empty when it was not. A folder that everyone may write (a copy in /tmp)
 * doesn't count: there, the tools could be anybody's.
 */
static int
find_tree(struct buf *out)
{
	char path[4096];
	struct stat st;
	ssize_t n;
	char *slash;

	n = readlink("/proc/self/exe", path, sizeof(path));
	if (n <= 0 || (size_t)n >= sizeof(path))
		return 0;
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (slash == NULL || slash == path)
		return 0;
	*slash = '\0';
	if (stat(path, &st) == -1 || (st.st_mode & S_IWOTH) != 0)
		return 0;
	n = (ssize_t)strlen(path);
	if ((size_t)n + sizeof("/meson-private") > sizeof(path))
		return 0;
	memcpy(path + n, "/meson-private", sizeof("/meson-private"));
	if (stat(path, &st) == -1 || !S_ISDIR(st.st_mode))
		return 0;
	return buf_add(out, path, (size_t)n);
}

/* Sets *out to the program for name, in the tree or where it was installed. */
static int
find_program(const struct buf *tree, const char *name, struct buf *out)
{
	buf_clear(out);
	if (tree->len > 0)
		return buf_addf(out, "%s/tools/%s/postern-%s", tree->data, name,
		    name);
	return buf_addf(out, LIBEXECDIR "/postern-%s", name);
}

/* Whether the program for name is there; its path in out. */
static bool
have(const struct buf *tree, const char *name, struct buf *out)
{
	return find_program(tree, name, out) == 0 &&
	    access(out->data, X_OK) == 0;
}

/* 0, or 1 when what was printed did not get through. */
static int
printed(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	log_error("standard output: %s", strerror(errno));
	return err_exit(ERR_SYS);
}

/* --help: usage, and the commands that are there. */
static int
list(const struct buf *tree)
{
	struct buf path;
	size_t i, n = 0;

	buf_init(&path, 8192);
	opt_help(&cmd, stdout);
	fputs("\ncommands:\n", stdout);
	for (i = 0; i < COMMANDS; i++) {
		if (!have(tree, commands[i].name, &path))
			continue;
		printf("  %-10s %s\n", commands[i].name, commands[i].summary);
		n++;
	}
	if (n == 0)
		fputs("  none is installed here\n", stdout);
	fputs("\n'postern help NAME' shows a command's manual, "
	    "'postern NAME --help' its options.\n", stdout);
	buf_clear(&path);
	return printed();
}

/* Says that name is no command, and which one was meant. */
static int
unknown(const struct buf *tree, const char *name)
{
	const char *names[COMMANDS + 1], *near;
	struct buf path;
	size_t i, n = 0;

	buf_init(&path, 8192);
	for (i = 0; i < COMMANDS; i++)
		if (have(tree, commands[i].name, &path))
			names[n++] = commands[i].name;
	names[n++] = "help";
	for (i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			break;
	near = opt_near(name, names, n);
	if (i < COMMANDS)
		log_error("'%s' is not installed here: no %s", name,
		    find_program(tree, name, &path) == 0 ? path.data : "room");
	else if (near != NULL)
		log_error("unknown command '%s'; did you mean '%s'?", name,
		    near);
	else
		log_error("unknown command '%s'; 'postern help' lists them",
		    name);
	buf_clear(&path);
	return err_exit(ERR_USAGE);
}

/* Becomes the command; returns only when that failed. words and operands:
 * NULL-ended, words may be NULL. */
static int
run(const struct buf *tree, const char *name, char *const *words,
	char *const *operands)
{
	struct strv argv = { 0 };
	struct buf path;
	int rc;

	buf_init(&path, 8192);
	if (!name_ok(name) || !have(tree, name, &path)) {
		rc = unknown(tree, name);
		goto out;
	}
	rc = err_exit(ERR_SYS);
	if (strv_addf(&argv, "postern-%s", name) == -1 ||
	    (words != NULL && strv_addv(&argv, words) == -1) ||
	    strv_addv(&argv, operands) == -1) {
		log_error("out of memory, or too many words");
		goto out;
	}
	execv(path.data, argv.v);
	log_error("%s: %s", path.data, strerror(errno));
out:
	strv_clear(&argv);
	buf_clear(&path);
	return rc;
}

/* The manual page of a command (NULL: of postern itself). */
static int
manual(const struct buf *tree, const char *name)
{
	static const char *const folders[] = { "man", "../man" };
	const char *dash = name != NULL ? "-" : "";
	const char *argv[] = { "man", NULL, NULL };
	struct buf page, path;
	size_t i;
	int rc = err_exit(ERR_SYS);

	buf_init(&page, 8192);
	buf_init(&path, 8192);
	if (name != NULL && (!name_ok(name) || !have(tree, name, &path))) {
		rc = unknown(tree, name);
		goto out;
	}
	for (i = 0; i < 2 && tree->len > 0 && page.len == 0; i++) {
		if (buf_addf(&page, "%s/%s/postern%s%s.1", tree->data,
		    folders[i], dash, name != NULL ? name : "") == -1 ||
		    access(page.data, R_OK) == -1)
			buf_clear(&page);
	}
	if (page.len == 0)
		(void)buf_addf(&page, "postern%s%s", dash,
		    name != NULL ? name : "");
	argv[1] = page.data;
	execvp("man", (char *const *)argv);
	log_error("man: %s; 'postern %s --help' lists the options",
	    strerror(errno), name != NULL ? name : "");
out:
	buf_clear(&page);
	buf_clear(&path);
	return rc;
}

static int
remember(void *arg, int id, const char *value, struct err *e)
{
	(void)value;
	(void)e;
	*(int *)arg = id;
	return 0;
}

/* postern as itself: its options, help, or a command. */
static int
dispatch(const struct buf *tree, int argc, char **argv)
{
	struct err e = ERR_INIT;
	int first, dashes, asked = 0;
	const char *name;

	if (opt_parse(&cmd, argc, argv, 1, remember, &asked, &first, &dashes,
	    &e) == -1)
		return log_err(&e);
	if (asked == OPT_HELP || (asked == 0 && first == argc))
		return list(tree);
	if (asked != 0) {
		(void)opt_answer(&cmd, asked, VERSION, stdout);
		return printed();
	}
	name = argv[first++];
	if (strcmp(name, "help") == 0) {
		if (first == argc)
			return list(tree);
		name = argv[first];
		if (strcmp(name, "postern") == 0 || strcmp(name, "help") == 0)
			name = NULL;
		return manual(tree, name);
	}
	if (argc - first == 1 && strcmp(argv[first], "help") == 0)
		return manual(tree, name);
	return run(tree, name, NULL, argv + first);
}

int
main(int argc, char **argv)
{
	const char *self = argc > 0 ? argv[0] : "postern";
	const char *slash = strrchr(self, '/');
	struct buf tree;
	size_t i;
	int rc;

	buf_init(&tree, 4096);
	setlocale(LC_CTYPE, "");
	log_open("postern", LOG_LVL_INFO);
	if (find_tree(&tree) == -1) {
		log_error("the path of this program is too long");
		return err_exit(ERR_SYS);
	}
	self = slash != NULL ? slash + 1 : self;
	for (i = 0; i < ALIASES; i++)
		if (strcmp(aliases[i].name, self) == 0)
			break;
	if (i < ALIASES)
		rc = run(&tree, aliases[i].command,
		    (char *const *)aliases[i].words, argv + 1);
	else
		rc = dispatch(&tree, argc, argv);
	buf_clear(&tree);
	return rc;
}
