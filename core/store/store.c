// SPDX-License-Identifier: MIT
// Opening and closing, and what every other file of the store uses: statements and errors.
#include "core/store/store_internal.h"

#include "core/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *const statement_sql[STATEMENT_COUNT] = {
    [STATEMENT_BEGIN_READ] = "BEGIN",
    [STATEMENT_BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [STATEMENT_COMMIT] = "COMMIT",
    [STATEMENT_ROLLBACK] = "ROLLBACK",
    [STATEMENT_LOG] = "INSERT INTO log(seq, body) VALUES(?1, ?2)",
    [STATEMENT_SPAN] = "INSERT INTO spans(last_seq, first_seq, agents) VALUES(?1, ?2, ?3)",
    [STATEMENT_SEGMENT] = "INSERT INTO segments(agent, first_seq, last_seq, version, body)"
                          " VALUES(?1, ?2, ?3, 1, ?4)",
    [STATEMENT_AGENT] = "INSERT INTO agents(num, id, removed, record) VALUES(?1, ?2, ?3, ?4)"
                        " ON CONFLICT(num) DO UPDATE SET removed = ?3, record = ?4",
    [STATEMENT_REQUEST] = "INSERT OR REPLACE INTO requests(id, time, result) VALUES(?1, ?2, ?3)",
    [STATEMENT_REQUESTS_EXPIRE] = "DELETE FROM requests WHERE time < ?1",
    [STATEMENT_USAGE] =
        "INSERT INTO usage VALUES(?1, ?2, ?3, ?4, ?5, nullif(?6, ''), nullif(?7, ''), ?8, ?9, ?10,"
        " ?11, ?12, ?13, ?14, ?15, ?16) ON CONFLICT(day, agent, provider, model) DO UPDATE SET"
        " requests = requests + ?8, unpriced = unpriced + ?9, uncounted = uncounted + ?10,"
        " input = input + ?11, output = output + ?12, cache_read = cache_read + ?13,"
        " cache_write = cache_write + ?14, cost = cost + ?15, work_ms = work_ms + ?16",
    [STATEMENT_SETTING] = "REPLACE INTO settings(key, value) VALUES(?1, ?2)",
    [STATEMENT_SETTING_REMOVE] = "DELETE FROM settings WHERE key = ?1",
    [STATEMENT_READ_FORWARD] =
        "SELECT body FROM segments WHERE agent = ?1 AND first_seq >= coalesce((SELECT first_seq"
        " FROM segments WHERE agent = ?1 AND first_seq <= ?2 ORDER BY first_seq DESC LIMIT 1), 0)"
        " ORDER BY first_seq",
    [STATEMENT_READ_BACKWARD] = "SELECT body FROM segments WHERE agent = ?1 AND first_seq < ?2"
                                " ORDER BY first_seq DESC",
    [STATEMENT_READ_SEALED] = "SELECT last_seq FROM segments WHERE agent = ?1"
                              " ORDER BY first_seq DESC LIMIT 1",
    [STATEMENT_READ_NEWEST] = "SELECT max(last_seq) FROM spans",
    [STATEMENT_READ_SPANS] = "SELECT first_seq, agents FROM spans WHERE last_seq > ?1"
                             " ORDER BY last_seq",
    [STATEMENT_READ_EVENT] = "SELECT body FROM log WHERE seq = ?1",
    [STATEMENT_READ_ALL] = "SELECT seq, body FROM log WHERE seq > ?1 AND seq <= ?2 ORDER BY seq",
    [STATEMENT_READ_AGENT] = "SELECT num, removed FROM agents WHERE id = ?1",
    [STATEMENT_READ_INDEXED] = "SELECT value FROM settings WHERE key = 'indexed'",
    [STATEMENT_READ_UNINDEXED] = "SELECT seq, body FROM log WHERE seq > ?1 ORDER BY seq LIMIT ?2",
    [STATEMENT_INDEX] = "INSERT INTO search(rowid, agent, text) VALUES(?1, ?2, ?3)",
    [STATEMENT_INDEXED] = "REPLACE INTO settings(key, value) VALUES('indexed', ?1)",
    [STATEMENT_SEARCH] = "SELECT rowid, swarmd_hit(search) FROM search WHERE search MATCH ?1"
                         " AND rowid < ?2 ORDER BY rowid DESC",
    [STATEMENT_RULE] = "INSERT OR REPLACE INTO rules(id, body) VALUES(?1, ?2)",
    [STATEMENT_RULE_REVOKED] = "DELETE FROM rules WHERE id = ?1",
    [STATEMENT_AUDIT] = "INSERT INTO audit(agent, body) VALUES(?1, ?2)",
    [STATEMENT_AUDIT_BEFORE] = "SELECT id, body FROM audit WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
    [STATEMENT_AUDIT_AFTER] = "SELECT id, body FROM audit WHERE id > ?1 ORDER BY id LIMIT ?2",
    [STATEMENT_AUDIT_OF_BEFORE] = "SELECT id, body FROM audit WHERE id < ?1 AND agent = ?3"
                                  " ORDER BY id DESC LIMIT ?2",
    [STATEMENT_AUDIT_OF_AFTER] = "SELECT id, body FROM audit WHERE id > ?1 AND agent = ?3"
                                 " ORDER BY id LIMIT ?2",
    [STATEMENT_READ_REQUEST] = "SELECT result FROM requests WHERE id = ?1 AND time >= ?2",
};

