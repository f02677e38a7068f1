# SPDX-License-Identifier: MIT
"""docs/providers.md names every end of an answer and every error that the sources know."""

import os
import pathlib
import re

SOURCE = pathlib.Path(os.environ["SWARMD_SOURCE_DIR"])
PAGE = (SOURCE / "docs/providers.md").read_text()
FAMILIES = re.compile(r"^(image_|.*_image$|invalid_(base64_)?image|empty_image|failed_to_download_image|"
                      r"unsupported_image)")  # written as a family there

ERRORS = ("model_failure.c", "names[] = {", "int model_failure_status")
GEMINI = ("gemini_stream.c", "refused[] = {", "struct str reason = json_str(candidate")


def names(file, start, end):
    text = (SOURCE / "transports" / file).read_text()
    return re.findall(r'"([A-Za-z_]+)"', text[text.index(start):text.index(end)])


def missing(found):
    assert len(found) > 5
    return [name for name in found if f"`{name}`" not in PAGE and not FAMILIES.match(name)]


def test_errors_are_listed():
    assert missing(names(*ERRORS)) == []


def test_ends_are_listed():
    assert missing(names(*GEMINI)) == []
    ends = re.compile(r'str_is\(reason, "(\w+)"\)')
    found = [name for file in ("anthropic_stream.c", "openai_stream.c", "responses_stream.c",
                               "gemini_stream.c")
             for name in ends.findall((SOURCE / "transports" / file).read_text())]
    assert missing(found) == []


def test_each_of_them_is_in_a_test():
    tests = "".join(path.read_text() for path in (SOURCE / "tests/unit").glob("test_*.c"))
    found = names(*ERRORS) + names(*GEMINI)
    assert [name for name in found if name not in tests] == []
