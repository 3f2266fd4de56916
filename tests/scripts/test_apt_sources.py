"""What of this machine's apt a stand-in image carries: sources, settings, certificates."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.scripts.shell import KIT, SCRIPTS, said, source

APT = KIT / "tests/data/apt"
KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----|.|mDMEAAAA|-----END PGP PUBLIC KEY BLOCK-----"
ARCHIVE_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def parsed(*files: Path) -> list[list[str]]:
    """Return the fields of each source that ``files`` enable."""
    code = f'awk -f "{SCRIPTS}/apt-sources.awk" "$@"'
    return [line.split("\t") for line in said("base", code, *files).splitlines()]


def test_the_one_line_format_is_read() -> None:
    """Options, comments, source packages and a trailing slash."""
    assert parsed(APT / "one-line.list") == [
        ["http://mirror.example/debian", "bookworm", "main contrib", "-", "-"],
        [
            "https://mirror.example/debian-security",
            "bookworm-security",
            "main",
            "/etc/apt/keyrings/site.gpg",
            "-",
        ],
        ["http://flat.example/packages", "./", "-", "-", "yes"],
    ]


def test_the_stanza_format_is_read() -> None:
    """Several URIs and suites, folded fields, a disabled stanza, a key in the file, names in any case."""
    assert parsed(APT / "stanzas.sources") == [
        ["http://mirror.example/debian", "bookworm", "main non-free-firmware", ARCHIVE_KEYRING, "-"],
        ["http://mirror.example/debian", "bookworm-updates", "main non-free-firmware", ARCHIVE_KEYRING, "-"],
        ["https://one.example/debian", "bookworm", "main", KEY, "-"],
        ["https://two.example/debian", "bookworm", "main", KEY, "-"],
    ]


def test_both_formats_are_read_together() -> None:
    """The last stanza of a file ends with the file."""
    assert len(parsed(APT / "stanzas.sources", APT / "one-line.list")) == 7


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    """The image's file says what the machine's said, keys in the file included."""
    line = f"https://one.example/debian\tbookworm\tmain\t{KEY}\t-"

    file = tmp_path / "image.sources"
    file.write_text(said("base", "sources_file /keyring.gpg", stdin=line + "\n"))

    assert parsed(file) == [line.split("\t")]


def test_a_source_without_a_key_gets_the_archives() -> None:
    """Otherwise apt would accept any key that the image trusts."""
    written = said("base", "sources_file /keyring.gpg", stdin="http://one.example/debian\tbookworm\tmain\t-\tyes\n")

    assert written.splitlines() == [
        "Types: deb",
        "URIs: http://one.example/debian",
        "Suites: bookworm",
        "Components: main",
        "Signed-By: /keyring.gpg",
        "Trusted: yes",
    ]


@pytest.mark.parametrize(
    ("uri", "suite", "reason"),
    [
        pytest.param("http://mirror.example/debian", "bookworm", "", id="fit"),
        pytest.param("http://mirror.example/debian", "bookworm-security", "", id="fit: security"),
        pytest.param("https://name:word@mirror.example/debian", "bookworm", "it holds a password", id="password"),
        pytest.param("http://localhost:3142/debian", "bookworm", "it is this machine's own", id="localhost"),
        pytest.param("http://127.0.0.1/debian", "bookworm", "it is this machine's own", id="loopback"),
        pytest.param("file:/srv/debian", "bookworm", "containers cannot reach it", id="file"),
        pytest.param("cdrom:[Debian]", "bookworm", "containers cannot reach it", id="cdrom"),
        pytest.param("http://mirror.example/debian", "sid", "it is not of bookworm", id="another suite"),
        pytest.param("https://node.example", "nodistro", "it is not of bookworm", id="a vendor's"),
    ],
)
def test_sources_that_a_container_cannot_use(uri: str, suite: str, reason: str) -> None:
    """Each is left out for a reason that is said."""
    assert said("base", 'unfit "$1" bookworm', f"{uri}\t{suite}\tmain\t-\t-") == reason


@pytest.fixture
def archives(tmp_path: Path) -> Iterator[str]:
    """A web server with a mirror of Debian (/debian) and a vendor's repository of the same suite (/vendor); its URL."""
    for name, origin in {"debian": "Debian", "vendor": "Vendor"}.items():
        folder = tmp_path / name / "dists/bookworm"
        folder.mkdir(parents=True)
        (folder / "InRelease").write_text(f"Origin: {origin}\nDate: Sat, 11 Jul 2026 10:16:37 UTC\n")

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(tmp_path))  # type: ignore[arg-type]

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_mirror_counts_and_a_vendors_repository_does_not(archives: str, tmp_path: Path) -> None:
    """By what their indexes say of their origin, whatever their address."""
    lines = "".join(f"{archives}/{name}\tbookworm\tmain\t-\t-\n" for name in ("debian", "vendor", "nothing"))

    # The test's server is on this machine, which would be a reason to leave it out.
    result = source("base", 'unfit() { :; }; checked_sources debian bookworm "$1"', tmp_path, stdin=lines)

    assert result.stdout.splitlines() == [f"{archives}/debian\tbookworm\tmain\t-\t-"]
    assert result.stderr.splitlines() == [
        f"left out: {archives}/vendor bookworm (its origin is Vendor)",
        f"left out: {archives}/nothing bookworm (it does not answer)",
    ]
    assert (tmp_path / "epoch").read_text() == "1783764997\n"


