// SPDX-License-Identifier: MIT
#include "tests/fuzz/stream.h"

#include "transports/openai_responses.h"

const struct str fuzz_corpus[] = {
    STR("\x05"
        "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{}}\n\n"
        "data: {\"type\":\"response.output_item.added\",\"output_index\":0,\"item\":{\"type\":"
        "\"reasoning\",\"id\":\"rs_1\",\"summary\":[]}}\n\n"
        "data: {\"type\":\"response.reasoning_summary_text.delta\",\"output_index\":0,"
        "\"summary_index\":0,\"delta\":\"h\xc3\xa9\"}\n\n"
        "data: {\"type\":\"response.output_item.done\",\"output_index\":0,\"item\":{\"type\":"
        "\"reasoning\",\"id\":\"rs_1\",\"summary\":[],\"encrypted_content\":\"gAAA\"}}\n\n"
        "data: {\"type\":\"response.output_text.delta\",\"output_index\":1,\"delta\":\"x\"}\n\n"
        "data: {\"type\":\"response.completed\",\"response\":{\"usage\":{\"input_tokens\":1,"
        "\"output_tokens\":2}}}\n\n"),
    STR("\x20"
        "data: {\"type\":\"response.output_item.added\",\"output_index\":0,\"item\":{\"type\":"
        "\"function_call\",\"call_id\":\"c\",\"name\":\"read\",\"arguments\":\"\"}}\n\n"
        "data: {\"type\":\"response.function_call_arguments.delta\",\"output_index\":0,\"delta\":"
        "\"{\"}\n\n"
        "data: {\"type\":\"response.output_item.done\",\"output_index\":1,\"item\":{\"type\":"
        "\"reasoning\",\"id\":\"r\",\"encrypted_content\":\"g\"}}\n\n"
        "data: {\"type\":\"response.output_item.done\",\"output_index\":2,\"item\":{\"type\":"
        "\"function_call\",\"call_id\":\"c\",\"name\":\"list\",\"arguments\":\"{}\"}}\n\n"
        "data: {\"type\":\"response.output_item.done\",\"output_index\":3,\"item\":{\"type\":"
        "\"message\",\"phase\":\"final_answer\",\"content\":[{\"type\":\"output_text\",\"text\":"
        "\"t\"}]}}\n\n"
        "data: {\"type\":\"response.incomplete\",\"response\":{\"incomplete_details\":{"
        "\"reason\":\"max_output_tokens\"}}}\n\n"),
    STR("\x03"
        "event: error\ndata: {\"type\":\"error\",\"code\":\"rate_limit_exceeded\","
        "\"message\":\"slow\"}\n\n"),
    STR("\x01"
        "data: {\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"server_error\","
        "\"message\":\"oops\"}}}\n\n"),
    STR_NONE,
};

FUZZ_STREAM(openai_responses_dialect())
