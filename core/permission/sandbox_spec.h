// SPDX-License-Identifier: MIT
// The words in which swarmd describes a sandbox to swarmd-exec: records KEY=VALUE, each ended by a
// NUL, in one message on the descriptor SANDBOX_FD. Both sides include this and nothing else of
// each other.
//
// Paths are absolute and real. Of two that contain each other the inner one counts inside.
#ifndef SWARMD_CORE_PERMISSION_SANDBOX_SPEC_H
#define SWARMD_CORE_PERMISSION_SANDBOX_SPEC_H

enum {
    SANDBOX_FD = 3,               // of the helper: its end of a socket pair (SOCK_SEQPACKET)
    SANDBOX_SPEC_MAX = 64 << 10,  // bytes of the description
    SANDBOX_PATHS_MAX = 256,      // in it; more are refused
    SANDBOX_REPORT_MAX = 1 << 10, // bytes of one message of the helper
};

// The description.
#define SANDBOX_WRITE "write"         // path that may be written; nothing when it is not there
#define SANDBOX_READ "read"           // path that is seen, and read-only, whatever is around it
#define SANDBOX_HIDE "hide"           // path that is seen as empty
#define SANDBOX_TMP "tmp"             // folder that becomes /tmp; made when it is not there
#define SANDBOX_NETWORK "network"     // on, off or proxy
#define SANDBOX_ALLOW "allow"         // unix-sockets or ptrace
#define SANDBOX_MEMORY "memory"       // bytes, of all processes together
#define SANDBOX_PROCESSES "processes" // at a time
#define SANDBOX_CPU "cpu"             // seconds, of each process
#define SANDBOX_DISK "disk"           // bytes that must stay free where the worktree is
#define SANDBOX_FILE "file"           // bytes, of each file
#define SANDBOX_FILES "files"         // open ones, of each process
#define SANDBOX_WITHOUT                                                                            \
    "without"             // namespaces, landlock, seccomp or cgroup: for tests and the bench
#define SANDBOX_ABI "abi" // the newest Landlock ABI to use: for tests

// What the helper reports, each a message of its own: a word, a blank, a text for people.
#define SANDBOX_SAYS_WEAK "weak"       // a wall that is missing, and why
#define SANDBOX_SAYS_BLOCKED "blocked" // what it has refused
#define SANDBOX_SAYS_PROXY "proxy"     // with the socket that listens in the namespace, for a proxy
#define SANDBOX_SAYS_LIMIT "limit"     // which limit has ended the command

#endif
