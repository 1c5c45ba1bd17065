/* SPDX-License-Identifier: ISC */
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "catalog_sql.h"
#include "todo.h"
#include "walk.h"

#define PATH_BYTES_MAX	(1u << 20)

/* The rows of one folder, one name at a time. */
struct rows {
	struct catalog_row prev, next;	/* of the name at hand */
	bool has_prev, has_next, one;	/* one: prev is next */
	bool any;			/* there is a name at hand */
	struct catalog_row ahead;	/* the row behind it */
	bool has_ahead;
};

struct run {
	const struct tree *t;
	struct todo todo;
	sqlite3_stmt *find_dir, *make_dir, *rows_of;
	struct walk_list list;
	struct rows rows;
	struct buf path;		/* of the folder at hand */
	struct buf child;
	int64_t dir;
	int fd, twin_fd;
	bool twins;
};

static const char *
name_of(const struct rows *r)
{
	return r->has_prev ? r->prev.name : r->next.name;
}

static int
read_ahead(struct run *r, struct err *e)
{
	int more = catalog_step(r->t->cat, r->rows_of, e);

	r->rows.has_ahead = more == 1;
	if (more != 1)
		return more;
	return catalog_row_get(r->t->cat, r->rows_of, 0, &r->rows.ahead, e);
}

/* What is recorded of the next name. */
static int
next_rows(struct run *r, struct err *e)
{
	struct rows *w = &r->rows;
	bool prev, next;

	w->has_prev = w->has_next = w->one = false;
	w->any = w->has_ahead;
	while (w->has_ahead) {
		if ((w->has_prev || w->has_next) &&
		    strcmp(name_of(w), w->ahead.name) != 0)
			break;
		prev = r->t->prev != 0 && w->ahead.first <= r->t->prev &&
		    w->ahead.last >= r->t->prev;
		next = r->t->next != 0 && w->ahead.first <= r->t->next &&
		    w->ahead.last >= r->t->next;
		if (prev)
			w->prev = w->ahead;
		if (next)
			w->next = w->ahead;
		w->has_prev |= prev;
		w->has_next |= next;
		w->one |= prev && next;
		if (read_ahead(r, e) == -1)
			return -1;
	}
	return 0;
}

/* The rows of r->dir that are live in prev or next. */
static int
start_rows(struct run *r, struct err *e)
{
	const struct tree *t = r->t;

	sqlite3_reset(r->rows_of);
	r->rows = (struct rows){ 0 };
	if (r->dir == 0 || (t->prev == 0 && t->next == 0))
		return 0;
	sqlite3_bind_int64(r->rows_of, 1, r->dir);
	sqlite3_bind_int64(r->rows_of, 2,
	    catalog_series(t->prev != 0 ? t->prev : t->next));
	sqlite3_bind_int64(r->rows_of, 3, t->prev);
	sqlite3_bind_int64(r->rows_of, 4, t->next);
	if (read_ahead(r, e) == -1)
		return -1;
	return next_rows(r, e);
}

static int
find_dir(struct run *r, struct err *e)
{
	sqlite3_stmt *st = r->find_dir;
	int more;

	r->dir = 0;
	sqlite3_bind_text(st, 1, r->path.data, (int)r->path.len,
	    SQLITE_STATIC);
	more = catalog_step(r->t->cat, st, e);
	if (more == 1)
		r->dir = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	if (more != 0 || !r->t->make)
		return more == -1 ? -1 : 0;
	sqlite3_bind_text(r->make_dir, 1, r->path.data, (int)r->path.len,
	    SQLITE_STATIC);
	if (catalog_run(r->t->cat, r->make_dir, e) == -1)
		return -1;
	r->dir = sqlite3_last_insert_rowid(r->t->cat->db);
	return 0;
}

/* A folder that waits; gone: it is not on disk. */
static int
push(struct run *r, const char *name, bool gone, struct err *e)
{
	r->child.len = 0;
	if (buf_add(&r->child, r->path.data, r->path.len) == -1 ||
	    buf_adds(&r->child, name) == -1 ||
	    (*name != '\0' && buf_addc(&r->child, '/') == -1))
		return err_set(e, ERR_MEM, "a folder's path is too long");
	if (!gone && r->t->inside != NULL &&
	    !r->t->inside(r->t->arg, r->child.data))
		return 0;
	return todo_push(&r->todo, r->child.data, gone, e);
}

/* One name, on disk (st) or recorded or both; its folder is put on the
 * waiting list. */
static int
visit(struct run *r, const char *name, const struct stat *st, bool same,
    bool recorded, struct err *e)
{
	struct rows *w = &r->rows;
	struct tree_item item = { .dir = r->dir, .path = r->path.data,
		.name = name, .dirfd = r->fd, .st = st, .same = same };
	bool was_dir, is_dir = st != NULL && S_ISDIR(st->st_mode);

	if (recorded && w->has_prev)
		item.prev = &w->prev;
	if (recorded && w->has_next)
		item.next = w->one ? &w->prev : &w->next;
	was_dir = item.prev != NULL && S_ISDIR(item.prev->m.mode);
	if (r->t->one(r->t->arg, &item, e) == -1)
		return -1;
	/* The root is at hand already. */
	if ((is_dir || was_dir) && *name != '\0')
		return push(r, name, !is_dir, e);
	return 0;
}

/* What is recorded before name (all of it for NULL) and not on disk. */
static int
skip_to(struct run *r, const char *name, struct err *e)
{
	struct rows *w = &r->rows;

	while (w->any && (name == NULL || strcmp(name_of(w), name) < 0)) {
		if (visit(r, name_of(w), NULL, false, true, e) == -1 ||
		    next_rows(r, e) == -1)
			return -1;
	}
	return 0;
}

