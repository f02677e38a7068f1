// SPDX-License-Identifier: MIT
// What several dialects write in the same way.
#ifndef SWARMD_TRANSPORTS_MODEL_TEXT_H
#define SWARMD_TRANSPORTS_MODEL_TEXT_H

#include "core/base/json.h"
#include "core/model/model.h"

// An image as a data: URL.
void model_add_data_url(struct json_writer *w, const char *key, const struct model_part *image);

// The output of a call where the wire has no flag for a failed one: the text says it.
void model_add_result_text(struct json_writer *w, const char *key, const struct model_part *result);

// The members of a tool: "name", "description", and its schema as `schema_key`.
void model_add_tool(struct json_writer *w, const struct model_tool *tool, const char *schema_key);

#endif
