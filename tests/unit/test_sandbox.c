// SPDX-License-Identifier: MIT
// The sandbox as values: the description, the environment, denials, and requests to the proxy.
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "core/permission/sandbox.h"
#include "transports/proxy.h"

static const struct sandbox_place place = {.state_folder = "/s",
                                           .agent_id = "a1",
                                           .worktree = "/s/w/a1",
                                           .repository = "/r",
                                           .isolated = true};

static struct sandbox_policy policy_new(void)
{
    struct sandbox_policy policy;
    sandbox_policy_set_defaults(&policy);
    policy.home = mem_dup(STR("/home/p"));
    return policy;
}

// Is there such a record?
static bool has(const struct buf *description, const char *record)
{
    for (size_t at = 0; at < description->len; at += strlen(description->data + at) + 1)
        if (strcmp(description->data + at, record) == 0)
            return true;
    return false;
}

static struct buf describe(const struct sandbox_policy *policy, const struct sandbox_place *where)
{
    struct buf description;
    buf_init(&description, SANDBOX_SPEC_MAX);
    sandbox_describe(&description, policy, where);
    return description;
}

static void test_a_worktrees_description(void **state)
{
    (void)state;
    struct sandbox_policy policy = policy_new();
    struct buf description = describe(&policy, &place);
    static const char *const records[] = {
        "write=/s/w/a1",    "read=/s/w/a1/.git", "read=/r",           "hide=/s",
        "write=/s/git/a1",  "tmp=/s/tmp/a1",     "hide=/home/p/.ssh", "write=/home/p/.cache",
        "hide=/etc/shadow", "network=on",        "processes=2048",    "read=/s/git/a1/config"};
    for (size_t i = 0; i < sizeof records / sizeof *records; i++)
        if (!has(&description, records[i]))
            fail_msg("no %s", records[i]);
    assert_false(has(&description, "allow=ptrace"));
    assert_int_equal(description.data[description.len - 1], '\0');
    buf_release(&description);
    sandbox_policy_release(&policy);
}

static void test_the_configurations_words(void **state)
{
    (void)state;
    struct sandbox_policy policy = policy_new();
    sandbox_list_add(&policy.writable, STR("~/build"));
    sandbox_list_add(&policy.hidden, STR("/secret"));
    sandbox_list_add(&policy.readable, STR("~/.npmrc"));
    policy.own_writable = policy.ptrace = true;
    policy.network = SANDBOX_NETWORK_HOSTS;
    policy.memory_mb = 0;
    struct sandbox_place none = place;
    none.isolated = false;
    none.git_writable = true;
    none.worktree = none.repository;
    struct buf description = describe(&policy, &none);
    assert_true(has(&description, "write=/home/p/build") && has(&description, "hide=/secret"));
    assert_true(has(&description, "allow=ptrace") && has(&description, "network=proxy"));
    assert_true(has(&description, "read=/r/.git/hooks") && has(&description, "write=/r"));
    assert_true(has(&description, "write=/r/.git") && has(&description, "write=/r/.git/objects"));
    assert_false(has(&description, "hide=/home/p/.npmrc"));
    assert_false(has(&description, "write=/home/p/.cache"));
    assert_false(has(&description, "memory=0"));
    buf_release(&description);
    policy.off = true;
    description = describe(&policy, &place);
    assert_int_equal(description.len, 0);
    buf_release(&description);
    sandbox_policy_release(&policy);
}

static void test_lists_have_a_ceiling(void **state)
{
    (void)state;
    struct sandbox_policy policy = policy_new();
    for (int i = 0; i < SANDBOX_LIST_MAX; i++)
        assert_true(sandbox_list_add(&policy.hidden, STR("/x")));
    assert_false(sandbox_list_add(&policy.hidden, STR("/x")));
    sandbox_policy_release(&policy);
}

static void test_environment(void **state)
{
    (void)state;
    struct sandbox_policy policy = policy_new();
    static const char *const passed[] = {"PATH=/bin",
                                         "LC_ALL=C",
                                         "CFLAGS=-g",
                                         "VIRTUAL_ENV=/v",
                                         "ASAN_OPTIONS=x",
                                         "CARGO_HOME=/c",
                                         "http_proxy=http://p:1"};
    static const char *const kept[] = {"GITHUB_TOKEN=x",
                                       "AWS_SECRET_ACCESS_KEY=x",
                                       "SSH_AUTH_SOCK=/s",
                                       "DISPLAY=:0",
                                       "DBUS_SESSION_BUS_ADDRESS=x",
                                       "LC_TOKEN=x",
                                       "PIP_PASSWORD=x",
                                       "NODE_AUTH_TOKEN=x",
                                       "CARGO_REGISTRY_TOKEN=x",
                                       "http_proxy=http://me:word@p:1",
                                       "GIT_DIR=/x",
                                       "none"};
    for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
        if (!sandbox_passes(&policy, passed[i]))
            fail_msg("%s is not passed", passed[i]);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (sandbox_passes(&policy, kept[i]))
            fail_msg("%s is passed", kept[i]);
    sandbox_list_add(&policy.environment, STR("DISPLAY"));
    sandbox_list_add(&policy.environment, STR("AWS_*"));
    assert_true(sandbox_passes(&policy, "DISPLAY=:0") && sandbox_passes(&policy, "AWS_REGION=x"));
    assert_false(sandbox_passes(&policy, "AWS_SECRET_ACCESS_KEY=x")); // a role's, then
    sandbox_policy_release(&policy);
}

