/* SPDX-License-Identifier: ISC */
#include "catalog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "catalog_sql.h"

#define VERSION		1
#define APPLICATION	0x706f7374
#define CACHE_KIB	"6144"
#define BUSY_MS		10000
#define STRING2(x)	#x
#define STRING(x)	STRING2(x)

static const char schema[] =
	"BEGIN IMMEDIATE;"
	"CREATE TABLE series(id INTEGER PRIMARY KEY, name TEXT UNIQUE);"
	"CREATE TABLE snapshot(id INTEGER PRIMARY KEY, name TEXT UNIQUE,"
	" made INTEGER, files INTEGER, bytes INTEGER);"
	"CREATE TABLE dir(id INTEGER PRIMARY KEY, path TEXT UNIQUE);"
	"CREATE TABLE entry(dir INTEGER NOT NULL, name TEXT NOT NULL,"
	" first INTEGER NOT NULL, last INTEGER, mode INTEGER, uid INTEGER,"
	" gid INTEGER, size INTEGER, mtime INTEGER, rdev INTEGER,"
	" link INTEGER, verified INTEGER, hash BLOB, xattr BLOB,"
	" PRIMARY KEY(dir, name, first)) WITHOUT ROWID;"
	/* With the primary key behind it: also all that a search by name
	 * has to read. */
	"CREATE INDEX entry_first ON entry(first, dir, name);"
	"CREATE INDEX entry_last ON entry(last) WHERE last IS NOT NULL;"
	"CREATE VIEW file AS SELECT d.path || e.name AS path, e.* FROM entry e"
	" JOIN dir d ON d.id = e.dir;"
	"PRAGMA application_id=" STRING(APPLICATION) ";"
	"PRAGMA user_version=" STRING(VERSION) ";"
	"COMMIT;";

int
catalog_fail(struct catalog *c, const char *what, struct err *e)
{
	int code = sqlite3_errcode(c->db) & 0xff;
	int sys = sqlite3_system_errno(c->db);

	switch (code) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_SCHEMA:
		c->damaged = true;
		return err_set(e, ERR_CONFIG, "%s: the catalogue is damaged "
		    "(%s); it can be made again from the snapshots", c->path,
		    sqlite3_errmsg(c->db));
	case SQLITE_NOMEM:
		return err_set(e, ERR_MEM, "%s: %s: out of memory", c->path,
		    what);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_set(e, ERR_BUSY, "%s: %s: in use by another "
		    "process", c->path, what);
	case SQLITE_FULL:
		errno = ENOSPC;
		return err_sys(e, "%s: %s", c->path, what);
	case SQLITE_CANTOPEN:
	case SQLITE_IOERR:
	case SQLITE_READONLY:
		errno = sys != 0 ? sys : code == SQLITE_READONLY ? EROFS : EIO;
		return err_sys(e, "%s: %s", c->path, what);
	default:
		return err_set(e, ERR_SYS, "%s: %s: %s", c->path, what,
		    sqlite3_errmsg(c->db));
	}
}

