"""The running image against the contract: environment, paths, user, ports, processes."""

from __future__ import annotations

import json

import pytest

from tests.image.running import BOTH_SERVERS, Running

pytestmark = BOTH_SERVERS

ENVIRONMENT = {
    "AML_APP_ROOT": "/var/mlflow_resources",
    "APP_MODEL_PATH": "/var/azureml-app/model",
    "APP_PATH": "/var/azureml-app",
    "APP_SERVER_PATH": "/var/azureml-app/server",
    "AZUREML_CONDA_ENVIRONMENT_PATH": "/opt/miniconda/envs/userenv",
    "AZUREML_ENTRY_SCRIPT": "mlflow_score_script.py",
    "AZUREML_INFERENCE_SERVER_HTTP_ENABLED": "True",
    "AZUREML_MODEL_DIR": "/var/azureml-app/model",
    "CONDA_DEFAULT_ENV": "userenv",
    "CONDA_ENV_DIR": "/opt/miniconda/envs",
    "CONDA_EXE": "/opt/miniconda/bin/conda",
    "CONDA_PREFIX": "/opt/miniconda/envs/userenv",
    "CONDA_PREFIX_1": "/opt/miniconda",
    "CONDA_PROMPT_MODIFIER": "(userenv) ",
    "CONDA_PYTHON_EXE": "/opt/miniconda/bin/python",
    "CONDA_SHLVL": "2",
    "HOME": "/home/dockeruser",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "LD_LIBRARY_PATH": "/opt/miniconda/envs/userenv/lib:",
    "LOGNAME": "dockeruser",
    "MLFLOW_MODEL_FOLDER": "",
    "PATH": "/opt/miniconda/envs/userenv/bin:/opt/miniconda/condabin:/opt/miniconda/envs/userenv/bin:"
    "/opt/miniconda/envs/amlenv/bin:/opt/miniconda/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "SVDIR": "/var/runit",
    "USER": "dockeruser",
    "USER_ENV": "userenv",
    "WORKER_TIMEOUT": "300",
    "_CE_CONDA": "",
    "_CE_M": "",
}


