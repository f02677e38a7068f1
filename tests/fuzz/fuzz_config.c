// SPDX-License-Identifier: MIT
// Any file is read, or refused with a message that begins with its path.
#include "transports/config_file.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config config;
    struct err err = {0};
    if (config_parse(&config, "f.yaml", str_from((const char *)data, size), &err)) {
        if (!config.model || !config.mode || config.max_active < 1)
            abort();
        config_release(&config);
    } else if (err.kind != ERR_CONFIG || strncmp(err.message, "f.yaml", 6) != 0) {
        abort();
    }
    return 0;
}