int
catalog_exec(struct catalog *c, const char *sql, struct err *e)
{
	if (sqlite3_exec(c->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return catalog_fail(c, "changing it", e);
	return 0;
}

int
catalog_prepare(struct catalog *c, const char *sql, sqlite3_stmt **ret,
    struct err *e)
{
	if (sqlite3_prepare_v2(c->db, sql, -1, ret, NULL) == SQLITE_OK)
		return 0;
	/* The schema is checked by its version: what is not there then was
	 * there once. */
	if ((sqlite3_errcode(c->db) & 0xff) == SQLITE_ERROR) {
		c->damaged = true;
		return err_set(e, ERR_CONFIG, "%s: the catalogue is damaged "
		    "(%s); it can be made again from the snapshots", c->path,
		    sqlite3_errmsg(c->db));
	}
	return catalog_fail(c, "reading it", e);
}

int
catalog_step(struct catalog *c, sqlite3_stmt *st, struct err *e)
{
	switch (sqlite3_step(st)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	default:
		return catalog_fail(c, "reading it", e);
	}
}

int
catalog_run(struct catalog *c, sqlite3_stmt *st, struct err *e)
{
	int rc = 0;

	if (sqlite3_step(st) != SQLITE_DONE)
		rc = catalog_fail(c, "changing it", e);
	sqlite3_reset(st);
	return rc;
}

/* A number that the file's head has. */
static int
pragma(struct catalog *c, const char *sql, int64_t *ret, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int rc = -1;

	if (catalog_prepare(c, sql, &st, e) == -1)
		goto out;
	if (catalog_step(c, st, e) != 1)
		goto out;
	*ret = sqlite3_column_int64(st, 0);
	rc = 0;
out:
	sqlite3_finalize(st);
	return rc;
}

/* Whether the file is ours; an empty one gets the schema. */
static int
identify(struct catalog *c, bool write, struct err *e)
{
	int64_t app, version, things;

	if (pragma(c, "PRAGMA application_id", &app, e) == -1 ||
	    pragma(c, "PRAGMA user_version", &version, e) == -1 ||
	    pragma(c, "SELECT count(*) FROM sqlite_schema", &things, e) == -1)
		return -1;
	if (app == 0 && version == 0 && things == 0 && write)
		return catalog_exec(c, schema, e);
	if (app != APPLICATION)
		return err_set(e, ERR_CONFIG, "%s: not a catalogue of postern "
		    "backup", c->path);
	if (version != VERSION)
		return err_set(e, ERR_CONFIG, "%s: made by another version of "
		    "postern (schema %lld, here " STRING(VERSION) ")", c->path,
		    (long long)version);
	return 0;
}

int
catalog_open(struct catalog *c, const char *path, bool write, struct err *e)
{
	int flags = SQLITE_OPEN_NOMUTEX | (write ? SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
	int fd;

	*c = (struct catalog){ 0 };
	/* One thread uses it. Too late when SQLite runs already: then it has
	 * locks that nobody needs. */
	sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	c->path = strdup(path);
	if (c->path == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	/* SQLite gives its other files the mode of this one. */
	if (write) {
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
		    0600);
		if (fd == -1)
			return err_sys(e, "%s", path);
		close(fd);
	}
	if (sqlite3_open_v2(path, &c->db, flags, NULL) != SQLITE_OK)
		return catalog_fail(c, "opening it", e);
	sqlite3_extended_result_codes(c->db, 1);
	sqlite3_busy_timeout(c->db, BUSY_MS);
	sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (catalog_exec(c, "PRAGMA cache_size=-" CACHE_KIB ";"
	    "PRAGMA temp_store=FILE;PRAGMA temp.cache_size=-512;"
	    "PRAGMA mmap_size=0;PRAGMA trusted_schema=0;", e) == -1)
		return -1;
	if (write && catalog_exec(c, "PRAGMA page_size=8192;"
	    "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;"
	    "PRAGMA journal_size_limit=1048576;", e) == -1)
		return -1;
	if (identify(c, write, e) == -1)
		return -1;
	return catalog_reload(c, e);
}

void
catalog_close(struct catalog *c)
{
	sqlite3_close_v2(c->db);
	free(c->path);
	free(c->snaps);
	*c = (struct catalog){ 0 };
}

int
catalog_discard(const char *path, struct err *e)
{
	static const char *const ends[] = { "-shm", "-wal", "" };
	struct buf b;
	size_t i;
	int rc = 0;

	buf_init(&b, 8192);
	for (i = 0; i < 3 && rc == 0; i++) {
		b.len = 0;
		if (buf_addf(&b, "%s%s", path, ends[i]) == -1)
			rc = err_set(e, ERR_MEM, "out of memory");
		else if (unlink(b.data) == -1 && errno != ENOENT)
			rc = err_sys(e, "%s", b.data);
	}
	buf_clear(&b);
	return rc;
}

int
catalog_check(struct catalog *c, struct err *e)
{
	sqlite3_stmt *st = NULL;
	const char *text;
	int rc = -1;

	if (catalog_prepare(c, "PRAGMA integrity_check(1)", &st, e) == -1 ||
	    catalog_step(c, st, e) != 1)
		goto out;
	text = (const char *)sqlite3_column_text(st, 0);
	if (text == NULL || strcmp(text, "ok") != 0) {
		c->damaged = true;
		err_set(e, ERR_CONFIG, "%s: the catalogue is damaged (%s); it "
		    "can be made again from the snapshots", c->path,
		    text != NULL ? text : "no memory");
		goto out;
	}
	rc = 0;
out:
	sqlite3_finalize(st);
	return rc;
}

unsigned
catalog_changed(const struct catalog_meta *a, const struct catalog_meta *b)
{
	unsigned what = 0;

	if (a->has_hash != b->has_hash || (a->has_hash &&
	    memcmp(a->hash, b->hash, sizeof(a->hash)) != 0))
		what |= CATALOG_CONTENT;
	if ((a->mode & S_IFMT) != (b->mode & S_IFMT))
		what |= CATALOG_KIND;
	if ((a->mode & ~(uint32_t)S_IFMT) != (b->mode & ~(uint32_t)S_IFMT))
		what |= CATALOG_MODE;
	if (a->uid != b->uid || a->gid != b->gid)
		what |= CATALOG_OWNER;
	if (a->mtime_ns != b->mtime_ns)
		what |= CATALOG_TIME;
	if (a->size != b->size)
		what |= CATALOG_SIZE;
	if (a->rdev != b->rdev)
		what |= CATALOG_DEVICE;
	if (a->has_xattr != b->has_xattr || (a->has_xattr &&
	    memcmp(a->xattr, b->xattr, sizeof(a->xattr)) != 0))
		what |= CATALOG_XATTR;
	return what;
}