static int
on_disk(struct run *r, const char *name, struct err *e)
{
	struct rows *w = &r->rows;
	struct stat st, tw;
	bool same, recorded;

	if (fstatat(r->fd, name, &st, AT_SYMLINK_NOFOLLOW) == -1) {
		/* Gone since it was listed; another name of it has a row. */
		if (errno == ENOENT)
			return 0;
		return err_sys(e, "a file of the snapshot");
	}
	same = r->twin_fd != -1 &&
	    fstatat(r->twin_fd, name, &tw, AT_SYMLINK_NOFOLLOW) == 0 &&
	    walk_same(&st, &tw, r->twins);
	if (skip_to(r, name, e) == -1)
		return -1;
	recorded = w->any && strcmp(name_of(w), name) == 0;
	if (visit(r, name, &st, same, recorded, e) == -1)
		return -1;
	return recorded ? next_rows(r, e) : 0;
}

static int
visit_root(struct run *r, struct err *e)
{
	bool recorded = r->rows.any && name_of(&r->rows)[0] == '\0';
	struct stat st;

	if (fstat(r->fd, &st) == -1)
		return err_sys(e, "the snapshot's folder");
	if (visit(r, "", &st, false, recorded, e) == -1)
		return -1;
	return recorded ? next_rows(r, e) : 0;
}

static int
folder(struct run *r, struct err *e)
{
	char after[NAME_MAX + 1] = "";
	size_t i;

	if (start_rows(r, e) == -1)
		return -1;
	if (r->fd != -1 && strcmp(r->path.data, "/") == 0 &&
	    visit_root(r, e) == -1)
		return -1;
	while (r->fd != -1) {
		if (walk_list(r->fd, after, &r->list, e) == -1)
			return -1;
		for (i = 0; i < r->list.n; i++)
			if (on_disk(r, r->list.names + r->list.at[i], e) == -1)
				return -1;
		if (!r->list.more)
			break;
		snprintf(after, sizeof(after), "%s",
		    r->list.names + r->list.at[r->list.n - 1]);
	}
	return skip_to(r, NULL, e);
}

/* Opens the folder at r->path and its twin. 1; or it can't be read and the
 * caller says: 1 it counts as empty, 0 nothing is known of it, -1. */
static int
enter(struct run *r, struct err *e)
{
	struct err why = ERR_INIT;

	if (walk_open(r->t->root, r->path.data, &r->fd, &why) == -1) {
		r->fd = -1;
		if (why.sys_errno == EMFILE || why.sys_errno == ENFILE ||
		    why.sys_errno == ENOMEM) {
			if (e != NULL)
				*e = why;
			return -1;
		}
		return r->t->unreadable(r->t->arg, r->path.data, why.msg, e);
	}
	if (r->t->twin != -1 && walk_open(r->t->twin, r->path.data,
	    &r->twin_fd, &why) == -1)
		r->twin_fd = -1;
	return 1;
}

static int
loop(struct run *r, struct err *e)
{
	bool gone = false;
	int more, rc;

	if (buf_addc(&r->path, '/') == -1)
		return err_set(e, ERR_MEM, "out of memory");
	if (push(r, "", false, e) == -1)
		return -1;
	while ((more = todo_pop(&r->todo, &r->path, &gone, e)) == 1) {
		r->fd = r->twin_fd = -1;
		rc = find_dir(r, e);
		if (rc == 0 && !gone)
			rc = enter(r, e);
		if (rc == 1 || (rc == 0 && gone))
			rc = folder(r, e);
		sqlite3_reset(r->rows_of);
		if (rc == 0)
			rc = r->t->folder(r->t->arg, e);
		if (r->fd != -1)
			close(r->fd);
		if (r->twin_fd != -1)
			close(r->twin_fd);
		if (rc == -1)
			return -1;
	}
	return more;
}

static int
prepare(struct run *r, struct err *e)
{
	const struct {
		const char *sql;
		sqlite3_stmt **st;
	} all[] = {
		{ "SELECT id FROM dir WHERE path=?1", &r->find_dir },
		{ "INSERT INTO dir(path) VALUES(?1)", &r->make_dir },
		{ "SELECT " CATALOG_COLS " FROM entry e WHERE e.dir=?1 AND ("
		    CATALOG_LIVE("e", "?2", "?3") " OR "
		    CATALOG_LIVE("e", "?2", "?4") ") ORDER BY e.name,e.first",
		    &r->rows_of },
	};
	size_t i;

	r->todo.cat = r->t->cat;
	if (todo_init(&r->todo, e) == -1)
		return -1;
	for (i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (catalog_prepare(r->t->cat, all[i].sql, all[i].st, e) == -1)
			return -1;
	return 0;
}

int
tree_run(const struct tree *t, struct err *e)
{
	struct run r = { .t = t, .fd = -1, .twin_fd = -1 };
	int rc = -1;

	buf_init(&r.path, PATH_BYTES_MAX);
	buf_init(&r.child, PATH_BYTES_MAX);
	r.twins = t->twin != -1 && walk_twins(t->root, t->twin);
	if (prepare(&r, e) == 0)
		rc = loop(&r, e);
	todo_clear(&r.todo);
	sqlite3_finalize(r.find_dir);
	sqlite3_finalize(r.make_dir);
	sqlite3_finalize(r.rows_of);
	walk_list_clear(&r.list);
	buf_clear(&r.path);
	buf_clear(&r.child);
	return rc;
}
