# SPDX-License-Identifier: MIT
"""scripts/*: help, wrong arguments, and what setup does on systems that are not this one."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(os.environ.get("SWARMD_SOURCE_DIR", pathlib.Path(__file__).parents[2]))
LONG = os.environ.get("SWARMD_LONG", "0") not in ("", "0")
TOOLS = ("bash", "cat", "cut", "dirname", "env", "grep", "sed")


def run(script, *args, **options):
    return subprocess.run([str(ROOT / "scripts" / script), *args], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, **options)


class System:
    """A PATH with nothing but what a test puts there; commands note how they were called."""

    def __init__(self, folder):
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.calls = folder / "calls"
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))

    def add(self, name, script=""):
        path = self.bin / name
        path.write_text(f"#!{shutil.which('bash')}\necho \"{name} $*\" >> '{self.calls}'\n{script}\n")
        path.chmod(0o755)

    def setup(self, group):
        return run("setup", group, env={"PATH": str(self.bin)})

    def called(self):
        return self.calls.read_text().splitlines() if self.calls.exists() else []


@pytest.fixture
def system(tmp_path):
    return System(tmp_path)


@pytest.mark.parametrize("script", ["run", "test", "setup"])
def test_help_and_wrong_arguments(script):
    done = run(script, "--help")
    assert done.returncode == 0 and f"scripts/{script} " in done.stdout
    assert "SPDX" not in done.stdout and "#" not in done.stdout
    wrong = run(script, "--no-such-flag")
    assert wrong.returncode == 1 and "--help" in wrong.stderr


def test_help_names_every_flag():
    flags = re.findall(r"^ +(--\w+)\) ", (ROOT / "scripts/test").read_text(), re.M)
    shown = run("test", "--help").stdout
    assert "--lint" in flags and [flag for flag in flags if f"scripts/test {flag} " not in shown] == []


def test_homebrew_gets_the_exact_line(system):
    system.add("uname", "echo Darwin")
    system.add("git")
    done = system.setup("run")
    assert done.returncode == 1
    assert "    brew install cmake ninja gcc pkg-config libuv curl libgit2 sqlite pcre2 libyaml " \
           "neovim\n" in done.stdout
    assert "all there" not in done.stdout


def test_fedora_gets_the_exact_line(system):
    system.add("uname", "echo Linux")
    system.add("pkg-config", '[ "$2" != libuv ]')  # all libraries but one
    for command in ("cmake", "ninja", "gcc", "git"):
        system.add(command)
    done = system.setup("build")
    assert done.returncode == 1
    assert "    sudo dnf install libuv-devel\n" in done.stdout
    system.add("pkg-config")
    assert "all there" in system.setup("build").stdout


@pytest.mark.parametrize("root", [True, False])
def test_debian_installs_only_what_is_missing(system, root):
    system.add("dpkg-query", 'for name; do case $name in cmake|libcurl4-gnutls-dev|git) '
                             'echo installed;; esac; done; exit 1')
    system.add("apt-get")
    system.add("id", f"echo {0 if root else 1000}")
    system.add("sudo", '"$@"')
    done = system.setup("build")
    assert done.returncode == 0, done.stderr
    calls = [line for line in system.called() if line.startswith("apt-get")]
    assert calls[0] == "apt-get update -qq" and "install" in calls[1]
    installed = calls[1].split()
    assert "libuv1-dev" in installed and "pkg-config" in installed
    for there in ("cmake", "git", "libcurl4-openssl-dev", "libcurl4-gnutls-dev", "neovim"):
        assert there not in installed
    assert any(line.startswith("sudo apt-get install") or "sudo env" in line
               for line in system.called()) == (not root)


def test_debian_without_sudo_says_what_to_run(system):
    system.add("dpkg-query", "exit 1")
    system.add("apt-get")
    system.add("id", "echo 1000")
    done = system.setup("build")
    assert done.returncode == 1 and "as root, run: apt-get update" in done.stderr


def test_what_came_from_elsewhere_is_not_installed_again(system):
    system.add("dpkg-query", "exit 1")
    system.add("apt-get")
    system.add("id", "echo 0")
    for there in (False, True):
        if there:
            system.add("npm")
        system.calls.unlink(missing_ok=True)
        assert system.setup("test").returncode == 0
        (install,) = [c for c in system.called() if c.startswith("apt-get install")]
        assert ("npm" not in install.split()) == there


def test_debian_with_everything_calls_nothing(system):
    system.add("dpkg-query", "echo installed")
    system.add("apt-get")
    done = system.setup("test")
    assert done.returncode == 0 and "all there" in done.stdout
    assert not any(line.startswith("apt-get") for line in system.called())


@pytest.mark.skipif(not LONG, reason="builds a release: scripts/test --long")
def test_run_without_a_terminal(tmp_path):
    """From no repository to a diff; the second time it takes the same sample."""
    home = tmp_path / "home"
    home.mkdir()
    env = {k: v for k, v in os.environ.items()
           if not k.startswith("SWARMD_") and not k.endswith("_API_KEY")}
    env.update(HOME=str(home), SWARMD_BUILD=str(tmp_path / "build"), SWARMD_DEMO_DELAY_MS="0",
               SWARMD_STATE_DIR=str(tmp_path / "state"))
    env.pop("XDG_CONFIG_HOME", None)
    first = run("run", cwd=home, env=env)
    assert first.returncode == 0, first.stderr
    assert f"a sample, made in {home}/swarmd-sample" in first.stdout
    assert "+++ b/CONTRIBUTING.md" in first.stdout
    again = run("run", "--headless", "write notes", cwd=home, env=env)
    assert again.returncode == 0 and "the sample one" in again.stdout
    assert "==> Task: write notes" in again.stdout
