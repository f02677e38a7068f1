// SPDX-License-Identifier: MIT
// From the content of a blob to that of its file, as git converts: $Id$, ends of lines, encoding.
// For core/git/worktree*.c only.
#ifndef SWARMD_CORE_GIT_WORKTREE_CONVERT_H
#define SWARMD_CORE_GIT_WORKTREE_CONVERT_H

#include "core/base/buf.h"
#include "core/git/worktree_attributes.h"

enum convert_crlf { CRLF_NEVER, CRLF_TEXT, CRLF_AUTO };

struct convert_settings {
    enum { AUTOCRLF_FALSE, AUTOCRLF_TRUE, AUTOCRLF_INPUT } autocrlf; // core.autocrlf
    bool eol_crlf;                                                   // core.eol
};

struct conversion {
    enum convert_crlf crlf; // LF becomes CRLF: never, always, where the file looks like text
    bool ident;
    char *encoding; // or NULL
    char *filter;   // the name of a driver, which is not for us to run; or NULL
};

// What the attributes of a file come to. encoding and filter are newly allocated.
void conversion_of(const struct attribute_value values[ATTRIBUTE_COUNT],
                   const struct convert_settings *settings, struct conversion *conversion);
bool conversion_is_none(const struct conversion *conversion); // whatever its filter
bool conversion_equal(const struct conversion *a, const struct conversion *b);

// The content of the file. Uses out, whose ceiling bounds what may become of it, when there is
// something to do; id is the blob's, in hexadecimal. False when it would be longer than that.
bool convert(const struct conversion *conversion, const char *id, struct str blob, struct buf *out,
             struct str *result);

#endif