bool store_fail(struct store *store, const char *doing, struct err *err)
{
    int code = sqlite3_errcode(store->db) & 0xff;
    int system = sqlite3_system_errno(store->db);
    if (code == SQLITE_FULL || (code == SQLITE_IOERR && (system == ENOSPC || system == EDQUOT)))
        return err_set(err, ERR_STORAGE,
                       "%s: the disk is full; make room for swarmd.db in the folder %s", doing,
                       store->folder);
    if (sqlite3_extended_errcode(store->db) == SQLITE_IOERR_WRITE)
        return err_set(
            err, ERR_STORAGE,
            "%s: the disk does not take it; make room for swarmd.db in the folder %s, or "
            "is there a quota, a limit to the size of files, or a damaged disk?",
            doing, store->folder);
    return err_set(err, ERR_STORAGE, "%s in the folder %s: %s", doing, store->folder,
                   sqlite3_errmsg(store->db));
}

sqlite3_stmt *store_statement(struct store *store, enum statement which, struct err *err)
{
    sqlite3_stmt **statement = &store->statements[which];
    if (*statement) {
        sqlite3_reset(*statement);
        return *statement;
    }
    if (sqlite3_prepare_v3(store->db, statement_sql[which], -1, SQLITE_PREPARE_PERSISTENT,
                           statement, NULL) != SQLITE_OK)
        store_fail(store, "cannot use swarmd.db", err);
    return *statement;
}

bool store_run(struct store *store, sqlite3_stmt *statement, const char *doing, struct err *err)
{
    if (sqlite3_step(statement) != SQLITE_DONE) {
        store_fail(store, doing, err);
        sqlite3_reset(statement);
        return false;
    }
    sqlite3_reset(statement);
    return true;
}

bool store_begin_read(struct store *store, struct err *err)
{
    sqlite3_stmt *begin = store_statement(store, STATEMENT_BEGIN_READ, err);
    return begin && store_run(store, begin, "cannot read swarmd.db", err);
}

void store_reset_all(struct store *store)
{
    for (int i = 0; i < STATEMENT_COUNT; i++)
        if (store->statements[i])
            sqlite3_reset(store->statements[i]);
}

void store_end_read(struct store *store)
{
    struct err ignored; // a reader has nothing to lose by a COMMIT that fails
    store_reset_all(store);
    sqlite3_stmt *commit = store_statement(store, STATEMENT_COMMIT, &ignored);
    if (commit)
        store_run(store, commit, "cannot read swarmd.db", &ignored);
}

