// SPDX-License-Identifier: MIT
#include "tests/fuzz/stream.h"

#include "transports/gemini.h"

const struct str fuzz_corpus[] = {
    STR("\x05"
        "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"h\xc3\xa9\",\"thought\":true}"
        "],\"role\":\"model\"},\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":9}}\r\n\r\n"
        "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"x\",\"thoughtSignature\":"
        "\"Eq=\"}]},\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":9,"
        "\"candidatesTokenCount\":2,\"thoughtsTokenCount\":3}}\r\n\r\n"),
    STR("\x20"
        "data: {\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"name\":\"read\","
        "\"args\":{\"path\":\"x\"}},\"thoughtSignature\":\"Eq=\"},{\"functionCall\":{\"id\":\"i\","
        "\"name\":\"list\"}}]},\"finishReason\":\"STOP\"}]}\n\n"),
    STR("\x03"
        "data: {\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}\n\n"),
    STR("\x02"
        "data: {\"candidates\":[{\"finishReason\":\"MALFORMED_FUNCTION_CALL\",\"finishMessage\":"
        "\"print(\"}]}\n\n"),
    STR("\x01"
        "[{\"error\":{\"code\":429,\"message\":\"slow\",\"status\":\"RESOURCE_EXHAUSTED\"}}]"),
    STR_NONE,
};

FUZZ_STREAM(gemini_dialect())
