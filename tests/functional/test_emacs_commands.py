# SPDX-License-Identifier: MIT
"""Each command of the Emacs client, with the real server and a scripted model."""

import json

import pytest

from emacs_client import fixture_environment, fixture_ert, needs_emacs  # noqa: F401
from model_server import ModelServer, call, text

pytestmark = needs_emacs

SLEEPS = [[call("bash", command="sleep 600")], [call("bash", command="sleep 700")], [text("Done.")], [text("Done.")]]


@pytest.fixture(name="say")
def fixture_say(ert):
    """say(name, script, ...) runs the test and returns the model server."""

    def run(name, script=lambda request: [text("Done.")], **settings):
        with ModelServer(script) as server:
            ert("commands", name, config=server.config(**{"mode": "full", **settings}))
            assert server.refused == []
            return server

    return run


def asked(server):
    """The first user message of each request."""
    return [json.dumps(request.body["messages"], ensure_ascii=False) for request in server.requests]


def test_new_agents_get_what_one_looks_at(say):
    server = say("new-agents-get-what-one-looks-at")
    lines, whole, project = (next(body for body in asked(server) if task in body)
                             for task in ("explain these lines", "look at the file", "look at the project"))
    assert "int 😀b;" in lines and "int unsaved;" in lines and "int a;" not in lines
    assert "int a;" in whole and "int unsaved;" in whole
    assert "int" not in project.split("look at the project")[1]


def test_a_compilation_error(say):
    assert "int b" in asked(say("a-compilation-error-is-fixed"))[0]


def test_a_diagnostic(say):
    assert "int b" in asked(say("a-diagnostic-is-fixed"))[0]


@pytest.mark.parametrize("name", [
    "a-task-is-written-in-a-buffer", "options-of-the-menu", "a-spawn-that-is-refused-loses-nothing", "menus-show",
    "each-view-has-a-menu-of-commands-that-are-there",
    "one-opens-what-stands-in-the-dashboard", "the-scope-is-this-emacs-or-the-project"])
def test_a_command(say, name):
    say(name)


@pytest.mark.parametrize("name", [
    "turns-are-paused-cancelled-killed-resumed-and-compacted",
    "marked-agents-are-acted-upon-together", "the-mode-line-follows"])
def test_a_command_while_work_is_done(say, name):
    say(name, {"work": SLEEPS, "one": SLEEPS, "two": SLEEPS, "three": SLEEPS})


def test_questions_of_several_agents(say):
    say("questions-of-marked-agents-are-answered-together",
        {"one": SLEEPS, "two": SLEEPS, "three": [*SLEEPS[:2], [text("Done.")]]}, mode="ask")


def test_messages(say):
    say("messages-are-sent-queued-and-steered", {"work": [SLEEPS[0], *[[text("Done.")]] * 4]})


def test_warnings_come_and_go(say):
    say("the-sandbox-that-is-off-is-a-warning", sandbox="{enabled: false}")
