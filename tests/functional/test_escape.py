# SPDX-License-Identifier: MIT
"""Attempts to escape from the sandbox of commands (escape.py says what must hold after each)."""
import platform
import shutil

import pytest
from escape import World, attempt, python, users

SYSCALL = "import ctypes, os, socket, struct\nlibc = ctypes.CDLL(None, use_errno=True)\n"
GIT_DIR = "g=$(git rev-parse --absolute-git-dir); "
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
    attempt("links a key into its worktree", "ln {home}/.ssh/id_ed25519 k; ln -L {home}/.netrc k; cat k"),
    attempt("reads through another's open files", "cat /proc/[0-9]*/cwd{home}/.netrc "
            "/proc/{bystander}/cwd/{home}/.netrc /proc/self/root{home}/.netrc"),
    attempt("asks another for its environment", "tr '\\0' '\\n' < /proc/{bystander}/environ"),
    attempt("races a link against a check", python("""
import os, threading, time
os.mkdir('d'); open('d/id_ed25519', 'w').close(); os.symlink('{home}/.ssh', 'l')
def swap():
    for _ in range(3000):
        os.rename('d', 'x'); os.rename('l', 'd'); time.sleep(0); os.rename('d', 'l'); os.rename('x', 'd')
swapper = threading.Thread(target=swap, daemon=True)
swapper.start()
while swapper.is_alive():
    try:
        text = open('d/id_ed25519').read()
        if text: print(text); break
    except OSError: pass
""")),
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
    attempt("plants a program", "mkdir -p {home}/.local/bin; printf 'x' > {home}/.local/bin/git; "
            "mkdir -p {home}/.config/systemd/user; printf x > {home}/.config/systemd/user/x.service"),
    attempt("plants a setting of git", "git config --global core.fsmonitor planted; "
            "printf '[core]\\nfsmonitor=x' >> {home}/.gitconfig"),
    attempt("replaces the folder it works in", "cd ..; mv \"$OLDPWD\" moved && ln -s {home} \"$OLDPWD\" && "
            "echo SECRET", alone=False),
    attempt("writes by a descriptor of /proc", "exec 9< {home}/.bashrc; echo planted >> /proc/self/fd/9"),
    attempt("moves a folder over the person's", "mkdir new; echo planted > new/victim.txt; "
            "cp -rT new {outside}; rm -rf {outside}.old; mv {outside} {outside}.old; mv new {outside}"),
    attempt("makes a device", "mknod d b 254 0 && head -c 1 d && echo SECRET; "
            "mknod m c 1 1 && head -c 1 m && echo SECRET", alone=False),
    attempt("fills the disk", "head -c 200M /dev/zero > fill; test $(stat -c %s fill) -gt 70000000 && "
            "echo SECRET; rm fill"),
    # the person's git
    attempt("plants a hook", "printf 'touch x' > {project}/.git/hooks/pre-commit"),
    attempt("plants a command in git's configuration",
            "git -C {project} config core.fsmonitor 'touch /tmp/x'"),
    attempt("removes a branch", "git -C {project} branch -D keep; rm -f {project}/.git/refs/heads/keep"),
    attempt("writes an object's folder", "mkdir {project}/.git/planted"),
    attempt("points its worktree elsewhere", "printf 'gitdir: {project}/.git' > .git && "
            "git config core.fsmonitor planted"),
    attempt("puts another git directory in place", "git init -q own; git -C own config core.fsmonitor "
            "'touch {outside}/by-git; false'; rm -f .git; mv own/.git .git", alone=False),
    attempt("plants a command in its own configuration", "git config core.fsmonitor 'touch {outside}/by-git; "
            "false'; git config diff.external 'touch {outside}/by-git'", alone=False),
    attempt("plants a hook of its own", GIT_DIR + "mkdir -p $g/hooks; printf '#!/bin/sh\\ntouch {outside}/by-git' "
            "> $g/hooks/post-index-change; chmod +x $g/hooks/*; git config core.hooksPath $g/hooks; touch README.md", alone=False),
    attempt("plants a commondir", GIT_DIR + "git init -q c; git -C c config core.fsmonitor 'touch "
            "{outside}/by-git; false'; echo $PWD/c/.git > $g/commondir", alone=False),
    attempt("borrows another's objects", GIT_DIR + "mv $g/objects $g/o; mkdir -p $g/objects/info; "
            "echo {state}/git/{other_id}/objects > $g/objects/info/alternates && echo SECRET", alone=False),
    attempt("gives the person's repository other objects",
            "mkdir -p {project}/.git/objects/info; echo /planted > {project}/.git/objects/info/alternates; "
            "rm -rf {project}/.git/objects/pack; test -e {project}/.git/objects/pack || echo SECRET"),
    attempt("names a filter in the tree", "printf '* filter=evil diff=evil merge=evil\\n' > .gitattributes; "
            "git config filter.evil.clean 'touch {outside}/by-git; cat'; git config diff.evil.textconv 'touch "
            "{outside}/by-git; cat'; echo x >> README.md; git commit -qam x; git rm -qf .gitattributes; git commit -qm y",
            alone=False),
    attempt("plants a submodule", "mkdir -p {project}/.git/modules/s/hooks; touch {project}/.git/modules/s/config"),
    attempt("commits a submodule with commands", "git init -q sub; git -C sub config core.fsmonitor 'touch "
            "{outside}/by-git; false'; git -C sub commit -q --allow-empty -m x; printf '[submodule \"sub\"]\\n"
            "path=sub\\nurl=ext::touch {outside}/by-git\\nupdate=!touch {outside}/by-git\\n' > .gitmodules; "
            "git add -A; git commit -qm x", alone=False),
    attempt("commits what checks out outside", python("""
import subprocess
def git(*words, data=None):
    return subprocess.run(['git', *words], input=data, capture_output=True, check=True).stdout.decode().strip()
blob = git('hash-object', '-w', '--stdin', data=b'planted')
for name in ('../../../../..{outside}/planted', '.git'):
    entry = b'100644 ' + name.encode() + b'\\0' + bytes.fromhex(blob)
    tree = git('hash-object', '-t', 'tree', '-w', '--stdin', '--literally', data=entry)
    commit = git('commit-tree', '-m', 'x', tree)
    git('update-ref', 'HEAD', commit)
"""), alone=False),
    attempt("puts links into its git directory", GIT_DIR + "rm -f $g/HEAD $g/index; ln -s {home}/.netrc $g/HEAD; "
            "ln -s {outside}/victim.txt $g/index; rm -rf $g/refs; ln -s {project}/.git/refs $g/refs; "
            "ln -s {home}/.ssh $g/objects/aa; rm $g/refs/heads/keep", alone=False),
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
    attempt("speaks to the server by its own program", python("""
import json, os, subprocess
def frame(method, number, **params):
    body = json.dumps({'jsonrpc': '2.0', 'id': number, 'method': method, 'params': params})
    return f'Content-Length: {len(body)}\\r\\n\\r\\n{body}'.encode()
os.environ |= {'SWARMD_STATE_DIR': '{state}', 'SWARMD_CONFIG': '{config}', 'ASAN_OPTIONS': 'detect_leaks=0'}
say = frame('initialize', 1, capabilities={'experimental': {'swarm': True}}) + frame('swarm/list', 2)
program = subprocess.Popen(['{swarmd}'], stdin=-1, stdout=-1)
program.stdin.write(say); program.stdin.flush()
program.stdin.write(frame('shutdown', 3)); program.stdin.flush()
while piece := program.stdout.read1():
    print(piece.decode())
    if '"id":3' in piece.decode(): break
program.kill()
""")),
    attempt("gets a datagram socket by another door", python("""
import socket
s = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)[0]
for address in ('{elsewhere}/agent.sock', '\\0{marker}'):
    try: s.connect(address)
    except OSError: pass
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'x', '{elsewhere}/log.sock')
""")),
    attempt("listens to the network", python("""
import socket
for family, kind in ((socket.AF_PACKET, socket.SOCK_RAW), (socket.AF_INET, socket.SOCK_RAW),
                     (socket.AF_NETLINK, socket.SOCK_RAW), (40, socket.SOCK_STREAM)):
    try:
        socket.socket(family, kind, 1 if family != 16 else 12)
        print('SECRET socket', family)
    except OSError: pass
"""), alone=False),
    # processes
    attempt("kills a bystander", "kill -9 {bystander}"),
    attempt("stops a bystander", "kill -STOP {bystander}"),
    attempt("kills the server", "kill -9 {server}", alone=False),
    attempt("asks the server to end", "kill -TERM {server}; kill -HUP {server}; kill -STOP {server}; "
            "kill -9 -- -{server}", alone=False),
    attempt("kills all there are", "kill -9 -1", alone=False),
    attempt("limits a bystander", "prlimit --pid {bystander} --nofile=7 && echo SECRET; "
            "echo 1000 > /proc/{bystander}/oom_score_adj && echo SECRET"),
    attempt("writes a bystander's memory", python("""
with open('/proc/{bystander}/mem', 'r+b', 0) as memory: print('SECRET', memory)
""")),
    attempt("is a fork bomb", "f() { f | f & }; f; sleep {seconds}", alone=False),
    attempt("forks twice", python("""
import os, signal, time
if os.fork() == 0:
    os.setsid()
    for number in range(1, 32):
        try: signal.signal(number, signal.SIG_IGN)
        except OSError: pass
    if os.fork() == 0:
        if os.fork() == 0: os.execvp('sleep', ['sleep', '{seconds}'])
        os.execvp('sleep', ['sleep', '{seconds}'])
    os._exit(0)
"""), alone=False),
    attempt("stops its helper", "setsid sleep {seconds} & kill -STOP $PPID 1; kill -9 $$", alone=False),
    attempt("leaves a process", "(setsid sleep {seconds} >/dev/null 2>&1 &) ; sleep 0.1", alone=False),
    attempt("kills its helper", "setsid sleep {seconds} >/dev/null 2>&1 & kill -9 $PPID 1; sleep 0.2",
            alone=False),
    attempt("traces a process", python(SYSCALL + """
if libc.ptrace(16, {bystander}, 0, 0) == 0: # PTRACE_ATTACH
    os.waitpid({bystander}, 0x40000000)
    libc.ptrace(17, {bystander}, 0, 0)
    print('SECRET attached')
""")),
    attempt("reads another's memory", python(SYSCALL + f"""
class Piece(ctypes.Structure): _fields_ = [('at', ctypes.c_void_p), ('len', ctypes.c_size_t)]
maps = [line.split('-')[0] for line in open('/proc/{{bystander}}/maps')]
here = ctypes.create_string_buffer(8)
one, other = Piece(ctypes.addressof(here), 8), Piece(int(maps[0], 16), 8)
if libc.process_vm_readv({{bystander}}, ctypes.byref(one), 1, ctypes.byref(other), 1, 0) > 0: print('SECRET read')
""")),
    attempt("takes another's descriptor", python(SYSCALL + """
pidfd = libc.syscall(434, {bystander}, 0)
if pidfd >= 0 and libc.syscall(438, pidfd, 0, 0) >= 0: print('SECRET descriptor')
""")),
    # the kernel
    attempt("makes a user namespace", "unshare -Ur sh -c 'echo SECRET'"),
    attempt("takes a mask off", "unshare -Urm sh -c 'umount -l {home}/.aws; cat {home}/.aws/*'"),
    attempt("makes the system writable", "mount -o remount,rw,bind / && echo SECRET", alone=False),
    attempt("joins the server's namespaces", "nsenter -t {server} -m cat {home}/.netrc", alone=False),
    attempt("leaves by a new root", python(SYSCALL + """
import os
os.mkdir('r'); fd = os.open('/', os.O_RDONLY)
os.chroot('r'); os.fchdir(fd)
print('SECRET chroot')
"""), alone=False),
    attempt("opens files by their handles", python(SYSCALL + f"""
if libc.syscall({304 if X86 else 265}, -100, ctypes.create_string_buffer(128), 0) >= 0 or \\
        ctypes.get_errno() not in (1, 13): print('SECRET', ctypes.get_errno())
"""), alone=False),
    attempt("mounts by the newer calls", python(SYSCALL + """
for call, words in ((430, (b'tmpfs', 0)), (428, (-100, b'/', 1)), (442, (-100, b'/', 0, 0, 0)), (155, (b'.', b'.'))):
    if libc.syscall(call, *words) >= 0: print('SECRET', call)
"""), alone=False),
    attempt("makes namespaces by clone3", python(SYSCALL + """
args = struct.pack('11Q', 0x10000000 | 0x20000, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0)
pid = libc.syscall(435, args, 88)
if pid == 0: os._exit(0)
if pid > 0: print('SECRET namespaces')
"""), alone=False),
    attempt("calls with another architecture's numbers", python(SYSCALL + """
import mmap
code = mmap.mmap(-1, 4096, prot=7)
code.write(bytes([0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0xc3])) # getpid by int 0x80
at = ctypes.addressof(ctypes.c_char.from_buffer(code))
if ctypes.CFUNCTYPE(ctypes.c_int)(at)() > 0: print('SECRE' + 'T 32 bits')
"""), alone=False),
    attempt("changes the machine", "date -s 2001-01-01 && echo SECRET; hostname planted && echo SECRET; "
            "echo h > /proc/sysrq-trigger && echo SECRET; dmesg | head -1 | sed s/^/SECRET/; "
            "sysctl -w kernel.hostname=x && echo SECRET; rmmod dummy 2>&1 | grep -v ermitted", alone=False),
    attempt("becomes another by a program with rights", "su -c 'echo SECRET' nobody </dev/null; "
            "passwd -d root && echo SECRET; setpriv --reuid=1 --clear-groups echo SECRET", alone=False),
    attempt("gets capabilities", "grep -E 'Cap(Prm|Eff):.*[1-9a-f]' /proc/self/status | "
            "sed s/^/SECRET/", alone=False),
    attempt("changes a setting of the kernel",
            "cat /proc/sys/kernel/core_pattern > /proc/sys/kernel/core_pattern && echo SECRET",
            alone=False),
    attempt("opens a disk", "for d in $(find /dev -type b) /dev/mem /dev/kvm /dev/fuse /dev/console; do "
            "(: < $d || : 1<> $d) 2>/dev/null && echo SECRET $d; done", alone=False),
    attempt("sees descriptors of the server", "ls /proc/self/fd | grep -v '^[0-3]$' | sed s/^/SECRET/",
            alone=False),
    attempt("opens the person's terminal", "(: < {terminal}) && echo SECRET input; (echo x > {terminal}) && echo SECRET"),
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

