// SPDX-License-Identifier: MIT
// What a fuzz target defines, for libFuzzer and for driver.c alike.
//
// A target takes any bytes and must neither crash nor break one of its own checks
// (fuzz_check). It keeps no state between two inputs. fuzz_corpus is where the mutations
// of driver.c begin; put one input of each shape there (a target without begins with
// nothing and gets nowhere). libFuzzer takes them when they are written out:
// <target> --corpus <folder>, of a build without libFuzzer.
#ifndef SWARMD_TESTS_FUZZ_H
#define SWARMD_TESTS_FUZZ_H

#include "core/base/str.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

// Ends with an entry whose data is NULL (STR_NONE).
extern const struct str fuzz_corpus[] __attribute__((weak));

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define fuzz_check(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);         \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
