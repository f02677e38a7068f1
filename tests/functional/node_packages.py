# SPDX-License-Identifier: MIT
"""Packages of npm for tests: in the build, not in the tree; filled once for each lock file."""
import hashlib
import os
import pathlib
import shutil
import subprocess

from client import binary

FILES = ("package.json", "package-lock.json")
TIMEOUT = 300  # seconds


def installed(source, package):
    """A folder with node_modules as source/package-lock.json has them; `package` is one of them."""
    locked = hashlib.sha256(b"".join((source / name).read_bytes() for name in FILES)).hexdigest()
    build = pathlib.Path(os.environ.get("SWARMD_BUILD_DIR", pathlib.Path(binary()).parents[1]))
    folder = build / f"{source.name}-{locked[:12]}"
    if not (folder / "node_modules" / package / "package.json").exists():
        folder.mkdir(exist_ok=True)
        for name in FILES:
            shutil.copy(source / name, folder)
        done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
                              cwd=folder, capture_output=True, text=True, timeout=TIMEOUT)
        assert done.returncode == 0, f"npm ci in {folder} failed:\n{done.stderr}"
    return folder
