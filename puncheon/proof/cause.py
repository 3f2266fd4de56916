"""Why a service ended or a score failed, from the log: the last lines of the traceback that matters, and a hint.

Reads what azmlinfsrv, gunicorn, nginx and the kit's own scripts write.  Pure functions on lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

MAX_LINES = 9
"""So that an error with these lines in it stays one screen."""

MESSAGE_LINES = 4
"""How much of a message of several lines is kept."""

TRACEBACK = "Traceback (most recent call last):"
CHAINED = ("The above exception was the direct cause", "During handling of the above exception")
HARMLESS = ("Error while fetching model IDs",)
"""What azmlinfsrv logs with a traceback at each start of a model folder that is not laid out as in a workspace."""

WRAPPERS = ("azureml_inference_server_http.",)
"""Exceptions that only carry another one."""

LOG_LINE = re.compile(r"^(\d{4}-\d\d-\d\d[ T]\d\d:|\[\d{4}-\d\d-\d\d|puncheon: )")
NOISE = re.compile(
    r"^[-\s]*$|gunicorn\.error - (Worker exiting|Shutting down|Reason|Handling signal|Control socket|Booting)"
    r"|Extra keys|extra keys|Initializing logger|Model Directory Contents|azmlinfsrv -     "
    # what the kit says of a good start
    r"|^puncheon: (\d+ CPUs: |model loaded in )"
    # azmlinfsrv's banner
    r"|^(Application Insights|Azure ML Inferencing|Config File|CORS for|Create dedicated|Entry Script Name|Health Port"
    r"|Inferencing HTTP|Liveness Probe|Model Directory|Score: |Server (Port|Routes|Settings)|Worker (Count|Timeout))"
)


@dataclass(frozen=True)
class Cause:
    """What the log says: ``lines`` for a message's evidence, ``hint`` for what to do (None where nothing is known)."""

    lines: tuple[str, ...]
    hint: str | None = None


@dataclass(frozen=True)
class Failure:
    """One exception of a chain: its last frame and its message."""

    frame: tuple[str, ...]
    message: tuple[str, ...]

    @property
    def is_wrapper(self) -> bool:
        """Whether it only carries another one."""
        return self.message[:1] != () and self.message[0].startswith(WRAPPERS)


def find_cause(lines: Iterable[str]) -> Cause:
    """Return the last failure that a log tells of, with a hint where it is a known one."""
    log = _without_harmless([line.rstrip() for line in lines])
    failure = _last_failure(log)
    if failure is None:
        told = [line for line in log if not NOISE.search(line)]
        known = [line for line in told if _hint(line)][-1:]
        evidence = told[-MAX_LINES:]
        return Cause(
            tuple(evidence if known == [] or known[0] in evidence else known + evidence[1:]), _hint("\n".join(log))
        )
    # What became of it: a service's end, in the kit's own words.
    ended = [line for line in log if line.startswith("puncheon: stopped")][-1:]
    hint = _hint("\n".join(failure.message)) or _hint(
        "\n".join(line for line in log if "gunicorn.error" in line or line.startswith("puncheon: "))
    )
    return Cause((*failure.frame, *failure.message, *ended)[-MAX_LINES:], hint)


def distil(lines: Iterable[str]) -> list[str]:
    """Return the lines of a log that say why it ended, and last what to do, where that is known."""
    cause = find_cause(lines)
    return [*cause.lines, *([cause.hint] if cause.hint else [])]


def _without_harmless(log: Sequence[str]) -> list[str]:
    """Leave out tracebacks that stand in the log of every healthy start."""
    kept: list[str] = []
    inside = False
    for line in log:
        if any(word in line for word in HARMLESS):
            inside = True
        elif inside and LOG_LINE.match(line):
            inside = False
        if not inside:
            kept.append(line)
    return kept


def _last_failure(log: Sequence[str]) -> Failure | None:
    """Return the exception that the last chain of tracebacks is about."""
    last: Failure | None = None
    chain: list[Failure] = []
    for start in [number for number, line in enumerate(log) if TRACEBACK in line]:
        if not _continues_chain(log, start):
            chain = []
        chain.append(_read_failure(log, start + 1))
        told = [failure for failure in chain if failure.message and not failure.is_wrapper]
        last = told[-1] if told else chain[-1]
    return last


