"""The literal build lines with both builders: what they give, what they cache, what they refuse, what they hide."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import docker
import pytest

from tests.image.running import BASE_PATH, KIT, Running, ask, build, built, docker_cli

BUILDERS = pytest.mark.parametrize("buildkit", [True, False], ids=["BuildKit", "classic"])


@BUILDERS
def test_the_literal_lines_give_an_image_that_answers(
    repository: Path, start: Callable[..., Running], buildkit: bool
) -> None:
    """A parent repository with the kit and a model: build, run, score, with either builder."""
    tag = f"puncheon-test/{'buildkit' if buildkit else 'classic'}:latest"
    built(repository, "./artifacts/iris_model", tag, buildkit=buildkit)

    running = start(tag)
    running.wait_ready()
    answers = {
        port: ask(running.url("/score", port), (KIT / "input_example.json").read_bytes()) for port in (5000, 31311)
    }

    assert {5000: 200, 31311: 200} == {port: answer.status for port, answer in answers.items()}


def test_the_published_ports_answer(repository: Path, image: str) -> None:
    """`docker run -p … -p …` and the README's curl lines, on free ports of this machine."""
    client = docker_cli()
    run = [client, "run", "-d", "--rm", "-p", "127.0.0.1::5000", "-p", "127.0.0.1::31311", image]
    identity = subprocess.run(run, check=True, capture_output=True, text=True).stdout.strip()
    try:
        container = docker.from_env().containers.get(identity)
        running = Running(container)
        running.wait_ready()
        ports = {
            name: bound[0]["HostPort"] for name, bound in container.attrs["NetworkSettings"]["Ports"].items() if bound
        }
        line = [
            "curl",
            "-s",
            "-X",
            "POST",
            f"127.0.0.1:{ports['31311/tcp']}/score",
            "-H",
            "Content-Type: application/json",
        ]
        scored = subprocess.run(
            [*line, "-d", f"@{BASE_PATH}/input_example.json"],
            cwd=repository,
            check=True,
            capture_output=True,
            text=True,
        )
        alive = subprocess.run(
            ["curl", "-s", f"127.0.0.1:{ports['5000/tcp']}/"], check=True, capture_output=True, text=True
        )
    finally:
        subprocess.run([client, "stop", identity], check=True, capture_output=True)

    assert ("Healthy", [0, 0]) == (alive.stdout, json.loads(scored.stdout))


def layers(image: str) -> list[str]:
    return list(docker.from_env().images.get(image).attrs["RootFS"]["Layers"])


@BUILDERS
def test_a_retrained_model_is_the_one_new_layer(repository: Path, buildkit: bool) -> None:
    """Nothing changed: the same image.  Retrained: the environment is cached, and only model and proof are new."""
    model = repository / "artifacts/retrained"
    shutil.copytree(repository / "artifacts/iris_model", model, dirs_exist_ok=True)
    first, second = (f"puncheon-test/retrained:{name}" for name in ("first", "second"))
    built(repository, "./artifacts/retrained", first, buildkit=buildkit)
    train = [sys.executable, KIT / "examples/iris.py", "--output", model, "--seed", "7"]
    subprocess.run(train, check=True, capture_output=True)

    built(repository, "./artifacts/retrained", second, buildkit=buildkit)

    before, after = layers(first), layers(second)
    assert before[:-2] == after[:-2]
    assert before[-2:] != after[-2:]


def test_building_again_changes_nothing(repository: Path, image: str) -> None:
    """The same inputs give the same image, from the cache alone."""
    before = docker.from_env().images.get(image).id

    built(repository, "./artifacts/iris_model", image)

    assert before == docker.from_env().images.get(image).id


def test_a_path_with_spaces_builds(repository: Path) -> None:
    """Folders are named by people."""
    model = repository / "artifacts/my iris model"
    shutil.copytree(repository / "artifacts/iris_model", model, dirs_exist_ok=True)

    log = built(repository, "./artifacts/my iris model", "puncheon-test/spaces:latest")

    assert "proof" in log


