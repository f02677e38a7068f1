// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "tests/unit/support/web_server.h"
#include "transports/config_file.h"

#include <sys/stat.h>
#include <unistd.h>

enum { BUILTINS = 6 }; // providers that are there without a configuration

static void clear_environment(void)
{
    static const char *const names[] = {
        "SWARMD_CONFIG",  "SWARMD_MODEL",       "SWARMD_MODE",     "SWARMD_MAX_ACTIVE",
        "OPENAI_API_KEY", "OPENROUTER_API_KEY", "XDG_CONFIG_HOME", NULL};
    for (const char *const *name = names; *name; name++)
        unsetenv(*name);
    setenv("HOME", "/nonexistent", 1);
}

static int setup(void **state)
{
    (void)state;
    clear_environment();
    return 0;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    fclose(file);
}

static void expect_error(const char *yaml, const char *expected)
{
    struct config config;
    struct err err = {0};
    char *copy = mem_dup(str_of(yaml));
    assert_false(config_parse(&config, "/c.yaml", str_of(copy), &err));
    assert_string_equal(err.message, expected);
    assert_int_equal(err.kind, ERR_CONFIG);
    mem_free(copy);
}

// Whatever listens on this machine, and however it answers.
static bool serve_models(struct web_connection *c, const struct web_request *request, void *arg)
{
    if (strcmp(request->path, "/v1/models") == 0)
        web_print(c, "%s", (const char *)arg);
    return false;
}

static void expect_local_model(const char *answer, const char *model)
{
    struct config config;
    struct err err = {0};
    struct web_server *server = web_server_create(serve_models, (void *)(uintptr_t)answer);
    char *yaml = mem_format("providers: {local: {base_url: \"http://127.0.0.1:%d/v1\"}}",
                            web_server_port(server));
    assert_true(config_parse(&config, "/c.yaml", str_of(yaml), &err));
    assert_string_equal(config.model, model);
    config_release(&config);
    mem_free(yaml);
    web_server_destroy(server);
}

static void test_server_on_this_machine(void **state)
{
    (void)state;
    expect_local_model("HTTP/1.0 200 OK\r\n\r\n"
                       "{\"object\":\"list\",\"data\":[{\"id\":\"qwen3:8b\"},{\"id\":\"x\"}]}",
                       "local/qwen3:8b");
    expect_local_model("HTTP/1.0 200 OK\r\n\r\n{\"data\":[]}", "demo/tour");
    expect_local_model("HTTP/1.0 200 OK\r\n\r\n{\"data\":[7]}", "demo/tour");
    expect_local_model("HTTP/1.0 200 OK\r\n\r\n<html>", "demo/tour");
    expect_local_model("HTTP/1.0 404 No\r\n\r\n{\"data\":[{\"id\":\"a\"}]}", "demo/tour");
    expect_local_model("", "demo/tour");
}

static void test_defaults(void **state)
{
    (void)state;
    struct config config;
    struct err err;
    assert_true(config_load(&config, &err));
    assert_string_equal(config.mode, "ask");
    assert_int_equal(config.max_active, 16);
    assert_int_equal(config.step_limit, 100);
    assert_int_equal(config.turn_idle_s, 600);
    assert_int_equal(config.turn_s, 0);
    assert_int_equal(config.stall_s, 120);
    assert_int_equal(config.provider_count, BUILTINS);
    const struct provider_config *local = config_provider(&config, STR("local"));
    assert_string_equal(local->base_url, "http://127.0.0.1:11434/v1");
    assert_null(local->api_key_env);
    config_release(&config);
}

