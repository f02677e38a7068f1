# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What scripts/* share; sourced. Sets root, the top of the tree, and build, the folder for all
# builds ($SWARMD_BUILD, else build/).

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
build=${SWARMD_BUILD:-$root/build}
case $build in /*) ;; *) build=$PWD/$build ;; esac

say() {
    printf '==> %s\n' "$*"
}

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# The comment at the head of a script is its help.
print_head() {
    sed -n '/^# SPDX/d; 1d; /^#/!q; s/^# \{0,1\}//p' "$0"
}

# build_preset PRESET FOLDER [CMAKE OPTION...]: configures where needed, and builds. Quiet when all
# goes well, so that what a person sees is what went wrong.
build_preset() {
    local preset=$1 folder=$2 log
    shift 2
    mkdir -p "$folder"
    log=$folder/configure.log
    if ! (cd "$root" && cmake --preset "$preset" -B "$folder" "$@") >"$log" 2>&1; then
        cat "$log" >&2
        die "cannot configure the build in $folder"
    fi
    local quiet=()
    [ -t 1 ] || quiet=(-- --quiet) # a terminal gets one line of progress
    cmake --build "$folder" -j "$(getconf _NPROCESSORS_ONLN)" ${quiet[@]+"${quiet[@]}"} ||
        die "the build in $folder failed"
}
