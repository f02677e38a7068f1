# SPDX-License-Identifier: MIT
"""Attempts to escape from the sandbox of commands (escape.py says what must hold after each)."""
import platform

import pytest
from escape import World, attempt, python, users

SYSCALL = "import ctypes, os, socket, struct\nlibc = ctypes.CDLL(None, use_errno=True)\n"
X86 = platform.machine() == "x86_64"

ATTEMPTS = [
    # reading
    attempt("reads an ssh key", "cat {home}/.ssh/*"),
    attempt("reads cloud keys", "cat {home}/.aws/* {home}/.config/gcloud/* {home}/.kube/*"),
    attempt("reads tokens", "cat {home}/.netrc {home}/.npmrc {home}/.config/gh/* {home}/.docker/*"),
    attempt("reads other agents' credentials", "cat {home}/.claude/* {home}/.gnupg/*"),
    attempt("reads what was typed", "cat {home}/.bash_history {home}/.cargo/credentials.toml"),
    attempt("reads the configuration", "cat {config} {home}/.config/swarmd/*"),
    attempt("reads the transcripts", "head -c 15 {state}/swarmd.db | grep -q SQLite && echo SECRET"),
    attempt("reads another worktree", "cat {other}/secret.txt; ls -R {state} | grep -i secret"),
    attempt("climbs to another worktree", "cat ../*/secret.txt ../../*/*/secret.txt"),
    attempt("reads the environment", "env"),
    attempt("reads processes' environments", "cat /proc/[0-9]*/environ | tr '\\0' '\\n'"),
    attempt("reads through a process's root", "cat /proc/[0-9]*/root{home}/.netrc"),
    attempt("reads a key through a link", "ln -s {home}/.ssh k; cat k/id_ed25519"),
    # writing
    attempt("writes a start-up file", "echo planted >> {home}/.bashrc"),
    attempt("makes a file outside", "echo planted > {outside}/planted"),
    attempt("writes through a link", "ln -s {outside} l; echo planted > l/linked"),
    attempt("writes through a hard link", "ln {outside}/victim.txt v && echo planted >> v"),
    attempt("takes a file away", "mv {outside}/victim.txt ."),
    attempt("changes permissions", "chmod 777 {outside} {home}/.netrc"),
    attempt("removes what the person has", "rm -rf {outside} {home}/.ssh"),
    attempt("writes into another worktree", "echo planted > {other}/planted"),
    attempt("leaves a file in /tmp", "echo planted > /tmp/planted-{marker}"),
    attempt("leaves a file in /dev/shm", "echo planted > /dev/shm/planted-{marker}"),
    # the person's git
    attempt("plants a hook", "printf 'touch x' > {project}/.git/hooks/pre-commit"),
    attempt("plants a command in git's configuration",
            "git -C {project} config core.fsmonitor 'touch /tmp/x'"),
    attempt("removes a branch", "git -C {project} branch -D keep; rm -f {project}/.git/refs/heads/keep"),
    attempt("writes an object's folder", "mkdir {project}/.git/planted"),
    attempt("points its worktree elsewhere", "printf 'gitdir: {project}/.git' > .git && "
            "git config core.fsmonitor planted"),
    # sockets
    attempt("connects to a socket's path", python("""
import socket
s = socket.socket(socket.AF_UNIX)
s.connect('{elsewhere}/agent.sock')
""")),
    attempt("connects to an abstract socket", python("""
import socket
s = socket.socket(socket.AF_UNIX)
s.connect('\\0{marker}')
""")),
    attempt("sends through half of a pair", python("""
import socket
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
a.sendto(b'x', '{elsewhere}/log.sock')
""")),
    attempt("speaks to the control socket", python("""
import socket
s = socket.socket(socket.AF_UNIX)
s.connect('{state}/swarmd.sock')
print('SECRET connected')
""")),
    # processes
    attempt("kills a bystander", "kill -9 {bystander}"),
    attempt("stops a bystander", "kill -STOP {bystander}"),
    attempt("kills the server", "kill -9 {server}", alone=False),
    attempt("leaves a process", "(setsid sleep {seconds} >/dev/null 2>&1 &) ; sleep 0.1", alone=False),
    attempt("kills its helper", "setsid sleep {seconds} >/dev/null 2>&1 & kill -9 $PPID 1; sleep 0.2",
            alone=False),
    attempt("traces a process", python(SYSCALL + """
if libc.ptrace(16, {bystander}, 0, 0) == 0: # PTRACE_ATTACH
    os.waitpid({bystander}, 0x40000000)
    libc.ptrace(17, {bystander}, 0, 0)
    print('SECRET attached')
""")),
    # the kernel
    attempt("makes a user namespace", "unshare -Ur sh -c 'echo SECRET'"),
    attempt("takes a mask off", "unshare -Urm sh -c 'umount -l {home}/.aws; cat {home}/.aws/*'"),
    attempt("makes the system writable", "mount -o remount,rw,bind / && echo SECRET", alone=False),
    attempt("joins the server's namespaces", "nsenter -t {server} -m cat {home}/.netrc", alone=False),
    attempt("gets capabilities", "grep -E 'Cap(Prm|Eff):.*[1-9a-f]' /proc/self/status | "
            "sed s/^/SECRET/", alone=False),
    attempt("changes a setting of the kernel",
            "cat /proc/sys/kernel/core_pattern > /proc/sys/kernel/core_pattern && echo SECRET",
            alone=False),
    attempt("reads a disk", "for d in /dev/vda /dev/sda /dev/nvme0n1 /dev/mem; do "
            "head -c 1 $d >/dev/null 2>&1 && echo SECRET $d; done", alone=False),
    attempt("sees descriptors of the server", "ls /proc/self/fd | grep -v '^[0-3]$' | sed s/^/SECRET/",
            alone=False),
    attempt("types into the terminal", python(SYSCALL + """
import fcntl, pty
own, other = pty.openpty()
os.setsid() if os.getpid() != os.getsid(0) else None
fcntl.ioctl(other, 0x540E, 0) # TIOCSCTTY
fcntl.ioctl(other, 0x5412, b'x') # TIOCSTI
print('SECRET typed')
"""), alone=False),
    attempt("opens an io_uring", python(SYSCALL + """
if libc.syscall(425, 1, ctypes.create_string_buffer(240)) >= 0: print('SECRET ring')
"""), alone=False),
    attempt("uses the keyring", python(SYSCALL + f"""
if libc.syscall({250 if X86 else 219}, 0, -3, 1) >= 0: print('SECRET key')
""")),
    attempt("loads a BPF program", python(SYSCALL + f"""
if libc.syscall({321 if X86 else 280}, 0, ctypes.create_string_buffer(120), 120) >= 0: print('SECRET bpf')
"""), alone=False),
]