def environment_of(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def test_printenv_shows_the_reference_environment(service: Running) -> None:
    """A non-interactive command finds every variable of the contract."""
    found = environment_of(service.execute("printenv"))

    assert ENVIRONMENT == {name: found.get(name) for name in ENVIRONMENT}


@pytest.mark.parametrize(
    "path",
    [
        "/opt/miniconda/envs/amlenv/bin/python",
        "/opt/miniconda/envs/userenv/bin/python",
        "/opt/miniconda/bin/python",
        "/opt/miniconda/bin/conda",
        "/opt/miniconda/condabin/conda",
        "/var/runit/gunicorn/run",
        "/var/runit/nginx/run",
        "/var/runit/rsyslog/run",
        "/var/runit/gunicorn/finish",
        "/var/mlflow_resources/mlflow_score_script.py",
        "/var/azureml-app/model/MLmodel",
        "/var/azureml-app/server",
        "/var/azureml-app/proof.json",
    ],
)
def test_the_path_is_there_for_any_user(service: Running, path: str) -> None:
    """Paths of the contract exist, readable by all."""
    file = service.host.file(path)

    assert file.exists
    assert file.mode & 0o004


def test_conda_metadata_is_real(service: Running) -> None:
    """Each environment has conda's own records, with a Python among them."""
    for prefix in ("/opt/miniconda", "/opt/miniconda/envs/amlenv", "/opt/miniconda/envs/userenv"):
        records = service.execute("sh", "-c", f"cat {prefix}/conda-meta/python-3*.json")
        assert "python" == json.loads(records)["name"]


def test_everything_runs_as_dockeruser(service: Running) -> None:
    """No process of the container belongs to another user."""
    assert {"1000"} == set(service.execute("ps", "-eo", "uid", "--no-headers").split())
    assert (1000, "/home/dockeruser") == (service.host.user("dockeruser").uid, service.host.user("dockeruser").home)


@pytest.mark.parametrize("port", [5000, 31311])
def test_the_port_is_listened_on(service: Running, port: int) -> None:
    """Nginx and gunicorn listen on all addresses."""
    listening = service.execute("sh", "-c", "cat /proc/net/tcp | awk '$4 == \"0A\" {print $2}'").split()

    assert f"00000000:{port:04X}" in listening


def test_the_image_exposes_its_ports_and_a_numeric_user(service: Running) -> None:
    """What an orchestrator reads from the image."""
    config = service.container.image.attrs["Config"]

    assert ({"5000/tcp", "31311/tcp"}, "1000") == (set(config["ExposedPorts"]), config["User"])
    assert config["Healthcheck"]["Test"][0] == "CMD"


def process_tree(running: Running) -> list[tuple[str, str]]:
    """Return (parent's command, command) of every process but the asking one, each cut to its first words."""
    rows = [line.split(None, 2) for line in running.execute("ps", "-eo", "pid,ppid,args", "--no-headers").splitlines()]
    commands = {pid: arguments for pid, _, arguments in rows}
    return sorted(
        (commands.get(parent, ""), arguments) for _, parent, arguments in rows if not arguments.startswith("ps ")
    )


AMLENV_PYTHON = "/opt/miniconda/envs/amlenv/bin/python"
GUNICORN = f"{AMLENV_PYTHON} -s -m gunicorn --config /var/azureml-app/server/gunicorn.conf.py"
AZMLINFSRV = (
    "/opt/miniconda/envs/userenv/bin/python /opt/miniconda/envs/userenv/bin/azmlinfsrv "
    "--entry_script mlflow_score_script.py --port 31311"
)
RUNNER = "python -m puncheon_runner"
NGINX = "nginx: master process /usr/sbin/nginx -g daemon off;"

REFERENCES_TREE = {
    ("/usr/bin/runsvdir /var/runit", "runsv gunicorn"),
    ("/usr/bin/runsvdir /var/runit", "runsv nginx"),
    ("/usr/bin/runsvdir /var/runit", "runsv rsyslog"),
    ("runsv nginx", NGINX),
    (NGINX, "nginx: worker process"),
    ("runsv rsyslog", "rsyslogd -n -i NONE"),
}
TREES = {
    "puncheon": REFERENCES_TREE
    | {
        ("/usr/bin/runsvdir /var/runit", "runsv model"),
        ("runsv model", RUNNER),
        (RUNNER, RUNNER),
        ("runsv gunicorn", GUNICORN),
        (GUNICORN, GUNICORN),
    },
    "azmlinfsrv": REFERENCES_TREE | {("runsv gunicorn", AZMLINFSRV), (AZMLINFSRV, AZMLINFSRV)},
}
"""(parent, child) below runsvdir.  Of the reference's own tree ours differs in two ways: a fourth `runsv model`, and
gunicorn where azmlinfsrv is."""


def test_the_process_tree_is_the_servers(service: Running, server: str) -> None:
    """Runsvdir → a runsv for each service → nginx, rsyslogd -n, and the server on 31311 with its workers; no more."""
    above = {("", "/bin/bash /usr/local/bin/entrypoint runsvdir /var/runit")}
    above |= {(entrypoint, "/usr/bin/runsvdir /var/runit") for _, entrypoint in above}

    assert above | TREES[server] == set(process_tree(service))


PATTERNS = {
    "puncheon": {
        "nginx": "nginx: master",
        "rsyslogd": "rsyslogd -n",
        "HTTP": "-m gunicorn",
        "model": "puncheon_runner",
    },
    "azmlinfsrv": {"nginx": "nginx: master", "rsyslogd": "rsyslogd -n", "model": "userenv/bin/azmlinfsrv"},
}


def test_services_run_without_the_models_libraries(service: Running, server: str) -> None:
    """LD_LIBRARY_PATH reaches the model and shells; all other services start without it."""
    seen = {}
    for name, pattern in PATTERNS[server].items():
        pid = service.execute("pgrep", "-o", "-f", "--", pattern).split()[0]
        seen[name] = "LD_LIBRARY_PATH" in service.execute("sh", "-c", f"tr '\\0' '\\n' < /proc/{pid}/environ")

    assert {name: name == "model" for name in PATTERNS[server]} == seen


def test_the_final_image_has_no_builder_tools(service: Running) -> None:
    """No solver, no uv, no compiler goes with the image."""
    found = service.execute("sh", "-c", "command -v uv rattler-build gcc cc mamba micromamba apt-key || true")

    assert "" == found.strip()


def test_derived_settings_are_no_empty_variables(service: Running) -> None:
    """The reference's `azmlinfsrv --entry_script …` by hand reads SCORING_TIMEOUT_MS itself."""
    names = environment_of(service.execute("printenv"))

    assert {"SCORING_TIMEOUT_MS", "PROXY_TIMEOUT", "NGINX_WORKERS", "WORKER_COUNT"}.isdisjoint(names)
