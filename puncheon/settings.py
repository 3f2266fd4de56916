"""Settings read: every setting is declared once (puncheon/declarations.py), and ``read`` makes finished values of them.

The README's table, the Dockerfile's ARG/ENV block and the values that nginx, gunicorn, the model's processes, runit and
rsyslog receive all come from those declarations; nothing else parses a setting.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from puncheon import origins
from puncheon.declarations import SETTINGS
from puncheon.errors import SettingsError
from puncheon.resources import available_cpus
from puncheon.setting import Setting, Value, When

SCORING_SHARE = 0.9
"""The share of WORKER_TIMEOUT that a score gets unless told otherwise: the server must be able to answer before
its worker is killed (the reference's defaults are the other way round: 3600 s inside 300 s)."""

PROXY_MARGIN_S = 10
"""Seconds that nginx waits beyond WORKER_TIMEOUT unless told otherwise, so that the server's own answer wins."""

CPUS_PER_WORKER = 2
"""CPUs for each process that runs the model: HTTP needs the rest, and one predict serves many requests."""

CPUS_PER_HTTP_WORKER = 4
"""CPUs for each process that speaks HTTP; more of them make smaller batches."""

BY_NAME: Mapping[str, Setting] = {setting.name: setting for setting in SETTINGS}


@dataclass(frozen=True)
class Settings:
    """Finished values of all settings, by name; numbers in the units that ``SETTINGS`` states."""

    values: Mapping[str, Value]

    def __getitem__(self, name: str) -> Value:
        return self.values[name]

    def number(self, name: str) -> int:
        """Return the value of an ``int`` setting."""
        value = self.values[name]
        assert isinstance(value, int)  # noqa: S101 -- `read` made it one
        return value

    def with_values(self, **values: Value) -> Settings:
        """Return these settings with some values replaced."""
        return Settings({**self.values, **values})

    def as_environment(self) -> dict[str, str]:
        """Return the run-time settings as environment variables with finished values."""
        return {setting.name: as_text(self.values[setting.name]) for setting in SETTINGS if setting.when == "run"}


def given(environ: Mapping[str, str], *when: When) -> dict[str, str]:
    """Return the settings that an environment gives, as they are written there; only those of ``when``, if any."""
    return {
        setting.name: environ[setting.name]
        for setting in SETTINGS
        if environ.get(setting.name) and (not when or setting.when in when)
    }


def as_text(value: Value) -> str:
    """Write a value as a user would."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def read(environ: Mapping[str, str], cpus: Callable[[], int] = available_cpus) -> Settings:
    """Read, complete and check all settings.

    Parameters
    ----------
    environ
        Environment variables; those that are no settings are ignored, an empty one counts as absent.
    cpus
        Gives the number of CPUs that this container may use.

    Raises
    ------
    SettingsError
        If a value is impossible, alone or beside another.
    """
    values: dict[str, Value] = {}
    for setting in SETTINGS:
        text = environ.get(setting.name) or setting.default
        if text:
            values[setting.name] = setting.parse(text)
        elif setting.kind == "text":
            values[setting.name] = ""
    settings = Settings({**_derived(Settings(values), cpus()), **values})
    _check_together(settings)
    return settings


def _derived(given: Settings, cpus: int) -> dict[str, Value]:
    """Return the values of settings that were left out and follow from others, or from the container's CPUs."""
    timeout_s = given.number("WORKER_TIMEOUT")
    workers = given.values.get("WORKER_COUNT") or (
        1 if given["SERVER"] == "azmlinfsrv" else math.ceil(cpus / CPUS_PER_WORKER)
    )
    assert isinstance(workers, int)  # noqa: S101 -- an ``int`` setting
    return {
        "WORKER_COUNT": workers,
        "WORKER_THREADS": max(1, cpus // workers),
        "HTTP_WORKERS": math.ceil(cpus / CPUS_PER_HTTP_WORKER),
        "SCORING_TIMEOUT_MS": math.floor(timeout_s * 1000 * SCORING_SHARE),
        "PROXY_TIMEOUT": timeout_s + PROXY_MARGIN_S,
        "QUEUE_MAX_MB": 2 * given.number("MAX_BODY_MB"),
        "NGINX_WORKERS": cpus,
    }


def _check_entry_script(path: str) -> None:
    """Raise SettingsError unless the path is empty, or one of a Python file in a folder of the build context."""
    parts = [part for part in path.split("/") if part != "."]
    if not path:
        return
    if path.startswith("/") or ".." in parts or not path.endswith(".py"):
        raise SettingsError(
            f"ENTRY_SCRIPT={path} is not the path of a Python file in the build context.",
            next="Name it from the context's root on: --build-arg ENTRY_SCRIPT=onlinescoring/score.py",
        )
    if len(parts) < 2:
        raise SettingsError(
            f"ENTRY_SCRIPT={path} lies at the root of the build context.",
            where="Its folder goes into the image with it, and that would be the whole context.",
            next="Put it, with what it imports, into a folder of its own: onlinescoring/score.py",
        )


def _check_together(settings: Settings) -> None:
    """Raise SettingsError where two settings contradict each other."""
    _check_entry_script(str(settings["ENTRY_SCRIPT"]))
    origins.map_lines(str(settings["AML_CORS_ORIGINS"]))
    if settings["NGINX_PORT"] == settings["GUNICORN_PORT"]:
        raise SettingsError(
            f"NGINX_PORT and GUNICORN_PORT are both {settings['NGINX_PORT']}.",
            next="Give two different ports; nginx (default 5000) passes requests on to gunicorn (default 31311).",
        )
    worker_s, proxy_s = settings.number("WORKER_TIMEOUT"), settings.number("PROXY_TIMEOUT")
    if proxy_s <= worker_s:
        raise SettingsError(
            f"PROXY_TIMEOUT={proxy_s} s is not above WORKER_TIMEOUT={worker_s} s.",
            where="nginx would give up while the server still works on the answer.",
            next=f"Leave PROXY_TIMEOUT out (then WORKER_TIMEOUT + {PROXY_MARGIN_S}) or raise it above {worker_s}.",
        )
    scoring_ms = settings.number("SCORING_TIMEOUT_MS")
    if scoring_ms >= worker_s * 1000:
        raise SettingsError(
            f"SCORING_TIMEOUT_MS={scoring_ms} ms is not below WORKER_TIMEOUT={worker_s} s.",
            where="The worker would be killed before it could answer that the score took too long.",
            next="Leave SCORING_TIMEOUT_MS out (then it is nine tenths of WORKER_TIMEOUT), "
            f"or raise WORKER_TIMEOUT above {scoring_ms / 1000:g}.",
        )
    if settings.number("QUEUE_MAX_MB") < settings.number("MAX_BODY_MB"):
        raise SettingsError(
            f"QUEUE_MAX_MB={settings['QUEUE_MAX_MB']} MiB is below MAX_BODY_MB={settings['MAX_BODY_MB']} MiB.",
            where="The largest body could never wait behind another.",
            next="Leave QUEUE_MAX_MB out (then it is twice MAX_BODY_MB), or raise it.",
        )
