// SPDX-License-Identifier: MIT
// Where the control socket of a state folder is: see control.h.
#ifndef SWARMD_TRANSPORTS_CONTROL_PATH_H
#define SWARMD_TRANSPORTS_CONTROL_PATH_H

#include "core/base/err.h"

#include <stdbool.h>

struct control_path {
    char *socket; // what to bind or connect to
    char *link;   // that leads to it; NULL when the socket itself is in the state folder
};

// For the holder of the lease: removes what is left there and makes the folder and link that are
// needed. The socket is still to be bound.
bool control_path_make(struct control_path *path, const char *folder, struct err *err);
// For others.
bool control_path_find(struct control_path *path, const char *folder, struct err *err);
void control_path_remove(const struct control_path *path); // from the disk
void control_path_release(struct control_path *path);

#endif
