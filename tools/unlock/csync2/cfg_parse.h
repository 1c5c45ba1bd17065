/* SPDX-License-Identifier: ISC */
/*
 * cfg_parse: what the two halves of csync2.cfg's grammar share. Internal to
 * cfg: cfg_parse.c holds the top level, cfg_group.c what stands in a group.
 * All functions return 0, or -1 with *p->e filled.
 */
#ifndef POSTERN_CFG_PARSE_H
#define POSTERN_CFG_PARSE_H

#include "cfg_lex.h"

enum cfg_want { CFG_WANT_MARK, CFG_WANT_WORD, CFG_WANT_STATEMENT };

struct cfg_parser {
	struct cfg_lex lex;
	struct cfg_tok tok;	/* the lookahead */
	struct cfg *cfg;
	struct err *e;
	size_t stack;
	unsigned anonymous;	/* groups without a name so far */
	const struct cfg_at *open;	/* where the open block began */
	const char *what;		/* and what it is */
};

bool cfg_parse_is_mark(const struct cfg_parser *p, char mark);
bool cfg_parse_is_word(const struct cfg_parser *p, enum cfg_word word);

/* cfg_parse_push(): csync2's parser would add a symbol to its stack here. */
int cfg_parse_push(struct cfg_parser *p);

/* cfg_parse_next(): on to the next token, which csync2 pushes as well. */
int cfg_parse_next(struct cfg_parser *p);

/* cfg_parse_take(): *ret becomes a copy of the word that stands here, owned
 * by the caller also when -1 is returned; an older *ret is freed. */
int cfg_parse_take(struct cfg_parser *p, char **ret);

/* cfg_parse_expect(), cfg_parse_expect_word(): this mark or any word must
 * stand here, else the message names what was wanted. */
int cfg_parse_expect(struct cfg_parser *p, char mark, const char *wanted);
int cfg_parse_expect_word(struct cfg_parser *p, char **ret,
	const char *wanted);

/*
 * cfg_parse_unexpected(): "FILE:LINE: 'x' where WANTED was expected" and
 * what probably went wrong, by what was wanted. Returns -1.
 */
int cfg_parse_unexpected(struct cfg_parser *p, const char *wanted,
	enum cfg_want want);
int cfg_parse_no_memory(struct cfg_parser *p);

/* cfg_parse_group(): "group NAME { ... }". */
int cfg_parse_group(struct cfg_parser *p);

#endif
