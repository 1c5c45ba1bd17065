/* SPDX-License-Identifier: ISC */
#include "gate.h"

#include <stdbool.h>

#include "base/esc.h"

static const char *const head[] = { "rsync", "--server", "--sender" };
#define NHEAD	(sizeof(head) / sizeof(head[0]))

/* The cluster's letters, in the order that rsync writes them. */
static const struct { char letter; int min, max; } cluster[] = {
	{ 'v', 0, 2 }, { 'n', 0, 1 }, { 'l', 1, 1 }, { 'd', 0, 1 },
	{ 'W', 0, 1 },
	{ 'H', 0, 2 }, { 'o', 1, 1 }, { 'g', 1, 1 }, { 'D', 1, 1 },
	{ 't', 1, 1 }, { 'U', 0, 2 }, { 'p', 1, 1 }, { 'A', 0, 1 },
	{ 'X', 0, 2 }, { 'r', 0, 1 }, { 'c', 0, 1 }, { 'I', 0, 1 },
	{ 'R', 0, 1 }, { 'x', 0, 2 }, { 'S', 0, 1 }, { 'z', 0, 1 },
	{ 'e', 1, 1 }, { '.', 1, 1 },
};
#define NCLUSTER	(sizeof(cluster) / sizeof(cluster[0]))

/* What the receiver can do, behind "e.". */
static const char talents[] = "iLsfxCIvu";
#define TALENTS_MAX	12

static const char *const compressors[] = { "zstd", "lz4", "zlibx", "zlib",
	"none", NULL };
static const char *const checksums[] = { "xxh128", "xxh3", "xxh64", "md5",
	NULL };

/* Without words and digits_max: no value. */
static const struct option {
	const char *name;
	const char *const *words;	/* the value is one of them, */
	bool pair;			/* or two with a comma between */
	size_t digits_max;		/* the value is a number */
	bool sign;			/* '-' may stand in front */
	bool positive;			/* it begins with 1 to 9 */
} options[] = {
	{ "--numeric-ids" },		/* the first: it must be there */
	{ "--inplace" }, { "--list-only" }, { "--specials" },
	{ "--no-specials" }, { "--open-noatime" }, { "--new-compress" },
	{ "--old-compress" },
	{ "--compress-level", .digits_max = 6, .sign = true },
	{ "--compress-choice", .words = compressors },
	{ "--checksum-seed", .digits_max = 10 },
	{ "--checksum-choice", .words = checksums, .pair = true },
	{ "--timeout", .digits_max = 5, .positive = true },
	{ "--bwlimit", .digits_max = 9, .positive = true },
};
#define NOPTIONS	(sizeof(options) / sizeof(options[0]))

/* A refusal that shows word, escaped. */
static int
refuse(struct err *e, const char *word, const char *why)
{
	struct buf shown;

	buf_init(&shown, 1024);
	if (esc_text(&shown, word, strnlen(word, 100)) == -1)
		buf_clear(&shown);
	err_set(e, ERR_REFUSED, "refused: '%s' %s", shown.data, why);
	buf_clear(&shown);
	return -1;
}

/* What a person wants to know about some letters. */
static const char *
letter_why(char c)
{
	switch (c) {
	case 's':
		return "hides the real arguments on stdin (-s)";
	case 'L':
	case 'k':
		return "would follow symlinks out of the roots (-L, -k)";
	case 'C':
		return "would read files with rules (-C)";
	default:
		return "is not the -logDtpr… of a receiver of ours (its "
		    "letters, their order or number)";
	}
}

static int
check_cluster(const char *word, bool listed, bool *ret_relative,
    struct err *e)
{
	const char *s = word;
	size_t i;
	int n;

	if (*s++ != '-' || *s == '-')
		return refuse(e, word, "stands where rsync's letters must");
	*ret_relative = false;
	for (i = 0; i < NCLUSTER; i++) {
		for (n = 0; n < cluster[i].max && *s == cluster[i].letter; n++)
			s++;
		if (n < cluster[i].min || (cluster[i].letter == 'd' &&
		    n != listed) || (cluster[i].letter == 'r' && n == listed))
			return refuse(e, word, letter_why(*s));
		if (cluster[i].letter == 'R' && n > 0)
			*ret_relative = true;
	}
	if (strspn(s, talents) != strlen(s) || strlen(s) > TALENTS_MAX)
		return refuse(e, word, "ends in what no receiver of ours can "
		    "do (behind e.)");
	return 0;
}

