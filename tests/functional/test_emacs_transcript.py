# SPDX-License-Identifier: MIT
"""Transcripts and their prompt in Emacs."""

from emacs_client import fixture_emacs, fixture_environment, fixture_ert, needs_emacs  # noqa: F401

pytestmark = needs_emacs


def test_what_needs_no_server(ert):
    ert("items", server="/nonexistent/swarmd")
