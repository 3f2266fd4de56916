"""Settings: defaults, derived values, bounds and contradictions."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from puncheon.declarations import SETTINGS
from puncheon.errors import SettingsError
from puncheon.setting import Setting, Value, When
from puncheon.settings import given, read


def cpus(count: int) -> Callable[[], int]:
    return lambda: count


def test_defaults_are_the_contract() -> None:
    """With nothing given, ports, worker count and timeout are the reference's, and the server is our own."""
    settings = read({}, cpus(2))

    chosen = [settings[name] for name in ("NGINX_PORT", "GUNICORN_PORT", "WORKER_COUNT", "WORKER_TIMEOUT", "SERVER")]

    assert [5000, 31311, 1, 300, "puncheon"] == chosen


@pytest.mark.parametrize(
    ("worker_s", "scoring_ms", "proxy_s"),
    [("300", 270_000, 310), ("600", 540_000, 610), ("1", 900, 11)],
    ids=["default", "raised", "least"],
)
def test_one_timeout_moves_the_others(worker_s: str, scoring_ms: int, proxy_s: int) -> None:
    """SCORING_TIMEOUT_MS stays below WORKER_TIMEOUT and PROXY_TIMEOUT above it, whatever it is."""
    settings = read({"WORKER_TIMEOUT": worker_s}, cpus(2))

    assert (scoring_ms, proxy_s) == (settings["SCORING_TIMEOUT_MS"], settings["PROXY_TIMEOUT"])


def test_an_empty_value_counts_as_absent() -> None:
    """`docker run -e WORKER_TIMEOUT=` leaves the default."""
    assert 300 == read({"WORKER_TIMEOUT": ""}, cpus(2))["WORKER_TIMEOUT"]


PROCESSES: dict[str, tuple[int, dict[str, str], tuple[int, int, int, int]]] = {
    "1 CPU": (1, {}, (1, 1, 1, 1)),
    "2 CPUs": (2, {}, (1, 2, 1, 2)),
    "3 CPUs": (3, {}, (2, 1, 1, 3)),
    "8 CPUs": (8, {}, (4, 2, 2, 8)),
    "64 CPUs": (64, {}, (32, 2, 16, 64)),
    "8 CPUs, 2 workers": (8, {"WORKER_COUNT": "2"}, (2, 4, 2, 8)),
    "2 CPUs, 4 workers": (2, {"WORKER_COUNT": "4"}, (4, 1, 1, 2)),
    "8 CPUs, azmlinfsrv": (8, {"SERVER": "azmlinfsrv"}, (1, 8, 2, 8)),
    "all as set": (
        8,
        {"WORKER_COUNT": "3", "WORKER_THREADS": "5", "HTTP_WORKERS": "7", "NGINX_WORKERS": "1"},
        (3, 5, 7, 1),
    ),
}


@pytest.mark.parametrize(("count", "environ", "expected"), PROCESSES.values(), ids=PROCESSES.keys())
def test_processes_and_threads_follow_the_cpus(
    count: int, environ: dict[str, str], expected: tuple[int, int, int, int]
) -> None:
    """Model workers, their math threads, HTTP workers and nginx's workers: each derived, each overridable."""
    settings = read(environ, cpus(count))

    names = ("WORKER_COUNT", "WORKER_THREADS", "HTTP_WORKERS", "NGINX_WORKERS")

    assert expected == tuple(settings[name] for name in names)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [({}, 200), ({"MAX_BODY_MB": "7"}, 14), ({"MAX_BODY_MB": "7", "QUEUE_MAX_MB": "7"}, 7)],
    ids=["default", "small bodies", "as set"],
)
def test_the_queue_takes_two_of_the_largest_bodies(environ: dict[str, str], expected: int) -> None:
    """QUEUE_MAX_MB is twice MAX_BODY_MB unless it is given."""
    assert expected == read(environ, cpus(2))["QUEUE_MAX_MB"]


