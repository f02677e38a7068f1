// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/agent/role.h"
#include "core/base/mem.h"
#include "transports/config_file.h"

#include <sys/stat.h>

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    fclose(file);
}

// A folder with a configuration file, and roles/reviewer.yaml with this text.
static bool load(const char *main_text, const char *role_text, struct config *config,
                 struct err *err)
{
    static int number;
    char *folder = mem_format("%s/%d", unit_temp_folder(), number++);
    char *path = mem_format("%s/config.yaml", folder), *roles = mem_format("%s/roles", folder);
    char *role = mem_format("%s/reviewer.yaml", roles);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(mkdir(roles, 0700), 0);
    write_file(path, main_text);
    if (role_text)
        write_file(role, role_text);
    setenv("SWARMD_CONFIG", path, 1);
    bool ok = config_load(config, err);
    mem_free(role);
    mem_free(roles);
    mem_free(path);
    mem_free(folder);
    return ok;
}

static void rules_are_read(void **state)
{
    (void)state;
    struct config config;
    struct err err = {0};
    assert_true(load("permissions:\n  allow: [\"bash(git status*)\", read]\n  ask:\n"
                     "  deny:\n    - write(secrets/)\n",
                     NULL, &config, &err));
    const struct rules *rules = &config.permissions;
    assert_int_equal(rules->count, 3);
    assert_string_equal(rules->list[0].text, "bash(git status*)");
    assert_int_equal(rules->list[0].effect, RULE_ALLOW);
    assert_string_equal(rules->list[2].text, "write(secrets/)");
    assert_int_equal(rules->list[2].effect, RULE_DENY);
    assert_int_equal(rules->list[2].source, RULE_USER);
    assert_true(role_check(&config, STR("whatever"), &err)); // without roles it is a free word
    config_release(&config);
}

static void a_role_is_read(void **state)
{
    (void)state;
    struct config config;
    struct err err = {0};
    bool ok = load("model: demo/tour\n",
                   "model: demo/tour\nmode: read\nprompt: |\n  Read and tell.\n  Change nothing.\n"
                   "permissions: {deny: [bash]}\n"
                   "limits: {steps: 20, tokens: 1000, seconds: 60, cost_usd: 0.5}\n"
                   "environment: [CI_TOKEN]\n",
                   &config, &err);
    assert_string_equal(err.message, "");
    assert_true(ok);
    const struct role_config *role = role_find(&config, STR("reviewer"));
    assert_non_null(role);
    assert_string_equal(role->model, "demo/tour");
    assert_string_equal(role->mode, "read");
    assert_string_equal(role->prompt, "Read and tell.\nChange nothing.\n");
    assert_int_equal(role->permissions.count, 1);
    assert_int_equal(role->steps, 20);
    assert_int_equal(role->cost, 500000000);
    assert_int_equal(role->environment_count, 1);
    assert_true(role_check(&config, STR_NONE, &err));
    assert_false(role_check(&config, STR("revewer"), &err));
    assert_string_equal(err.message, "role: there is no role 'revewer'; there are reviewer");
    config_release(&config);
}

static void errors_name_file_and_line(void **state)
{
    (void)state;
    static const struct {
        const char *main_text, *role_text, *says;
    } cases[] = {
        {"mode: ask\npermissions: {alow: [bash]}\n", NULL,
         "config.yaml:2: unknown key 'alow'; did you mean 'allow'?"},
        {"permissions:\n  deny:\n    - bash\n    - wrte(x)\n", NULL,
         "config.yaml:4: deny: the rule 'wrte(x)' names no tool; there are read, write"},
        {"permissions: {deny: bash}\n", NULL, "config.yaml:1: deny: expected a list"},
        {"", "mode: ask\npromt: x\n",
         "roles/reviewer.yaml:2: unknown key 'promt'; did you mean 'prompt'?"},
        {"", "mode: fast\n", "roles/reviewer.yaml:1: mode: expected ask, edit, full or read"},
        {"", "limits: {steps: many}\n", "roles/reviewer.yaml:1: steps: expected a whole number"},
        {"", "limits: {cost_usd: -1}\n", "roles/reviewer.yaml:1: cost_usd"},
        {"", "environment: [\"A=b\"]\n", "roles/reviewer.yaml:1: environment: expected names"},
        {"", "model: nowhere/x\n", "roles/reviewer.yaml: model: no provider is called 'nowhere'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config config;
        struct err err = {0};
        assert_false(load(cases[i].main_text, cases[i].role_text, &config, &err));
        assert_int_equal(err.kind, ERR_CONFIG);
        if (!strstr(err.message, cases[i].says))
            fail_msg("'%s' does not say '%s'", err.message, cases[i].says);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_are_read),
        cmocka_unit_test(a_role_is_read),
        cmocka_unit_test(errors_name_file_and_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
