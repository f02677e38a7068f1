# SPDX-License-Identifier: MIT
"""The Emacs client in a real batch Emacs, for the functional tests.

    from emacs_client import fixture_emacs, fixture_ert, needs_emacs  # noqa: F401
    pytestmark = needs_emacs

    def test_it(emacs):                   # a script, with the helpers of emacs/swarm-test.el
        printed = emacs('(swarm-new "do it") (wait-state "done")', config=server.config())

    def test_that(ert):                   # tests of tests/functional/emacs/commands.el by name
        ert("commands", "marked-agents", config=server.config())

Both start Emacs in the repository of the test, with a state folder that is shared within the test.
"""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from client import write_config

SOURCE = pathlib.Path(os.environ.get("SWARMD_SOURCE_DIR", pathlib.Path(__file__).parents[2]))
CLIENT = SOURCE / "clients/emacs"
TESTS = SOURCE / "tests/functional/emacs"
EMACS = shutil.which("emacs")

needs_emacs = pytest.mark.skipif(not EMACS, reason="emacs is not installed")


def finish(process):
    try:
        printed, _ = process.communicate(timeout=120)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, printed
    return printed


def command(*arguments, server=None):
    """An Emacs that has loaded the helpers; server: a program, or a list of it and arguments."""
    words = [EMACS, "--batch", "-Q", "-L", str(CLIENT), "-L", str(TESTS)]
    if server:
        value = json.dumps(str(server)) if not isinstance(server, list) else \
            "'(" + " ".join(json.dumps(str(word)) for word in server) + ")"
        words += ["--eval", f"(setq swarm-server {value})"]
    return [*words, "--eval", "(setq load-prefer-newer t)", "-l", "swarm-test", *arguments]


@pytest.fixture(name="environment")
def fixture_environment(tmp_path):
    """environment(config) -> variables for Emacs and its servers."""
    state = tempfile.mkdtemp(prefix="sw")

    def make(config="model: demo/tour\n"):
        return dict(os.environ, SWARMD_STATE_DIR=state, HOME=str(tmp_path), SWARMD_DEMO_DELAY_MS="1",
                    SWARMD_CONFIG=str(write_config(tmp_path, config)), LC_ALL="C.UTF-8")

    yield make
    shutil.rmtree(state, ignore_errors=True)


@pytest.fixture(name="emacs")
def fixture_emacs(tmp_path, repository, recorded, environment):
    """emacs(script, ...) returns what it printed; with shell=True the process, for finish()."""

    def run(script, config="model: demo/tour\n", server=None, shell=False):
        program = tmp_path / "test.el"
        program.write_text(";; -*- lexical-binding: t -*-\n" + script, encoding="utf-8")
        process = subprocess.Popen(command("-l", str(program), server=server or recorded), cwd=repository,
                                   env=environment(config), text=True, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return process if shell else finish(process)

    return run


@pytest.fixture(name="ert")
def fixture_ert(repository, recorded, environment):
    """ert(file, names, ...) runs those tests of the file, all of them without names."""

    def run(file, *names, config="model: demo/tour\n", server=None, folder=None, shell=False):
        selector = f"(member {' '.join(names)})" if names else "t"
        count = f"(= (length (ert-select-tests '{selector} t)) {len(names)})" if names else "t"
        process = subprocess.Popen(
            command("-l", str(TESTS / f"{file}.el"), "--eval", f'(or {count} (error "A test is missing"))',
                    "--eval", f"(ert-run-tests-batch-and-exit '{selector})", server=server or recorded),
            cwd=folder or repository, env=environment(config), text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if shell:
            return process
        printed = finish(process)
        assert "skipped" not in printed, printed
        return printed

    return run
