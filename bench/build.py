"""Build, image and container, measured beside the image of ``mlflow models generate-dockerfile``.

    python bench/build.py                  # every figure of docs/measurements.md, as JSON and as a table
    python bench/build.py --rounds 3       # the median of three

Both are built from the same base image and the same model, with no cache but the base image and the local channel.
The peer's own base is ``python:<version>-slim``; where no registry can be reached it is made here from the same base
image and the CPython of the local channel.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import docker
from docker.models.containers import Container

KIT = Path(__file__).resolve().parent.parent
MODEL = KIT / "artifacts/iris_model"
WORK = KIT / "build/bench"
OURS, PEER = "puncheon-bench/ours", "puncheon-bench/peer"
BASE = "docker.io/library/debian:bookworm-slim"


def main() -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1, help="take the median of so many (default: %(default)s)")
    parser.add_argument("--classic", action="store_true", help="the classic builder in place of BuildKit")
    parser.add_argument("--skip-peer", action="store_true")
    arguments = parser.parse_args()
    os.environ["DOCKER_BUILDKIT"] = "0" if arguments.classic else "1"
    figures = {"builder": "classic" if arguments.classic else "BuildKit", "rounds": arguments.rounds}
    figures |= ours(arguments.rounds)
    if not arguments.skip_peer:
        figures |= peer(arguments.rounds)
    print(json.dumps(figures, indent=2))
    print(
        "\n".join(
            ["| what | measured |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in figures.items())]
        )
    )


def ours(rounds: int) -> dict[str, object]:
    """Return the figures of the kit's own image."""
    context = WORK / "context"
    shutil.rmtree(context, ignore_errors=True)
    kit = context / "online_endpoint/azx_mlflow"
    copy_kit(kit)
    model = context / "artifacts/model"
    shutil.copytree(MODEL, model)

    def build(*extra: str) -> None:
        docker_build(
            context,
            kit / "Dockerfile",
            OURS,
            *(
                "--build-arg",
                "ARTIFACT_PATH=./artifacts/model",
                "--build-arg",
                "BASE_PATH=./online_endpoint/azx_mlflow",
            ),
            *extra,
        )

    figures: dict[str, object] = {}
    figures["ours: cold build, s"] = median(rounds, lambda: build("--no-cache"))
    build()
    figures["ours: nothing changed, s"] = median(rounds, build)
    before = layers(OURS)
    figures["ours: retrained, s"] = median(rounds, build, prepare=lambda: retrain(model))
    figures["ours: layers changed by retraining"] = sum(
        old != new for old, new in zip(before, layers(OURS), strict=True)
    )
    figures["ours: retrained, adds to push, KiB"] = round(top_layers_size(OURS, 2) / 1024)
    values = iter(range(7, 1000))
    figures["ours: nginx setting changed, s"] = median(
        rounds, lambda: build("--build-arg", f"MAX_BODY_MB={next(values)}")
    )
    build()
    figures["ours: image above base, MB"] = above(OURS, BASE)
    figures["ours: without the model's environment, MB"] = above(OURS, BASE) - userenv_size()
    figures |= {f"ours: {name}": value for name, value in container_figures(OURS, 5000).items()}
    return figures


def peer(rounds: int) -> dict[str, object]:
    """Return the figures of MLflow's own image."""
    folder, base = peer_context()

    def build(*extra: str) -> None:
        docker_build(folder, folder / "Dockerfile", PEER, *extra)

    figures: dict[str, object] = {"peer: base image": base}
    figures["peer: cold build, s"] = median(rounds, lambda: build("--no-cache"))
    build()
    model = folder / "model_dir" / MODEL.name
    figures["peer: retrained, s"] = median(rounds, build, prepare=lambda: retrain(model))
    figures["peer: image above its base, MB"] = above(PEER, base)
    figures["peer: image above our base, MB"] = above(PEER, BASE)
    figures |= {f"peer: {name}": value for name, value in container_figures(PEER, 8080, "/ping").items()}
    return figures


