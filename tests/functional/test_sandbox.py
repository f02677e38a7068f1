# SPDX-License-Identifier: MIT
"""What works in the sandbox, what its limits and denials say. Escapes: test_escape.py."""
import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import threading

import pytest
from agents import items, spawn
from client import binary
from model_server import ModelServer, call, text


def run(swarm, command, sandbox="{}", timeout=120, **options):
    """The tool item of one command, its agent, and what the model got."""
    client, server = swarm([[call("bash", command=command, timeout=timeout)], [text("done")]],
                           sandbox=sandbox, **options)
    agent = client.wait_state(spawn(client)["id"], "done", timeout=180)
    return items(client, agent, "tool")[-1], agent, server.requests[1].results[0]["content"]


# --- what has to work

MAKEFILE = "all: a.out\n\t./a.out > out.txt\na.out: a.c b.c\n\t$(CC) -O1 a.c b.c -o $@\n"


def test_a_compiler_and_make_work(swarm):
    command = (f"cat > Makefile <<'END'\n{MAKEFILE}END\n"
               "echo 'int f(void); int main(void) { return f(); }' > a.c\n"
               "printf '#include <stdio.h>\\nint f(void) { return puts(\"built\") < 0; }\\n' > b.c\n"
               "make -j2 && cat out.txt")
    item, _, got = run(swarm, command)
    assert item["exitCode"] == 0 and "built\n" in got


def test_git_works(swarm):
    item, agent, got = run(swarm, "echo x > a && git add a && git commit -qm 'from the sandbox' && "
                                  "git log --oneline -1 && git diff HEAD~1 --stat && git status -s && "
                                  "git stash list && git checkout -q -b topic")
    assert item["exitCode"] == 0 and "from the sandbox" in got and "1 file changed" in got


@pytest.mark.skipif(not shutil.which("npm"), reason="there is no npm")
def test_npm_works(swarm):
    package = json.dumps({"name": "a", "version": "1.0.0", "scripts": {"test": "node test.js"}})
    script = ("const {execSync, fork} = require('child_process'); const os = require('os');"
              "require('fs').writeFileSync(os.tmpdir() + '/x', 'x');"
              "if (process.argv[2]) process.send('hi'); else fork(__filename, ['child']).on('message',"
              "m => console.log('child says', m, execSync('echo deep').toString()))")
    item, _, got = run(swarm, f"printf %s '{package}' > package.json; cat > test.js <<'END'\n{script}\nEND\n"
                              "npm test")
    assert item["exitCode"] == 0 and "child says hi deep" in got


def test_temporary_files_are_the_agents_own_and_go_with_it(swarm):
    client, _ = swarm([[call("bash", command="echo $TMPDIR; mktemp; echo mine > /tmp/kept")],
                       [call("bash", command="cat /tmp/kept /var/tmp/kept; ls /tmp")],
                       [text("done")]])
    agent = client.wait_state(spawn(client)["id"], "done")
    first, second = [item["output"] for item in items(client, agent, "tool")]
    assert first.startswith("/tmp\n/tmp/tmp.") and second.startswith("mine\nmine\n")
    assert not pathlib.Path("/tmp/kept").exists()
    folder = client.state / "tmp" / agent["id"]
    assert (folder / "kept").read_text() == "mine\n" and folder.stat().st_mode & 0o777 == 0o700
    client.request("swarm/remove", {"agentId": agent["id"], "force": True})
    assert not folder.exists()


def test_terminals_pipes_and_processes_work(swarm):
    item, _, got = run(swarm, "script -qec 'tty; echo on a terminal' /dev/null; ps -e | wc -l; "
                              "python3 -c 'import multiprocessing as m; print(m.Pool(2).map(abs, [-1, -2]))'; "
                              "echo x | tee /dev/stderr > /dev/null; nproc; cat /proc/meminfo | head -1")
    assert item["exitCode"] == 0 and "on a terminal" in got and "[1, 2]" in got and "MemTotal" in got


def in_place(swarm, repository, *commands):
    """What several commands of one agent with isolation "none" gave, and its notices."""
    client, _ = swarm([[call("bash", command=command)] for command in commands] + [[text("done")]],
                      sandbox="{}")
    agent = client.wait_state(spawn(client, isolation="none")["id"], "done")
    notices = [notice["text"] for notice in items(client, agent, "notice")]
    return [item["output"] for item in items(client, agent, "tool")], notices