static bool read_int(sqlite3 *db, const char *sql, int64_t *value)
{
    sqlite3_stmt *statement = NULL;
    bool ok = sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
              sqlite3_step(statement) == SQLITE_ROW;
    if (ok)
        *value = sqlite3_column_int64(statement, 0);
    int code = sqlite3_finalize(statement);
    return ok && code == SQLITE_OK;
}

static bool is_damaged(sqlite3 *db)
{
    int code = sqlite3_errcode(db) & 0xff;
    return code == SQLITE_NOTADB || code == SQLITE_CORRUPT;
}

static bool connect_file(struct store *store, const char *path, int flags, struct err *err)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); // refused, and harmless, once SQLite has started
    if (sqlite3_open_v2(path, &store->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                        NULL) != SQLITE_OK)
        return store->db ? store_fail(store, "cannot open swarmd.db", err)
                         : err_set(err, ERR_STORAGE, "cannot open %s: no memory", path);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 0, 0);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_busy_timeout(store->db, STORE_BUSY_MS);
    return true;
}

static bool set_up(struct store *store, const char *sql, struct err *err)
{
    return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ||
           store_fail(store, "cannot set up swarmd.db", err);
}

// Small caches (KiB): most of the time a swarm is idle, and the operating system keeps the file's
// pages anyway.
static const char writer_settings[] =
    "PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -1024;"
    "PRAGMA synchronous = NORMAL; PRAGMA secure_delete = OFF;"
    "PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 16777216";
static const char reader_settings[] =
    "PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -512";

// Settings that stick to the file come before its first table.
static bool set_up_writer(struct store *store, struct err *err)
{
    sqlite3_exec(store->db, "PRAGMA page_size = 4096", NULL, NULL, NULL);
    sqlite3_stmt *statement = NULL;
    bool wal = sqlite3_prepare_v2(store->db, "PRAGMA journal_mode = WAL", -1, &statement, NULL) ==
                   SQLITE_OK &&
               sqlite3_step(statement) == SQLITE_ROW && str_is(column_bytes(statement, 0), "wal");
    bool refused = !wal && sqlite3_errcode(store->db) == SQLITE_ROW;
    if (refused)
        err_set(err, ERR_STORAGE,
                "the file system of %s does not support SQLite's write-ahead log (a network file "
                "system?); set SWARMD_STATE_DIR to a folder on a local disk",
                store->folder);
    else if (!wal)
        store_fail(store, "cannot set up swarmd.db", err);
    sqlite3_finalize(statement);
    return wal && set_up(store, writer_settings, err);
}

enum file_kind { FILE_OURS, FILE_FOREIGN, FILE_FAILED };

// SQLite reads the file at the first question, not when it is opened.
static enum file_kind look_at_file(struct store *store, struct err *err)
{
    // Whoever's it is, its log stays as it is until that is known.
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    int64_t tables, application, version;
    if (!read_int(store->db, "SELECT count(*) FROM sqlite_schema", &tables) ||
        !read_int(store->db, "PRAGMA application_id", &application) ||
        !read_int(store->db, "PRAGMA user_version", &version)) {
        if (is_damaged(store->db))
            return FILE_FOREIGN;
        store_fail(store, "cannot read swarmd.db", err);
        return FILE_FAILED;
    }
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    bool empty = tables == 0 && application == 0 && version == 0;
    return empty || application == STORE_APPLICATION_ID ? FILE_OURS : FILE_FOREIGN;
}

// Everything that a start needs can be read; damage deeper down shows where it is met.
static enum file_kind try_file(struct store *store, const char *path, struct err *err)
{
    enum file_kind kind = look_at_file(store, err);
    if (kind != FILE_OURS)
        return kind;
    int64_t value;
    struct store_state state;
    if (set_up_writer(store, err) && store_migrate(store->db, path, store_schema(), err) &&
        store_state(store, &state, err) &&
        (read_int(store->db, "SELECT count(*) FROM agents WHERE length(record) = 0", &value) ||
         store_fail(store, "cannot read swarmd.db", err)))
        return FILE_OURS;
    return is_damaged(store->db) ? FILE_FOREIGN : FILE_FAILED;
}