static void test_whole_file(void **state)
{
    (void)state;
    struct config config;
    struct err err = {0};
    struct str yaml = STR("# mine\n"
                          "model: lab/qwen3:32b\n"
                          "mode: edit\n"
                          "max_active: 3\n"
                          "step_limit: 7\n"
                          "turn_idle_seconds: 60\n"
                          "turn_seconds: 3600\n"
                          "stall_seconds: 5\n"
                          "providers:\n"
                          "  lab: {kind: openai-chat, base_url: \"https://lab.example:8443/v1//\","
                          " api_key_env: LAB_KEY}\n"
                          "  openai: {kind: openai-responses, api_key_env: WORK_KEY}\n");
    assert_true(config_parse(&config, "/c.yaml", yaml, &err));
    assert_string_equal(config.model, "lab/qwen3:32b");
    assert_string_equal(config.mode, "edit");
    assert_int_equal(config.max_active, 3);
    assert_int_equal(config.step_limit, 7);
    assert_int_equal(config.turn_idle_s, 60);
    assert_int_equal(config.turn_s, 3600);
    assert_int_equal(config.stall_s, 5);
    const struct provider_config *lab = config_provider(&config, STR("lab"));
    assert_string_equal(lab->base_url, "https://lab.example:8443/v1");
    assert_string_equal(lab->api_key_env, "LAB_KEY");
    // a built-in keeps what the file does not say
    const struct provider_config *openai = config_provider(&config, STR("openai"));
    assert_string_equal(openai->base_url, "https://api.openai.com/v1");
    assert_string_equal(openai->api_key_env, "WORK_KEY");
    assert_int_equal(openai->kind, PROVIDER_OPENAI_RESPONSES); // the same server
    char names[100];
    config_provider_names(&config, names, sizeof(names));
    assert_string_equal(names, "lab, openai, anthropic, gemini, openrouter, local, demo");
    config_release(&config);
}

static void test_empty_files(void **state)
{
    (void)state;
    const char *const texts[] = {"", "\n", "# nothing\n", "---\n", "providers:\n", "{}"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct config config;
        struct err err = {0};
        bool ok = config_parse(&config, "/c.yaml", str_of(texts[i]), &err);
        assert_string_equal(err.message, "");
        assert_true(ok);
        config_release(&config);
    }
}

static void test_sizes_of_outputs(void **state)
{
    (void)state;
    struct config config;
    struct err err = {0};
    bool ok = config_parse(&config, "/c.yaml",
                           STR("outputs:\n  whole: 7000\n  summary: off\n  tools:\n"
                               "    bash: {cut: 90000, summary: 5000}\n    grep:\n"
                               "summary_model: demo/tour\n"),
                           &err);
    assert_string_equal(err.message, "");
    assert_true(ok);
    assert_string_equal(config.summary_model, "demo/tour");
    struct output_sizes bash = output_sizes_of(NULL, &config.outputs, STR("bash"));
    assert_true(bash.whole == 7000 && bash.cut == 90000 && bash.summary == 5000);
    assert_int_equal(bash.read, OUTPUT_READ);
    struct output_sizes grep = output_sizes_of(NULL, &config.outputs, STR("grep"));
    assert_true(grep.whole == 7000 && grep.cut == OUTPUT_CUT && grep.summary == OUTPUT_OFF);
    struct output_config role = {.general = {.whole = 800, .summary = 900}};
    bash = output_sizes_of(&role, &config.outputs, STR("bash"));
    assert_true(bash.whole == 800 && bash.cut == 90000 && bash.summary == 900);
    config_release(&config);
}

