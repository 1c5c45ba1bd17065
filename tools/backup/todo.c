/* SPDX-License-Identifier: ISC */
#include "todo.h"

int
todo_init(struct todo *t, struct err *e)
{
	if (catalog_exec(t->cat, "CREATE TEMP TABLE IF NOT EXISTS todo("
	    "path TEXT PRIMARY KEY, gone INTEGER) WITHOUT ROWID;"
	    "DELETE FROM temp.todo;", e) == -1 ||
	    catalog_prepare(t->cat, "INSERT INTO temp.todo VALUES(?1,?2)",
	    &t->push, e) == -1 ||
	    catalog_prepare(t->cat, "SELECT path,gone FROM temp.todo"
	    " ORDER BY path LIMIT 1", &t->pop, e) == -1 ||
	    catalog_prepare(t->cat, "DELETE FROM temp.todo WHERE path=?1",
	    &t->drop, e) == -1)
		return -1;
	return 0;
}

void
todo_clear(struct todo *t)
{
	sqlite3_finalize(t->push);
	sqlite3_finalize(t->pop);
	sqlite3_finalize(t->drop);
	*t = (struct todo){ 0 };
}

int
todo_push(struct todo *t, const char *path, bool gone, struct err *e)
{
	sqlite3_bind_text(t->push, 1, path, -1, SQLITE_STATIC);
	sqlite3_bind_int(t->push, 2, gone);
	return catalog_run(t->cat, t->push, e);
}

int
todo_pop(struct todo *t, struct buf *path, bool *ret_gone, struct err *e)
{
	const void *p;
	int more, rc = 0;

	more = catalog_step(t->cat, t->pop, e);
	if (more == 1) {
		p = sqlite3_column_text(t->pop, 0);
		path->len = 0;
		if (p == NULL || buf_adds(path, p) == -1)
			rc = err_set(e, ERR_MEM, "out of memory");
		*ret_gone = sqlite3_column_int(t->pop, 1) != 0;
	}
	sqlite3_reset(t->pop);
	if (more != 1 || rc == -1)
		return rc == -1 ? -1 : more;
	sqlite3_bind_text(t->drop, 1, path->data, (int)path->len,
	    SQLITE_STATIC);
	return catalog_run(t->cat, t->drop, e) == -1 ? -1 : 1;
}