static bool
is_word(const char *const *words, const char *s, size_t len)
{
	for (; *words != NULL; words++)
		if (strlen(*words) == len && memcmp(*words, s, len) == 0)
			return true;
	return false;
}

static bool
value_ok(const struct option *o, const char *s)
{
	size_t n;

	if (o->words != NULL) {
		n = strcspn(s, o->pair ? "," : "");
		return is_word(o->words, s, n) && (s[n] == '\0' ||
		    is_word(o->words, s + n + 1, strlen(s + n + 1)));
	}
	if (o->sign && *s == '-')
		s++;
	n = strspn(s, "0123456789");
	return n >= 1 && n <= o->digits_max && s[n] == '\0' &&
	    !(o->positive && *s == '0');
}

static int
check_option(const char *word, bool *seen, struct err *e)
{
	const struct option *o;
	size_t i, n = strcspn(word, "=");

	for (i = 0; i < NOPTIONS; i++)
		if (strlen(options[i].name) == n &&
		    memcmp(options[i].name, word, n) == 0)
			break;
	if (i == NOPTIONS)
		return refuse(e, word, strncmp(word, "--", 2) == 0 ?
		    "is not among the options that are let through" :
		    "stands where a long option or '.' must");
	o = &options[i];
	if (o->words == NULL && o->digits_max == 0) {
		if (word[n] != '\0')
			return refuse(e, word, "has a value where none is "
			    "known");
	} else if (word[n] == '\0' || !value_ok(o, word + n + 1)) {
		return refuse(e, word, "has a value that is not let through");
	}
	if (seen[i])
		return refuse(e, word, "comes twice");
	seen[i] = true;
	return 0;
}

static int
check_paths(const struct strv *argv, size_t at, const struct strv *roots,
    bool relative, struct err *e)
{
	size_t i, j;

	if (at == argv->n)
		return err_set(e, ERR_REFUSED, "refused: the command names no "
		    "path");
	for (i = at; i < argv->n; i++) {
		if (!strv_has(roots, argv->v[i]))
			return refuse(e, argv->v[i], "is not a root, byte by "
			    "byte");
		for (j = at; j < i; j++)
			if (strcmp(argv->v[i], argv->v[j]) == 0)
				return refuse(e, argv->v[i], "comes twice");
	}
	if (argv->n - at > 1 && !relative)
		return err_set(e, ERR_REFUSED, "refused: more than one path, "
		    "and no -R that keeps them apart");
	return 0;
}

int
gate_check(const struct strv *argv, const struct strv *roots, bool listed,
    struct err *e)
{
	bool seen[NOPTIONS] = { false }, relative = false;
	size_t i;

	for (i = 0; i < NHEAD; i++) {
		if (i == argv->n)
			return err_set(e, ERR_REFUSED, "refused: the command "
			    "is cut before '%s'", head[i]);
		if (strcmp(argv->v[i], head[i]) != 0)
			return refuse(e, argv->v[i], i == 0 ?
			    "is not rsync" : i == 1 ?
			    "is not --server: only an rsync that serves runs" :
			    "is not --sender: an rsync that would write");
	}
	if (i == argv->n)
		return err_set(e, ERR_REFUSED, "refused: the command is cut "
		    "before rsync's letters");
	if (check_cluster(argv->v[i++], listed, &relative, e) == -1)
		return -1;
	for (; i < argv->n && strcmp(argv->v[i], ".") != 0; i++)
		if (check_option(argv->v[i], seen, e) == -1)
			return -1;
	if (i == argv->n)
		return err_set(e, ERR_REFUSED, "refused: the command has no "
		    "'.' before its paths");
	if (!seen[0])
		return err_set(e, ERR_REFUSED, "refused: %s is missing",
		    options[0].name);
	return check_paths(argv, i + 1, roots, relative, e);
}

int
gate_parse(const char *cmd, size_t len, const struct strv *roots,
    struct strv *ret_argv, struct err *e)
{
	struct strv argv = { .max = GATE_MAX };

	if (gate_split(cmd, len, &argv, e) == -1 ||
	    gate_check(&argv, roots, false, e) == -1) {
		strv_clear(&argv);
		return -1;
	}
	*ret_argv = argv;
	return 0;
}
