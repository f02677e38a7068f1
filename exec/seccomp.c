// SPDX-License-Identifier: MIT
// The filter of system calls. Path names cannot be seen here, so it holds what needs none: families
// of sockets, and calls that no build or test needs and that widen what the kernel can be asked.
#include "exec/helper.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
enum { HAVE_FILTER = 1 };
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
enum { HAVE_FILTER = 1 };
#define OUR_ARCH AUDIT_ARCH_AARCH64
#else
enum { HAVE_FILTER = 0 };
#define OUR_ARCH 0
#endif

enum {
    RULES_MAX = 256,
    X32_BIT = 0x40000000, // the other system calls of x86-64
    TYPE_MASK = 0xf,      // of a socket's type, without its flags
    TIOCSTI_ = 0x5412,    // types for the terminal
    TIOCLINUX_ = 0x541c,  // the same on a console
    NAMESPACES = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
                 CLONE_NEWUTS | CLONE_NEWCGROUP | 0x80, // CLONE_NEWTIME
};

struct refused {
    int call;
    const char *name;
};

#define CALL(name)                                                                                 \
    {                                                                                              \
        SYS_##name, #name                                                                          \
    }

static const struct refused refused[] = {
    CALL(keyctl),
    CALL(add_key),
    CALL(request_key),
    CALL(mount),
    CALL(umount2),
    CALL(pivot_root),
    CALL(open_tree),
    CALL(move_mount),
    CALL(fsopen),
    CALL(fsconfig),
    CALL(fsmount),
    CALL(fspick),
    CALL(mount_setattr),
    CALL(chroot),
    CALL(setns),
    CALL(swapon),
    CALL(swapoff),
    CALL(quotactl),
    CALL(quotactl_fd),
    CALL(acct),
    CALL(open_by_handle_at),
    CALL(fanotify_init),
    CALL(init_module),
    CALL(finit_module),
    CALL(delete_module),
    CALL(kexec_load),
#ifdef SYS_kexec_file_load
    CALL(kexec_file_load),
#endif
    CALL(reboot),
    CALL(syslog),
    CALL(bpf),
    CALL(perf_event_open),
    CALL(userfaultfd),
    CALL(lookup_dcookie),
    CALL(move_pages),
    CALL(migrate_pages),
    CALL(vhangup),
#ifdef __x86_64__
    CALL(iopl),
    CALL(ioperm),
    CALL(modify_ldt),
    CALL(uselib),
#endif
    {467, "open_tree_attr"}, // newer than the headers of Debian 12
};

// What a debugger needs.
static const struct refused debugging[] = {CALL(ptrace), CALL(process_vm_readv),
                                           CALL(process_vm_writev), CALL(pidfd_getfd), CALL(kcmp)};

enum {
    REFUSED = sizeof refused / sizeof *refused,
    DEBUGGING = sizeof debugging / sizeof *debugging,
};

// As if the kernel did not have them: callers have another way.
static const int unknown[] = {SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register,
                              SYS_clone3}; // its flags are in memory, where no filter sees them

struct filter {
    struct sock_filter rules[RULES_MAX];
    unsigned short count;
    unsigned refuse; // what becomes of calls that are refused
};

static void add(struct filter *filter, struct sock_filter rule)
{
    if (filter->count < RULES_MAX)
        filter->rules[filter->count++] = rule;
}

static void load(struct filter *filter, size_t offset)
{
    add(filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offset));
}

static size_t argument(int index) // its low half: both machines are little-endian
{
    return offsetof(struct seccomp_data, args) + (size_t)index * sizeof(uint64_t);
}

static void end_with(struct filter *filter, unsigned what)
{
    add(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, what));
}

static void end_if_equal(struct filter *filter, unsigned value, unsigned what)
{
    add(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
    end_with(filter, what);
}

static void end_if_any_bit(struct filter *filter, unsigned bits, unsigned what)
{
    add(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1));
    end_with(filter, what);
}

// Rules for one call, which must end it; the accumulator holds the number before and after.
static unsigned short begin_call(struct filter *filter, int call)
{
    add(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call, 0, 0));
    return filter->count;
}

static void end_call(struct filter *filter, unsigned short begin)
{
    filter->rules[begin - 1].jf = (unsigned char)(filter->count - begin);
}

#define REFUSE(code) (SECCOMP_RET_ERRNO | (code))

// --- the calls whose arguments count