# Landlock alone is around files where no namespaces may be made; what it cannot hold by itself.
NOT_WITHOUT_NAMESPACES = {
    "kills a bystander", "leaves a file in /dev/shm", "changes permissions",
    "stops a bystander", "kills the server", "kills its helper"}


def run(user, sandbox, attempts):
    world = World(user, sandbox)
    try:
        found = world.run(attempts)
        assert set(world.results) == {one.name for one in attempts}
        return found
    finally:
        world.close()


@pytest.mark.parametrize("user", users())
@pytest.mark.parametrize("sandbox", ["", "landlock_abi: 2"], ids=["newest", "abi-2"])
def test_no_attempt_succeeds(user, sandbox):
    assert run(user, sandbox, ATTEMPTS) == {}


@pytest.mark.parametrize("wall", ["landlock", "seccomp"])
def test_mounts_hold_files_without(wall):
    reading_and_writing = ATTEMPTS[:28]
    assert run(users()[-1], f"{wall}: false", reading_and_writing) == {}


def test_landlock_alone_holds_files():
    attempts = [one for one in ATTEMPTS if one.name not in NOT_WITHOUT_NAMESPACES]
    assert run("ordinary", "namespaces: false", attempts) == {}


def test_each_attempt_succeeds_without_a_sandbox():
    attempts = [one for one in ATTEMPTS if one.alone]
    found = run("ordinary", "enabled: false", attempts)
    assert [one.name for one in attempts if one.name not in found] == []
