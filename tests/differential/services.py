"""The entry scripts that both servers are asked by, each with variables of its environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.serving import KIT

SCRIPTS = KIT / "tests/data/entry_scripts"


@dataclass(frozen=True)
class Service:
    """An entry script and what it is started with."""

    script: str
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        return SCRIPTS / self.script


SERVICES = {
    "echo": Service("echo.py"),
    "values": Service("values.py"),
    "headers": Service("headers.py"),
    "two parameters": Service("two_parameters.py"),
    "driver": Service("driver.py"),
    "array": Service("numpy_schema.py"),
    "frame": Service("pandas_schema.py"),
    "standard": Service("standard_schema.py"),
    "nested": Service("nested_schema.py"),
    "raw": Service("raw.py"),
    "responses": Service("responses.py"),
    "slow": Service("slow.py", {"SCORING_TIMEOUT_MS": "300"}),
    "origins": Service("echo.py", {"AML_CORS_ORIGINS": "https://one.example, http://two.example:8080"}),
    "any origin": Service("raw.py", {"AML_CORS_ORIGINS": "*"}),
    "origin patterns": Service("echo.py", {"AML_CORS_ORIGINS": "https://.*\\.example\\.com,http://localhost:3000"}),
    "described": Service("described/score.py"),
    "described once": Service("described_once/score.py"),
    "named": Service(
        "standard_schema.py", {"SERVICE_NAME": "Iris", "SERVICE_VERSION": "4.2", "SERVICE_PATH_PREFIX": "/one/two/"}
    ),
    "no version": Service("echo.py", {"SERVER_VERSION_LOG_RESPONSE_ENABLED": "false"}),
}