# swarmd puts the files of a worktree's git directory back, with a sandbox or without: of attempts at
# those it cannot be shown that they succeed.

# Landlock alone is around files where no namespaces may be made; what it cannot hold by itself.
NOT_WITHOUT_NAMESPACES = {
    "kills a bystander", "leaves a file in /dev/shm", "changes permissions",
    "stops a bystander", "kills the server", "kills its helper", "asks the server to end",
    "kills all there are", "limits a bystander", "stops its helper",
    "borrows another's objects"}  # put back after the command

# With isolation "none", in the repository itself: its branches and files are the agent's, but nothing
# that git runs, or by which it goes elsewhere.
IN_PLACE = [
    attempt("plants a hook", "mkdir -p .git/hooks; echo x > .git/hooks/pre-commit; rm -rf .git/hooks"),
    attempt("plants a setting", "git config core.fsmonitor 'touch {outside}/by-git; false'; echo x >> .git/config; "
            "mv .git/config .git/c; printf x > .git/new; mv -f .git/new .git/config"),
    attempt("plants a setting of the worktree", "printf '[core]\\nfsmonitor=x' > .git/config.worktree"),
    attempt("plants a commondir", "mkdir c; echo ../c > .git/commondir"),
    attempt("moves the whole away", "mv .git old && cp -r old .git && git config core.fsmonitor x; rm -rf old"),
    attempt("moves its objects away", "cd .git && mv objects old && mkdir -p objects/info && "
            "echo /planted > objects/info/alternates"),
    attempt("plants attributes", "echo '* filter=x' > .git/info/attributes; echo x > .git/info/exclude"),
    attempt("plants a submodule", "git init -q --bare .git/modules/s; touch .git/modules/x"),
    attempt("plants another worktree", "git worktree add -q ../w; mkdir -p .git/worktrees/w; "
            "echo x > .git/worktrees/w/gitdir"),
    attempt("links a folder of git to keys", "rm -rf .git/modules .git/worktrees .git/info; "
            "for n in modules worktrees info config.worktree; do ln -sn {home}/.ssh .git/$n; done"),
    attempt("reads keys through these", "cat {home}/.ssh/* .git/modules/* .git/worktrees/* .git/info/id_ed25519"),
    attempt("writes outside", "echo planted > {outside}/planted; echo planted >> {project}/README.md; "
            "git -C {project} branch -D keep"),
]


