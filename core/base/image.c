// SPDX-License-Identifier: MIT
#include "core/base/image.h"

#include "core/base/mem.h"

#include <string.h>
#include <strings.h>

enum { HEAD_BYTES = 12 }; // enough to tell the types

static const char png[] = "image/png", jpeg[] = "image/jpeg", gif[] = "image/gif",
                  webp[] = "image/webp";

static const char *known_type(struct str name)
{
    static const char *const types[] = {png, jpeg, gif, webp};
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        if (str_is(name, types[i]))
            return types[i];
    return NULL;
}

const char *image_type_of_name(struct str name)
{
    static const struct {
        struct str ending;
        const char *type;
    } endings[] = {{STR(".png"), png},
                   {STR(".jpg"), jpeg},
                   {STR(".jpeg"), jpeg},
                   {STR(".gif"), gif},
                   {STR(".webp"), webp}};
    for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
        struct str ending = endings[i].ending;
        if (name.len > ending.len &&
            strncasecmp(name.data + name.len - ending.len, ending.data, ending.len) == 0)
            return endings[i].type;
    }
    return NULL;
}

const char *image_type(struct str bytes)
{
    if (str_starts(bytes, STR("\x89PNG\r\n\x1a\n")))
        return png;
    if (str_starts(bytes, STR("\xff\xd8\xff")))
        return jpeg;
    if (str_starts(bytes, STR("GIF87a")) || str_starts(bytes, STR("GIF89a")))
        return gif;
    bool riff = bytes.len >= HEAD_BYTES && str_starts(bytes, STR("RIFF"));
    return riff && str_starts(str_skip(bytes, 8), STR("WEBP")) ? webp : NULL;
}

// --- base64

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    return c == '/' ? 63 : -1;
}

// How many bytes it stands for; -1: it is no base64.
static long decoded_len(struct str base64)
{
    size_t padding = 0;
    if (base64.len == 0 || base64.len % 4 != 0)
        return -1;
    while (padding < 2 && base64.data[base64.len - 1 - padding] == '=')
        padding++;
    for (size_t i = 0; i < base64.len - padding; i++)
        if (value_of(base64.data[i]) < 0)
            return -1;
    return (long)(base64.len / 4 * 3 - padding);
}

static void decode_head(struct str base64, unsigned char head[HEAD_BYTES])
{
    unsigned bits = 0;
    size_t out = 0;
    memset(head, 0, HEAD_BYTES);
    for (size_t i = 0; i < base64.len && base64.data[i] != '=' && out < HEAD_BYTES; i++) {
        bits = bits << 6 | (unsigned)value_of(base64.data[i]);
        if (i % 4 != 0)
            head[out++] = (unsigned char)(bits >> (6 - 2 * (i % 4)));
    }
}

static char *encode(struct str bytes, size_t *len)
{
    char *out = mem_new((bytes.len + 2) / 3 * 4 + 1), *at = out;
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        unsigned group = (unsigned)(unsigned char)bytes.data[i] << 16;
        group |= left > 1 ? (unsigned)(unsigned char)bytes.data[i + 1] << 8 : 0;
        group |= left > 2 ? (unsigned)(unsigned char)bytes.data[i + 2] : 0;
        *at++ = digits[group >> 18];
        *at++ = digits[group >> 12 & 63];
        *at++ = left > 1 ? digits[group >> 6 & 63] : '=';
        *at++ = left > 2 ? digits[group & 63] : '=';
    }
    *len = (size_t)(at - out);
    return out;
}

// --- the list

void images_release(struct images *images)
{
    for (size_t i = 0; i < images->count; i++)
        mem_free(images->items[i].data);
    mem_free(images->items);
    *images = (struct images){0};
}

void images_move(struct images *to, struct images *from)
{
    *to = *from;
    *from = (struct images){0};
}

size_t images_bytes(const struct images *images)
{
    size_t bytes = 0;
    for (size_t i = 0; i < images->count; i++)
        bytes += images->items[i].len;
    return bytes;
}

size_t images_held(const struct images *images)
{
    size_t bytes = 0;
    for (size_t i = 0; i < images->count; i++)
        bytes += images->items[i].data ? images->items[i].len : 0;
    return bytes;
}

void images_forget(struct images *images)
{
    for (size_t i = 0; i < images->count; i++) {
        mem_free(images->items[i].data);
        images->items[i].data = NULL;
    }
}

static void append(struct images *images, const char *type, char *data, size_t len)
{
    if (!images->items)
        images->items = mem_new_array(IMAGES_MAX, sizeof(*images->items));
    images->items[images->count++] = (struct image){type, data, len};
}

static bool has_room(const struct images *images, size_t bytes, struct err *err)
{
    if (images->count == IMAGES_MAX)
        return err_set(err, ERR_PARAMS, "a message takes at most %d images", (int)IMAGES_MAX);
    if (bytes > IMAGE_BYTES_MAX)
        return err_set(err, ERR_PARAMS,
                       "an image may have at most %d bytes (3 MiB), this one has %zu: make it "
                       "smaller",
                       (int)IMAGE_BYTES_MAX, bytes);
    if (images_bytes(images) / 4 * 3 + bytes > IMAGES_BYTES_MAX)
        return err_set(err, ERR_PARAMS,
                       "the images of a message may have at most %d bytes (6 MiB) together",
                       (int)IMAGES_BYTES_MAX);
    return true;
}

static bool not_one(struct err *err)
{
    return err_set(err, ERR_PARAMS,
                   "mimeType: expected image/png, image/jpeg, image/gif or "
                   "image/webp");
}

bool images_add(struct images *images, struct str mime_type, struct str base64, struct err *err)
{
    const char *type = known_type(mime_type);
    long bytes = decoded_len(base64);
    unsigned char head[HEAD_BYTES];
    if (!type)
        return not_one(err);
    if (bytes < 0)
        return err_set(err, ERR_PARAMS, "data: expected base64, padded and without line breaks");
    if (!has_room(images, (size_t)bytes, err))
        return false;
    decode_head(base64, head);
    const char *real =
        image_type(str_from((const char *)head, bytes < HEAD_BYTES ? (size_t)bytes : HEAD_BYTES));
    if (real != type)
        return err_set(err, ERR_PARAMS, "data: this is no %s%s%s", type, real ? ", but " : "",
                       real ? real : "");
    append(images, type, mem_dup(base64), base64.len);
    return true;
}

bool images_add_bytes(struct images *images, struct str bytes, struct err *err)
{
    const char *type = image_type(bytes);
    size_t len;
    if (!type)
        return not_one(err);
    if (!has_room(images, bytes.len, err))
        return false;
    char *data = encode(bytes, &len);
    append(images, type, data, len);
    return true;
}

void images_write_json(struct json_writer *w, const struct images *images)
{
    for (size_t i = 0; i < images->count; i++) {
        const struct image *image = &images->items[i];
        json_begin_object(w);
        json_add_str(w, "type", STR("image"));
        json_add_cstr(w, "mimeType", image->mime_type);
        json_add_str(w, "data", str_from(image->data, image->len));
        json_end_object(w);
    }
}

void images_read_json(struct images *images, const struct json *block)
{
    const char *type = known_type(json_str(block, "mimeType"));
    struct str data = json_str(block, "data");
    if (str_is(json_str(block, "type"), "image") && type && data.len && images->count < IMAGES_MAX)
        append(images, type, mem_dup(data), data.len);
}