static void test_errors_name_the_line(void **state)
{
    (void)state;
    expect_error("mode: ask\nmoddel: openai/x\n",
                 "/c.yaml:2: unknown key 'moddel'; did you mean 'model'?");
    expect_error("max_actve: 2\n",
                 "/c.yaml:1: unknown key 'max_actve'; did you mean 'max_active'?");
    expect_error(
        "a: 2\n",
        "/c.yaml:1: unknown key 'a'; expected one of model, mode, max_active, "
        "step_limit, context_percent, outputs, summary_model, turn_idle_seconds, turn_seconds, "
        "stall_seconds, providers, "
        "detach, idle_seconds, sandbox, merge, retry, quota_probe_seconds, "
        "models, budgets, fallback, permissions, worktree_pool, repositories");
    expect_error("temperature: 2\n",
                 "/c.yaml:1: unknown key 'temperature'; expected one of model, mode, max_active, "
                 "step_limit, context_percent, outputs, summary_model, turn_idle_seconds, "
                 "turn_seconds, stall_seconds, "
                 "providers, detach, "
                 "idle_seconds, sandbox, merge, retry, quota_probe_seconds, models, budgets, "
                 "fallback, permissions, worktree_pool, repositories");
    expect_error("merge: {strategy: octopus}\n",
                 "/c.yaml:1: merge.strategy: expected merge, squash, rebase or ff, not 'octopus'");
    expect_error("merge:\n  author: Ada\n",
                 "/c.yaml:2: merge.author: expected a name and an address, as in \"Ada Lovelace "
                 "<ada@example.org>\"");
    expect_error("outputs: {whole: 400}\n",
                 "/c.yaml:1: whole: expected a whole number from 500 to 50000, not '400'");
    expect_error("outputs:\n  tools:\n    bahs: {cut: 1}\n",
                 "/c.yaml:3: unknown key 'bahs'; did you mean 'bash'?");
    expect_error("outputs: {tools: {bash: {sumary: off}}}\n",
                 "/c.yaml:1: unknown key 'sumary'; did you mean 'summary'?");
    expect_error("outputs: {cut: off}\n",
                 "/c.yaml:1: cut: expected a whole number from 500 to 1000000000, not 'off'");
    expect_error("summary_model: haiku\n", "/c.yaml:1: summary_model: expected provider/model, as "
                                           "in anthropic/claude-haiku-4-5, not 'haiku'");
    expect_error("summary_model: nowhere/m\n",
                 "the configuration: summary_model: no provider is called 'nowhere'");
    expect_error("merge: {autor: x}\n", "/c.yaml:1: unknown key 'autor'; did you mean 'author'?");
    expect_error("mode: yolo\n", "/c.yaml:1: mode: expected ask, edit, full or read, not 'yolo'");
    expect_error("\n\nmax_active: 0\n",
                 "/c.yaml:3: max_active: expected a whole number from 1 to 1000, not '0'");
    expect_error("max_active: 1001\n",
                 "/c.yaml:1: max_active: expected a whole number from 1 to 1000, not '1001'");
    expect_error("turn_seconds: -1\n", "/c.yaml:1: turn_seconds: expected a whole number from 0 "
                                       "to 2592000, not '-1'");
    expect_error("stall_seconds: [1]\n", "/c.yaml:1: stall_seconds: expected a single value");
    expect_error("model: gpt\n",
                 "/c.yaml:1: model: expected provider/model, as in openai/gpt-5.1, not 'gpt'");
    expect_error("mode: ask\nmodel: nowhere/m\n", "/c.yaml:2: model: no provider is called "
                                                  "'nowhere'; there are anthropic, openai, gemini, "
                                                  "openrouter, local, demo");
    expect_error("mode: ask\nmode: full\n", "/c.yaml:2: 'mode' is written twice");
    expect_error("detach: yes\n", "/c.yaml:1: detach: expected true or false, not 'yes'");
    expect_error("- a\n", "/c.yaml:1: the file: expected keys and values (\"key: value\")");
    expect_error("? [a]\n: b\n", "/c.yaml:1: the file: a key must be a word");
    expect_error("mode: ask\n---\nmode: ask\n",
                 "/c.yaml:2: expected one document, here a second one begins");
}

static void test_syntax_errors(void **state)
{
    (void)state;
    static const char *const texts[] = {"a: [1\n",    "a: b: c\n",    "\tx: 1\n", "a: \"\\q\"\n",
                                        "a: *nope\n", "\xff\xfe\x00", "a: \x01\n"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct config config;
        struct err err = {0};
        assert_false(config_parse(&config, "/c.yaml", str_of(texts[i]), &err));
        assert_int_equal(err.kind, ERR_CONFIG);
        assert_int_equal(strncmp(err.message, "/c.yaml:", 8), 0);
    }
}

