"""Every setting, declared once: name, type, default, unit, meaning, and when it may change.

The README's table, the Dockerfile's ARG/ENV block and the values that nginx, gunicorn, runit and rsyslog receive all
come from ``SETTINGS``.  ``read`` turns an environment into finished, checked values; nothing else parses them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from puncheon.errors import SettingsError
from puncheon.resources import available_cpus

When = Literal["build", "run"]
Value = int | bool | str

TRUE_WORDS = frozenset({"true", "1", "yes", "on"})
FALSE_WORDS = frozenset({"false", "0", "no", "off"})

SCORING_SHARE = 0.9
"""The share of WORKER_TIMEOUT that a score gets unless told otherwise: the server must be able to answer before
its worker is killed (the reference's defaults are the other way round: 3600 s inside 300 s)."""

PROXY_MARGIN_S = 10
"""Seconds that nginx waits beyond WORKER_TIMEOUT unless told otherwise, so that the server's own answer wins."""


@dataclass(frozen=True)
class Setting:
    """One setting.

    Attributes
    ----------
    name
        The environment variable, and the build argument, that carries it.
    kind
        ``int`` (within ``minimum`` and ``maximum``), ``bool``, ``choice`` (one of ``choices``) or ``text``.
    default
        As a user would write it; the empty string means "derived", and ``derived`` says from what.
    unit
        The unit of a number, or the empty string.
    meaning
        One sentence for the README's table.
    when
        ``build``: a build argument alone.  ``run``: a build argument sets the image's default and
        ``docker run -e`` overrides it.
    """

    name: str
    kind: Literal["int", "bool", "choice", "text"]
    default: str
    meaning: str
    when: When = "run"
    unit: str = ""
    minimum: int = 0
    maximum: int = 2**31 - 1
    choices: tuple[str, ...] = ()
    derived: str = ""

    def parse(self, text: str) -> Value:
        """Turn what the user wrote into a value.

        Raises
        ------
        SettingsError
            If it is not of the setting's type, or out of its bounds.
        """
        if self.kind == "int":
            return self._parse_int(text)
        if self.kind == "bool":
            word = text.strip().lower()
            if word in TRUE_WORDS | FALSE_WORDS:
                return word in TRUE_WORDS
            raise self._fault(text, "true or false")
        if self.kind == "choice" and text not in self.choices:
            raise self._fault(text, "one of " + ", ".join(self.choices))
        return text

    def _parse_int(self, text: str) -> int:
        try:
            number = int(text.strip())
        except ValueError:
            raise self._fault(text, "a whole number") from None
        if not self.minimum <= number <= self.maximum:
            raise self._fault(text, f"a whole number from {self.minimum} to {self.maximum}")
        return number

    def _fault(self, text: str, wanted: str) -> SettingsError:
        unit = f" ({self.unit})" if self.unit else ""
        return SettingsError(
            f"{self.name}={text!r} is not {wanted}{unit}.",
            where=f"{self.name}: {self.meaning}",
            next=f"Give {self.name} as {wanted}, or leave it out (default: {self.default or self.derived}).",
        )


LAST_PORT = 65535

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "SERVER",
        "choice",
        "azmlinfsrv",
        "The inference server behind nginx.",
        when="build",
        choices=("azmlinfsrv",),
    ),
    Setting(
        "AZMLINFSRV_VERSION",
        "text",
        "",
        "Version (or specifier, or `any`) of azureml-inference-server-http.",
        when="build",
        derived="the newest that is tested with the model's Python",
    ),
    Setting(
        "PYTHON_PATCH",
        "choice",
        "nearest",
        "What to do where no channel has the model's exact Python: take the nearest patch of the same minor, or stop.",
        when="build",
        choices=("nearest", "exact"),
    ),
    Setting(
        "PROOF",
        "choice",
        "require",
        "Score the model's own example in the built image and stop the build if that fails (`require`), only say so "
        "(`warn`), only start it (`load`), or neither (`off`).",
        when="build",
        choices=("require", "warn", "load", "off"),
    ),
    Setting(
        "PROOF_TIMEOUT",
        "int",
        "300",
        "How long the model may take to load in the proof.",
        when="build",
        unit="s",
        minimum=1,
        maximum=86400,
    ),
    Setting("NGINX_PORT", "int", "5000", "Port of nginx.", minimum=1, maximum=LAST_PORT),
    Setting("GUNICORN_PORT", "int", "31311", "Port of gunicorn.", minimum=1, maximum=LAST_PORT),
    Setting("WORKER_COUNT", "int", "1", "Processes that load the model.", minimum=1, maximum=1024),
    Setting(
        "WORKER_TIMEOUT",
        "int",
        "300",
        "A worker that is busy for longer is ended.",
        unit="s",
        minimum=1,
        maximum=86400,
    ),
    Setting(
        "SCORING_TIMEOUT_MS",
        "int",
        "",
        "A score that takes longer is answered as a failure; below WORKER_TIMEOUT.",
        unit="ms",
        minimum=1,
        derived="nine tenths of WORKER_TIMEOUT",
    ),
    Setting(
        "PROXY_TIMEOUT",
        "int",
        "",
        "How long nginx waits for the server's answer; above WORKER_TIMEOUT.",
        unit="s",
        minimum=1,
        derived=f"WORKER_TIMEOUT + {PROXY_MARGIN_S}",
    ),
    Setting(
        "PROBE_TIMEOUT",
        "int",
        "2",
        "How long `/` and `/readyz` wait for the server before they answer 503.",
        unit="s",
        minimum=1,
        maximum=300,
    ),
    Setting(
        "STOP_TIMEOUT",
        "int",
        "8",
        "Time that accepted requests have to end after `docker stop` (whose own limit is 10 s).",
        unit="s",
        minimum=2,
        maximum=3600,
    ),
    Setting(
        "CRASH_LIMIT", "int", "3", "Crashes in a row of one service that end the container.", minimum=1, maximum=1000
    ),
    Setting("WORKER_PRELOAD", "bool", "false", "Load the model once, before the workers are forked."),
    Setting(
        "NGINX_WORKERS",
        "int",
        "",
        "Worker processes of nginx.",
        minimum=1,
        maximum=1024,
        derived="the container's CPUs",
    ),
    Setting("MAX_BODY_MB", "int", "100", "Largest request body.", unit="MiB", minimum=1, maximum=102400),
    Setting("ACCESS_LOG", "bool", "true", "One log line for each request (probes excepted)."),
)

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

    def as_environment(self) -> dict[str, str]:
        """Return the run-time settings as environment variables with finished values."""
        return {setting.name: as_text(self.values[setting.name]) for setting in SETTINGS if setting.when == "run"}


def given(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the settings that an environment gives, as they are written there."""
    return {name: environ[name] for name in BY_NAME if environ.get(name)}


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
    timeout = values["WORKER_TIMEOUT"]
    assert isinstance(timeout, int)  # noqa: S101 -- declared as one, with a default
    values.setdefault("SCORING_TIMEOUT_MS", math.floor(timeout * 1000 * SCORING_SHARE))
    values.setdefault("PROXY_TIMEOUT", timeout + PROXY_MARGIN_S)
    values.setdefault("NGINX_WORKERS", cpus())
    settings = Settings(values)
    _check_together(settings)
    return settings


def _check_together(settings: Settings) -> None:
    """Raise SettingsError where two settings contradict each other."""
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
