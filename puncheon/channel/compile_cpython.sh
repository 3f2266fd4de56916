# shellcheck shell=bash
# Runs inside a container of the base image: compiles CPython from the distribution's source package.
#
# in:   SERIES (3.11), PREFIX (the path to compile for), JOBS
# out:  /out/prefix (with the shared libraries that it needs), /out/licenses, /out/security-fixes; the output is a log
#       in which lines that start with "## " say which step has begun
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

step() { echo "## $*"; }

# A base image lists no source packages: derive their lines from those of its binary packages, in both of apt's formats.
enable_sources() {
    local apt=${APT_FOLDER:-/etc/apt} file
    mkdir -p "$apt/sources.list.d"
    for file in "$apt"/sources.list.d/*.sources; do
        [ ! -f "$file" ] || sed 's/^Types:.*/Types: deb-src/' "$file" >"${file%.sources}-source.sources"
    done
    for file in "$apt/sources.list" "$apt"/sources.list.d/*.list; do
        [ ! -f "$file" ] || sed -n 's/^[[:space:]]*deb[[:space:]]/deb-src /p' "$file"
    done >"$apt/sources.list.d/source-packages.list.new"
    mv "$apt/sources.list.d/source-packages.list.new" "$apt/sources.list.d/source-packages.list"
}

install_build_packages() {
    apt-get update -qq
    apt-get install -qq --no-install-recommends \
        dpkg-dev gcc libbz2-dev libc6-dev libexpat1-dev libffi-dev liblzma-dev libncurses-dev libreadline-dev \
        libsqlite3-dev libssl-dev make patch pkg-config uuid-dev xz-utils zlib1g-dev
}

# Upstream's own tarball, and of the distribution's patches the security fixes alone: the others change the layout.
unpack_source() {
    mkdir -p /src/upstream /out/licenses
    : >/out/security-fixes
    cd /src
    apt-get source -qq --download-only --tar-only "python$SERIES"
    tar -xf "python$SERIES"_*.orig.tar.* -C upstream --strip-components=1
    if download_patches; then
        apply_security_fixes
    else
        echo "left out: security fixes, for no version of their archive is to be had"
    fi
}

# An index can name a version that its mirror does not hold (yet, or any more): take the newest that it does hold.
download_patches() {
    local version
    mkdir -p /src/packaging
    for version in $(apt-cache showsrc "python$SERIES" | sed -n 's/^Version: //p' | sort -Vru); do
        apt-get source -qq --download-only --diff-only "python$SERIES=$version" || continue
        tar -xf "python$SERIES"_*.debian.tar.* -C /src/packaging --strip-components=1
        return
    done
    return 1
}

apply_security_fixes() {
    local name
    cd /src/upstream
    { grep -E '^(CVE-|relfile-|[0-9]{4}-3\.)' /src/packaging/patches/series || true; } | while read -r name _; do
        if patch -p1 --forward --batch --dry-run <"/src/packaging/patches/$name" >/dev/null; then
            patch -p1 --forward --batch <"/src/packaging/patches/$name"
            echo "${name%.*}" >>/out/security-fixes
        else
            echo "left out: $name does not apply to upstream's source"
        fi
    done
}

compile() {
    cd /src/upstream
    # A fix lets pyexpat use the interpreter's internals, which upstream's build opens to it only with this define.
    if grep -q pycore_ Modules/pyexpat.c; then
        sed -i '1i #ifndef Py_BUILD_CORE_MODULE\n#define Py_BUILD_CORE_MODULE 1\n#endif' Modules/pyexpat.c
    fi
    # Not interposing libpython's own symbols wins back most of what --enable-shared costs.
    ./configure --prefix="$PREFIX" --enable-shared --without-ensurepip --with-system-expat \
        --enable-loadable-sqlite-extensions \
        CFLAGS_NODIST=-fno-semantic-interposition LDFLAGS_NODIST=-fno-semantic-interposition
    # The interpreter tells when it was compiled; gcc takes that from here.
    SOURCE_DATE_EPOCH=$(stat --format=%Y README.rst)
    export SOURCE_DATE_EPOCH
    make -s -j"$JOBS"
}

install_prefix() {
    make -s install DESTDIR=/stage TESTSUBDIRS= >/dev/null
    mv "/stage$PREFIX" /out/prefix
    # Sun's yellow pages would bring Kerberos along.
    rm -f /out/prefix/lib/python*/lib-dynload/nis.*
    find /out/prefix/lib -name __pycache__ -prune -exec rm -rf {} +
}

# binaries ACTION...: find's ACTION on each.
binaries() {
    find /out/prefix -type f \( -name '*.so*' -o -path "*/bin/python$SERIES" \) "$@"
}

# Everything that the interpreter and its modules link, less glibc, which every base brings itself.
add_shared_libraries() {
    local glibc='^(ld-linux|libc|libm|libmvec|libdl|libpthread|librt|libutil|libresolv|libanl|libthread_db)[-.]'
    local name path
    binaries -exec env LD_LIBRARY_PATH=/out/prefix/lib ldd {} \; 2>/dev/null |
        awk '$2 == "=>" && $3 ~ /^\// { print $1, $3 }' | sort -u | grep -Ev "$glibc" |
        while read -r name path; do
            case $path in /out/prefix/*) continue ;; esac
            cp -L "$path" "/out/prefix/lib/$name"
            add_license "$(readlink -f "$path")"
        done
}

# dpkg knows a file of /usr/lib by the name that its package gave it, which may be one of /lib.
add_license() {
    local package
    package=$(dpkg -S "$1" 2>/dev/null || dpkg -S "*/$(basename "$1")")
    package=${package%%:*}
    cp -L "/usr/share/doc/$package/copyright" "/out/licenses/$package.txt"
}

strip_binaries() {
    binaries -exec strip --strip-unneeded {} \;
}

# What conda-forge's python can import, this one must too; times are the source's, so that two builds are alike.
check_and_compile_modules() {
    local python="/out/prefix/bin/python$SERIES"
    export LD_LIBRARY_PATH=/out/prefix/lib
    find /out/prefix -exec touch --no-dereference --reference=/src/upstream/README.rst {} +
    "$python" -B -W ignore -c 'import bz2, ctypes, curses.panel, hashlib, lzma, readline, sqlite3, ssl, uuid, zlib
import _decimal, _elementtree, _hashlib, _uuid, pyexpat'
    "$python" -m compileall -q -j "$JOBS" --invalidation-mode timestamp -s /out/prefix \
        "/out/prefix/lib/python$SERIES"
}

main() {
    step "build packages"
    enable_sources
    install_build_packages
    step "source"
    unpack_source
    step "compile"
    compile
    step "install"
    install_prefix
    add_shared_libraries
    strip_binaries
    check_and_compile_modules
}

# Tests source this file, for its functions.
[ "${RECIPE:-run}" != run ] || main
