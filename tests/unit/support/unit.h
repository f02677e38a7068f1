// SPDX-License-Identifier: MIT
// What every cmocka program here includes first.
#ifndef SWARMD_TESTS_UNIT_H
#define SWARMD_TESTS_UNIT_H

// cmocka.h wants these before it, in this order.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A fresh temporary folder (0700), removed with everything in it at exit.
const char *unit_temp_folder(void);

#endif
