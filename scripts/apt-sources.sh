# Sourced by base: which apt sources, keys, settings and certificates of this machine a stand-in image carries.
# shellcheck shell=bash

# distribution_of NAME:TAG: "debian bookworm" for docker.io/library/debian:12-slim; false for what is not known.
distribution_of() {
    local repository=${1%:*} tag=${1##*:} version
    version=${tag%%-*}
    case ${repository##*/}:$version in
        debian:bullseye | debian:11 | debian:11.*) echo debian bullseye ;;
        debian:bookworm | debian:12 | debian:12.*) echo debian bookworm ;;
        debian:trixie | debian:13 | debian:13.*) echo debian trixie ;;
        ubuntu:jammy | ubuntu:22.04) echo ubuntu jammy ;;
        ubuntu:noble | ubuntu:24.04) echo ubuntu noble ;;
        *) return 1 ;;
    esac
}

# host_sources DISTRIBUTION SUITE [APT_FOLDER]: this machine's apt sources as lines of apt-sources.awk, where it runs
# that distribution; those of its own release turned to SUITE.
host_sources() {
    local distribution=$1 suite=$2 folder=${3:-/etc/apt} release files=() file
    release=$(. /etc/os-release && echo "${ID:-} ${VERSION_CODENAME:-}")
    if [[ ${release% *} != "$distribution" ]]; then return; fi
    for file in "$folder/sources.list" "$folder"/sources.list.d/*.list "$folder"/sources.list.d/*.sources; do
        if [[ -e $file ]]; then files+=("$file"); fi
    done
    if [[ ${#files[@]} == 0 ]]; then return; fi
    awk -f "$scripts/apt-sources.awk" "${files[@]}" \
        | awk -F '\t' -v OFS='\t' -v own="${release#* }" -v other="$suite" \
            '$2 == own || index($2, own "-") == 1 || index($2, own "/") == 1 { $2 = other substr($2, length(own) + 1) } 1'
}

# archive_sources DISTRIBUTION SUITE ARCHITECTURE: the distribution's own archive, as its official images name it.
archive_sources() {
    local archive=http://deb.debian.org/debian security=http://deb.debian.org/debian-security components=main
    if [[ $1 == ubuntu ]]; then
        archive=http://archive.ubuntu.com/ubuntu security=http://security.ubuntu.com/ubuntu
        components="main universe restricted multiverse"
        if [[ $3 != amd64 && $3 != i386 ]]; then archive=http://ports.ubuntu.com/ubuntu-ports security=$archive; fi
    fi
    printf '%s\t%s\t%s\t-\t-\n' "$archive" "$2" "$components" "$archive" "$2-updates" "$components" \
        "$security" "$2-security" "$components"
}

# unfit LINE SUITE: why a container cannot use this source, or nothing.
unfit() {
    local uri suite
    IFS=$'\t' read -r uri suite _ <<< "$1"
    case $uri in
        http*://*@*) echo "it holds a password" ;;
        http://localhost[:/]* | https://localhost[:/]* | http*://127.* | http*://\[::1\]*) echo "it is this machine's own" ;;
        http://* | https://*) if [[ ! $suite =~ ^$2([-/]|$) ]]; then echo "it is not of $2"; fi ;;
        *) echo "containers cannot reach it" ;;
    esac
}

# checked_sources DISTRIBUTION SUITE FOLDER: of the lines on stdin, those that are the distribution's own archive by
# their signed index's Origin (so a mirror counts, a vendor's repository does not).  What is left out is said on
# stderr; the indexes' newest time (seconds) is left in FOLDER/epoch.
checked_sources() {
    local line uri suite reason origin epoch newest=0
    while IFS= read -r line; do
        IFS=$'\t' read -r uri suite _ <<< "$line"
        reason=$(unfit "$line" "$2")
        if [[ -z $reason ]]; then
            if fetch "$uri/dists/$suite/InRelease" "$3/release" || fetch "$uri/dists/$suite/Release" "$3/release"; then
                origin=$(sed -n 's/^Origin: *//p' "$3/release")
                case $1:$origin in
                    debian:Debian | ubuntu:Ubuntu) ;;
                    *) reason="its origin is ${origin:-unknown}" ;;
                esac
            else
                reason="it does not answer"
            fi
        fi
        if [[ -n $reason ]]; then
            echo "left out: ${uri/\/\/*@/\/\/***@} $suite ($reason)" >&2
            continue
        fi
        epoch=$(date -u -d "$(sed -n 's/^Date: *//p' "$3/release" | sed -n 1p)" +%s)
        if ((epoch > newest)); then newest=$epoch; fi
        printf '%s\n' "$line"
    done
    echo "$newest" > "$3/epoch"
}

# fetch URL FILE: with apt's own settings (proxy, certificates), one try.
fetch() {
    /usr/lib/apt/apt-helper -o Acquire::Retries=0 -o Acquire::http::Timeout=5 -o Acquire::https::Timeout=5 \
        download-file "$1" "$2" > "$2.log" 2>&1
}

# sources_file KEYRING < lines: them as a deb822 file; KEYRING signs those that name no key.
sources_file() {
    local uri suite components signed_by trusted
    while IFS=$'\t' read -r uri suite components signed_by trusted; do
        printf 'Types: deb\nURIs: %s\nSuites: %s\n' "$uri" "$suite"
        if [[ $components != - ]]; then printf 'Components: %s\n' "$components"; fi
        case $signed_by in
            -) printf 'Signed-By: %s\n' "$1" ;;
            *'|'*) printf 'Signed-By:\n' && tr '|' '\n' <<< "$signed_by" | sed 's/^/ /' ;;
            *) printf 'Signed-By: %s\n' "$signed_by" ;;
        esac
        if [[ $trusted != - ]]; then printf 'Trusted: %s\n' "$trusted"; fi
        echo
    done
}

# host_settings: apt's settings of this machine without which its sources may not be usable elsewhere.
host_settings() {
    apt-config dump | grep -E '^Acquire::(Check-Valid-Until|Check-Date|Retries|https?::(Proxy|Pipeline-Depth)) ' \
        | grep -v -E '@|//(localhost|127\.|\[::1\])|"";' || true
}

# extra_certificates BUNDLE STANDARD_FOLDER FOLDER: each certificate of BUNDLE that is not in the distribution's own
# set, as FOLDER/host-N.crt.  Compared by content, line breaks aside.
extra_certificates() {
    find "$2" -name '*.crt' -type f -exec cat {} + 2> /dev/null | awk -v folder="$3" '
        /-----BEGIN CERTIFICATE-----/ { body = text = ""; inside = 1 }
        inside { text = text $0 "\n"; if (!/-----/) body = body $0 }
        /-----END CERTIFICATE-----/ {
            inside = 0
            gsub(/[ \t\r]/, "", body)
            if (FILENAME != bundle) known[body] = 1
            else if (!(body in known)) { known[body] = 1; file = folder "/host-" ++count ".crt"; printf "%s", text > file; close(file) }
        }' - bundle="$1" "$1"
}
