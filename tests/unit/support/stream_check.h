// SPDX-License-Identifier: MIT
// Answers of model servers in a test: fed to a dialect whole and cut at every byte.
#ifndef SWARMD_TESTS_STREAM_CHECK_H
#define SWARMD_TESTS_STREAM_CHECK_H

#include "transports/model_http.h"

struct stream_expected { // NULL: nothing of it
    const char *text, *reasoning;
    const char *calls; // "0:id:name;1:..."; an id that was made up is "*"
    const char *input0, *input1;
    const char *opaque; // "reasoning:{...};text:{...};call 0:{...};"
    const char *usage;  // "input/output/cache read/cache write", the last ones told; not looked at
    enum model_finish finish;
    const char *error; // a part of the message
    enum err_kind kind;
    int error_status;           // that the error inside the stream names
    enum model_failure failure; // none: not looked at, but there is one where finish says so
};

// The server is called "local", its key "sk-secret" is in LOCAL_KEY; no message may have the key.
void stream_expect(const struct model_dialect *dialect, const char *body,
                   struct stream_expected expected);

// For large ones: fed at once, and only the end is looked at. message: a part of it, or "".
void stream_expect_whole(const struct model_dialect *dialect, struct str body,
                         enum model_finish finish, const char *message);

// Stops the stream within its first call of the sink, within its second, and so on until there are
// `calls` of them: none may come after.
void stream_expect_stops(const struct model_dialect *dialect, const char *body, int calls);

#endif
