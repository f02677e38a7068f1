// SPDX-License-Identifier: MIT
// Any file is read, or refused with a message that begins with its path.
#include "tests/fuzz/fuzz.h"

#include "transports/config_file.h"

const struct str fuzz_corpus[] = {
    STR("model: lab/qwen3:32b\nmode: edit\nmax_active: 3\nstep_limit: 7\nturn_idle_seconds: 60\n"
        "providers:\n  lab: {kind: openai-chat, base_url: \"https://lab.example:8443/v1/\", "
        "api_key_env: LAB_KEY}\n  openai: {api_key_env: WORK_KEY}\n"),
    STR("# a comment\n---\nmode: 'full'\nstall_seconds: 5\nproviders:\n  local:\n    base_url: >-\n"
        "      http://127.0.0.1:1/v1\n...\n"),
    STR("a: &x [1, 2, *x]\n? complex\n: !!str |\n  text\n"),
    STR("{mode: ask, mode: edit, max_active: -1, providers: null}"),
    STR_NONE,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config config;
    struct err err = {0};
    setenv("OPENAI_API_KEY", "set", 1); // a model without asking a server on this machine
    if (config_parse(&config, "f.yaml", str_from((const char *)data, size), &err)) {
        fuzz_check(config.model && config.mode && config.max_active >= 1);
        config_release(&config);
    } else {
        fuzz_check(err.kind == ERR_CONFIG);
        fuzz_check(strncmp(err.message, "f.yaml", 6) == 0);
    }
    return 0;
}