IMPOSSIBLE = {
    "negative": ({"WORKER_TIMEOUT": "-4"}, "WORKER_TIMEOUT='-4' is not a whole number from 1 to 86400 (s)."),
    "zero workers": ({"WORKER_COUNT": "0"}, "WORKER_COUNT='0' is not a whole number from 1 to 1024."),
    "zero threads": ({"WORKER_THREADS": "0"}, "WORKER_THREADS='0' is not a whole number from 1 to 1024."),
    "no number": ({"MAX_BODY_MB": "10m"}, "MAX_BODY_MB='10m' is not a whole number (MiB)."),
    "no port": ({"NGINX_PORT": "70000"}, "NGINX_PORT='70000' is not a whole number from 1 to 65535."),
    "no flag": ({"ACCESS_LOG": "maybe"}, "ACCESS_LOG='maybe' is not true or false."),
    "unknown proof": ({"PROOF": "skip"}, "PROOF='skip' is not one of require, warn, load, off."),
    "unknown server": ({"SERVER": "tomcat"}, "SERVER='tomcat' is not one of puncheon, azmlinfsrv."),
    "unknown preload": ({"WORKER_PRELOAD": "yes"}, "WORKER_PRELOAD='yes' is not one of auto, true, false."),
    "unknown batching": ({"BATCHING": "true"}, "BATCHING='true' is not one of auto, on, off."),
    "unknown retry": ({"RETRY": "never"}, "RETRY='never' is not one of on, off."),
    "no batch": ({"BATCH_MAX_ROWS": "0"}, "BATCH_MAX_ROWS='0' is not a whole number from 1 to 2147483647."),
    "equal ports": ({"NGINX_PORT": "8080", "GUNICORN_PORT": "8080"}, "NGINX_PORT and GUNICORN_PORT are both 8080."),
    "proxy below worker": ({"PROXY_TIMEOUT": "299"}, "PROXY_TIMEOUT=299 s is not above WORKER_TIMEOUT=300 s."),
    "score above worker": (
        {"SCORING_TIMEOUT_MS": "3600000"},
        "SCORING_TIMEOUT_MS=3600000 ms is not below WORKER_TIMEOUT=300 s.",
    ),
    "queue below body": (
        {"QUEUE_MAX_MB": "6", "MAX_BODY_MB": "7"},
        "QUEUE_MAX_MB=6 MiB is below MAX_BODY_MB=7 MiB.",
    ),
}


@pytest.mark.parametrize(("environ", "message"), IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_an_impossible_value_is_refused_with_the_reason(environ: dict[str, str], message: str) -> None:
    """What cannot be is named, with its bounds and what to do."""
    with pytest.raises(SettingsError) as caught:
        read(environ, cpus(2))

    assert message == caught.value.what
    assert caught.value.next


@pytest.mark.parametrize(
    ("when", "expected"),
    [((), {"SERVER": "azmlinfsrv", "WORKER_COUNT": "2"}), (("run",), {"WORKER_COUNT": "2"})],
    ids=["all", "of a start"],
)
def test_given_are_the_settings_that_an_environment_names(when: tuple[When, ...], expected: dict[str, str]) -> None:
    """As they are written there; other variables and empty ones are left out."""
    environ = {"SERVER": "azmlinfsrv", "WORKER_COUNT": "2", "WORKER_TIMEOUT": "", "HOME": "/"}

    assert expected == given(environ, *when)


TEXTS: dict[str, tuple[dict[str, Value], dict[str, str]]] = {
    "a flag": ({"ACCESS_LOG": False}, {"ACCESS_LOG": "false"}),
    "a number": ({"WORKER_COUNT": 3}, {"WORKER_COUNT": "3"}),
    "a choice": ({"BATCHING": "off"}, {"BATCHING": "off"}),
}


@pytest.mark.parametrize(("values", "expected"), TEXTS.values(), ids=TEXTS.keys())
def test_finished_values_reach_the_services_as_text(values: dict[str, Value], expected: dict[str, str]) -> None:
    """As a user would write them; settings of the build alone stay behind."""
    environment = read({}, cpus(2)).with_values(**values).as_environment()

    assert expected.items() <= environment.items()
    assert "SERVER" not in environment


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_says_what_it_means_and_has_a_value(setting: Setting) -> None:
    """A setting has a sentence, and either a default or a word on where its value comes from."""
    assert setting.meaning.endswith(".")
    assert setting.default or setting.derived


ENTRY_SCRIPTS = {
    "none": ("", ""),
    "in a folder": ("onlinescoring/score.py", ""),
    "deeper": ("a/b/score.py", ""),
    "from here": ("./a/score.py", ""),
    "with spaces": ("my scripts/score.py", ""),
    "absolute": ("/a/score.py", "is not the path of a Python file in the build context"),
    "above": ("../a/score.py", "is not the path of a Python file in the build context"),
    "above within": ("a/../../score.py", "is not the path of a Python file in the build context"),
    "no Python": ("a/score.ipynb", "is not the path of a Python file in the build context"),
    "a folder": ("a/", "is not the path of a Python file in the build context"),
    "at the root": ("score.py", "lies at the root of the build context"),
    "at the root, from here": ("./score.py", "lies at the root of the build context"),
}


@pytest.mark.parametrize(("path", "told"), ENTRY_SCRIPTS.values(), ids=ENTRY_SCRIPTS.keys())
def test_an_entry_script_lies_in_a_folder_of_the_context(path: str, told: str) -> None:
    """Its folder goes into the image with it, and nothing else."""
    if not told:
        assert path == read({"ENTRY_SCRIPT": path}, cpus(2))["ENTRY_SCRIPT"]
        return
    with pytest.raises(SettingsError, match=told) as refused:
        read({"ENTRY_SCRIPT": path}, cpus(2))
    assert f"ENTRY_SCRIPT={path}" in str(refused.value)
