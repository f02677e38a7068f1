// SPDX-License-Identifier: MIT
// data/models.json as bytes; CMake makes catalogue_data.c of it (cmake/embed.cmake).
#ifndef SWARMD_CORE_MODEL_CATALOGUE_DATA_H
#define SWARMD_CORE_MODEL_CATALOGUE_DATA_H

extern const char catalogue_data[];
extern const unsigned long catalogue_data_size;

#endif