static void check_denial(const struct sandbox_policy *policy, bool weak, const char *calls,
                         const char *output, const char *says)
{
    char *text = sandbox_denial(policy, weak, calls, str_of(output));
    if (says)
        assert_true(text && strstr(text, says));
    else
        assert_null(text);
    mem_free(text);
}

static void test_denials(void **state)
{
    (void)state;
    struct sandbox_policy policy = policy_new();
    check_denial(&policy, false, NULL, "a\ntouch: /x: Read-only file system\nb\n", "touch: /x");
    check_denial(&policy, false, "ptrace, mount", "", "system calls ptrace, mount");
    check_denial(&policy, false, NULL, "a.c:1: error: x\nPermission denied", NULL);
    check_denial(&policy, true, NULL, "cat: /x: Permission denied", "cat: /x");
    check_denial(&policy, false, NULL, "curl: (6) Could not resolve host: x", NULL);
    policy.network = SANDBOX_NETWORK_OFF;
    check_denial(&policy, false, NULL, "curl: (6) Could not resolve host: x", "sandbox.network");
    sandbox_policy_release(&policy);
}

static void test_hosts(void **state)
{
    (void)state;
    struct sandbox_policy policy = policy_new();
    sandbox_list_add(&policy.hosts, STR("example.org"));
    sandbox_list_add(&policy.hosts, STR("*.crates.io"));
    sandbox_list_add(&policy.hosts, STR("one.net:8443"));
    static const struct {
        const char *host;
        int port;
        bool allowed;
    } rows[] = {{"example.org", 443, true},     {"EXAMPLE.org.", 80, true},
                {"a.example.org", 443, false},  {"static.crates.io", 443, true},
                {"crates.io", 443, false},      {"evilcrates.io", 443, false},
                {"one.net", 8443, true},        {"one.net", 443, false},
                {"example.org.evil", 1, false}, {"", 1, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (proxy_allows(&policy.hosts, str_of(rows[i].host), rows[i].port) != rows[i].allowed)
            fail_msg("%s:%d", rows[i].host, rows[i].port);
    sandbox_policy_release(&policy);
}

static void test_requests_to_the_proxy(void **state)
{
    (void)state;
    struct proxy_target target;
    assert_true(proxy_parse(STR("CONNECT a.b:443 HTTP/1.1\r\nHost: a.b\r\n\r\n"), &target));
    assert_true(target.tunnel && target.port == 443);
    assert_string_equal(target.host, "a.b");
    assert_true(proxy_parse(STR("GET http://a.b:81/c?d HTTP/1.1\r\n\r\n"), &target));
    assert_true(!target.tunnel && target.port == 81 && str_is(target.path, "/c?d"));
    assert_true(proxy_parse(STR("GET http://a.b HTTP/1.0\r\n\r\n"), &target));
    assert_true(target.port == 80 && str_is(target.path, "/"));
    assert_true(proxy_parse(STR("CONNECT [::1]:5 HTTP/1.1\r\n\r\n"), &target));
    assert_string_equal(target.host, "::1");
    static const char *const wrong[] = {
        "",
        "GET / HTTP/1.1\r\n\r\n",
        "CONNECT a.b HTTP/1.1\r\n\r\n",
        "CONNECT a.b:0 HTTP/1.1\r\n\r\n",
        "CONNECT a.b:99999 HTTP/1.1\r\n\r\n",
        "CONNECT a.b:4x HTTP/1.1\r\n\r\n",
        "CONNECT :443 HTTP/1.1\r\n\r\n",
        "CONNECT [::1:443 HTTP/1.1\r\n\r\n",
        "GET http://u@a.b/ HTTP/1.1\r\n\r\n",
        "GET ftp://a.b/ HTTP/1.1\r\n\r\n",
        "GET http://a.b/\r\n\r\n",
        "GET http://a.b/ SPDY/1.1\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (proxy_parse(str_of(wrong[i]), &target))
            fail_msg("%s", wrong[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_worktrees_description),
        cmocka_unit_test(test_the_configurations_words),
        cmocka_unit_test(test_lists_have_a_ceiling),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_denials),
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_requests_to_the_proxy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