static void test_provider_errors(void **state)
{
    (void)state;
    expect_error("providers:\n  a:\n    kind: openai-chat\n",
                 "/c.yaml:2: providers.a: base_url is missing, as in http://127.0.0.1:8080/v1");
    expect_error("providers:\n  a: {base_url: \"http://h\"}\n",
                 "/c.yaml:2: providers.a: kind is missing, as in kind: openai-chat");
    expect_error("providers: {a: {kind: anthropic}}\n",
                 "/c.yaml:1: providers.a: base_url is missing, as in https://api.anthropic.com");
    expect_error("providers: {openai: {kind: anthropic}}\n", // another server's URL is no default
                 "/c.yaml:1: providers.openai: base_url is missing, as in "
                 "https://api.anthropic.com");
    expect_error("providers: {a: {kind: x}}\n", "/c.yaml:1: kind: expected anthropic, openai-chat, "
                                                "openai-responses, gemini or demo, not 'x'");
    expect_error("providers: {a: {kind: openai-chat, url: x}}\n",
                 "/c.yaml:1: unknown key 'url'; did you mean 'base_url'?");
    expect_error("providers: {A b: {kind: demo}}\n",
                 "/c.yaml:1: providers: a name takes small letters, digits, '-', '_' and '.' (at "
                 "most 64), not 'A b'");
    expect_error("providers: {openai: {api_key_env: A, api_key_file: /k}}\n",
                 "/c.yaml:1: providers.openai: give one of api_key_env, api_key_command and "
                 "api_key_file");
    expect_error("providers: {openai: {api_key_command: \" \"}}\n",
                 "/c.yaml:1: api_key_command: expected a command that prints the key");
    expect_error("providers: {openai: {api_key_file: keys/openai}}\n",
                 "/c.yaml:1: api_key_file: expected an absolute path, or one that begins with ~/");
    expect_error("providers: 7\n",
                 "/c.yaml:1: providers: expected keys and values (\"key: value\")");
    expect_error("providers: {demo: {base_url: \"http://h\"}}\n",
                 "/c.yaml:1: providers.demo: demo takes no base_url");
}

static void expect_concurrency(const char *value, int expected)
{
    struct config config;
    struct err err = {0};
    char *yaml = mem_format("providers: {a: {kind: demo%s}}", value);
    assert_true(config_parse(&config, "/c.yaml", str_of(yaml), &err));
    assert_int_equal(config.providers[0].concurrency, expected);
    config_release(&config);
    mem_free(yaml);
}

