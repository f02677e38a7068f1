# SPDX-License-Identifier: MIT
"""What the agents of the stored screens read, change and say: the same in all editors."""

PARSER = """\
int parse(const char *text)
{
    int value = 0;
    while (*text)
        value = value * 10 + *text++ - '0';
    return value;
}
"""
FIX = [{"old_text": "    int value = 0;\n    while (*text)\n",
        "new_text": "    int value = 0;\n    if (!text)\n        return -1;\n    while (*text >= '0' && *text <= '9')\n"}]
ANSWER = """\
## What was wrong

`parse` ran past the digits, and crashed without a text. See parser.c:5.

- it stops at the **first** other character now
- without a text it returns -1
"""
