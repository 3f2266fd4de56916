"""What a log says of a failure: logs of real servers in, the lines that matter and a hint out."""

from __future__ import annotations

from pathlib import Path

import pytest

from puncheon.proof.cause import MAX_LINES, MEMORY_HINT, distil, find_cause

LOGS = Path(__file__).parents[2] / "data/logs"

CASES = {
    "missing_module": ("module 'skops' is missing from conda.yaml", "add skops to its pip requirements"),
    "example_fails": ("RuntimeError: no such table: customers", None),
    "killed_while_loading": ("was sent SIGKILL! Perhaps out of memory?", MEMORY_HINT),
    "puncheon_example_fails": ("RuntimeError: no such table: customers", None),
    "puncheon_killed_while_loading": ("ended: signal 9", MEMORY_HINT),
    "port_in_use": ("Address already in use", "NGINX_PORT and GUNICORN_PORT"),
}


@pytest.mark.parametrize(("name", "evidence", "hint"), [(name, *case) for name, case in CASES.items()], ids=CASES)
def test_the_failure_is_found_in_a_servers_log(name: str, evidence: str, hint: str | None) -> None:
    """The user's own exception and not the server's wrapper around it; no more than a part of a screen."""
    cause = find_cause((LOGS / f"{name}.log").read_text().splitlines())

    assert evidence in "\n".join(cause.lines)
    assert len(cause.lines) <= MAX_LINES
    assert cause.hint is None if hint is None else hint in (cause.hint or "")
    assert not [line for line in cause.lines if "UserScriptException" in line or "model IDs" in line]


def raised(message: str) -> list[str]:
    return ["Traceback (most recent call last):", '  File "a.py", line 1, in load', "    load()", message, ""]


HINTS = {
    "module of another name": ("ModuleNotFoundError: No module named 'cv2'", "add opencv-python-headless"),
    "part of a package": ("ModuleNotFoundError: No module named 'google.cloud'", "google is missing"),
    "shared library": (
        "ImportError: libgomp.so.1: cannot open shared object file: No such file or directory",
        "The shared library libgomp.so.1 is missing",
    ),
    "another numpy": ("ValueError: numpy.dtype size changed, may indicate binary incompatibility", "pin numpy"),
    "memory": ("numpy._core._exceptions._ArrayMemoryError: Unable to allocate 7.45 GiB for an array", "memory"),
    "no GPU": ("RuntimeError: No CUDA GPUs are available", "PROOF=load"),
    "no network": ("OSError: [Errno -3] Temporary failure in name resolution", "PROOF=load"),
    "pickled by name": ("AttributeError: Can't get attribute 'Net' on <module '__main__' (built-in)>", "code_paths"),
    "disk": ("OSError: [Errno 28] No space left on device", "full"),
}


@pytest.mark.parametrize(("message", "hint"), HINTS.values(), ids=HINTS.keys())
def test_known_failures_come_with_what_to_do(message: str, hint: str) -> None:
    """The hint is the last line of what `distil` returns."""
    lines = distil(raised(message))

    assert message in lines
    assert hint in lines[-1]


def test_the_last_failure_counts() -> None:
    """What failed before, and was survived, is left out."""
    cause = find_cause(
        [*raised("ValueError: old"), "2026-01-01 00:00:00,000 I [1] log - on", *raised("KeyError: 'new'")]
    )

    assert cause.lines[-1] == "KeyError: 'new'"
    assert "old" not in "\n".join(cause.lines)


def test_an_exception_without_traceback_lines_is_no_fault() -> None:
    """A log may end in the middle."""
    assert find_cause(["Traceback (most recent call last):"]).lines == ()


def test_what_became_of_the_container_is_kept() -> None:
    """The kit's own last word stands below the traceback."""
    end = "puncheon: stopped, because gunicorn ended after 3 s: exit code 3"

    assert [*distil([*raised("ValueError: x"), end])][-1] == end


def test_a_log_without_a_traceback_gives_its_last_lines() -> None:
    """Whatever it says, without blank lines."""
    assert ["one", "two"] == distil(["one", "", "two", "   "])


def test_the_servers_banner_is_left_out() -> None:
    """It says nothing of a failure."""
    banner = ["Azure ML Inferencing HTTP server v1.5.1", "", "Server Settings", "-----", "Worker Count: 1", "the cause"]

    assert ["the cause"] == distil(banner)


def test_what_a_good_start_of_ours_says_is_left_out() -> None:
    """The line with what was chosen, and that of the loaded model."""
    start = [
        "puncheon: 2 CPUs: nginx :5000 (2 processes, 310 s) -> gunicorn :31311 (1 processes, 300 s) -> model (…)",
        "puncheon: model loaded in 1.20 s, warmed up in 0.01 s (process 7)",
    ]

    assert ["the cause"] == distil([*start, "the cause"])


def test_an_empty_log_gives_nothing() -> None:
    """No line, no hint."""
    assert [] == distil([])
