// SPDX-License-Identifier: MIT
// What seccomp has stopped is told to us before the call returns, so that the result of the command
// can say it. No answer other than "not permitted" is ever given: nothing of the command's memory
// is read, and nothing that it could change meanwhile counts.
#include "exec/helper.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

bool denials_open(struct denials *denials, int *theirs)
{
    int pair[2];
    *denials = (struct denials){.channel = -1, .listener = -1};
    *theirs = -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return false;
    denials->channel = pair[0];
    *theirs = pair[1];
    return true;
}

void denials_send(int theirs, int listener)
{
    // Should it fail, the call that is stopped gets ENOSYS once the listener is closed.
    (void)!send_descriptor(theirs, " ", listener);
    close(theirs);
    close(listener);
}

void denials_receive(struct denials *denials)
{
    char byte, control[CMSG_SPACE(sizeof(int))];
    struct iovec bytes = {&byte, 1};
    struct msghdr message = {.msg_iov = &bytes,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    ssize_t got;
    while ((got = recvmsg(denials->channel, &message, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
        ;
    struct cmsghdr *header = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (header && header->cmsg_type == SCM_RIGHTS)
        memcpy(&denials->listener, CMSG_DATA(header), sizeof denials->listener);
    close(denials->channel);
    denials->channel = -1;
}

static bool has_name(const char *names, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = names; (at = strstr(at, name)); at += len)
        if ((at == names || at[-1] == ' ') && (at[len] == ',' || at[len] == '\0'))
            return true;
    return false;
}

static void note(struct denials *denials, int call)
{
    const char *name = denials_name(call);
    size_t len = strlen(denials->names);
    if (name && !has_name(denials->names, name) && len + strlen(name) + 3 < sizeof denials->names)
        snprintf(denials->names + len, sizeof denials->names - len, "%s%s", len ? ", " : "", name);
}

void denials_answer(struct denials *denials)
{
    struct seccomp_notif asked;
    memset(&asked, 0, sizeof asked);
    if (ioctl(denials->listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) < 0) {
        if (errno == EINTR || errno == ENOENT || errno == EAGAIN)
            return; // its process has been killed meanwhile
        close(denials->listener);
        denials->listener = -1;
        return;
    }
    note(denials, asked.data.nr);
    struct seccomp_notif_resp answer = {.id = asked.id, .error = -EPERM};
    ioctl(denials->listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

void denials_report(const struct denials *denials)
{
    if (denials->names[0])
        report(SANDBOX_SAYS_BLOCKED, "%s", denials->names);
}
