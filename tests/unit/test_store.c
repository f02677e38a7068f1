// SPDX-License-Identifier: MIT
// The file itself: made, refused, moved aside, migrated.
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "core/store/store_internal.h"
#include "tests/unit/support/events.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

static struct store *open_store(const char *folder, char **aside)
{
    struct store *store = NULL;
    struct err err = {0};
    char *moved = NULL;
    if (!store_open(&store, folder, &moved, &err))
        fail_msg("open: %s", err.message);
    assert_int_equal(err.kind, ERR_NONE); // no failure is left from a file that was moved aside
    if (aside)
        *aside = moved;
    else
        assert_null(moved);
    return store;
}

static void run_sql(const char *folder, const char *sql)
{
    char *path = mem_format("%s/swarmd.db", folder);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
    mem_free(path);
}

static void write_file(const char *folder, const char *name, const void *bytes, size_t len,
                       long offset)
{
    char *path = mem_format("%s/%s", folder, name);
    FILE *file = fopen(path, offset ? "r+" : "w");
    assert_non_null(file);
    fseek(file, offset, SEEK_SET);
    fwrite(bytes, 1, len, file);
    fclose(file);
    mem_free(path);
}

static bool has_bytes(const char *path, const char *expected)
{
    char bytes[256] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t len = fread(bytes, 1, sizeof(bytes) - 1, file);
    fclose(file);
    return len == strlen(expected) && memcmp(bytes, expected, len) == 0;
}

static void add_events(struct store *store, int64_t from, int64_t until)
{
    struct events *events = events_new();
    for (int64_t seq = from; seq <= until; seq++)
        events_add_turn(events, seq, 1 + seq % 3);
    events_commit(events, store);
    events_free(events);
}

static void a_new_store_is_empty_and_private(void **state)
{
    (void)state;
    const char *folder = unit_temp_folder();
    mode_t mask = umask(0);
    struct store *store = open_store(folder, NULL);
    struct store_state was;
    struct err err;
    assert_true(store_state(store, &was, &err));
    assert_int_equal(was.last_seq, 0);
    assert_int_equal(was.last_agent, 0);
    add_events(store, 1, 10);
    struct store *reader;
    assert_true(store_open_reader(&reader, folder, &err));

    static const char *const names[] = {"swarmd.db", "swarmd.db-wal", "swarmd.db-shm"};
    for (size_t i = 0; i < 3; i++) {
        char *path = mem_format("%s/%s", folder, names[i]);
        struct stat st;
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        mem_free(path);
    }
    store_close(reader);
    store_close(store);
    umask(mask);
}

static void what_was_committed_is_there_again(void **state)
{
    (void)state;
    const char *folder = unit_temp_folder();
    struct store *store = open_store(folder, NULL);
    add_events(store, 1, 40);
    store_close(store);
    store = open_store(folder, NULL);
    struct store_state was;
    struct err err;
    assert_true(store_state(store, &was, &err));
    assert_int_equal(was.last_seq, 40);
    add_events(store, 41, 45);
    char *lines = events_read_all(store, 1, 0, 45);
    char *seqs = events_seqs(str_of(lines));
    assert_string_equal(seqs, "3 6 9 12 15 18 21 24 27 30 33 36 39 42 45");
    mem_free(lines);
    mem_free(seqs);
    store_close(store);
}

static void garbage_is_moved_aside_with_its_log(void **state)
{
    (void)state;
    const char *folder = unit_temp_folder();
    static const char garbage[] = "this was a database once, or so they say, but no longer is one";
    char *aside[2];
    for (int i = 0; i < 2; i++) { // within one second: two names
        write_file(folder, "swarmd.db", garbage, sizeof(garbage) - 1, 0);
        write_file(folder, "swarmd.db-wal", "log", 3, 0);
        struct store *store = open_store(folder, &aside[i]);
        assert_non_null(aside[i]);
        assert_non_null(strstr(aside[i], "/swarmd.db.broken-"));
        add_events(store, 1, 3);
        store_close(store);
    }
    assert_string_not_equal(aside[0], aside[1]);
    for (int i = 0; i < 2; i++) {
        char *log = mem_format("%s-wal", aside[i]);
        assert_true(has_bytes(aside[i], garbage));
        assert_true(has_bytes(log, "log"));
        mem_free(log);
        mem_free(aside[i]);
    }
}