static void test_concurrency_and_retry(void **state)
{
    (void)state;
    struct config config;
    struct err err = {0};
    expect_concurrency("", CONCURRENCY_DEFAULT);
    expect_concurrency(", concurrency: adaptive", CONCURRENCY_ADAPTIVE);
    expect_concurrency(", concurrency: off", CONCURRENCY_OFF);
    expect_concurrency(", concurrency: 1000", 1000);
    expect_error("providers: {a: {kind: demo, concurrency: 0}}\n",
                 "/c.yaml:1: concurrency: expected adaptive, off, or a whole number from 1 to "
                 "1000, not '0'");
    assert_true(config_parse(&config, "/c.yaml", STR(""), &err));
    assert_int_equal(config.retry_first_ms, 500);
    assert_int_equal(config.retry_max_ms, 30000);
    assert_int_equal(config.quota_probe_s, 300);
    assert_int_equal(config.pool_count, 2);
    assert_int_equal(config.pool_mb, 512);
    config_release(&config);
    struct str yaml = STR("worktree_pool: {count: 0, mb: 9}\nquota_probe_seconds: 7\nretry: "
                          "{first_ms: 1, max_ms: 20}\n");
    assert_true(config_parse(&config, "/c.yaml", yaml, &err));
    assert_int_equal(config.retry_first_ms, 1);
    assert_int_equal(config.retry_max_ms, 20);
    assert_int_equal(config.quota_probe_s, 7);
    assert_int_equal(config.pool_count, 0);
    assert_int_equal(config.pool_mb, 9);
    config_release(&config);
    yaml = STR("repositories:\n- {path: /a/b, include: [.env, x/], setup: make, sparse: [/src/]}\n"
               "- {path: /c, worktreeinclude: true}\n");
    assert_true(config_parse(&config, "/c.yaml", yaml, &err));
    assert_int_equal(config.repository_count, 2);
    assert_string_equal(config.repositories[0].include, ".env\nx/\n");
    assert_string_equal(config.repositories[0].sparse, "/src/\n");
    assert_string_equal(config.repositories[0].setup, "make");
    assert_true(config.repositories[1].worktreeinclude);
    expect_error("repositories: [{setup: make}]", "/c.yaml:1: repositories: path is missing");
    expect_error("repositories: [{path: x}]",
                 "/c.yaml:1: repositories: path: expected an absolute path, or one that begins "
                 "with ~/, not 'x'");
    expect_error("repositories: [{path: /x, setpu: make}]",
                 "/c.yaml:1: unknown key 'setpu'; did you mean 'setup'?");
    config_release(&config);
    expect_error("retry: 3\n", "/c.yaml:1: retry: expected keys and values (\"key: value\")");
    expect_error("retry: {first: 1}\n", "/c.yaml:1: unknown key 'first'; did you mean 'first_ms'?");
    expect_error("retry:\n  max_ms: 600001\n",
                 "/c.yaml:2: max_ms: expected a whole number from 1 to 600000, not '600001'");
}

static void test_key_sources(void **state)
{
    (void)state;
    struct config config;
    struct err err = {0};
    setenv("HOME", "/nonexistent", 1);
    struct str yaml = STR("providers:\n  openai: {api_key_command: pass show openai}\n"
                          "  anthropic: {api_key_file: ~/.keys/anthropic}\n");
    assert_true(config_parse(&config, "/c.yaml", yaml, &err));
    const struct provider_config *openai = config_provider(&config, STR("openai"));
    const struct provider_config *anthropic = config_provider(&config, STR("anthropic"));
    assert_string_equal(openai->api_key_command, "pass show openai");
    assert_null(openai->api_key_env);
    assert_null(openai->api_key_file);
    assert_string_equal(anthropic->api_key_file, "/nonexistent/.keys/anthropic");
    assert_null(anthropic->api_key_env);
    assert_int_equal(strncmp(config.model, "anthropic/", 10), 0); // it has a key
    config_release(&config);
}

static void test_secrets_are_not_shown(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "providers: {openai: {api_key_env: sk-Secret-1}}\n",
        "providers: {openai: {api_key: sk-Secret-1}}\n",
        "providers: {a: {kind: openai-chat, base_url: \"http://me:Secret-1@host/v1\"}}\n",
        "providers: {a: {kind: openai-chat, base_url: \"ftp://me:Secret-1@host/v1\"}}\n",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct config config;
        struct err err = {0};
        assert_false(config_parse(&config, "/c.yaml", str_of(texts[i]), &err));
        assert_null(strstr(err.message, "Secret"));
    }
}

static void test_base_urls(void **state)
{
    (void)state;
    static const char *const bad[] = {"ftp://h",    "h/v1",       "http://",    "https:///v1",
                                      "http://:80", "http://h v", "http://h?a", "http://h#a"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct config config;
        struct err err = {0};
        char *yaml = mem_format("providers: {a: {kind: openai-chat, base_url: \"%s\"}}", bad[i]);
        assert_false(config_parse(&config, "/c.yaml", str_of(yaml), &err));
        assert_int_equal(strncmp(err.message, "/c.yaml:1: base_url: ", 21), 0);
        mem_free(yaml);
    }
}