static void add_namespaces(struct filter *filter)
{
    static const int calls[] = {SYS_clone, SYS_unshare};
    for (int i = 0; i < 2; i++) {
        unsigned short begin = begin_call(filter, calls[i]);
        load(filter, argument(0));
        end_if_any_bit(filter, NAMESPACES, filter->refuse);
        end_with(filter, SECCOMP_RET_ALLOW);
        end_call(filter, begin);
    }
}

// EAFNOSUPPORT, because its text says what is missing and programs go on without it.
static void add_sockets(struct filter *filter, const struct plan *plan, bool internet)
{
    unsigned short begin = begin_call(filter, SYS_socket);
    load(filter, argument(0));
    if (internet) {
        end_if_equal(filter, AF_INET, SECCOMP_RET_ALLOW);
        end_if_equal(filter, AF_INET6, SECCOMP_RET_ALLOW);
    }
    if (plan->unix_sockets)
        end_if_equal(filter, AF_UNIX, SECCOMP_RET_ALLOW);
    add(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 1, 0));
    end_with(filter, REFUSE(EAFNOSUPPORT));
    load(filter, argument(2));
    end_if_equal(filter, NETLINK_ROUTE, SECCOMP_RET_ALLOW);
    end_with(filter, REFUSE(EAFNOSUPPORT));
    end_call(filter, begin);
}

// Of a pair, the datagram kinds could still be connected to any path.
static void add_socket_pairs(struct filter *filter)
{
    unsigned short begin = begin_call(filter, SYS_socketpair);
    load(filter, argument(1));
    add(filter, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, TYPE_MASK));
    end_if_equal(filter, SOCK_STREAM, SECCOMP_RET_ALLOW);
    end_if_equal(filter, SOCK_SEQPACKET, SECCOMP_RET_ALLOW);
    end_with(filter, REFUSE(EAFNOSUPPORT));
    end_call(filter, begin);
}

static void add_terminals(struct filter *filter)
{
    unsigned short begin = begin_call(filter, SYS_ioctl);
    load(filter, argument(1));
    end_if_equal(filter, TIOCSTI_, REFUSE(EPERM));
    end_if_equal(filter, TIOCLINUX_, REFUSE(EPERM));
    end_with(filter, SECCOMP_RET_ALLOW);
    end_call(filter, begin);
}

// --- all

static void build(struct filter *filter, const struct plan *plan, bool own_network)
{
    load(filter, offsetof(struct seccomp_data, arch));
    add(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0));
    end_with(filter, SECCOMP_RET_KILL_PROCESS);
    load(filter, offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
    add(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1));
    end_with(filter, SECCOMP_RET_KILL_PROCESS);
#endif
    for (size_t i = 0; i < REFUSED; i++)
        end_if_equal(filter, (unsigned)refused[i].call, filter->refuse);
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        end_if_equal(filter, (unsigned)unknown[i], REFUSE(ENOSYS));
    for (size_t i = 0; i < DEBUGGING && !plan->ptrace; i++)
        end_if_equal(filter, (unsigned)debugging[i].call, filter->refuse);
    add_namespaces(filter);
    add_sockets(filter, plan, plan->network == NETWORK_ON || own_network);
    if (!plan->unix_sockets)
        add_socket_pairs(filter);
    add_terminals(filter);
    end_with(filter, SECCOMP_RET_ALLOW);
}

const char *denials_name(int call)
{
    for (size_t i = 0; i < REFUSED; i++)
        if (refused[i].call == call)
            return refused[i].name;
    for (size_t i = 0; i < DEBUGGING; i++)
        if (debugging[i].call == call)
            return debugging[i].name;
    return call == SYS_unshare ? "unshare" : call == SYS_clone ? "clone" : NULL;
}

static int install(const struct plan *plan, bool own_network, unsigned refuse, unsigned flags)
{
    struct filter filter = {.count = 0, .refuse = refuse};
    build(&filter, plan, own_network);
    if (filter.count == RULES_MAX) { // some may be missing
        errno = E2BIG;
        return -1;
    }
    struct sock_fprog program = {filter.count, filter.rules};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

bool seccomp_restrict(const struct plan *plan, bool own_network, int *listener,
                      struct failure *failure)
{
    *listener = -1;
    if (!HAVE_FILTER) {
        errno = ENOSYS;
        return fail(failure, "filter system calls on this machine");
    }
    *listener =
        install(plan, own_network, SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER);
    // A container whose own filter has a listener allows no second one.
    return *listener >= 0 || install(plan, own_network, REFUSE(EPERM), 0) == 0 ||
           fail(failure, "filter system calls");
}
