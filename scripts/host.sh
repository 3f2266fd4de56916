# Sourced by engine and base: what both ask of this machine.
# shellcheck shell=bash

# within SECONDS COMMAND...: run it, ended after so many seconds (macOS has perl, not timeout).
within() {
    if command -v timeout > /dev/null; then
        timeout -k 1 "$@"
    else
        perl -e 'alarm shift; exec @ARGV or exit 127' "$@"
    fi
}

is_root() { [[ $(id -u) == 0 ]]; }

# The number, where the user has no name.
user_name() { id -un 2> /dev/null || true; }

has() { command -v "$1" > /dev/null 2>&1; }

# apt_install LOG PACKAGE...: install them quietly; apt's own words go to LOG.  The index is fetched only where it
# does not know the packages, or no longer has what it names.
apt_install() {
    local log=$1
    shift
    : > "$log"
    if ! has_candidates "$@" || ! apt_get "$log" install "$@"; then
        # A source that fails is no reason to stop: whether the packages can be had is what counts.
        apt_get "$log" update || true
        apt_get "$log" install "$@"
    fi
}

# apt_get LOG VERB [PACKAGE...]: no questions, no recommended packages, at most two minutes behind another apt.
apt_get() {
    local log=$1
    shift
    DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get -qq -y --no-install-recommends \
        -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 "$@" >> "$log" 2>&1 < /dev/null
}

# has_candidates PACKAGE...: apt's index has a version of each.
has_candidates() {
    local package
    for package in "$@"; do
        apt-cache policy "$package" 2> /dev/null | grep -q '^  Candidate: [^(]' || return 1
    done
}

# apt_cause LOG: the line that says why; a source that does not answer explains a package that is not there.
apt_cause() {
    local pattern
    for pattern in '^(W|E): Failed to fetch|^Err:' '^(E|dpkg: error)' .; do
        if grep -E "$pattern" "$1" | grep -v 'Sub-process' | tail -n 1 | grep .; then return; fi
    done
}
