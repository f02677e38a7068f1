# SPDX-License-Identifier: MIT
"""A program in a terminal (tmux), its keys and what it shows, beside screens that are stored.

    with Screen(["emacs", "-nw", "-Q"], cwd=repository, environment={...}) as screen:
        screen.mask_agent("add-a-contributing-file")
        screen.keys("M-x", "swarm-dashboard", "Enter")   # names of tmux' keys, or text
        screen.wait("1 done")                            # a regular expression
        screen.compare("emacs-dashboard")                # tests/functional/screens/emacs-dashboard.txt

What differs from run to run is masked: times, durations, commits, the tails of agents' ids, folders.
`compare` waits until the screen is as stored, and fails with the difference when it never is. With
SWARMD_SCREENS=write in the environment it stores what it sees instead.
"""

import difflib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

SOURCE = pathlib.Path(os.environ.get("SWARMD_SOURCE_DIR", pathlib.Path(__file__).parents[2]))
SCREENS = SOURCE / "tests/functional/screens"
TMUX = shutil.which("tmux")
DEADLINE = 60  # s; only a test that fails waits that long
STEADY = 1  # s without a change before a screen is stored

# A column of durations keeps its width: the spaces in front of them take what the digits leave.
DURATION = re.compile(r"( *)\b\d+(?:\.\d+)?( ?)(ms|s|min|m|h|d)\b")
MASKS = [
    (re.compile(r"\b\d\d\d\d-\d\d-\d\d\b"), "2026-01-01"),
    (re.compile(r"\b\d\d:\d\d(:\d\d)?(\.\d+)?Z?\b"), lambda found: re.sub(r"\d", "0", found[0])),
    (re.compile(r"\b(?=[0-9a-f]*[a-f])(?=[0-9a-f]*[0-9])[0-9a-f]{7,40}\b"), lambda found: "c" * len(found[0])),
    (re.compile("[⠁-⣿]"), "⠿"),  # a spinner
]


def mask_duration(found):
    short = f"0{found[2]}s"
    lead = found[1] if len(found[1]) < 3 else " " * (len(found[0]) - len(short))
    return lead + short


class Screen:
    def __init__(self, command, cwd, environment=None, columns=100, rows=30):
        # Not in the test's folder: the path of a socket is short.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tm"))
        self.masks = list(MASKS)
        self.environment = dict(os.environ, LC_ALL="C.UTF-8", **(environment or {}))
        self.environment.pop("TMUX", None)
        (self.folder / "conf").write_text(
            "set -g status off\nset -g escape-time 0\nset -g default-terminal screen-256color\n"
            "set -g remain-on-exit on\nset -g history-limit 0\n", encoding="utf-8")
        self._tmux("-f", str(self.folder / "conf"), "new-session", "-d", "-x", str(columns), "-y", str(rows),
                   "-c", str(cwd), "--", *[str(word) for word in command])

    def _tmux(self, *arguments):
        done = subprocess.run([TMUX, "-u", "-S", str(self.folder / "socket"), *arguments], env=self.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE, check=False)
        assert done.returncode == 0, f"tmux {arguments}: {done.stderr}"
        return done.stdout

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        subprocess.run([TMUX, "-S", str(self.folder / "socket"), "kill-server"], env=self.environment,
                       capture_output=True, timeout=DEADLINE, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def keys(self, *keys):
        """Presses keys: the names that tmux has for them (Enter, C-x, M-x, Tab...), or text."""
        for key in keys:
            self._tmux("send-keys", "--", key)

    def type(self, text):
        """Types text as it is, also when it is the name of a key."""
        self._tmux("send-keys", "-l", "--", text)

    def resize(self, columns, rows):
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def pid(self):
        """Of the program."""
        return int(self._tmux("display-message", "-p", "#{pane_pid}"))

    def cursor(self):
        """The cursor's (row, column), from 0."""
        column, row = self._tmux("display-message", "-p", "#{cursor_x} #{cursor_y}").split()
        return int(row), int(column)

    def text(self):
        """What is seen, unmasked."""
        return self._tmux("capture-pane", "-p").rstrip("\n") + "\n"

    def wait(self, pattern, gone=False):
        """Until the screen has the pattern (or, with gone, has it no more); returns the match."""
        deadline = time.monotonic() + DEADLINE
        while True:
            text = self.text()
            found = re.search(pattern, text, re.M)
            if bool(found) != gone:
                return found or text
            assert time.monotonic() < deadline, f"{pattern!r} {'stays' if gone else 'does not come'}:\n{text}"
            time.sleep(0.03)

    # --- masks

    def mask(self, pattern, instead):
        self.masks.insert(0, (re.compile(pattern), instead))

    def mask_agent(self, slug):
        """The tail of an agent's id, also where it is cut short."""
        self.mask(rf"\b({re.escape(slug)}-)(\w{{1,5}})\b", lambda found: found[1] + "xxxxx"[:len(found[2])])

    def masked(self):
        lines = []
        for line in self.text().splitlines():
            for pattern, instead in self.masks:
                line = pattern.sub(instead, line)
            lines.append(DURATION.sub(mask_duration, line).rstrip())
        return "\n".join(lines).rstrip("\n") + "\n"

    # --- beside what is stored

    def compare(self, name):
        path = SCREENS / f"{name}.txt"
        if os.environ.get("SWARMD_SCREENS") == "write":
            SCREENS.mkdir(exist_ok=True)
            path.write_text(self.steady(), encoding="utf-8")
            return
        assert path.exists(), f"{path} is not stored: run with SWARMD_SCREENS=write, and look at it"
        stored = path.read_text(encoding="utf-8")
        deadline = time.monotonic() + DEADLINE
        while True:
            seen = self.masked()
            if seen == stored:
                return
            if time.monotonic() > deadline:
                difference = difflib.unified_diff(stored.splitlines(), seen.splitlines(), "stored", "seen", lineterm="")
                raise AssertionError(f"the screen is not {name}:\n" + "\n".join(difference))
            time.sleep(0.1)

    def steady(self):
        """The masked screen, once it has not changed for a while."""
        seen, since = self.masked(), time.monotonic()
        while time.monotonic() - since < STEADY:
            time.sleep(0.1)
            now = self.masked()
            if now != seen:
                seen, since = now, time.monotonic()
        return seen
