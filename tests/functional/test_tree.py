# SPDX-License-Identifier: MIT
"""The tree keeps its own rules: arrows between the folders, heads, sizes, banned calls.

Rules are data at the top; each test prints every place that breaks one.
"""
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("SWARMD_SOURCE_DIR", Path(__file__).parents[2]))

# main -> lsp -> core <- transports: what the files of a folder may include of the tree's own.
LEAVES = ("arena", "buf", "dollars", "err", "json", "list", "mem", "str", "text", "time_format",
          "utf8", "uri")
MAY_INCLUDE = {
    # In core, too: what other parts stand on stands on nothing but that.
    "core/base": r"core/base/.*",
    "core/files": r"core/(base|files)/.*",
    "core/git": r"core/(base|files|git)/.*",
    "core": r"core/.*",
    "transports": r"(core|transports)/.*",
    "lsp": r"(core|lsp)/.*|transports/stream\.h",
    "cli": r"cli/.*|core/base/(%s)\.h" % "|".join(LEAVES),
    "exec": r"exec/.*|core/(base/process_tree|permission/sandbox_spec)\.h",
}
# The files at the top know all parts.
TOP = ("main", "serve", "host", "seek", "background")
MAY_INCLUDE.update({f"{name}.{kind}": r"(core|transports|lsp|cli)/.*|(%s)\.h" % "|".join(TOP)
                    for name in TOP for kind in "ch"})
# Libraries, by header, and the only files that may see them.
LIBRARIES = {
    r"uv\.h|uv/.*": r"transports/.*",
    r"curl/.*": r"transports/http_(curl|easy|poll)\.c",
    r"yaml\.h": r"transports/.*",
    r"sqlite3\.h": r"core/store/.*",
    r"git2\.h|git2/.*": r"core/git/.*",
    r"pcre2\.h": r"core/.*",
}
CODE_FOLDERS = tuple(MAY_INCLUDE)
LINES_MAX = 450
TEST_LINES_MAX = 600
COMMENTED = {".c", ".h", ".py", ".lua", ".vim", ".el", ".sh"}
MEASURED = {".c", ".h", ".py", ".lua"}
BANNED = ("strcpy", "strcat", "sprintf", "vsprintf", "gets", "strtok", "alloca", "system", "popen")
BANNED_IN_LIBRARIES = ("exit", "assert", "uv_spawn", "fork", "vfork")  # core, lsp, transports
ALLOWED = {("core/store/journal.c", "assert")}  # on what our own callers write, never on input


def files(*folders, suffixes=None):
    found = []
    for top, inner, names in os.walk(ROOT):
        inner[:] = [n for n in inner if not re.match(r"build|\.git$|__pycache__", n)]
        for name in names:
            path = (Path(top) / name).relative_to(ROOT)
            if folders and not any(str(path) == f or str(path).startswith(f + "/") for f in folders):
                continue
            if suffixes is None or path.suffix in suffixes:
                found.append(path)
    return sorted(found)


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def code_files():
    found = files(*CODE_FOLDERS, suffixes={".c", ".h"})
    assert found
    return found


def without_comments_and_strings(text):
    pattern = r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(pattern, lambda m: "\n" * m.group().count("\n"), text, flags=re.S)


def breaks_arrows(path, text):
    """Lines of a file that include what its folder may not."""
    top = str(path.parent) if str(path.parent) in MAY_INCLUDE else path.parts[0]
    for number, line in enumerate(text.split("\n"), 1):
        own = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if own and not re.fullmatch(MAY_INCLUDE[top], own.group(1)):
            yield f"{path}:{number}: {top} may not include \"{own.group(1)}\""
        system = re.match(r"\s*#\s*include\s+<([^>]+)>", line)
        for header, seen_by in LIBRARIES.items():
            if system and re.fullmatch(header, system.group(1)):
                if not re.fullmatch(seen_by, str(path)):
                    yield f"{path}:{number}: only {seen_by} may include <{system.group(1)}>"


def breaks_bans(path, text):
    names = BANNED
    if path.parts[0] in ("core", "lsp", "transports"):
        names += BANNED_IN_LIBRARIES
    pattern = r"(?<![\w.>])(%s)\s*\(" % "|".join(names)
    for number, line in enumerate(without_comments_and_strings(text).split("\n"), 1):
        for match in re.finditer(pattern, line):
            if (str(path), match.group(1)) not in ALLOWED:
                yield f"{path}:{number}: {match.group(1)}() is banned here"


def report(problems):
    problems = list(problems)
    assert not problems, "\n" + "\n".join(problems)


def test_arrows():
    report(problem for path in code_files() for problem in breaks_arrows(path, read(path)))


