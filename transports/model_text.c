// SPDX-License-Identifier: MIT
#include "transports/model_text.h"

#include "transports/model_http.h"

void model_add_data_url(struct json_writer *w, const char *key, const struct model_part *image)
{
    struct buf url; // nothing in it needs to be escaped
    buf_init(&url, MODEL_REQUEST_MAX);
    buf_addf(&url, "\"data:%.*s;base64,", STR_ARG(image->name));
    buf_add_str(&url, image->text);
    buf_add_char(&url, '"');
    w->out->overflow |= url.overflow;
    if (!url.overflow)
        json_add_raw(w, key, buf_str(&url));
    buf_release(&url);
}

void model_add_result_text(struct json_writer *w, const char *key, const struct model_part *result)
{
    struct buf text;
    if (!result->failed) {
        json_add_str(w, key, result->text);
        return;
    }
    buf_init(&text, MODEL_REQUEST_MAX);
    buf_add_str(&text, STR("Error: "));
    buf_add_str(&text, result->text);
    w->out->overflow |= text.overflow;
    json_add_str(w, key, buf_str(&text));
    buf_release(&text);
}

void model_add_tool(struct json_writer *w, const struct model_tool *tool, const char *schema_key)
{
    json_add_cstr(w, "name", tool->name);
    json_add_cstr(w, "description", tool->description);
    json_add_raw(w, schema_key, str_of(tool->schema));
}