def test_a_planted_commondir_is_gone_when_the_command_has_ended(swarm, repository):
    """Not only when the worktree's commits have been taken over: the person's git may run at any time."""
    seen = []

    def script(request):
        if request.turns == 0:
            return [call("bash", command="cd $(git rev-parse --git-dir) && echo ../planted > commondir && pwd")]
        path = pathlib.Path(request.results[0]["content"].strip()) / "commondir"
        seen.append((path.parent.is_dir(), path.exists()))
        return [text("done")]

    client, _ = swarm(script, sandbox="{}")
    agent = client.wait_state(spawn(client)["id"], "done")
    assert seen == [(True, False)]
    assert any("commondir" in notice["text"] and "removed" in notice["text"]
               for notice in items(client, agent, "notice"))


def test_isolation_none_keeps_hooks_and_configuration(swarm, repository):
    before = (repository / ".git/config").read_bytes()
    shutil.rmtree(repository / ".git/hooks")
    (output,), notices = in_place(
        swarm, repository,
        "echo x > a; git add a; git -c user.name=a -c user.email=b commit -qm made && echo committed; "
        "echo x > .git/hooks/pre-commit; git config core.pager evil;"
        "echo ../planted > .git/commondir; echo x > .git/config.worktree; mkdir .git/hooks")
    assert "committed" in output
    for planted in ("commondir", "config.worktree", "hooks/pre-commit"):
        assert not (repository / ".git" / planted).exists()
    assert {name for name in ("commondir", "config.worktree")
            if any(f".git/{name}," in notice for notice in notices)} == {"commondir", "config.worktree"}
    assert (repository / ".git/config").read_bytes() == before


def test_isolation_none_keeps_what_holds_them(swarm, repository):
    """A read-only file is no use when the folder around it can be renamed, and another be made."""
    before = (repository / ".git/config").read_bytes()
    outputs, _ = in_place(
        swarm, repository,
        "mv .git moved && cp -r moved .git && git config core.fsmonitor evil && echo SUCCESS",
        "cd .git && mv objects o && mkdir -p objects/info && echo /x > objects/info/alternates && echo SUCCESS")
    assert all("busy" in output and "SUCCESS" not in output for output in outputs)
    assert (repository / ".git/config").read_bytes() == before
    assert not (repository / ".git/objects/info/alternates").exists()


@pytest.mark.parametrize("namespaces", ["true", "false"])
def test_a_planted_link_shows_nothing_hidden(swarm, tmp_path, namespaces):
    """Beneath what commands may write, a link does not lead the sandbox to what it should hide."""
    home = tmp_path / "home"
    for folder in (".ssh", "work"):
        (home / folder).mkdir(parents=True)
    (home / ".ssh/key").write_text("SECRET\n")
    client, _ = swarm([[call("bash", command="ln -s ~/.ssh ~/work/inner; readlink ~/work/inner")],
                       [call("bash", command="cat ~/.ssh/key ~/work/inner/key; echo over")],
                       [text("done")]], env={"HOME": str(home)},
                      sandbox="{writable: [~/work, ~/work/inner], namespaces: %s}" % namespaces)
    agent = client.wait_state(spawn(client)["id"], "done")
    planted, read = [item["output"] for item in items(client, agent, "tool")]
    assert str(home / ".ssh") in planted and "over" in read and "SECRET" not in read


@pytest.mark.parametrize("planted", ["ln -s {outside} info; ln -s {outside} objects", "mkdir -p a"])
def test_nothing_is_put_back_behind_links(swarm, tmp_path, planted):
    outside = tmp_path / "outside"
    (outside / "info").mkdir(parents=True)
    files = {outside / name: "kept" for name in ("exclude", "person-attributes", "info/alternates")}
    for path, content in files.items():
        path.write_text(content)
    command = "cd $(git rev-parse --git-dir) && mv info i && mv objects o; " + planted.format(outside=outside)
    client, _ = swarm([[call("bash", command=command)], [call("bash", command="git cat-file -t HEAD")],
                       [text("done")]], sandbox="{namespaces: false}")
    agent = client.wait_state(spawn(client)["id"], "done")
    assert {path: path.read_text() for path in files} == files
    assert any("put back: info, objects" in notice["text"] for notice in items(client, agent, "notice"))
    assert items(client, agent, "tool")[-1]["output"] == "commit\n"  # of the repository, by its alternates


