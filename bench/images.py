"""The images that are measured: ours, by the literal ``docker build`` line, and MLflow's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import docker

from bench.build import PEER, copy_kit, docker_build, peer_context
from bench.environments import KIT, WORK

KIT_IN_CONTEXT = "online_endpoint/azx_mlflow"


def build(name: str, model: Path, server: str) -> str:
    """Return the tag of the kit's image of a model, built in a context that holds both; ``server`` may be empty.

    Raises
    ------
    SystemExit
        If the build fails, with the end of its log.
    """
    os.environ.setdefault("DOCKER_BUILDKIT", "1")
    context, tag = WORK / "contexts" / name, f"puncheon-bench/{name}"
    print(f"{tag}: docker build", file=sys.stderr, flush=True)
    shutil.rmtree(context, ignore_errors=True)
    copy_kit(context / KIT_IN_CONTEXT)
    shutil.copytree(model, context / "artifacts/model")
    paths = ("--build-arg", "ARTIFACT_PATH=./artifacts/model", "--build-arg", f"BASE_PATH=./{KIT_IN_CONTEXT}")
    chosen = ("--build-arg", f"SERVER={server}") if server else ()
    docker_build(context, context / KIT_IN_CONTEXT / "Dockerfile", tag, *paths, *chosen)
    shutil.rmtree(context)
    return tag


def mlflow_image() -> str:
    """Return the tag of the image of ``mlflow models generate-dockerfile`` of the demo model; build it if need be."""
    try:
        docker.from_env().images.get(PEER)
    except docker.errors.ImageNotFound:
        print(f"{PEER}: mlflow models generate-dockerfile, docker build", file=sys.stderr, flush=True)
        folder, _ = peer_context()
        docker_build(folder, folder / "Dockerfile", PEER)
    return PEER


def commit() -> str:
    """Return the commit of the kit, with ``+`` where its files differ from it."""
    command = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    done = subprocess.run(command, cwd=KIT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