def test_passwords_are_not_said(tmp_path: Path) -> None:
    """What is left out is named without them."""
    line = "https://name:word@mirror.example/debian\tbookworm\tmain\t-\t-\n"

    result = source("base", 'checked_sources debian bookworm "$1"', tmp_path, stdin=line)

    assert result.stderr == "left out: https://***@mirror.example/debian bookworm (it holds a password)\n"


def test_settings_that_the_sources_need_are_carried(tmp_path: Path) -> None:
    """Proxies that containers can reach and that hold no password, and the check of dates."""
    configuration = tmp_path / "apt.conf"
    configuration.write_text(
        'Acquire::http::Proxy "http://proxy.example:3128";\n'
        'Acquire::https::Proxy "http://name:word@proxy.example:3128";\n'
        'Acquire::ftp::Proxy "http://127.0.0.1:3128";\n'
        'Acquire::Check-Valid-Until "false";\n'
        'APT::Install-Suggests "true";\n'
        # This machine's own settings are not under test.
        'Dir::Etc::Parts "/nonexistent";\n'
    )

    result = source("base", "host_settings", variables={"APT_CONFIG": configuration})

    kept = result.stdout.splitlines()
    assert 'Acquire::http::Proxy "http://proxy.example:3128";' in kept
    assert 'Acquire::Check-Valid-Until "false";' in kept
    assert not [line for line in kept if "word" in line or "127.0.0.1" in line or "Suggests" in line]


def certificate(body: str) -> str:
    return f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"


def test_certificates_that_are_this_machines_own(tmp_path: Path) -> None:
    """Those of the bundle that the distribution does not bring, each once, wherever its lines are broken."""
    standard, own, bundle = tmp_path / "standard", tmp_path / "own", tmp_path / "bundle.crt"
    standard.mkdir()
    own.mkdir()
    (standard / "public one.crt").write_text(certificate("AAAABBBB"))
    bundle.write_text(
        certificate("AAAA\nBBBB") + "# a site's own\n" + certificate("CCCC") + certificate("CCCC") + certificate("DDDD")
    )

    said("base", 'extra_certificates "$1" "$2" "$3"', bundle, standard, own)

    assert {path.name: path.read_text() for path in own.iterdir()} == {
        "host-1.crt": certificate("CCCC"),
        "host-2.crt": certificate("DDDD"),
    }


@pytest.mark.parametrize(
    ("name", "distribution"),
    [
        ("docker.io/library/debian:bookworm-slim", "debian bookworm"),
        ("docker.io/library/debian:12", "debian bookworm"),
        ("docker.io/library/debian:12.5-slim", "debian bookworm"),
        ("docker.io/library/debian:bookworm-20250520-slim", "debian bookworm"),
        ("registry.example:5000/mirror/debian:trixie", "debian trixie"),
        ("docker.io/library/ubuntu:22.04", "ubuntu jammy"),
        ("docker.io/library/ubuntu:noble", "ubuntu noble"),
        ("docker.io/library/debian:latest", None),
        ("docker.io/library/python:3.11-slim", None),
    ],
)
def test_distribution_of_an_image(name: str, distribution: str | None) -> None:
    """By name and tag, whatever the registry; where it is not known, none is guessed."""
    result = source("base", 'distribution_of "$1"', name)

    assert (result.stdout.strip() or None, result.returncode == 0) == (distribution, distribution is not None)
