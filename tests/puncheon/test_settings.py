"""Settings: defaults, derived values, bounds and contradictions."""

from __future__ import annotations

import pytest

from puncheon.errors import SettingsError
from puncheon.settings import SETTINGS, read


def two_cpus() -> int:
    return 2


def test_defaults_are_the_contract() -> None:
    """With nothing given, ports, worker count and timeout are the reference's."""
    settings = read({}, two_cpus)

    chosen = [settings[name] for name in ("NGINX_PORT", "GUNICORN_PORT", "WORKER_COUNT", "WORKER_TIMEOUT", "SERVER")]

    assert [5000, 31311, 1, 300, "azmlinfsrv"] == chosen


@pytest.mark.parametrize(
    ("worker_s", "scoring_ms", "proxy_s"),
    [("300", 270_000, 310), ("600", 540_000, 610), ("1", 900, 11)],
    ids=["default", "raised", "least"],
)
def test_one_timeout_moves_the_others(worker_s: str, scoring_ms: int, proxy_s: int) -> None:
    """SCORING_TIMEOUT_MS stays below WORKER_TIMEOUT and PROXY_TIMEOUT above it, whatever it is."""
    settings = read({"WORKER_TIMEOUT": worker_s}, two_cpus)

    assert (scoring_ms, proxy_s) == (settings["SCORING_TIMEOUT_MS"], settings["PROXY_TIMEOUT"])


def test_an_empty_value_counts_as_absent() -> None:
    """`docker run -e WORKER_TIMEOUT=` leaves the default."""
    assert 300 == read({"WORKER_TIMEOUT": ""}, two_cpus)["WORKER_TIMEOUT"]


def test_nginx_gets_one_worker_for_each_cpu() -> None:
    """NGINX_WORKERS follows the container."""
    assert 7 == read({}, lambda: 7)["NGINX_WORKERS"]


IMPOSSIBLE = {
    "negative": ({"WORKER_TIMEOUT": "-4"}, "WORKER_TIMEOUT='-4' is not a whole number from 1 to 86400 (s)."),
    "zero workers": ({"WORKER_COUNT": "0"}, "WORKER_COUNT='0' is not a whole number from 1 to 1024."),
    "no number": ({"MAX_BODY_MB": "10m"}, "MAX_BODY_MB='10m' is not a whole number (MiB)."),
    "no port": ({"NGINX_PORT": "70000"}, "NGINX_PORT='70000' is not a whole number from 1 to 65535."),
    "no flag": ({"ACCESS_LOG": "maybe"}, "ACCESS_LOG='maybe' is not true or false."),
    "unknown choice": ({"PROOF": "skip"}, "PROOF='skip' is not one of require, warn, load, off."),
    "unknown server": ({"SERVER": "tomcat"}, "SERVER='tomcat' is not one of azmlinfsrv."),
    "equal ports": ({"NGINX_PORT": "8080", "GUNICORN_PORT": "8080"}, "NGINX_PORT and GUNICORN_PORT are both 8080."),
    "proxy below worker": ({"PROXY_TIMEOUT": "299"}, "PROXY_TIMEOUT=299 s is not above WORKER_TIMEOUT=300 s."),
    "score above worker": (
        {"SCORING_TIMEOUT_MS": "3600000"},
        "SCORING_TIMEOUT_MS=3600000 ms is not below WORKER_TIMEOUT=300 s.",
    ),
}


@pytest.mark.parametrize(("environ", "message"), IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_an_impossible_value_is_refused_with_the_reason(environ: dict[str, str], message: str) -> None:
    """What cannot be is named, with its bounds and what to do."""
    with pytest.raises(SettingsError) as caught:
        read(environ, two_cpus)

    assert message == caught.value.what
    assert caught.value.next


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_says_what_it_means_and_has_a_value(setting) -> None:  # type: ignore[no-untyped-def]
    """A setting has a sentence, and either a default or a word on where its value comes from."""
    assert setting.meaning.endswith(".")
    assert setting.default or setting.derived