def run(user, sandbox, attempts, **options):
    world = World(user, sandbox)
    try:
        found = world.run(attempts, **options)
        assert set(world.results) == {one.name for one in attempts}
        return found
    finally:
        world.close()


@pytest.mark.parametrize("user", users())
@pytest.mark.parametrize("sandbox", ["", "landlock_abi: 2"], ids=["newest", "abi-2"])
def test_no_attempt_succeeds(user, sandbox):
    assert run(user, sandbox, ATTEMPTS) == {}


@pytest.mark.parametrize("user", users())
def test_no_attempt_succeeds_without_isolation(user):
    assert run(user, "", IN_PLACE, in_place=True) == {}


def test_there_are_as_many_attempts_as_were_promised():
    assert len({one.name for one in ATTEMPTS}) == len(ATTEMPTS) >= 60


MUST_WORK = {
    "cc and make": ("printf 'all: p\\n\\t./p\\np: p.c\\n\\t$(CC) p.c -o p\\n' > Makefile; "
                    "printf '#include <stdio.h>\\nint main(void) { return puts(\"it ran\") < 0; }' > p.c; make", "it ran"),
    "git": ("git add -A && git commit -qm 'a commit' && git log --oneline -1 && git diff HEAD~1 --stat", "a commit"),
    "npm test": ("printf %s '{\"name\":\"a\",\"scripts\":{\"test\":\"node t.js\"}}' "
                 "> package.json; echo 'console.log(6 * 7)' > t.js; npm test", "42"),
}