def test_banned_calls():
    report(problem for path in code_files() for problem in breaks_bans(path, read(path)))


@pytest.mark.parametrize("path, line", [
    ("core/agent/agent.c", '#include "transports/loop.h"'),
    ("core/agent/agent.c", '#include "lsp/rpc.h"'),
    ("core/agent/agent.c", "#include <uv.h>"),
    ("core/agent/agent.c", "#include <git2.h>"),
    ("transports/loop.c", '#include "lsp/rpc.h"'),
    ("lsp/rpc.c", '#include "transports/http.h"'),
    ("lsp/rpc.c", "#include <curl/curl.h>"),
    ("transports/http.c", "#include <curl/curl.h>"),
    ("cli/run.c", '#include "core/agent/agent.h"'),
    ("exec/swarmd_exec.c", '#include "core/base/buf.h"'),
])
def test_arrows_back_are_seen(path, line):
    assert list(breaks_arrows(Path(path), line))


def test_banned_calls_are_seen():
    text = 'x = strcpy (a, b); // strcpy(\n"system(" fine_system(1); p->exit(2);\nexit(1);'
    assert [p.split(": ")[0] for p in breaks_bans(Path("core/a.c"), text)] == \
        ["core/a.c:1", "core/a.c:3"]


def test_heads():
    for_all = [p for p in files() if p.suffix in COMMENTED or p.name == "CMakeLists.txt" or
               p.parent in (Path("scripts"), Path(".ci"))]
    wrong = []
    for path in for_all:
        lines = read(path).split("\n")
        head = lines[1] if lines[0].startswith(("#!", ";;; ")) else lines[0]
        if not re.search(r"SPDX-License-Identifier: MIT( -\*-.*)?$", head):
            wrong.append(f"{path}: the first line is not its SPDX-License-Identifier")
    report(wrong)


def test_sizes():
    wrong = []
    for path in files(suffixes=MEASURED):
        limit = TEST_LINES_MAX if path.parts[0] in ("tests", "bench") else LINES_MAX
        lines = read(path).count("\n")
        if lines > limit:
            wrong.append(f"{path}: {lines} lines; split it by idea (at most {limit})")
    report(wrong)


def test_headers_compile_alone():
    flags = subprocess.run(["pkg-config", "--cflags", "libuv", "libcurl", "libgit2", "sqlite3"],
                           capture_output=True, text=True, check=True).stdout.split()

    def compile_alone(path):
        done = subprocess.run(
            ["cc", "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
             f"-I{ROOT}", *flags, "-x", "c", "-"],
            input=f'#include "{path}"\n#include "{path}"\n', capture_output=True, text=True)
        return f"{path} does not compile alone:\n{done.stderr}" if done.returncode else None

    with ThreadPoolExecutor(2) as pool:
        report(filter(None, pool.map(compile_alone, files(*CODE_FOLDERS, suffixes={".h"}))))


# What another version would do differently is not wrong.
FORMATTER = next((name for name in ("clang-format-14", "clang-format") if shutil.which(name) and " 14." in
                  subprocess.run([name, "--version"], capture_output=True, text=True).stdout), None)


@pytest.mark.skipif(not FORMATTER, reason="clang-format 14 is not installed")
def test_formatting():
    def unformatted(paths):
        done = subprocess.run([FORMATTER, "--dry-run", *map(str, paths)], cwd=ROOT, capture_output=True, text=True)
        return {f"{path}: run {FORMATTER} -i on it" for path in re.findall(r"^(\S+?):\d+:\d+: ", done.stderr, re.M)}

    code = files(suffixes={".c", ".h"})
    with ThreadPoolExecutor(2) as pool:
        report(sorted(set().union(*pool.map(unformatted, (code[::2], code[1::2])))))


def test_links_lead_somewhere():
    wrong = []
    for path in [Path("README.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", read(path)):
            if "://" not in target and not (ROOT / path.parent / target).exists():
                wrong.append(f"{path}: there is no {target}")
    report(wrong)


def test_nothing_but_the_tree():
    """No binaries, no editor leftovers, nothing that a build makes."""
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    wrong = []
    for name in filter(None, listed.stdout.decode().split("\0")):
        path = ROOT / name
        if re.search(r"\.(o|a|so|pyc|elc|orig|rej|swp)$|~$|^build/", name):
            wrong.append(f"{name} does not belong into the tree")
        elif path.is_file() and not name.startswith("tests/fuzz/corpus/") and \
                "fixtures" not in name and b"\0" in path.read_bytes():
            wrong.append(f"{name} is binary")
    report(wrong)