def peer_context() -> tuple[Path, str]:
    """Return the folder from which MLflow's image is built, and the name of its base image, which is there by then."""
    folder = WORK / "peer"
    shutil.rmtree(folder, ignore_errors=True)
    mlflow = str(Path(sys.executable).parent / "mlflow")
    command = [mlflow, "models", "generate-dockerfile", "-m", str(MODEL), "-d", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    return folder, peer_base((folder / "Dockerfile").read_text())


def docker_build(context: Path, dockerfile: Path, tag: str, *extra: str) -> None:
    """Run ``docker build`` and fail with the end of its log."""
    command = [client(), "build", *extra, "-t", tag, "-f", str(dockerfile), str(context)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout[-3000:])


def client() -> str:
    """Return the docker command that `make` uses."""
    return subprocess.run(
        [KIT / "scripts/engine", "--client"], check=True, capture_output=True, text=True
    ).stdout.strip()


def copy_kit(target: Path) -> None:
    """Copy what git tracks and the local channel."""
    names = subprocess.run(["git", "ls-files"], cwd=KIT, check=True, capture_output=True, text=True).stdout.split("\n")
    for name in filter(None, names):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(KIT / name, target / name)
    if (KIT / "conda/channel").exists():
        shutil.copytree(KIT / "conda/channel", target / "conda/channel")


def peer_base(dockerfile: str) -> str:
    """Return the peer's base image, made here where it is not on this machine.

    It is BASE with the local channel's CPython and pip.
    """
    name = dockerfile.split("FROM ", 1)[1].split()[0]
    try:
        docker.from_env().images.get(name)
    except docker.errors.ImageNotFound:
        folder = WORK / "peer-base"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "python.yaml").write_text("dependencies:\n- python=3.11\n- pip\n")
        (folder / "Dockerfile").write_text(
            f"FROM {OURS}-tools AS made\nCOPY python.yaml /\n"
            "RUN /usr/bin/python3 -m puncheon environment --file /python.yaml --prefix /opt/python\n"
            f"FROM {BASE}\nCOPY --from=made /opt/python /opt/python\n"
            "ENV PATH=/opt/python/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "
            "PIP_CERT=/etc/ssl/certs/ca-certificates.crt\n"
        )
        context = WORK / "context"
        kit = "online_endpoint/azx_mlflow"
        if not (context / kit).exists():
            copy_kit(context / kit)
        docker_build(
            context,
            context / kit / "Dockerfile",
            f"{OURS}-tools",
            "--target",
            "tools",
            "--build-arg",
            f"BASE_PATH={kit}",
        )
        docker_build(folder, folder / "Dockerfile", name)
    return name


def retrain(model: Path) -> None:
    """Train the demo model anew, with another seed each time."""
    seed = str(time.time_ns() % 1_000_000)
    script = [sys.executable, str(KIT / "examples/iris.py"), "--output", str(model), "--seed", seed]
    subprocess.run(script, check=True, capture_output=True)


def median(rounds: int, action: Callable[[], None], prepare: Callable[[], None] = lambda: None) -> float:
    """Return the median seconds of ``action``; ``prepare`` runs before each round and does not count."""
    seconds = []
    for _ in range(rounds):
        prepare()
        began = time.monotonic()
        action()
        seconds.append(time.monotonic() - began)
        print(f"{seconds[-1]:.1f} s", file=sys.stderr, flush=True)
    return round(statistics.median(seconds), 1)


def layers(image: str) -> list[str]:
    """Return the digests of an image's layers, from the base upwards."""
    return list(docker.from_env().images.get(image).attrs["RootFS"]["Layers"])


def top_layers_size(image: str, count: int) -> int:
    """Return the bytes of the last ``count`` layers that are not empty."""
    sizes = [entry["Size"] for entry in docker.from_env().images.get(image).history() if entry["Size"]]
    return sum(sizes[:count])


def above(image: str, base: str) -> int:
    """Return how many MB an image is larger than its base."""
    images = docker.from_env().images
    larger = int(images.get(image).attrs["Size"]) - int(images.get(base).attrs["Size"])
    return round(larger / 1e6)


def userenv_size() -> int:
    """Return the MB of the model's environment in our image."""
    command = ["du", "-s", "--apparent-size", "-B1", "/opt/miniconda/envs/userenv"]
    output = docker.from_env().containers.run(OURS, command, entrypoint="", remove=True)
    return round(int(output.split()[0]) / 1e6)


def container_figures(image: str, port: int, path: str = "/") -> dict[str, object]:
    """Return seconds until ready, idle memory and seconds of an idle stop."""
    container = docker.from_env().containers.run(image, detach=True)
    try:
        began = time.monotonic()
        while not answers(container, port, path):
            time.sleep(0.02)
        ready = time.monotonic() - began
        stats = container.stats(stream=False)
        assert isinstance(stats, dict)
        memory = stats["memory_stats"]
        used = memory["usage"] - memory["stats"].get("total_inactive_file", memory["stats"].get("inactive_file", 0))
        began = time.monotonic()
        container.stop()
        stopped = time.monotonic() - began
        code = container.wait()["StatusCode"]
    finally:
        container.remove(force=True)
    return {
        "start until ready, s": round(ready, 1),
        "memory when ready, MiB": round(used / 2**20),
        "docker stop when idle, s": round(stopped, 1),
        "exit code": code,
    }


def answers(container: Container, port: int, path: str) -> bool:
    """Return whether the container's own address answers 200."""
    container.reload()
    address = container.attrs["NetworkSettings"]["IPAddress"]
    try:
        with urllib.request.urlopen(f"http://{address}:{port}{path}", timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


if __name__ == "__main__":
    main()