static void a_foreign_database_is_moved_aside_unchanged(void **state)
{
    (void)state;
    const char *folder = unit_temp_folder();
    run_sql(folder, "CREATE TABLE bookmarks(url); INSERT INTO bookmarks VALUES('x')");
    char *aside;
    struct store *store = open_store(folder, &aside);
    store_close(store);
    assert_non_null(aside);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(aside, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "SELECT url FROM bookmarks", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    mem_free(aside);
}

static void a_damaged_store_is_moved_aside(void **state)
{
    (void)state;
    const char *folder = unit_temp_folder();
    struct store *store = open_store(folder, NULL);
    add_events(store, 1, 100);
    store_close(store);
    char zeros[8192];
    memset(zeros, 0x5a, sizeof(zeros));
    write_file(folder, "swarmd.db", zeros, sizeof(zeros), 4096);
    char *aside;
    store = open_store(folder, &aside);
    assert_non_null(aside);
    struct store_state was;
    struct err err;
    assert_true(store_state(store, &was, &err));
    assert_int_equal(was.last_seq, 0);
    store_close(store);
    mem_free(aside);
}

static void a_store_of_a_newer_version_is_refused_and_left(void **state)
{
    (void)state;
    const char *folder = unit_temp_folder();
    store_close(open_store(folder, NULL));
    run_sql(folder, "PRAGMA user_version = 99");
    struct store *store = NULL;
    char *aside = NULL;
    struct err err = {0};
    assert_false(store_open(&store, folder, &aside, &err));
    assert_int_equal(err.kind, ERR_STORAGE);
    assert_non_null(strstr(err.message, "newer"));
    assert_non_null(strstr(err.message, "99"));
    assert_null(store);
    assert_null(aside);
    char *back = mem_format("PRAGMA user_version = %d", store_schema()->version);
    run_sql(folder, back);
    mem_free(back);
    store_close(open_store(folder, NULL)); // nothing of it was touched
}

static void a_folder_that_cannot_be_used_is_named(void **state)
{
    (void)state;
    struct store *store = NULL;
    char *aside = NULL;
    struct err err = {0};
    assert_false(store_open(&store, "/nonexistent", &aside, &err));
    assert_int_equal(err.kind, ERR_STORAGE);
    assert_non_null(strstr(err.message, "/nonexistent"));
    memset(&err, 0, sizeof(err));
    assert_false(store_open_reader(&store, "/nonexistent", &err));
    assert_int_equal(err.kind, ERR_STORAGE);
    assert_non_null(strstr(err.message, "/nonexistent"));
}

// --- migrations ---

static const char add_column[] = "ALTER TABLE agents ADD COLUMN colour TEXT;";

enum { LATER_STEPS_MAX = 32 };

// The present schema, and these steps after it.
static struct schema make_later(const char **steps, const char *first, const char *second)
{
    const struct schema *now = store_schema();
    assert_true(now->version + 2 <= LATER_STEPS_MAX);
    for (int i = 0; i < now->version; i++)
        steps[i] = now->steps[i];
    steps[now->version] = first;
    steps[now->version + 1] = second;
    return (struct schema){steps, now->version + 2};
}

static int count_rows(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        return -1;
    int rows = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int(statement, 0) : -1;
    sqlite3_finalize(statement);
    return rows;
}

static sqlite3 *open_file(const char *path)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    return db;
}

static void migrating_leaves_a_copy_of_what_was(void **state)
{
    (void)state;
    const char *folder = unit_temp_folder();
    struct store *store = open_store(folder, NULL);
    add_events(store, 1, 20);
    store_close(store);
    const char *steps[LATER_STEPS_MAX];
    const struct schema later = make_later(steps, add_column, "CREATE TABLE pools(name TEXT);");
    char *path = mem_format("%s/swarmd.db", folder);
    char *copy = mem_format("%s.v%d", path, store_schema()->version);
    sqlite3 *db = open_file(path);
    struct err err = {0};
    assert_true(store_migrate(db, path, &later, &err));
    assert_int_equal(count_rows(db, "PRAGMA user_version"), later.version);
    assert_int_equal(count_rows(db, "SELECT count(colour) FROM agents"), 0);
    assert_int_equal(count_rows(db, "SELECT count(*) FROM pools"), 0);
    sqlite3_close(db);

    struct stat st;
    assert_int_equal(stat(copy, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    db = open_file(copy);
    assert_int_equal(count_rows(db, "PRAGMA user_version"), store_schema()->version);
    assert_int_equal(count_rows(db, "SELECT count(*) FROM log"), 20);
    sqlite3_close(db);
    mem_free(copy);
    mem_free(path);
}

static void a_migration_that_fails_changes_nothing(void **state)
{
    (void)state;
    const char *folder = unit_temp_folder();
    store_close(open_store(folder, NULL));
    const char *steps[LATER_STEPS_MAX];
    const struct schema later =
        make_later(steps, add_column, "CREATE TABLE half(x); INSERT INTO nowhere VALUES(1);");
    char *path = mem_format("%s/swarmd.db", folder);
    sqlite3 *db = open_file(path);
    struct err err = {0};
    assert_false(store_migrate(db, path, &later, &err));
    assert_int_equal(err.kind, ERR_STORAGE);
    assert_non_null(strstr(err.message, "nowhere"));
    assert_int_equal(count_rows(db, "PRAGMA user_version"), store_schema()->version);
    assert_int_equal(count_rows(db, "SELECT count(*) FROM half"), -1);
    assert_int_equal(count_rows(db, "SELECT count(colour) FROM agents"), -1);
    sqlite3_close(db);
    mem_free(path);
    store_close(open_store(folder, NULL));
}

static int count_files(const char *folder)
{
    int count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static void closing_leaves_one_file(void **state)
{
    (void)state;
    const char *folder = unit_temp_folder();
    struct store *store = open_store(folder, NULL), *reader;
    struct err err;
    add_events(store, 1, 20);
    assert_true(store_open_reader(&reader, folder, &err));
    mem_free(events_read_all(reader, 0, 0, 20));
    store_close(reader);
    store_close(store);
    store_close(NULL);
    assert_int_equal(count_files(folder), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_store_is_empty_and_private),
        cmocka_unit_test(what_was_committed_is_there_again),
        cmocka_unit_test(garbage_is_moved_aside_with_its_log),
        cmocka_unit_test(a_foreign_database_is_moved_aside_unchanged),
        cmocka_unit_test(a_damaged_store_is_moved_aside),
        cmocka_unit_test(a_store_of_a_newer_version_is_refused_and_left),
        cmocka_unit_test(a_folder_that_cannot_be_used_is_named),
        cmocka_unit_test(migrating_leaves_a_copy_of_what_was),
        cmocka_unit_test(a_migration_that_fails_changes_nothing),
        cmocka_unit_test(closing_leaves_one_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