static struct store *store_new(const char *folder)
{
    struct store *store = mem_new(sizeof(*store));
    store->folder = mem_dup(str_of(folder));
    pendings_init(&store->pendings);
    buf_init(&store->segment, SEGMENT_BYTES_MAX);
    return store;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    for (int i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(store->statements[i]);
    sqlite3_close(store->db);
    pendings_release(&store->pendings);
    buf_release(&store->segment);
    mem_free(store->tail.agents);
    mem_free(store->folder);
    mem_free(store);
}

static bool is_taken(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

static bool rename_with_log(const char *path, const char *aside, struct err *err)
{
    static const char *const suffixes[] = {"-wal", "-shm", ""};
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        char *from = mem_format("%s%s", path, suffixes[i]);
        char *to = mem_format("%s%s", aside, suffixes[i]);
        bool ok = rename(from, to) == 0 || errno == ENOENT;
        if (!ok)
            err_set_errno(err, ERR_STORAGE, errno, "cannot move the damaged %s aside", from);
        mem_free(from);
        mem_free(to);
        if (!ok)
            return false;
    }
    return true;
}

// Never onto something that is there; the lease keeps others from racing for the name.
static char *move_aside(const char *path, struct err *err)
{
    struct tm tm;
    char stamp[32];
    time_t now = time(NULL);
    gmtime_r(&now, &tm);
    strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
    char *aside = mem_format("%s.broken-%s", path, stamp);
    for (int i = 2; is_taken(aside); i++) {
        mem_free(aside);
        aside = mem_format("%s.broken-%s-%d", path, stamp, i);
    }
    if (rename_with_log(path, aside, err))
        return aside;
    mem_free(aside);
    return NULL;
}

// SQLite makes its files with the mode of the database, and that one with the umask's.
static bool make_private(const char *path, struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set_errno(err, ERR_STORAGE, errno, "cannot open %s", path);
    close(fd);
    return true;
}

static enum file_kind open_writer(struct store **out, const char *folder, const char *path,
                                  struct err *err)
{
    *out = NULL;
    if (!make_private(path, err))
        return FILE_FAILED;
    struct store *store = store_new(folder);
    enum file_kind kind = FILE_FAILED;
    if (connect_file(store, path, SQLITE_OPEN_READWRITE, err))
        kind = try_file(store, path, err);
    if (kind == FILE_OURS)
        *out = store;
    else
        store_close(store);
    return kind;
}

bool store_open(struct store **out, const char *folder, char **moved_aside, struct err *err)
{
    char *path = mem_format("%s/swarmd.db", folder);
    struct err damage;
    *moved_aside = NULL;
    enum file_kind kind = open_writer(out, folder, path, &damage);
    if (kind == FILE_FAILED)
        *err = damage;
    if (kind == FILE_FOREIGN) {
        *moved_aside = move_aside(path, err);
        if (*moved_aside)
            kind = open_writer(out, folder, path, err);
        if (*moved_aside && kind == FILE_FOREIGN)
            err_set(err, ERR_STORAGE, "cannot make a new %s", path);
    }
    mem_free(path);
    return kind == FILE_OURS;
}

bool store_open_reader(struct store **out, const char *folder, struct err *err)
{
    char *path = mem_format("%s/swarmd.db", folder);
    struct store *store = store_new(folder);
    bool ok =
        connect_file(store, path, SQLITE_OPEN_READONLY, err) && set_up(store, reader_settings, err);
    mem_free(path);
    if (!ok) {
        store_close(store);
        store = NULL;
    }
    *out = store;
    return ok;
}
