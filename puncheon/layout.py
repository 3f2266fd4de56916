"""Where everything lies in the image; templates and code take paths from here alone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """Absolute paths.

    What is written at run time lies exactly one level under ``runtime``: with ``--read-only --tmpfs /tmp`` that
    folder starts empty, and neither runsv nor nginx makes parent folders.
    """

    kit: str = "/opt/puncheon"
    runit: str = "/var/runit"
    conda: str = "/opt/miniconda"
    server: str = "/var/azureml-app/server"
    runner: str = "/var/mlflow_resources"
    proof: str = "/var/azureml-app/proof.json"
    settings: str = "/var/azureml-app/settings.json"
    runtime: str = "/tmp"  # noqa: S108 -- one container, one user; files of ours start with `puncheon-`

    def runtime_file(self, name: str) -> str:
        """Return the path of a run-time file of ours."""
        return f"{self.runtime}/puncheon-{name}"

    @property
    def nginx_conf(self) -> str:
        """The configuration that nginx reads, rendered at every start."""
        return self.runtime_file("nginx.conf")

    @property
    def settings_sh(self) -> str:
        """The finished run-time settings, as shell assignments."""
        return self.runtime_file("settings.sh")

    @property
    def log_socket(self) -> str:
        """The datagram socket that rsyslog reads."""
        return self.runtime_file("log.sock")

    @property
    def model_socket(self) -> str:
        """The control socket of the model's processes; theirs lie beside it, numbered."""
        return self.runtime_file("model.sock")


IMAGE = Layout()