def test_nothing_is_removed_behind_a_link_in_the_place_of_git(swarm, repository, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other/commondir").write_text("kept")
    client, _ = swarm([[call("bash", command=f"mv .git moved && ln -s {tmp_path}/other .git; ls -d .git/commondir")],
                       [text("done")]], sandbox="{namespaces: false}")
    agent = client.wait_state(spawn(client, isolation="none")["id"], "done")
    assert ".git/commondir" in items(client, agent, "tool")[-1]["output"]
    assert (tmp_path / "other/commondir").read_text() == "kept"


def test_a_linked_hooks_folder_makes_the_git_folder_read_only(swarm, repository, tmp_path):
    shutil.rmtree(repository / ".git/hooks")
    (tmp_path / "hooks").mkdir()
    (repository / ".git/hooks").symlink_to(tmp_path / "hooks")
    (output,), _ = in_place(swarm, repository, "git log --oneline; echo x > a; git add a; rm .git/hooks")
    assert "first" in output and output.count("Read-only file system") >= 2
    assert (repository / ".git/hooks").is_symlink()


# --- what is said

@pytest.mark.parametrize("command, says", [
    ("echo x > /usr/x", "/usr/x"),
    ("mount -t tmpfs none /mnt", "system calls mount"),
    ("python3 -c 'import socket; socket.socket(socket.AF_UNIX)'", "unix_sockets"),
])
def test_a_denial_is_told(swarm, command, says):
    item, _, got = run(swarm, command)
    assert item["status"] == "failed" and says in item["blocked"] and f"[blocked: {item['blocked']}]" in got


@pytest.mark.parametrize("command", ["exit 3", "cat /nowhere", "echo 'Read-only file system'"])
def test_an_ordinary_failure_is_no_denial(swarm, command):
    item, _, got = run(swarm, command)
    assert "blocked" not in item and "blocked" not in got


@pytest.mark.parametrize("command, sandbox, says", [
    ("python3 -c 'x = bytearray(300 << 20); import time; time.sleep(60)'", "memory_mb: 100", "100 MB"),
    ("for i in 1 2 3 4 5 6; do python3 -c 'x = bytearray(40 << 20); import time; time.sleep(60)' & done; wait",
     "memory_mb: 120", "sandbox.memory_mb"),
    ("head -c 300M /dev/zero > /dev/shm/x; sleep 60", "memory_mb: 100", "sandbox.memory_mb"),
    ("f() { f | f & }; f; sleep 60", "processes: 60", "sandbox.processes"),
    ("while :; do :; done", "cpu_seconds: 1", "sandbox.cpu_seconds"),
    ("head -c 9M /dev/zero > x", "file_mb: 1", "sandbox.file_mb"),
    ("head -c 100M /dev/zero > x; sleep 60", "disk_free_mb: 10000000", "sandbox.disk_free_mb"),
])
def test_a_limit_is_told(swarm, command, sandbox, says):
    item, _, got = run(swarm, command, sandbox="{%s}" % sandbox)
    assert item["status"] == "failed" and says in got and item["exitCode"] >= 128


@contextlib.contextmanager
def disk(folder, options):
    """A repository on a disk of its own."""
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        for command in (["init", "-q"], ["-c", "user.name=a", "-c", "user.email=b", "commit", "-q",
                                         "--allow-empty", "-m", "x"]):
            subprocess.run(["git", *command], cwd=folder, check=True)
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.parametrize("command, room, says", [
    ("head -c 100M /dev/zero > /tmp/x", 10000000, "the disk of /tmp (limit sandbox.disk_free_mb)"),
    ("mkdir d; touch d/{1..6000} 2>touch d/{1..2950}-", 1, "the disk of the worktree has room for")])
def test_room_is_kept_on_disks(swarm, repository, command, room, says):
    with disk(repository / "src", "size=64m,nr_inodes=5000") as folder:
        client, _ = swarm([[call("bash", command=f"{command}; sleep 60")], [text("done")]],
                          sandbox="{disk_free_mb: %d}" % room)
        agent = client.wait_state(spawn(client, isolation="none", cwd=str(folder))["id"], "done")
        assert says in items(client, agent, "tool")[-1]["output"]
        client.kill()


def test_a_cgroup_is_exact_where_one_can_be_had(swarm):
    """What takes too much for a moment only, so that nobody who looks now and then would see it."""
    taker = "import mmap; m = mmap.mmap(-1, 300 << 20); [m.write(bytes(1 << 20)) for _ in range(300)]"
    client, _ = swarm([[call("bash", command="cat /proc/self/cgroup")],
                       [call("bash", command=f"python3 -c '{taker}'; echo over")], [text("done")]],
                      sandbox="{memory_mb: 100}")
    agent = client.wait_state(spawn(client)["id"], "done")
    where, item = items(client, agent, "tool")
    if "swarmd-" not in where["output"]:
        pytest.skip("no cgroup of version 2 with memory and pids can be had here")
    assert item["exitCode"] == 137 and "sandbox.memory_mb" in item["output"] and "over" not in item["output"]
    assert not list(pathlib.Path("/sys/fs/cgroup").rglob("swarmd-*"))


@pytest.mark.parametrize("command, sandbox, says", [
    ("python3 -c 'open(\"x\", \"wb\").write(bytes(9 << 20))'", "file_mb: 1", "sandbox.file_mb"),
    ("python3 -c '[open(\"/dev/null\") for _ in range(99)]'", "open_files: 50", "sandbox.open_files"),
    ("(while :; do :; done); sleep 0.1; exit 1", "cpu_seconds: 1", "sandbox.cpu_seconds"),
])
def test_a_limit_is_told_where_a_program_says_it_itself(swarm, command, sandbox, says):
    item, _, got = run(swarm, command, sandbox="{%s}" % sandbox)
    assert item["status"] == "failed" and says in item["blocked"] and f"[blocked: {item['blocked']}]" in got


def test_the_limit_of_processes_is_told_without_namespaces(swarm):
    """There the kernel refuses to fork, but for root."""
    command = "import subprocess; [subprocess.Popen([\"sleep\", \"60\"]) for _ in range(500)]"
    item, _, got = run(swarm, f"python3 -c '{command}'; sleep 60", sandbox="{processes: 60, namespaces: false}")
    assert item["status"] == "failed" and "sandbox.processes" in got


@pytest.mark.skipif(os.geteuid() != 0 or tuple(map(int, os.uname().release.split(".")[:2])) < (6, 14),
                    reason="only root needs it, and only Linux 6.14 has it")
def test_the_kernel_bounds_the_processes_of_root_too(swarm):
    """Beside the look at them: no rlimit counts those of root."""
    before = pathlib.Path("/proc/sys/kernel/pid_max").read_text()
    command = "cat /proc/sys/kernel/pid_max; echo 99999 > /proc/sys/kernel/pid_max; cat /proc/sys/kernel/pid_max"
    _, _, got = run(swarm, command, sandbox="{processes: 100}")
    assert got.startswith("402\n") and "Read-only" in got and got.count("402\n") == 2
    assert pathlib.Path("/proc/sys/kernel/pid_max").read_text() == before


def test_open_files_are_limited(swarm):
    _, _, got = run(swarm, "ulimit -n; ulimit -Hn", sandbox="{open_files: 123}")
    assert got.startswith("123\n123\n")


def test_the_network_can_be_off(swarm):
    item, _, got = run(swarm, "ls /sys/class/net; python3 - <<'END'\n"
                              "import socket\n"
                              "s = socket.create_server(('127.0.0.1', 0))\n"
                              "socket.create_connection(s.getsockname()).close(); print('loopback works')\n"
                              "socket.create_connection(('192.0.2.1', 80), 5)\nEND\n",
                       sandbox="{network: off}")
    assert "loopback works" in got and "unreachable" in got and "sandbox.network" in item["blocked"]


def test_a_secret_is_given_by_a_role_alone(start, tmp_path):
    (tmp_path / "config.yaml").write_text("sandbox: {environment: [DISPLAY, GITHUB_TOKEN]}\n")
    environment = {**os.environ, "SWARMD_CONFIG": str(tmp_path / "config.yaml"),
                   "SWARMD_STATE_DIR": str(tmp_path / "state")}
    ended = subprocess.run([binary()], env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                           text=True, timeout=60)
    assert "GITHUB_TOKEN" in ended.stderr and "role" in ended.stderr and ended.returncode


def test_what_is_off_is_said(swarm):
    client, _ = swarm([[text("done")]], sandbox="{enabled: false}")
    assert client.request("swarm/stats")["sandbox"]["state"] == "off"
    agent = client.wait_state(spawn(client)["id"], "done")
    assert "not sandboxed" in items(client, agent, "notice")[0]["text"]


def test_the_walls_that_are_there_are_told(swarm):
    client, _ = swarm([[text("done")]])
    assert client.request("swarm/stats")["sandbox"]["state"] == "unknown"
    client.wait_state(spawn(client)["id"], "done")
    assert client.wait(lambda: client.request("swarm/stats")["sandbox"]["state"] != "unknown", "a state")
    assert client.request("swarm/stats")["sandbox"] == {"state": "on"}


def forbid_namespaces(tmp_path):
    """A program that runs the server where no namespaces can be made, as many systems have it."""
    wrapper = tmp_path / "without-namespaces"
    source = tmp_path / "without.c"
    source.write_text("""
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x20000, 0, 1), /* CLONE_NEWNS */
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof rules / sizeof *rules, rules};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
    return execv(argv[1], argv + 1);
}
""")
    subprocess.run([os.environ.get("CC", "cc"), source, "-o", wrapper], check=True)
    return wrapper


def test_a_missing_wall_is_said_loudly(start, repository, tmp_path):
    script = [[call("bash", command="cat ~/.netrc; echo x > /var/lib/x; echo in > inside && cat inside")],
              [text("done")]]
    home = tmp_path / "home"
    home.mkdir()
    (home / ".netrc").write_text("SECRET\n")
    with ModelServer(script) as server:
        client = start(config=server.config(sandbox="{}"), env={"HOME": str(home)},
                       program=[forbid_namespaces(tmp_path), binary()])
        client.initialize(root=repository, subscribe="all")
        agent = client.wait_state(spawn(client)["id"], "done")
        notice = client.wait_event(lambda e: e["type"] == "item" and e["item"]["kind"] == "notice")
        assert "weak" in notice["item"]["text"] and "namespaces" in notice["item"]["text"]
        stats = client.request("swarm/stats")["sandbox"]
        assert stats["state"] == "weak" and "Landlock alone" in stats["missing"]
        output = items(client, agent, "tool")[-1]["output"]
        assert "in\n" in output and "SECRET" not in output and output.count("Permission denied") == 2
        assert not pathlib.Path("/var/lib/x").exists()


class Web(threading.Thread):
    """Answers every request on loopback with its first line."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            with peer:
                head = b""
                while b"\r\n\r\n" not in head and (piece := peer.recv(4096)):
                    head += piece
                line = head.split(b"\r\n")[0]
                peer.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" %
                             (len(line), line))


@pytest.fixture
def web():
    web = Web()
    yield web
    web.socket.close()


FETCH = """python3 - <<'END'
import os, socket, sys, urllib.request
del os.environ['no_proxy'], os.environ['NO_PROXY']
def fetch(url):
    try:
        print('got', urllib.request.urlopen(url, timeout=20).read().decode())
    except Exception as error:
        print('failed', error, getattr(error, 'read', lambda: b'')().decode())
def tunnel(host):
    proxy = os.environ['https_proxy'].split('//')[1].split(':')
    s = socket.create_connection((proxy[0], int(proxy[1])))
    s.sendall(f'CONNECT {{host}} HTTP/1.1\\r\\n\\r\\n'.encode())
    answer = s.recv(1000).split(b'\\r\\n')[0].decode()
    print('tunnel', answer)
    if ' 200 ' in answer:  # else the proxy has closed it by now
        s.sendall(b'GET /inside HTTP/1.1\\r\\n\\r\\n')
        print(s.recv(1000)[-30:])
{}
END
"""


def test_the_network_is_limited_to_named_hosts(swarm, web):
    asked = (f"fetch('http://127.0.0.1:{web.port}/a?b'); fetch('http://localhost:{web.port}/named');"
             f"fetch('http://example.com/'); tunnel('127.0.0.1:{web.port}'); tunnel('example.com:443')")
    item, _, got = run(swarm, FETCH.format(asked),
                       sandbox=f"{{network: ['127.0.0.1:{web.port}', '*.example.org']}}")
    assert "got GET /a?b HTTP/1.1" in got, got
    assert got.count("failed HTTP Error 403") == 2 and "not among the hosts" in got
    assert "tunnel HTTP/1.1 200 Connection established" in got and "GET /inside" in got
    assert "tunnel HTTP/1.1 403" in got


def test_a_name_does_not_lead_to_this_machine(swarm, web):
    item, _, got = run(swarm, FETCH.format(f"fetch('http://localhost:{web.port}/')"),
                       sandbox="{network: [localhost]}")
    assert "502" in got and "private" in got


def test_there_is_no_way_around_the_proxy(swarm, web):
    command = (f"python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", {web.port}), 5)'")
    item, _, got = run(swarm, command, sandbox=f"{{network: ['127.0.0.1:{web.port}']}}")
    assert item["status"] == "failed" and "refused" in got
