# SPDX-License-Identifier: MIT
"""What a transcript is made of, without a server, in Vim and Neovim: items, deltas, blocks, patches, links,
completion."""

import re

import pytest

from editors import PROGRAMS, SOURCE, Editor

KINDS = [pytest.param(kind, marks=pytest.mark.skipif(not program, reason=f"{kind} is not installed"))
         for kind, program in PROGRAMS.items()]


@pytest.fixture(name="editor", scope="module", params=KINDS)
def fixture_editor(request, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    editor = Editor(request.param, home, home)
    editor.ex("""
        function! TestStream(events) abort
          let stream = swarm#transcript#stream#new()
          for event in a:events
            call swarm#transcript#stream#take(stream, event)
          endfor
          return stream
        endfunction
    """.replace("\n        ", "\n"))
    yield editor
    editor.end()


# --- deltas

def take(editor, *events):
    """The text of item i1 after these events."""
    return editor.eval("get(get(TestStream(g:a).items, 'i1', {}), 'text', '')", list(events))


def item(status, text="", kind="assistant", **more):
    return {"type": "item", "item": {"id": "i1", "seq": 1, "kind": kind, "status": status, "text": text, **more}}


def delta(offset, text):
    return {"type": "delta", "itemId": "i1", "kind": "assistant", "offset": offset, "text": text}


def test_deltas_grow_a_text_by_bytes(editor):
    assert take(editor, item("started"), delta(0, "ü"), delta(2, "ber")) == "über"


def test_a_delta_that_comes_twice_changes_nothing(editor):
    assert take(editor, item("started"), delta(0, "one "), delta(4, "two"), delta(4, "two"), delta(0, "one ")) == \
        "one two"


def test_the_text_so_far_after_a_subscription_adds_what_is_new_in_it(editor):
    assert take(editor, item("started"), delta(0, "one "), delta(0, "one two")) == "one two"


def test_a_delta_behind_a_gap_waits_for_the_whole(editor):
    assert take(editor, item("started"), delta(0, "one "), delta(8, "three")) == "one "
    assert take(editor, item("started"), delta(8, "three"), delta(0, "one two three")) == "one two three"


def test_a_text_that_begins_anew_replaces_what_was(editor):
    assert take(editor, item("started"), delta(0, "wrong start"), delta(0, "right")) == "right"


def test_completed_is_the_truth_and_stays_it(editor):
    assert take(editor, item("started"), delta(0, "draft"), item("completed", "final")) == "final"
    assert take(editor, item("completed", "final"), delta(5, " more"), item("started")) == "final"


def test_started_again_keeps_what_has_streamed(editor):
    assert take(editor, item("started"), delta(0, "text"), item("started")) == "text"


# --- items as lines

def texts(rendering):
    return [line if isinstance(line, str) else line["text"] for line in rendering["lines"]]


def render(editor, one, previous="tool", limit=5):
    return editor.call("swarm#items#render", one, previous, {"output_lines": limit})


def spans(rendering, group):
    """The words that stand in a group."""
    return [line["text"].encode()[at:at + length].decode() for line in rendering["lines"] if isinstance(line, dict)
            for at, length, name in line.get("spans", []) if name == group]


def at(second):
    return f"2026-01-01T00:00:{second:02}.000Z"


def asked(status, ended=None):
    one = {"id": "i2", "seq": 2, "time": at(1), "kind": "approval", "status": status,
           "approval": {"itemId": "i1", "title": "write a"}}
    return {"type": "item", "item": {**one, **({"endedAt": ended} if ended else {})}}


def called(status, ended=None):
    one = {"id": "i1", "seq": 1, "time": at(0), "kind": "tool", "status": status, "title": "write a", "output": ""}
    return {"type": "item", "item": {**one, **({"endedAt": ended} if ended else {})}}


@pytest.mark.parametrize("events, title", [
    ([called("started"), called("completed", at(50))], "✓ write a 50s"),
    # The wait for a person's answer is not the call's.
    ([called("started"), asked("started"), asked("completed", at(40)), called("completed", at(50))], "✓ write a 10s"),
    ([called("started"), asked("started"), asked("completed", at(40)), called("completed", at(41))], "✓ write a"),
    ([called("started"), asked("started"), asked("failed", at(40)), called("failed", at(40))], "✗ write a"),
    # In a page the call comes first, with its end.
    ([called("completed", at(50)), asked("completed", at(40))], "✓ write a 10s"),
])
def test_the_time_of_a_call_begins_with_the_answer(editor, events, title):
    assert texts(render(editor, editor.eval("TestStream(g:a).items.i1", events))) == [title]


def test_items_of_unknown_kinds_show_nothing(editor):
    assert render(editor, {"id": "i1", "kind": "hologram"})["lines"] == []


def test_a_question_that_was_closed_asks_no_more(editor):
    question = {"kind": "approval", "approval": {"title": "bash: make", "input": {"command": "make"}}}
    assert "  a allow   A reject" in texts(render(editor, {**question, "status": "started"}))
    closed = texts(render(editor, {**question, "status": "failed"}))
    assert "✗ bash: make: not answered" in closed and "  a allow   A reject" not in closed


def test_a_rejection_is_shown_with_its_reason(editor):
    question = {"kind": "approval", "status": "completed", "approval": {
        "title": "bash: make", "decision": "reject", "by": "Vim", "reason": "not\nnow"}}
    assert "✓ bash: make: rejected by Vim: not now" in texts(render(editor, question))


def test_markdown_is_in_colour(editor):
    text = "# Title\n- see `code`, **bold** and [here](a.md#L3)\n```c\nint *x;\n```\nplain *text* 2 * 3 * 4"
    rendering = render(editor, item("completed", text)["item"])
    assert spans(rendering, "SwarmHeading") == ["# Title"]
    assert spans(rendering, "SwarmCode") == ["`code`", "int *x;"]
    assert spans(rendering, "SwarmBold") == ["**bold**"]
    assert spans(rendering, "SwarmItalic") == ["*text*"]
    assert spans(rendering, "SwarmLink") == ["[here](a.md#L3)"]
    assert texts(rendering) == ["", *text.split("\n")]


def test_a_text_that_failed_is_kept_and_marked(editor):
    assert texts(render(editor, item("failed", "Half a")["item"])) == ["", "Half a", "✗ broke off here"]


def test_reasoning_is_one_line_once_it_has_ended(editor):
    thought = item("completed", "\n".join("abcd"), "reasoning", time=at(0), endedAt=at(12))
    rendering = render(editor, editor.eval("TestStream(g:a).items.i1", [thought]))
    assert texts(rendering)[:2] == ["", "~ thought 12s"] and rendering["folds"] == [[2, 5]]
    assert texts(render(editor, item("started", "\n".join("abcd"), "reasoning")["item"])) == \
        ["", "~ thinking", "b", "c", "d"]


def test_a_large_output_is_not_in_the_transcript(editor):
    output = "".join(f"line {n}\n" for n in range(1000))
    lines = texts(render(editor, {"kind": "tool", "status": "completed", "title": "t", "output": output}))
    assert len(lines) < 70 and lines[-1] == "  … 940 more lines (<CR> opens the whole output)"


def test_what_is_written_is_a_diff(editor):
    edit = {"kind": "tool", "status": "completed", "name": "edit", "title": "edit a",
            "output": "edited a (1 replacement)\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-one\n+two\n"}
    rendering = render(editor, edit)
    assert spans(rendering, "SwarmAdded") == ["+two"] and spans(rendering, "SwarmRemoved") == ["-one"]
    write = {"kind": "tool", "status": "completed", "name": "write", "title": "write a", "output": "created a\n",
             "input": {"path": "a", "content": "one\ntwo\n"}}
    rendering = render(editor, write)
    assert texts(rendering) == ["✓ write a", "  created a", "  +one", "  +two"]
    assert spans(rendering, "SwarmAdded") == ["+one", "+two"] and rendering["folds"] == [[2, 3]]
    # The question has it already.
    assert texts(render(editor, {**write, "asked": True})) == ["✓ write a", "  created a"]


# --- blocks

def test_text_that_streams_breaks_and_colours_as_the_whole_does(editor):
    text = "# Head\n" + "word `code` " * 90 + "\n```\nx\n" + "u" * 500 + "\n```\nend"
    editor.ex("""
        function! TestAppend(text) abort
          call swarm#highlight#define()
          let buffer = bufadd('test-blocks')
          call bufload(buffer)
          let made = swarm#transcript#blocks#new(buffer)
          let begun = {'kind': 'assistant', 'status': 'started', 'text': a:text[0]}
          let rendering = swarm#items#render(begun, '', {'output_lines': 5})
          call swarm#transcript#blocks#set(made, 'one', 1, rendering, 'assistant')
          call swarm#transcript#blocks#set(made, 'foot', 2, {'lines': ['foot'], 'folds': []}, 'foot')
          for at in range(1, strlen(a:text) - 1, 7)
            call swarm#transcript#blocks#append(made, 'one', a:text[at : at + 6])
          endfor
          let lines = made.keys.one.lines
          let shown = getbufline(buffer, 1, '$')
          execute 'bwipeout!' buffer
          if shown != map(copy(lines), 'type(v:val) == v:t_dict ? v:val.text : v:val') + ['foot']
            throw 'the buffer is another: ' . string(shown)
          endif
          return map(copy(lines), 'type(v:val) == v:t_dict ? [v:val.text, v:val.spans] : [v:val, []]')
        endfunction
    """.replace("\n        ", "\n"))
    streamed = editor.eval("TestAppend(g:a)", text)
    whole = render(editor, item("started", text)["item"], previous="")["lines"]
    whole = [[line, []] if isinstance(line, str) else [line["text"], line["spans"]] for line in whole]
    assert streamed == whole


# --- patches

PATCH = """\
diff --git a/a.c b/a.c
index 1..2 100644
--- a/a.c
+++ b/a.c
@@ -1,3 +1,4 @@ int main(void)
 one
+new
--- two
 three
+ four
@@ -10,2 +11,0 @@
-ten
-eleven
diff --git "a/\\303\\274 b.txt" "b/\\303\\274 b.txt"
new file mode 100644
--- /dev/null
+++ "b/\\303\\274 b.txt"
@@ -0,0 +1 @@
+text
\\ No newline at end of file
diff --git a/old.md b/new.md
similarity index 100%
rename from old.md
rename to new.md
"""


def test_a_patch_is_files_and_hunks(editor):
    files = editor.call("swarm#review#patch#parse", PATCH)
    assert [(f["old"], f["path"], len(f["hunks"])) for f in files] == \
        [("a.c", "a.c", 2), ("", "ü b.txt", 1), ("old.md", "new.md", 0)]
    first, second = files[0]["hunks"]
    assert first["lines"] == [" one", "+new", "--- two", " three", "+ four"] and first["title"] == "int main(void)"
    assert (second["newStart"], second["newLines"], second["lines"]) == (11, 0, ["-ten", "-eleven"])
    assert files[1]["hunks"][0]["lines"] == ["+text", "\\ No newline at end of file"]


def test_the_old_text_is_the_new_one_with_the_patch_taken_back(editor):
    hunks = editor.call("swarm#review#patch#parse", PATCH)[0]["hunks"]
    new = ["one", "new", "three", " four", *"456789", "10th", "12"]
    assert editor.call("swarm#review#patch#reverse", new, hunks) == \
        {"lines": ["one", "-- two", "three", *"456789", "10th", "ten", "eleven", "12"]}
    assert editor.call("swarm#review#patch#reverse", ["another", *new[1:]], hunks) == {}


def test_a_line_of_a_hunk_is_a_line_of_the_file(editor):
    hunk = editor.call("swarm#review#patch#parse", PATCH)[0]["hunks"][0]
    assert [editor.call("swarm#review#patch#new_line", hunk, at) for at in range(5)] == [1, 2, 3, 3, 4]


# --- links

@pytest.mark.parametrize("text, word, wanted", [
    ("see src/a.c:12, or b.md.", "a.c", ("src/a.c", 12)),
    ("see src/a.c:12, or b.md.", "b.md", ("b.md", 0)),
    ("see src/a.c:12, or b.md.", "see", ("src/a.c", 12)),  # the first on the line
    ("[text](src/a.c#L7)", "text", ("src/a.c", 7)),
    ("`b.md`", "b.md", ("b.md", 0)),
    ("nothing/here.c:3", "here", None),
    ("src", "src", None),
])
def test_names_of_files_are_found_in_text(editor, tmp_path, text, word, wanted):
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.c").touch()
    (tmp_path / "b.md").touch()
    found = editor.call("swarm#transcript#link#find", text, text.index(word), ["/nowhere", str(tmp_path)])
    assert found == ({"path": str(tmp_path / wanted[0]), "line": wanted[1]} if wanted else {})
    uri = f"in {(tmp_path / 'b.md').as_uri()}:4"
    assert editor.call("swarm#transcript#link#find", uri, 5, [])["line"] == 4


# --- completion and history

def complete(editor, before, first=True, folder=""):
    found = editor.call("swarm#prompt#complete#at", before, int(first), {
        "folder": str(folder), "models": [["lab/qwen3", ""], ["anthropic/claude", "200.0k"]]})
    return found["start"], [one["word"] for one in found["items"]]


def test_commands_models_and_modes_complete_in_the_first_line(editor):
    assert complete(editor, "/mo") == (0, ["/mode", "/model"])
    assert complete(editor, "/com") == (0, ["/compact"])
    assert complete(editor, "/model cla") == (7, ["anthropic/claude"])
    assert complete(editor, "/mode f") == (6, ["full"])
    assert complete(editor, "/mo", first=False) == (-1, [])
    assert complete(editor, "say /mo") == (-1, [])


def test_paths_complete_behind_an_at_sign(editor, tmp_path):
    (tmp_path / "src").mkdir()
    for name in ("src/main.c", "src/map.c", "source.md", ".hidden"):
        (tmp_path / name).touch()
    assert complete(editor, "look at @s", folder=tmp_path) == (8, ["@source.md", "@src/"])
    assert complete(editor, "(@src/ma", first=False, folder=tmp_path) == (1, ["@src/main.c", "@src/map.c"])
    assert complete(editor, "@.", folder=tmp_path) == (0, ["@.hidden"])
    assert complete(editor, "me@s", folder=tmp_path) == (-1, [])
    assert complete(editor, "@none/x", folder=tmp_path) == (0, [])


@pytest.mark.parametrize("text, parsed", [
    ("/model a/b", ["model", "a/b"]), ("/compact", ["compact", ""]), ("/steer one\ntwo", ["steer", "one\ntwo"]),
    ("/usr/bin is full", ["", "/usr/bin is full"]), ("/unknown x", ["", "/unknown x"]), ("a /mode b", ["", "a /mode b"]),
])
def test_only_commands_of_ours_are_commands(editor, text, parsed):
    assert editor.call("swarm#prompt#complete#parse", text) == parsed


def test_history_is_walked_from_what_is_being_written(editor):
    editor.ex("call map(['one', 'two', 'one'], 'swarm#prompt#history#add(v:val)')")
    editor.ex("call swarm#prompt#history#seed(['old', 'two'])")
    editor.ex("let g:walk = swarm#prompt#history#walk('draft')")
    step = "swarm#prompt#history#step(g:walk, g:a[0], g:a[1])"
    assert [editor.eval(step, [1, text]) for text in ("draft!", "one", "two", "old")] == ["one", "two", "old", "old"]
    assert [editor.eval(step, [-1, text]) for text in ("old", "two, changed", "one")] == ["two", "one", "draft!"]
    assert editor.eval(step, [2, "draft!"]) == "two, changed"


def test_no_file_of_the_client_can_block():
    """What waits: input(), getchar(), confirm(), system(), sleep, ch_evalexpr(), job_wait and the like."""
    folder = SOURCE / "clients/vim"
    waits = re.compile(r"(?<![\w.:#])(input|inputlist|inputsecret|getchar|getcharstr|confirm|system|systemlist|ch_evalexpr|"
                       r"ch_read|ch_readraw|wait|jobwait|rpcrequest|vim\.wait|request_sync)\(|^\s*sleep\b|^\s*:?!")
    found = [f"{path.name}:{number}: {line}" for path in folder.rglob("*.vim")
             for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1)
             if waits.search(line) and not line.lstrip().startswith(('"', "function"))]
    assert not found, "\n".join(found)
