# Sourced by base: makes a Debian or Ubuntu base image from packages, by mmdebstrap, as an archive for `docker load`.
# The same packages, sources and certificates give the same image, to the byte and the id.
# shellcheck shell=bash

keyrings=/usr/share/keyrings
# Debian has no package of it any more: Ubuntu's own, whose content is pinned.
ubuntu_keyring_package=pool/main/u/ubuntu-keyring/ubuntu-keyring_2021.03.26_all.deb
ubuntu_keyring_sha256=0d0e7ed6b112f5d03eabf3c7eb01ebdacf9c57714b279e90495cfc58c8c4520f

# make_stand_in NAME DISTRIBUTION SUITE ARCHITECTURE KEY WORK: the archive, as WORK/image.tar.
make_stand_in() {
    local name=$1 distribution=$2 suite=$3 architecture=$4 key=$5 work=$6 keyring
    local log=$cache/mmdebstrap.log
    need_mmdebstrap
    gather_sources "$distribution" "$suite" "$architecture" "$work"
    keyring=$(keyring_of "$distribution" "$work")
    lay_out_files "$distribution" "$suite" "$keyring" "$work"
    # The key's place is another one here where it was fetched for this purpose.
    sources_file "$keyring" < "$work/sources" > "$work/outside.sources"
    step "making a stand-in: $distribution $suite by mmdebstrap"
    if ! bootstrap "$suite" "$architecture" "$work" > "$log" 2>&1; then
        fail "The stand-in could not be made." "see $log; does apt-get update work on this machine?" \
            "mmdebstrap: $(grep -E '^(E|dpkg: error|tar): ' "$log" | sed -n '1s/^E: //p' | cut -c 1-300)"
    fi
    pack "$name" "$distribution $suite" "$architecture" "$key" "$work"
    done_ "made"
}

# Without root it needs newuidmap too, and entries for the user in /etc/subuid and /etc/subgid.
need_mmdebstrap() {
    if has mmdebstrap && { is_root || has newuidmap; }; then return; fi
    if ! is_root; then
        fail "mmdebstrap or uidmap is missing, which make the stand-in." "sudo apt-get install mmdebstrap uidmap" "$image"
    fi
    step "installing mmdebstrap"
    apt_install "$cache/apt.log" mmdebstrap \
        || fail "mmdebstrap could not be installed: $(apt_cause "$cache/apt.log")" "see $cache/apt.log" "$image"
    done_
}

# gather_sources DISTRIBUTION SUITE ARCHITECTURE WORK: WORK/sources, this machine's or else the archive's own.
gather_sources() {
    local main=$'^[^\t]*\t'"$2"$'\t'
    host_sources "$1" "$2" | checked_sources "$1" "$2" "$4" > "$4/sources" 2> "$4/left-out"
    if ! grep -q "$main" "$4/sources"; then
        archive_sources "$1" "$2" "$3" | checked_sources "$1" "$2" "$4" > "$4/sources" 2>> "$4/left-out"
    fi
    while IFS= read -r line; do note "apt source $line"; done < "$4/left-out"
    if ! grep -q "$main" "$4/sources"; then
        fail "No registry answers, and no archive of $1 $2 either: no stand-in can be made." \
            "add the archive's mirror to this machine's apt sources, or docker load the image from elsewhere" "$image"
    fi
}

# keyring_of DISTRIBUTION WORK: a file of the keys that sign its archive.
keyring_of() {
    local keyring=$keyrings/$1-archive-keyring.gpg uri
    if [[ ! -e $keyring && $1 == ubuntu ]]; then
        keyring=$2/ubuntu/usr/share/keyrings/ubuntu-archive-keyring.gpg
        uri=$(sed -n '1s/\t.*//p' "$2/sources")
        fetch "$uri/$ubuntu_keyring_package" "$2/keyring.deb" \
            && sha256sum --quiet --check - <<< "$ubuntu_keyring_sha256  $2/keyring.deb" > /dev/null 2>&1 \
            && dpkg-deb --extract "$2/keyring.deb" "$2/ubuntu"
    elif [[ ! -e $keyring ]] && is_root; then
        apt_install "$cache/apt.log" debian-archive-keyring || true
    fi
    [[ -e $keyring ]] || fail "The keys of $1's archive are missing." "apt-get install $1-keyring" "$keyring"
    echo "$keyring"
}