def _continues_chain(log: Sequence[str], start: int) -> bool:
    before = [line for line in log[max(0, start - 3) : start] if line.strip()]
    return bool(before) and before[-1].startswith(CHAINED)


def _read_failure(log: Sequence[str], start: int) -> Failure:
    """Read the frames that begin at ``start``, and the message below them."""
    end = start
    while end < len(log) and (log[end].startswith((" ", "\t")) and not LOG_LINE.match(log[end])):
        end += 1
    frames = [line for line in log[start:end] if set(line.strip()) - set("^~ ")]
    last_frame = max((n for n, line in enumerate(frames) if line.lstrip().startswith("File ")), default=0)
    message: list[str] = []
    for line in log[end : end + MESSAGE_LINES]:
        if (not line.strip() and message) or LOG_LINE.match(line) or line.startswith(CHAINED) or TRACEBACK in line:
            break
        message.append(line)
    return Failure(tuple(line.strip() for line in frames[last_frame:]), tuple(message))


# ---- Hints: what to do about failures that are known

PACKAGES = {
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",
    "PIL": "pillow",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
"""Packages that are not named as the module that they bring."""

MEMORY_HINT = (
    "The process was killed, most likely for want of memory: give the build or the container more "
    "(docker build --memory, docker run --memory), or lower WORKER_COUNT."
)


def _missing_module(found: re.Match[str]) -> str:
    module = found.group(1).split(".")[0]
    package = PACKAGES.get(module, module.replace("_", "-"))
    return (
        f"{module} is missing from conda.yaml: add {package} to its pip requirements and log the model again "
        "(your own code goes into code_paths=[…])."
    )


HINTS: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"No module named '([\w.]+)'", _missing_module),
    (r"module '([\w.]+)' is missing from conda\.yaml", _missing_module),
    (
        r"(lib[\w+.-]+\.so[\w.]*): cannot open shared object file",
        lambda found: (
            f"The shared library {found.group(1)} is missing: add the conda package that has it to "
            "conda.yaml's dependencies, or install it in BASE_IMAGE."
        ),
    ),
    (
        r"numpy\.dtype size changed|compiled using NumPy 1|_ARRAY_API not found",
        "A package was built for another numpy: pin numpy in conda.yaml to the version of the training environment.",
    ),
    (
        r"was sent SIGKILL|killed by signal 9|killed while they loaded|\) ended: (signal 9|memory)"
        r"|MemoryError|annot allocate memory",
        MEMORY_HINT,
    ),
    (r"Unable to allocate [\d.]+ [KMGT]iB|std::bad_alloc", MEMORY_HINT),
    (
        r"[Aa]ddress already in use",
        "The port is taken: NGINX_PORT and GUNICORN_PORT choose others.",
    ),
    (
        r"CUDA (error|driver|runtime)|No CUDA GPUs|torch\.cuda\.is_available\(\) is False|libcuda",
        "The model asks for a GPU, which a build does not have: build with PROOF=load or PROOF=warn, then prove the "
        "image where there is one (make proof RUN_ARGS=--gpus).",
    ),
    (r"No space left on device", "The disk, or the tmpfs under /tmp, is full."),
    (
        r"Can't get attribute '([\w.]+)' on <module '([\w.]+)'",
        lambda found: (
            f"{found.group(1)} was pickled by name: put the file that defines it into code_paths=[…] when "
            "the model is logged."
        ),
    ),
    (
        r"Connection refused|Name or service not known|name resolution|Max retries exceeded",
        "The model asks for something over the network, which a build may not reach: build with PROOF=load or "
        "PROOF=warn, then prove the image where it is reachable (make proof).",
    ),
)


def _hint(text: str) -> str | None:
    """Return what to do about the first known failure in ``text``."""
    for pattern, hint in HINTS:
        found = re.search(pattern, text)
        if found:
            return hint if isinstance(hint, str) else hint(found)
    return None
