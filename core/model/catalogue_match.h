// SPDX-License-Identifier: MIT
// How well an id of a model fits one of the catalogue.
#ifndef SWARMD_CORE_MODEL_CATALOGUE_MATCH_H
#define SWARMD_CORE_MODEL_CATALOGUE_MATCH_H

#include "core/base/str.h"

#include <stdbool.h>

enum model_fit {
    MODEL_FIT_NONE,
    MODEL_FIT_FAMILY, // of an id that ends in '*'
    MODEL_FIT_TAGGED, // without a tag: the same model, sold or run in another way
    MODEL_FIT_DATED,  // without a date
    MODEL_FIT_EXACT,
};

enum model_fit model_fits(struct str model, struct str id);

#endif
