// SPDX-License-Identifier: MIT
// Any body: the sink gets valid UTF-8 and calls in order, and the same whole as cut.
#include "tests/fuzz/stream.h"

#include "transports/openai_chat.h"

const struct str fuzz_corpus[] = {
    STR("\x05"
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":"
        "\"h\xc3\xa9\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}\n\n"
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}}\n\n"
        "data: [DONE]\n\n"),
    STR("\x20"
        "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c1\","
        "\"function\":{\"name\":\"read\",\"arguments\":\"\"}}]}}]}\n\n"
        "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":"
        "\"{\\\"path\\\":\"}}]}}]}\n\ndata: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":1,"
        "\"id\":\"c2\",\"function\":{\"name\":\"list\",\"arguments\":\"{}\"}}]}}]}\n\n"
        "data: {\"choices\":[{\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n"),
    // the second call has a name before the first
    STR("\x20"
        "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c1\"},"
        "{\"index\":1,\"id\":\"c2\",\"function\":{\"name\":\"list\",\"arguments\":\"{\"}},"
        "{\"index\":0,\"function\":{\"name\":\"read\",\"arguments\":\"{}\"}},"
        "{\"index\":1,\"function\":{\"arguments\":\"}\"}}]}}]}\n\n"
        "data: {\"choices\":[{\"finish_reason\":\"tool_calls\"}]}\n\n"),
    STR("\x01"
        "{\"choices\":[{\"message\":{\"content\":\"whole\"},\"finish_reason\":\"stop\"}]}"),
    STR("\x09"
        "data: {\"error\":{\"message\":\"overloaded\",\"code\":503}}\n\n"),
    STR_NONE,
};

FUZZ_STREAM(openai_chat_dialect())
