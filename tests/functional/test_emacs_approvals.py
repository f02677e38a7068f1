# SPDX-License-Identifier: MIT
"""The inbox of questions in Emacs."""

import pytest

from emacs_client import fixture_emacs, fixture_environment, fixture_ert, needs_emacs  # noqa: F401

pytestmark = needs_emacs


@pytest.mark.parametrize("name", [
    "questions-come-into-the-inbox-and-are-answered-there",
    "one-goes-from-question-to-question",
    "always-says-what-rule-it-makes",
    "what-is-asked-for-can-be-changed-first",
    "an-answer-of-somebody-else-is-said",
    "many-questions-at-once-are-counted",
    "questions-are-read-anew-from-a-new-server",
    "the-dashboard-answers-after-it-has-asked",
    "a-notice-is-a-notification-where-there-are-some",
])
def test_approvals(ert, name):
    ert("approvals", name)