@pytest.mark.parametrize("user", users())
@pytest.mark.parametrize("sandbox", ["", "landlock_abi: 2", "namespaces: false"])
def test_work_is_possible_in_the_same_sandbox(user, sandbox):
    wanted = {name: what for name, what in MUST_WORK.items() if name != "npm test" or shutil.which("npm")}
    world = World(user, sandbox)
    try:
        assert world.run([attempt(name, command) for name, (command, _) in wanted.items()], timeout=120) == {}
        assert [name for name, (_, says) in wanted.items() if says not in world.results[name]] == [], world.results
    finally:
        world.close()


@pytest.mark.parametrize("user", users())
def test_a_fork_bomb_is_ended_and_the_result_says_so(user):
    world = World(user)
    try:
        bomb = next(one for one in ATTEMPTS if one.name == "is a fork bomb")
        assert world.run([bomb], timeout=60) == {}
        assert "sandbox.processes" in world.results[bomb.name]
    finally:
        world.close()


@pytest.mark.parametrize("wall", ["landlock", "seccomp"])
def test_mounts_hold_files_without(wall):
    reading_and_writing = ATTEMPTS[:[one.name for one in ATTEMPTS].index("connects to a socket's path")]
    assert run(users()[-1], f"{wall}: false", reading_and_writing) == {}


@pytest.mark.parametrize("user, abi", [(users()[0], ""), ("ordinary", ", landlock_abi: 2")])
def test_landlock_alone_holds_files(user, abi):
    attempts = [one for one in ATTEMPTS if one.name not in NOT_WITHOUT_NAMESPACES]
    assert run(user, "namespaces: false" + abi, attempts) == {}


def test_each_attempt_succeeds_without_a_sandbox():
    attempts = [one for one in ATTEMPTS if one.alone]
    found = run("ordinary", "enabled: false", attempts)
    assert [one.name for one in attempts if one.name not in found] == []