static void test_too_many_providers(void **state)
{
    (void)state;
    struct buf yaml;
    struct config config;
    struct err err = {0};
    buf_init(&yaml, 1 << 16);
    buf_add_str(&yaml, STR("providers:\n"));
    for (int i = 0; i < CONFIG_PROVIDERS_MAX - BUILTINS; i++)
        buf_addf(&yaml, "  p%d: {kind: demo}\n", i);
    assert_true(config_parse(&config, "/c.yaml", buf_str(&yaml), &err));
    assert_int_equal(config.provider_count, CONFIG_PROVIDERS_MAX);
    config_release(&config);
    buf_add_str(&yaml, STR("  more: {kind: demo}\n"));
    assert_false(config_parse(&config, "/c.yaml", buf_str(&yaml), &err));
    assert_string_equal(err.message, "/c.yaml:28: providers: there are more than 26");
    buf_release(&yaml);
}

static void test_where_the_file_is(void **state)
{
    (void)state;
    struct config config;
    struct err err = {0};
    const char *folder = unit_temp_folder();
    char *path = mem_format("%s/swarmd", folder);
    char *file = mem_format("%s/swarmd/config.yaml", folder);
    char *other = mem_format("%s/other.yaml", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    write_file(file, "max_active: 5\n");
    setenv("XDG_CONFIG_HOME", folder, 1);
    assert_true(config_load(&config, &err));
    assert_int_equal(config.max_active, 5);
    config_release(&config);
    write_file(other, "max_active: 6\n");
    setenv("SWARMD_CONFIG", other, 1);
    assert_true(config_load(&config, &err));
    assert_int_equal(config.max_active, 6);
    config_release(&config);
    assert_int_equal(unlink(other), 0);
    assert_false(config_load(&config, &err)); // named, so it must be there
    assert_non_null(strstr(err.message, "other.yaml: No such file"));
    setenv("SWARMD_CONFIG", folder, 1);
    assert_false(config_load(&config, &err));
    assert_non_null(strstr(err.message, "is not a file"));
    mem_free(path);
    mem_free(file);
    mem_free(other);
}

static void test_environment(void **state)
{
    (void)state;
    struct config config;
    struct err err = {0};
    setenv("SWARMD_MODEL", "local/llama3", 1);
    setenv("SWARMD_MODE", "full", 1);
    setenv("SWARMD_MAX_ACTIVE", "9", 1);
    assert_true(config_load(&config, &err));
    assert_string_equal(config.model, "local/llama3");
    assert_string_equal(config.mode, "full");
    assert_int_equal(config.max_active, 9);
    config_release(&config);
    setenv("SWARMD_MODEL", "gone/llama3", 1);
    assert_false(config_load(&config, &err));
    assert_non_null(strstr(err.message, "SWARMD_MODEL: model: no provider is called 'gone'"));
    setenv("SWARMD_MODEL", "", 1); // empty is as good as unset
    setenv("SWARMD_MAX_ACTIVE", "many", 1);
    assert_false(config_load(&config, &err));
    assert_string_equal(err.message, "SWARMD_MAX_ACTIVE: max_active: expected a whole number from "
                                     "1 to 1000, not 'many'");
}

static void test_model_follows_the_keys(void **state)
{
    (void)state;
    struct config config;
    struct err err = {0};
    setenv("OPENROUTER_API_KEY", "k", 1);
    assert_true(config_load(&config, &err));
    assert_int_equal(strncmp(config.model, "openrouter/", 11), 0);
    config_release(&config);
    setenv("GOOGLE_API_KEY", "k", 1);
    assert_true(config_load(&config, &err));
    assert_int_equal(strncmp(config.model, "gemini/gemini-", 14), 0);
    assert_string_equal(config_provider(&config, STR("gemini"))->api_key_env, "GOOGLE_API_KEY");
    config_release(&config);
    setenv("GEMINI_API_KEY", "k", 1);
    assert_true(config_load(&config, &err));
    assert_string_equal(config_provider(&config, STR("gemini"))->api_key_env, "GEMINI_API_KEY");
    assert_int_equal(strncmp(config.model, "gemini/gemini-", 14), 0);
    config_release(&config);
    setenv("OPENAI_API_KEY", "k", 1);
    assert_true(config_load(&config, &err));
    assert_int_equal(strncmp(config.model, "openai/", 7), 0);
    config_release(&config);
    setenv("ANTHROPIC_API_KEY", "k", 1);
    assert_true(config_load(&config, &err));
    assert_int_equal(strncmp(config.model, "anthropic/claude-", 17), 0);
    config_release(&config);
    setenv("OPENAI_API_KEY", "", 1);
    unsetenv("ANTHROPIC_API_KEY");
    unsetenv("GEMINI_API_KEY");
    unsetenv("GOOGLE_API_KEY");
    unsetenv("OPENROUTER_API_KEY");
    struct str nobody = STR("providers: {local: {base_url: \"http://127.0.0.1:1/v1\"}}");
    assert_true(config_parse(&config, "/c.yaml", nobody, &err));
    assert_string_equal(config.model, "demo/tour");
    config_release(&config);
}

static bool has(char **envp, const char *entry)
{
    for (; *envp; envp++)
        if (strcmp(*envp, entry) == 0)
            return true;
    return false;
}

static void test_commands_get_no_keys(void **state)
{
    (void)state;
    struct config config;
    struct err err = {0};
    setenv("LAB_KEY", "secret", 1);
    setenv("LAB_NAME", "not one", 1);
    setenv("OPENAI_API_KEY", "secret", 1);
    setenv("ANTHROPIC_API_KEY", "secret", 1);
    setenv("GEMINI_API_KEY", "secret", 1);
    struct str yaml = STR("providers: {lab: {kind: openai-chat, base_url: \"http://h\", "
                          "api_key_env: LAB_KEY}, openai: {api_key_env: WORK_KEY}}\n"
                          "sandbox: {environment: [LAB_*]}");
    assert_true(config_parse(&config, "/c.yaml", yaml, &err));
    char **envp = config_tool_env(&config);
    assert_true(has(envp, "LAB_NAME=not one"));
    assert_true(has(envp, "HOME=/nonexistent"));
    for (char **entry = envp; *entry; entry++)
        assert_null(strstr(*entry, "secret"));
    config_free_env(envp);
    config_release(&config);
    unsetenv("LAB_KEY");
    unsetenv("LAB_NAME");
    unsetenv("ANTHROPIC_API_KEY");
    unsetenv("GEMINI_API_KEY");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_server_on_this_machine, setup),
        cmocka_unit_test_setup(test_defaults, setup),
        cmocka_unit_test_setup(test_whole_file, setup),
        cmocka_unit_test_setup(test_empty_files, setup),
        cmocka_unit_test_setup(test_sizes_of_outputs, setup),
        cmocka_unit_test_setup(test_errors_name_the_line, setup),
        cmocka_unit_test_setup(test_syntax_errors, setup),
        cmocka_unit_test_setup(test_provider_errors, setup),
        cmocka_unit_test_setup(test_key_sources, setup),
        cmocka_unit_test_setup(test_concurrency_and_retry, setup),
        cmocka_unit_test_setup(test_secrets_are_not_shown, setup),
        cmocka_unit_test_setup(test_base_urls, setup),
        cmocka_unit_test_setup(test_too_many_providers, setup),
        cmocka_unit_test_setup(test_where_the_file_is, setup),
        cmocka_unit_test_setup(test_environment, setup),
        cmocka_unit_test_setup(test_model_follows_the_keys, setup),
        cmocka_unit_test_setup(test_commands_get_no_keys, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
