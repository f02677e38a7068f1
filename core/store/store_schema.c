// SPDX-License-Identifier: MIT
// The tables, as the list of steps that made them what they are. Steps that have been released are
// never edited: a change is a new step at the end.
#include "core/store/store_internal.h"

#include "core/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static const char *const steps[] = {
    "CREATE TABLE agents("
    " num INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, removed INTEGER NOT NULL,"
    " record BLOB NOT NULL);"
    "CREATE TABLE log(seq INTEGER PRIMARY KEY, body BLOB NOT NULL);"
    "CREATE TABLE spans("
    " last_seq INTEGER PRIMARY KEY, first_seq INTEGER NOT NULL, agents BLOB NOT NULL);"
    "CREATE TABLE segments("
    " agent INTEGER NOT NULL, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL,"
    " version INTEGER NOT NULL, body BLOB NOT NULL,"
    " UNIQUE(agent, first_seq));"
    "CREATE TABLE settings(key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE requests(id TEXT PRIMARY KEY, time INTEGER NOT NULL, result BLOB NOT NULL);"
    "CREATE INDEX requests_by_time ON requests(time);",

    "CREATE VIRTUAL TABLE search USING fts5(agent, text, content = '', columnsize = 0,"
    " tokenize = 'unicode61 remove_diacritics 2');"
    "INSERT INTO settings VALUES('indexed', 0);",

    "CREATE TABLE usage("
    " day INTEGER NOT NULL, agent INTEGER NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL,"
    " agent_id TEXT NOT NULL, scope TEXT, swarm TEXT,"
    " requests INTEGER NOT NULL, unpriced INTEGER NOT NULL, uncounted INTEGER NOT NULL,"
    " input INTEGER NOT NULL, output INTEGER NOT NULL, cache_read INTEGER NOT NULL,"
    " cache_write INTEGER NOT NULL, cost INTEGER NOT NULL, work_ms INTEGER NOT NULL,"
    " PRIMARY KEY(day, agent, provider, model)) WITHOUT ROWID;"
    "CREATE INDEX usage_by_agent ON usage(agent);"
    "CREATE INDEX usage_by_scope ON usage(scope) WHERE scope IS NOT NULL;"
    "CREATE INDEX usage_by_swarm ON usage(swarm) WHERE swarm IS NOT NULL;",

    "CREATE TABLE rules(id INTEGER PRIMARY KEY, body BLOB NOT NULL);"
    "CREATE TABLE audit(id INTEGER PRIMARY KEY, agent TEXT NOT NULL, body BLOB NOT NULL);"
    "CREATE INDEX audit_by_agent ON audit(agent, id);"
    "CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit"
    " BEGIN SELECT raise(ABORT, 'the audit is never shortened'); END;"
    "CREATE TRIGGER audit_is_final BEFORE UPDATE ON audit"
    " BEGIN SELECT raise(ABORT, 'the audit is never changed'); END;",
};

static const struct schema current = {steps, sizeof(steps) / sizeof(steps[0])};

const struct schema *store_schema(void)
{
    return &current;
}

static bool fail(sqlite3 *db, const char *path, const char *doing, struct err *err)
{
    return err_set(err, ERR_STORAGE, "cannot %s %s: %s", doing, path, sqlite3_errmsg(db));
}

static bool read_version(sqlite3 *db, const char *path, int *version, struct err *err)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW) {
        fail(db, path, "read the version of", err);
        sqlite3_finalize(statement);
        return false;
    }
    *version = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return true;
}

// Under another name until it is whole, so that a copy that is there can be relied on.
static bool copy_whole(sqlite3 *db, const char *path, const char *part, const char *copy,
                       struct err *err)
{
    if (unlink(part) != 0 && errno != ENOENT)
        return err_set_errno(err, ERR_STORAGE, errno, "cannot remove %s", part);
    int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set_errno(err, ERR_STORAGE, errno, "cannot make %s", part);
    close(fd);
    char *sql = sqlite3_mprintf("VACUUM INTO %Q", part);
    bool ok = sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_free(sql);
    if (!ok)
        fail(db, path, "copy, before its format is changed,", err);
    else if (rename(part, copy) != 0)
        ok = err_set_errno(err, ERR_STORAGE, errno, "cannot rename %s to %s", part, copy);
    if (!ok)
        unlink(part);
    return ok;
}

static bool back_up(sqlite3 *db, const char *path, int version, struct err *err)
{
    char *copy = mem_format("%s.v%d", path, version);
    char *part = mem_format("%s.part", copy);
    bool ok = copy_whole(db, path, part, copy, err);
    mem_free(part);
    mem_free(copy);
    return ok;
}

static bool run_sql(sqlite3 *db, const char *path, const char *sql, struct err *err)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ||
           fail(db, path, "bring to this version's format", err);
}

// All steps or none.
static bool take_steps(sqlite3 *db, const char *path, const struct schema *schema, int version,
                       struct err *err)
{
    char *done = mem_format("PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
                            STORE_APPLICATION_ID, schema->version);
    bool ok = run_sql(db, path, "BEGIN IMMEDIATE", err);
    for (; ok && version < schema->version; version++)
        ok = run_sql(db, path, schema->steps[version], err);
    ok = ok && run_sql(db, path, done, err);
    if (!ok && !sqlite3_get_autocommit(db))
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    mem_free(done);
    return ok;
}

bool store_migrate(sqlite3 *db, const char *path, const struct schema *schema, struct err *err)
{
    int version;
    if (!read_version(db, path, &version, err))
        return false;
    if (version > schema->version)
        return err_set(err, ERR_STORAGE,
                       "%s was written by a newer swarmd (format %d, this one knows %d): run that "
                       "one, or set SWARMD_STATE_DIR to another folder",
                       path, version, schema->version);
    if (version > 0 && version < schema->version && !back_up(db, path, version, err))
        return false;
    return version == schema->version || take_steps(db, path, schema, version, err);
}
