// SPDX-License-Identifier: MIT
#include "transports/model_turns.h"

#include <string.h>

void model_turns_end(struct model_turns *turns)
{
    if (!turns->role)
        return;
    json_end_array(turns->w);
    json_end_object(turns->w);
    turns->role = NULL;
}

void model_turns_begin(struct model_turns *turns, const char *role)
{
    if (!turns->role || strcmp(turns->role, role) != 0) {
        model_turns_end(turns);
        json_begin_object(turns->w);
        json_add_cstr(turns->w, "role", role);
        json_key(turns->w, turns->key);
        json_begin_array(turns->w);
        turns->role = role;
    }
    json_begin_object(turns->w);
}
