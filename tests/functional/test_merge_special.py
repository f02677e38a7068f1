# SPDX-License-Identifier: MIT
"""Merging into checked-out trees that libgit2 cannot read or write by itself, where git helps."""

import pytest

from model_server import call, text
from test_merge import git, merge, merged, person, refused, write  # noqa: F401 (a fixture)


def history(repository):
    """Two folders, and something in each that both sides will change."""
    for folder in ("docs", "src"):
        (repository / folder).mkdir()
        (repository / folder / "a.txt").write_text("".join(f"line {n}\n" for n in range(20)))
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "Begin")


def make_split(repository):
    git(repository, "config", "core.splitIndex", "true")
    git(repository, "update-index", "--split-index")
    (repository / "staged.txt").write_text("staged\n")
    git(repository, "add", "staged.txt")


def make_sparse(repository):
    git(repository, "sparse-checkout", "set", "--cone", "--sparse-index", "docs")
    (repository / "staged.txt").write_text("staged\n")
    git(repository, "add", "staged.txt")


@pytest.mark.parametrize("make", [make_split, make_sparse])
def test_an_index_that_is_split_or_sparse(merged, repository, make):
    history(repository)
    script = [[call("bash", command="sed -i 's/^line 3$/theirs/' docs/a.txt; echo new > docs/new.txt; rm README.md")],
              [text("done")]]
    client, agent = merged(script)
    (repository / "docs/a.txt").write_text((repository / "docs/a.txt").read_text().replace("line 17\n", "mine\n"))
    git(repository, "commit", "-qam", "Mine")
    make(repository)
    (repository / "docs/new.txt").write_text("in the way\n")
    before = person(repository)
    assert refused(client, agent).data["files"] == [{"path": "docs/new.txt", "kind": "untracked"}]
    assert merge(client, agent, dryRun=True)["fileCount"] == 3
    assert person(repository) == before
    (repository / "docs/new.txt").unlink()
    merge(client, agent)
    assert (repository / "docs/new.txt").read_text() == "new\n" and not (repository / "README.md").exists()
    both = (repository / "docs/a.txt").read_text()
    assert "theirs\n" in both and "mine\n" in both
    assert git(repository, "status", "--porcelain") == "A  staged.txt"
    assert git(repository, "fsck", "--strict", "--no-dangling") == ""
    git(repository, "commit", "-qm", "Go on")  # git writes its kind of index again
    assert git(repository, "status", "--porcelain") == "" and git(repository, "ls-files", "src") in ("src/a.txt", "src/")
    assert not [p.name for p in (repository / ".git").iterdir() if p.name.startswith("swarmd")]


def test_a_sparse_checkout_is_not_widened(merged, repository):
    history(repository)
    client, agent = merged([[write("src/a.txt", "changed\n")], [text("done")]])
    make_sparse(repository)
    before = person(repository)
    error = refused(client, agent)
    assert error.kind == "refused" and "not in the sparse checkout" in str(error)
    assert person(repository) == before


def make_filter(repository, **programs):
    (repository / ".gitattributes").write_text("*.up filter=upper\n")
    (repository / "old.up").write_text("committed\n")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "Before the filter")
    for name, program in programs.items():
        git(repository, "config", f"filter.upper.{name}", program)
    (repository / "old.up").unlink()
    git(repository, "checkout", "old.up")


def test_a_filter_is_run_by_git(merged, repository):
    make_filter(repository, smudge="tr a-z A-Z", clean="tr A-Z a-z", required="true")
    assert (repository / "old.up").read_text() == "COMMITTED\n"
    client, agent = merged([[write("old.up", "changed\n"), write("new.up", "new\n"), write("plain", "plain\n")],
                            [text("done")]])
    (repository / "old.up").touch()  # is to be looked at, and is as it was
    merge(client, agent)
    assert [(repository / name).read_text() for name in ("old.up", "new.up", "plain")] == ["CHANGED\n", "NEW\n", "plain\n"]
    assert git(repository, "show", "HEAD:old.up") == "changed" and git(repository, "status", "--porcelain") == ""


def test_work_that_goes_through_a_filter_is_dirty_too(merged, repository):
    make_filter(repository, smudge="tr a-z A-Z", clean="tr A-Z a-z")
    client, agent = merged([[write("old.up", "changed\n")], [text("done")]])
    (repository / "old.up").write_text("MINE\n")
    before = person(repository)
    assert refused(client, agent).data["files"] == [{"path": "old.up", "kind": "changed"}]
    assert person(repository) == before and (repository / "old.up").read_text() == "MINE\n"


def test_a_filter_that_fails_leaves_all_as_it_was(merged, repository):
    make_filter(repository, smudge="tr a-z A-Z", clean="tr A-Z a-z", required="true")
    client, agent = merged([[write("a.txt", "first\n"), write("old.up", "changed\n")], [text("done")]])
    git(repository, "config", "filter.upper.smudge", "echo the server is away >&2; false")
    before = person(repository)
    error = refused(client, agent)
    assert "old.up" in str(error) and "smudge" in str(error)
    assert person(repository) == before and not (repository / "a.txt").exists()


def test_attributes_that_change_with_a_filtered_file(merged, repository):
    make_filter(repository, smudge="tr a-z A-Z", clean="tr A-Z a-z")
    client, agent = merged([[write(".gitattributes", "*.up -filter\n"), write("old.up", "changed\n")], [text("done")]])
    before = person(repository)
    assert refused(client, agent).kind == "refused"
    assert person(repository) == before
