// SPDX-License-Identifier: MIT
// The lists of paths, in one place. An entry that is not there costs a look-up a command.
#include "core/permission/sandbox.h"

// What builds download or compile once for all projects. Not among them: folders from which
// programs are run (~/.cargo/bin, ~/.local, ~/go/bin), or which configure a shell or a tool.
const char *const sandbox_caches[] = {"~/.cache",
                                      "~/.ccache",
                                      "~/.npm/_cacache",
                                      "~/.npm/_logs",
                                      "~/.yarn/berry",
                                      "~/.pnpm-store",
                                      "~/.local/share/pnpm/store",
                                      "~/.bun/install/cache",
                                      "~/.cargo/registry",
                                      "~/.cargo/git",
                                      "~/.cargo/.package-cache",
                                      "~/.cargo/.global-cache",
                                      "~/go/pkg/mod",
                                      "~/.gradle/caches",
                                      "~/.gradle/daemon",
                                      "~/.m2/repository",
                                      "~/.ivy2/cache",
                                      "~/.sbt/boot",
                                      "~/.nuget/packages",
                                      "~/.local/share/NuGet",
                                      "~/.conan2/p",
                                      "~/.cabal/packages",
                                      "~/.hex/packages",
                                      "~/.pub-cache/hosted",
                                      "~/.pub-cache/hosted-hashes",
                                      "~/.pub-cache/git",
                                      NULL};

// Credentials, other people's sessions, and the doors to programs that would act for the command.
const char *const sandbox_hidden[] = {
    // keys and tokens
    "~/.ssh", "~/.gnupg", "~/.aws", "~/.azure", "~/.kube", "~/.docker", "~/.netrc", "~/.npmrc",
    "~/.pypirc", "~/.pgpass", "~/.my.cnf", "~/.s3cfg", "~/.boto", "~/.vault-token",
    "~/.terraform.d", "~/.git-credentials", "~/.password-store", "~/.1password",
    "~/.gem/credentials", "~/.cargo/credentials", "~/.cargo/credentials.toml", "~/.m2/settings.xml",
    "~/.gradle/gradle.properties", "~/.config/git/credentials", "~/.config/gcloud", "~/.config/gh",
    "~/.config/hub", "~/.config/glab-cli", "~/.config/rclone", "~/.config/op",
    "~/.config/containers/auth.json", "~/.config/github-copilot", "~/.config/doctl",
    "~/.config/sops", "~/.config/age", "~/.config/Bitwarden CLI", "~/.local/share/keyrings",
    "~/.local/share/kwalletd", "~/.local/share/containers",
    // mail, browsers, what was typed
    "~/.mozilla", "~/.thunderbird", "~/.config/google-chrome", "~/.config/chromium",
    "~/.config/BraveSoftware", "~/.cache/mozilla", "~/.cache/google-chrome", "~/.cache/chromium",
    "~/.bash_history", "~/.zsh_history", "~/.local/share/fish", "~/.python_history",
    "~/.psql_history", "~/.mysql_history", "~/.node_repl_history", "~/.viminfo",
    // other coding agents' credentials and transcripts
    "~/.claude", "~/.claude.json", "~/.codex", "~/.gemini", "~/.qwen", "~/.config/opencode",
    "~/.local/share/opencode", "~/.config/swarmd",
    // the session: desktops, terminals, displays
    "~/.Xauthority", "~/.ICEauthority", "~/.config/pulse", "~/.local/share/nvim",
    "~/.emacs.d/server",
    // sockets of the system: docker, D-Bus, systemd, Wayland, agents of ssh and gpg, tmux
    "/run",
    // what root could read although it has no capabilities
    "/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/ssh", "/etc/sudoers",
    "/etc/sudoers.d", "/etc/ssl/private", "/boot", "/sys/kernel/debug", "/sys/kernel/tracing",
    "/sys/fs/bpf", "/var/lib/docker", "/var/lib/containerd", "/var/spool/cron", NULL};

// How names are resolved, and where NixOS has its programs.
const char *const sandbox_shown[] = {"/run/systemd/resolve/resolv.conf",
                                     "/run/systemd/resolve/stub-resolv.conf",
                                     "/run/resolvconf/resolv.conf",
                                     "/run/NetworkManager/resolv.conf",
                                     "/run/NetworkManager/no-stub-resolv.conf",
                                     "/run/connman/resolv.conf",
                                     "/run/current-system",
                                     "/run/opengl-driver",
                                     NULL};
