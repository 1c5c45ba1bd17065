/* SPDX-License-Identifier: ISC */
/*
 * cfg_lex: the words of csync2.cfg, across included files ("config FILE;"
 * yields no token: the lexer steps into the file by itself). Internal to
 * cfg; the calling sequence is cfg_lex_open(), cfg_lex_next() until
 * CFG_TOK_END, cfg_lex_close().
 *
 * Bounds: 1 MiB a file, 16 MiB and 4096 files in all, 10 files deep.
 */
#ifndef POSTERN_CFG_LEX_H
#define POSTERN_CFG_LEX_H

#include "cfg.h"

#define CFG_FILE_MAX (1u << 20)		/* bytes in one file */
#define CFG_TOTAL_MAX (16u << 20)	/* bytes in all files */
#define CFG_FILES_MAX 4096u		/* files, counted at each inclusion */
#define CFG_DEPTH_MAX 10		/* csync2's own limit */

enum cfg_tok_kind {
	CFG_TOK_END,		/* no more files */
	CFG_TOK_WORD,		/* a bare or quoted word */
	CFG_TOK_RESERVED,	/* .word says which */
	CFG_TOK_MARK,		/* one of { } ( ) ; : @ in .mark */
};

enum cfg_word {
	CFG_W_ACTION, CFG_W_AUTO, CFG_W_BACKUP_DIR, CFG_W_BACKUP_GEN,
	CFG_W_COMPARE, CFG_W_CONFIG, CFG_W_DATABASE, CFG_W_DO_LOCAL,
	CFG_W_DO_LOCAL_ONLY, CFG_W_EXCLUDE, CFG_W_EXEC, CFG_W_GROUP,
	CFG_W_HOST, CFG_W_IGNORE, CFG_W_INCLUDE, CFG_W_KEY,
	CFG_W_LOCK_TIMEOUT, CFG_W_LOGFILE, CFG_W_NO_CYGWIN, CFG_W_NOSSL,
	CFG_W_ON, CFG_W_PATTERN, CFG_W_PREFIX, CFG_W_TEMPDIR,
};

struct cfg_tok {
	enum cfg_tok_kind kind;
	enum cfg_word word;
	char mark;
	const char *text;	/* borrowed until the next cfg_lex_next() */
	size_t len;		/* bytes of text, a NUL among them counts */
	struct cfg_at at;	/* where it begins */
	unsigned quote_end;	/* the line a quoted word ends in, else 0 */
};

struct cfg_lex_file {
	struct buf text;
	size_t pos;
	unsigned line;
	const char *name;	/* borrowed from files */
};

struct cfg_lex {
	int (*load)(void *arg, const char *name, struct buf *out,
		struct err *e);
	void *arg;
	struct strv *files;	/* borrowed; each file read is added */
	struct cfg_lex_file stack[1 + CFG_DEPTH_MAX];
	size_t depth;		/* files open */
	size_t total;		/* bytes read so far */
	enum { CFG_LEX_PLAIN, CFG_LEX_QUOTE, CFG_LEX_CONFIG } state;
	struct cfg_at quote_at;	/* where the open quote began */
	struct cfg_at unclosed;	/* the quote that a file ended in, or NULL, 0 */
};

/*
 * cfg_lex_open(): start with the file name. load, arg and files are borrowed
 * until cfg_lex_close(). 0, or -1: what load says, ERR_CONFIG, ERR_MEM.
 */
int cfg_lex_open(struct cfg_lex *l, const char *name,
	int (*load)(void *arg, const char *name, struct buf *out,
	struct err *e), void *arg, struct strv *files, struct err *e);

/* cfg_lex_next(): the next token. 0, or -1 as cfg_lex_open(). */
int cfg_lex_next(struct cfg_lex *l, struct cfg_tok *ret, struct err *e);

void cfg_lex_close(struct cfg_lex *l);

#endif
