// SPDX-License-Identifier: MIT
// Images in a person's message, as base64 from the client to the model: checked where they come
// in, as one that a provider refuses would be refused with every later request, too.
#ifndef SWARMD_CORE_BASE_IMAGE_H
#define SWARMD_CORE_BASE_IMAGE_H

#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/str.h"

enum {
    IMAGE_BYTES_MAX = 3 << 20,  // of one image; vendors take between 4 and 20 MB of base64
    IMAGES_MAX = 8,             // in one message
    IMAGES_BYTES_MAX = 6 << 20, // of all images of a message together
};

struct image {
    const char *mime_type; // image/png, image/jpeg, image/gif or image/webp
    char *data;            // base64; NULL: it is in the store alone
    size_t len;            // of data, also when it is not held
};

struct images {
    struct image *items;
    size_t count;
};

void images_release(struct images *images);
void images_move(struct images *to, struct images *from); // `to` is empty
size_t images_bytes(const struct images *images);         // of base64
size_t images_held(const struct images *images);          // of it, those in memory
void images_forget(struct images *images); // frees what they hold, and keeps their sizes

// Adds a copy. ERR_PARAMS names what is wrong and what it takes: the type, base64 (with its
// padding, without white space), an image that is of that type, a ceiling.
bool images_add(struct images *images, struct str mime_type, struct str base64, struct err *err);

// One of the four media types, told by the beginning of an image's bytes; or NULL.
const char *image_type(struct str bytes);

// The same of a file's bytes, whose type is told by their beginning.
bool images_add_bytes(struct images *images, struct str bytes, struct err *err);

// The media type of a file with such a name, or NULL when it is none of the four.
const char *image_type_of_name(struct str name);

// {"type": "image", "mimeType", "data"} each, into the array that is open.
void images_write_json(struct json_writer *w, const struct images *images);
// A block of our own; another one is passed over.
void images_read_json(struct images *images, const struct json *block);

#endif