# lay_out_files DISTRIBUTION SUITE KEYRING WORK: WORK/files.tar, what the image holds beside its packages.
lay_out_files() {
    local files=$4/files settings=etc/apt/apt.conf.d certificates=usr/local/share/ca-certificates path
    mkdir -p "$files"/{etc/apt/apt.conf.d,etc/apt/sources.list.d,etc/dpkg/dpkg.cfg.d,etc/ssl/certs,usr/sbin,$certificates}
    sources_file "$keyrings/$1-archive-keyring.gpg" < "$4/sources" > "$files/etc/apt/sources.list.d/$1.sources"
    # Keys that the sources name, unless a package of the image brings them.
    cut -f 4 "$4/sources" | sort -u | { grep '^/' || true; } | { grep -v "^$keyrings/$1-archive-" || true; } | while read -r path; do
        mkdir -p "$files$(dirname "$path")"
        cp "$path" "$files$path"
    done
    host_settings > "$files/$settings/90host"
    bundle=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
    if [[ -r $bundle ]]; then
        cp "$bundle" "$files/etc/ssl/certs/ca-certificates.crt"
        # Here they outlive `update-ca-certificates`, which writes the bundle anew.
        extra_certificates "$bundle" /usr/share/ca-certificates "$files/$certificates"
    fi
    # What the official images set, file by file (a Dockerfile may remove docker-clean to keep packages).
    local clean='{ "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };'
    cat > "$files/$settings/docker-clean" << END
DPkg::Post-Invoke $clean
APT::Update::Post-Invoke $clean
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
END
    echo 'Acquire::GzipIndexes "true";' > "$files/$settings/docker-gzip-indexes"
    echo 'Acquire::Languages "none";' > "$files/$settings/docker-no-languages"
    echo 'APT::AutoRemove::SuggestsImportant "false";' > "$files/$settings/docker-autoremove-suggests"
    echo 'force-unsafe-io' > "$files/etc/dpkg/dpkg.cfg.d/docker-apt-speedup"
    slim_paths > "$files/etc/dpkg/dpkg.cfg.d/docker"
    # No package starts a service while an image is built.
    printf '#!/bin/sh\nexit 101\n' > "$files/usr/sbin/policy-rc.d"
    chmod -R u=rwX,go=rX "$files"
    chmod 755 "$files/usr/sbin/policy-rc.d"
    tar --create --file "$4/files.tar" --directory "$files" --owner=0 --group=0 --numeric-owner .
}

# What a slim image leaves out of packages, as dpkg's path filters.
slim_paths() {
    printf 'path-exclude /usr/share/%s/*\n' doc info locale lintian/overrides linda man
    printf 'path-include /usr/share/%s\n' 'doc/*/copyright' locale/locale.alias
}

# bootstrap SUITE ARCHITECTURE WORK: WORK/layer.tar.
bootstrap() {
    local scrub option options merge=--hook-directory=/usr/share/mmdebstrap/hooks/maybe-merged-usr
    # Here base-files provides that /usr is merged, and mmdebstrap's own hook looks for a package of that name.
    # shellcheck disable=SC2016
    if [[ $1 == noble ]]; then
        merge='--setup-hook=for d in bin sbin lib lib64; do mkdir -p "$1/usr/$d" && ln -s "usr/$d" "$1/$d"; done'
    fi
    # In place of mmdebstrap's own cleaning, after which a folder's owner depends on who ran it.
    # shellcheck disable=SC2016 # $1 is the chroot, for mmdebstrap
    scrub='cd "$1" && rm -f etc/apt/sources.list etc/apt/sources.list.d/* etc/apt/apt.conf.d/99mmdebstrap \
        etc/dpkg/dpkg.cfg.d/99mmdebstrap etc/hostname etc/resolv.conf var/cache/debconf/*-old var/lib/dpkg/*-old \
        && rm -rf usr/share/info/* var/lib/apt/lists/* var/cache/apt/* && find var/log -type f -delete'
    (
        cd "$3"
        # One by one, not as a file: without root mmdebstrap may not enter this folder.
        options=()
        while IFS= read -r option; do options+=("--dpkgopt=${option/ /=}"); done < <(slim_paths)
        while IFS= read -r option; do options+=("--aptopt=$option"); done < files/etc/apt/apt.conf.d/90host
        # Likewise the chroot's own uids.
        if is_root; then mkdir tmp && export TMPDIR=$PWD/tmp; fi
        SOURCE_DATE_EPOCH=$(cat epoch) mmdebstrap --variant=minbase --format=tar \
            --include=apt "$merge" --skip=cleanup/apt \
            --architectures="$2" "${options[@]}" \
            --customize-hook="$scrub" --customize-hook='tar-in files.tar /' \
            "$1" layer.tar "$PWD/outside.sources"
    )
}

# pack NAME FROM ARCHITECTURE KEY WORK: the layer and its description, as `docker save` would write them.
pack() {
    local work=$5 created layer config
    created=$(date -u -d "@$(cat "$work/epoch")" +%Y-%m-%dT%H:%M:%SZ)
    layer=$(sha256sum < "$work/layer.tar" | cut -c 1-64)
    mkdir "$work/image"
    mv "$work/layer.tar" "$work/image/layer.tar"
    cat > "$work/image/config" << END
{"architecture": "$3", "os": "linux", "created": "$created",
 "config": {"Cmd": ["bash"], "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
  "Labels": {"$label": "true", "$label.for": "$1", "$label.from": "$2", "$label.key": "$4",
   "$label.sources": $(json "$(cut -f 1,2 "$work/sources" | tr '\t\n' ' ;')")}},
 "rootfs": {"type": "layers", "diff_ids": ["sha256:$layer"]},
 "history": [{"created": "$created", "created_by": "make base", "comment": "stand-in for $1, made of $2 packages"}]}
END
    config=$(sha256sum < "$work/image/config" | cut -c 1-64).json
    mv "$work/image/config" "$work/image/$config"
    printf '[{"Config": "%s", "RepoTags": ["%s"], "Layers": ["layer.tar"]}]\n' "$config" "${1#docker.io/library/}" \
        > "$work/image/manifest.json"
    tar --create --file "$work/image.tar" --directory "$work/image" --sort=name --mtime="$created" \
        --owner=0 --group=0 --numeric-owner "$config" layer.tar manifest.json
}