def test_a_setting_reaches_the_image(repository: Path, start: Callable[..., Running]) -> None:
    """A build argument sets the image's default, `EXPOSE` included."""
    tag = "puncheon-test/settings:latest"
    built(
        repository,
        "./artifacts/iris_model",
        tag,
        *(f"--build-arg={one}" for one in ("NGINX_PORT=5001", "MAX_BODY_MB=7", "PROXY_TIMEOUT=400")),
    )

    running = start(tag)
    running.wait_ready(port=5001)

    assert {"5001/tcp", "31311/tcp"} == set(running.container.image.attrs["Config"]["ExposedPorts"])
    assert "client_max_body_size 7m;" in running.execute("nginx", "-T")
    assert "proxy_read_timeout 400s;" in running.execute("nginx", "-T")


BAD_ARGUMENTS = {
    "no ARTIFACT_PATH": ("", [], "ARTIFACT_PATH"),
    "absent": ("./artifacts/nothing", [], "artifacts/nothing"),
    "outside the context": ("../../etc", [], "etc"),
    "a file": ("./artifacts/iris_model/MLmodel", [], "ARTIFACT_PATH=./artifacts/iris_model/MLmodel is a file."),
    "empty folder": ("./artifacts/empty", [], "The folder ./artifacts/empty is empty."),
    "one level too high": ("./artifacts", [], "iris_model"),
    "impossible setting": (
        "./artifacts/iris_model",
        ["--build-arg", "PROXY_TIMEOUT=5"],
        "PROXY_TIMEOUT=5 s is not above WORKER_TIMEOUT=300 s.",
    ),
    "unknown choice": ("./artifacts/iris_model", ["--build-arg", "PROOF=skip"], "PROOF='skip' is not one of"),
}


@BUILDERS
@pytest.mark.parametrize(("artifact_path", "arguments", "message"), BAD_ARGUMENTS.values(), ids=BAD_ARGUMENTS.keys())
def test_bad_input_stops_the_build_with_the_cause(
    repository: Path, artifact_path: str, arguments: list[str], message: str, buildkit: bool
) -> None:
    """The build fails, the cause is in its last lines, and no image of that name is left."""
    (repository / "artifacts/empty").mkdir(exist_ok=True)
    tag = "puncheon-test/bad:latest"

    done = build(repository, artifact_path, tag, *arguments, buildkit=buildkit)

    assert 0 != done.returncode
    assert message in "\n".join(done.stdout.splitlines()[-24:]), done.stdout[-3000:]
    assert not docker.from_env().images.list(name=tag)


def test_no_secret_of_the_builder_reaches_the_image(repository: Path, tmp_path: Path) -> None:
    """What lies in conda/build-config is in no layer and not in the history of the final image."""
    secret = "tok-51b6e0d3c8"
    copy = tmp_path / "parent"
    shutil.copytree(repository, copy)
    config = copy / BASE_PATH / "conda/build-config"
    config.mkdir(parents=True)
    (config / "netrc").write_text(f"machine index.invalid login user password {secret}\n")
    (config / "pip.conf").write_text(f"[global]\n# {secret}\ntimeout = 60\n")
    tag = "puncheon-test/secret:latest"
    built(copy, "./artifacts/iris_model", tag)

    image = docker.from_env().images.get(tag)
    history = json.dumps(image.history())

    assert secret not in history
    assert [] == list(members_that_hold(image, secret.encode()))


def members_that_hold(image: docker.models.images.Image, needle: bytes) -> list[str]:
    """Return every file, in every layer, that holds ``needle``; config and manifest of the image included."""
    found = []
    saved = tarfile.open(fileobj=io.BytesIO(b"".join(image.save())))  # noqa: SIM115 -- in memory
    for member in saved.getmembers():
        content = saved.extractfile(member)
        if content is None:
            continue
        data = content.read()
        if not member.name.endswith("layer.tar"):
            found += [member.name] if needle in data else []
            continue
        with tarfile.open(fileobj=io.BytesIO(data)) as layer:
            for entry in filter(tarfile.TarInfo.isfile, layer.getmembers()):
                file = layer.extractfile(entry)
                if file is not None and needle in file.read():
                    found.append(f"{member.name}:{entry.name}")
    return found


def test_the_dockerfile_is_portable() -> None:
    """Nothing that only BuildKit knows: no mounts, here-documents, --link, --chmod, --parents or syntax line."""
    text = (KIT / "Dockerfile").read_text()
    instructions = [line for line in text.splitlines() if not line.lstrip().startswith("#")]

    assert [] == [
        line for line in instructions if re.search(r"--(mount|link|chmod|parents|exclude|security|network)\b|<<", line)
    ]
    assert not re.search(r"(?im)^#\s*syntax\s*=", text)
