# SPDX-License-Identifier: MIT
"""Transcripts and their prompt in Emacs."""

from emacs_client import finish, fixture_emacs, fixture_environment, fixture_ert, needs_emacs  # noqa: F401
from model_server import Gate, ModelServer, call, cut, gate, text

pytestmark = needs_emacs


def open_when_said(process, line, stop):
    for printed in process.stdout:
        if printed == line + "\n":
            break
    stop.open()
    finish(process)


def test_what_needs_no_server(ert):
    ert("items", server="/nonexistent/swarmd")


def test_the_prompt_sends_and_what_waits_is_edited(ert):
    stop = Gate()
    with ModelServer([[text("The beginning. "), gate(stop), text("The end.")], [text("The second answer.")]]) as server:
        open_when_said(ert("transcript", "the-prompt-sends-and-what-waits-is-edited", config=server.config(),
                           shell=True), "waits", stop)
        assert [m["content"] for m in server.requests[1].messages if m["role"] == "user"][-1] == "another second"


def test_slash_commands_change_the_agent(ert):
    with ModelServer(lambda request: [text("Done.")]) as server:
        ert("transcript", "slash-commands-change-the-agent", config=server.config())


def test_an_answer_that_breaks_off_stays_with_its_reason(ert):
    with ModelServer(lambda request: [text("Half of the ans"), cut()]) as server:
        ert("transcript", "an-answer-that-breaks-off-stays-with-its-reason", config=server.config())


def test_older_items_come_when_one_asks(ert):
    answers = [[call("read", path="README.md")] for _ in range(12)] + [[text("All read.")]]
    with ModelServer(answers) as server:
        ert("transcript", "older-items-come-when-one-asks", config=server.config())


def test_links_open_files_of_the_worktree_at_the_line(ert):
    answers = [[call("write", path="notes.txt", content="one\ntwo\n")], [call("bash", command="seq 100; false")],
               [text("See notes.txt:2, please.")]]
    with ModelServer(answers) as server:
        ert("transcript", "links-open-files-of-the-worktree-at-the-line", config=server.config(mode="full"))


def test_a_transcript_goes_on_after_its_server_was_killed(ert):
    stop = Gate()
    with ModelServer([[text("The beginning. "), gate(stop)], [text("The second answer.")]]) as server:
        ert("transcript", "a-transcript-goes-on-after-its-server-was-killed", config=server.config())


def test_the_spinner_turns_only_while_something_runs(ert):
    stop = Gate()
    with ModelServer([[text("The beginning. "), gate(stop), text("The end.")]]) as server:
        open_when_said(ert("transcript", "the-spinner-turns-only-while-something-runs", config=server.config(),
                           shell=True), "spins", stop)
