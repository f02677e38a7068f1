# SPDX-License-Identifier: MIT
"""How Vim and Neovim ask and tell: with the editors' own means, answered by keys as people type them."""

import pytest

from editors import COLUMNS, PROGRAMS

KINDS = [pytest.param(kind, marks=pytest.mark.skipif(not program, reason=f"{kind} is not installed"))
         for kind, program in PROGRAMS.items()]


@pytest.fixture(name="edit", params=KINDS)
def fixture_edit(request, vim_editors):
    def edit(**more):
        return vim_editors(request.param)(answers=False, **more)

    return edit


def ask(editor, keys, call):
    """What came to the callback after these keys."""
    editor.ex("let g:got = []")
    editor.type(f":call {call}<CR>")
    for some in keys:
        editor.type(some)
    return editor.wait_for("g:got", f"no answer to {call}")


SELECT = "swarm#ui#select(['one', 'two', 'three'], {'prompt': 'Which?'}, {item, index -> extend(g:got, [item, index])})"
INPUT = "swarm#ui#input({'prompt': 'What: '}, {text -> add(g:got, text)})"
ASKED = {"vim": "len(popup_list()) || &buftype ==# 'prompt'",
         "nvim": "nvim_win_get_config(0).relative !=# '' || mode() ==# 'c'"}
TITLES = {"vim": "map(popup_list(), 'popup_getoptions(v:val).title')",
          "nvim": "map(nvim_list_wins(), 'nvim_buf_get_lines(nvim_win_get_buf(v:val), 0, 1, v:false)[0]')"}
AGAIN = "swarm#ui#input({'prompt': 'What: ', 'default': 'was'}, {text -> add(g:got, text)})"


def test_one_of_several_is_chosen_by_its_number(edit):
    editor = edit()
    assert ask(editor, ["2"], SELECT) == ["two", 1]


def test_a_menu_has_a_line_that_moves(edit):
    editor = edit()
    assert ask(editor, ["j", "j", "<CR>"], SELECT) == ["three", 2]


@pytest.mark.parametrize("keys", ["<Esc>", "q"])
def test_nothing_may_be_chosen(edit, keys):
    editor = edit()
    assert ask(editor, [keys], SELECT) == [None, -1]
    assert editor.eval("mode()") == "n"


def test_a_text_is_typed(edit):
    editor = edit()
    windows = editor.eval("winnr('$')")
    assert ask(editor, ["some words<CR>"], INPUT) == ["some words"]
    assert ask(editor, [" here<CR>"], AGAIN) == ["was here"]
    assert editor.eval("winnr('$')") == windows and editor.eval("mode()") == "n"


@pytest.mark.parametrize("keys", [["half<Esc>", "q"], ["half<C-c>"]])
def test_a_text_may_be_given_up(edit, keys):
    editor = edit()
    if editor.kind == "nvim":
        keys = ["half<Esc>"]
    assert ask(editor, keys, INPUT) == [None]
    editor.wait_for("winnr('$') == 1 && mode() ==# 'n'", "the line at the bottom stays")


def test_while_it_asks_events_go_on(edit):
    editor = edit()
    editor.ex("let g:got = [] | let g:count = 0 | call timer_start(10, {-> execute('let g:count += 1')}, {'repeat': -1})")
    for call in (SELECT, INPUT):
        editor.type(f":call {call}<CR>")
        editor.wait_for(ASKED[editor.kind], "not asked")
        count = editor.eval("g:count")
        editor.wait_for("g:count > g:a + 5", "the editor stands still", count)
        editor.type("<Esc>")
        if editor.kind == "vim" and call == INPUT:
            editor.type("q")
        editor.wait_for("!(" + ASKED[editor.kind] + ")", "still asked")


def test_a_question_that_comes_by_itself_takes_what_is_typed(edit):
    """It was asked when an answer of the server came, and not by a key."""
    editor = edit()
    editor.ex("let g:got = [] | call timer_start(1, {-> " + INPUT + "})")
    editor.wait_for(ASKED[editor.kind], "not asked")
    editor.type("not now<CR>")
    assert editor.wait_for("g:got", "no answer") == ["not now"]


def test_a_long_message_stops_nothing_and_is_shown_whole(edit):
    editor = edit()
    text = "word " * (COLUMNS // 2)
    editor.ex("call swarm#ui#error(g:a)", text)
    editor.wait_message("swarm: word word")
    editor.wait_for("mode() ==# 'n'", "the editor asks for a key")
    if editor.kind == "vim":
        shown = editor.eval("join(getbufline(winbufnr(popup_list()[0]), 1, '$'))")
        assert shown.count("word") == COLUMNS // 2
    else:
        floats = "filter(nvim_list_wins(), 'nvim_win_get_config(v:val).relative !=# \"\"')"
        shown = editor.eval(f"join(nvim_buf_get_lines(nvim_win_get_buf({floats}[0]), 0, -1, v:true), '')")
        assert shown.count("word") == COLUMNS // 2


def test_a_message_in_lines_is_one_line(edit):
    editor = edit()
    editor.ex("call swarm#ui#info(\"one\\ntwo\\tthree\")")
    editor.wait_message("swarm: one two three")


def test_the_questions_of_marked_agents_come_one_after_the_other(edit):
    editor = edit(options={"open": "none"})
    editor.ex("Swarm")
    for number, task in enumerate(("first", "second")):
        editor.ex("SwarmNew " + task)
        editor.wait_state("waiting", index=number)
    editor.wait_text("swarm://dashboard", "2 needs input")
    menus = ("len(filter(popup_list(), 'popup_getoptions(v:val).cursorline'))" if editor.kind == "vim"
             else "len(filter(nvim_list_wins(), 'get(nvim_win_get_config(v:val), \"zindex\") == 60'))")
    editor.type("*a")
    for number in range(2):
        editor.wait_for(f"{menus} == 1 && stridx(join({TITLES[editor.kind]}), g:a) >= 0", "not one menu, for that agent",
                        editor.agent(1 - number)["id"])
        editor.type("1")
        editor.wait_for("filter(swarm#state#matching(''), 'v:val.id ==# g:a && v:val.usage.toolCalls > 2')",
                        "not allowed", editor.agent(1 - number)["id"])


def test_the_whole_of_an_approval_by_keys(edit):
    editor = edit()
    editor.type(":SwarmNew add a CONTRIBUTING file<CR>")
    agent = editor.wait_state("waiting")
    editor.wait_text("swarm://agent/" + agent["id"], "a allow   A reject")
    editor.type(":Swarm<CR>")
    editor.wait_text("swarm://dashboard", "Needs input")
    editor.type("a")
    if editor.kind == "vim":
        editor.wait_for("len(popup_list()) >= 2", "no menu beside the question")
    else:
        editor.wait_for("nvim_win_get_config(0).relative !=# ''", "no menu")
    editor.type("1")
    editor.wait_text("swarm://agent/" + agent["id"], ": allowed")
    editor.wait_text("swarm://dashboard", "git status")
    editor.wait_state("waiting")
    editor.type("A")
    editor.wait_for("&buftype ==# 'prompt'" if editor.kind == "vim" else "mode() ==# 'c'", "not asked why")
    editor.type("not now<CR>")
    editor.wait_state("done", "failed")
    editor.wait_text("swarm://agent/" + agent["id"], ": rejected")
