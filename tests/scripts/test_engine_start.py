"""Starting a real Docker daemon, whatever an earlier one left behind: one of its own, beside this machine's."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.image.running import wait_until
from tests.scripts.shell import run_script

pytestmark = pytest.mark.engine

NO_NETWORK = "--bridge=none --iptables=false"


def alive(pid: int) -> bool:
    """Return whether the process lives; one that only waits to be collected does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@dataclass
class Daemon:
    """A daemon that keeps all it has in one folder, so that it disturbs no other."""

    root: Path
    started: set[int] = field(default_factory=set)

    def engine(
        self, *arguments: str, dockerd: str = NO_NETWORK, wait: str = "60", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run scripts/engine for this daemon."""
        result = run_script(
            "engine",
            *arguments,
            # A daemon told to have no bridge removes docker0 from under a running one, unless that lies elsewhere.
            within=("unshare", "--net"),
            PUNCHEON_ENGINE_ROOT=self.root,
            PUNCHEON_DOCKERD_ARGS=dockerd,
            PUNCHEON_ENGINE_WAIT=wait,
            **variables,
        )
        self.started |= {pid for pid in (self.pid, self.containerd) if pid}
        return result

    @property
    def pid_file(self) -> Path:
        return self.root / "docker.pid"

    @property
    def containerd_folder(self) -> Path:
        return self.root / "run/containerd"

    @property
    def pid(self) -> int:
        return int(self.pid_file.read_text()) if self.pid_file.exists() else 0

    @property
    def containerd(self) -> int:
        file = self.containerd_folder / "containerd.pid"
        return int(file.read_text()) if file.exists() else 0

    def end(self, signal_number: signal.Signals = signal.SIGTERM) -> None:
        """End the daemon and wait until it and its containerd are gone."""
        pids = [self.pid, self.containerd]
        os.kill(self.pid, signal_number)
        wait_until(lambda: not any(map(alive, pids)), what="the daemon's end")


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """A place for a daemon; a short path, as a socket's may have 107 characters."""
    daemon = Daemon(Path(tempfile.mkdtemp(prefix="engine-", dir="/tmp")))
    yield daemon
    for pid in daemon.started:
        if alive(pid) and str(daemon.root) in Path(f"/proc/{pid}/cmdline").read_text():
            os.kill(pid, signal.SIGTERM)
            wait_until(lambda pid=pid: not alive(pid), what="the daemon's end")  # type: ignore[misc]
    # dockerd mounts its data folder onto itself, once at each start, and leaves it so when it is killed.
    while subprocess.run(["umount", "--quiet", daemon.root / "data"], check=False).returncode == 0:
        pass
    shutil.rmtree(daemon.root)


@pytest.fixture
def bystander() -> Iterator[int]:
    """A living process that is no daemon; its pid."""
    process = subprocess.Popen(["sleep", "600"])
    yield process.pid
    assert process.poll() is None, "a process that the script did not start was ended"
    process.kill()
    process.wait()


def test_a_daemon_is_started_and_found_again(daemon: Daemon) -> None:
    """The second call finds the first one's daemon and starts no other."""
    first = daemon.engine()
    pid = daemon.pid
    second = daemon.engine()

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "was started" in first.stdout
    assert "answers" in second.stdout
    assert "starting" not in second.stdout
    assert daemon.pid == pid


def test_two_at_once_start_one_daemon(daemon: Daemon) -> None:
    """The second waits for the first instead of starting its own."""
    with ThreadPoolExecutor() as pool:
        results = list(pool.map(lambda _: daemon.engine(), range(2)))

    assert [result.returncode for result in results] == [0, 0]
    assert sum("starting the Docker daemon" in result.stdout for result in results) == 1


def test_the_daemon_outlives_the_terminal(daemon: Daemon) -> None:
    """It is the leader of its own session, so neither Ctrl-C nor a hang-up reaches it."""
    daemon.engine()

    assert os.getsid(daemon.pid) == daemon.pid


def test_a_killed_daemon_is_started_again(daemon: Daemon) -> None:
    """`kill -9` leaves pid files and sockets."""
    daemon.engine()
    daemon.end(signal.SIGKILL)

    result = daemon.engine()

    assert result.returncode == 0, result.stderr
    assert "was started" in result.stdout


def test_pid_files_of_another_program_are_removed(daemon: Daemon, bystander: int) -> None:
    """After a restart of the machine the numbers may be anybody's; dockerd would refuse to start."""
    daemon.engine()
    daemon.end()
    daemon.pid_file.write_text(str(bystander))
    (daemon.containerd_folder / "containerd.pid").write_text(str(bystander))

    result = daemon.engine()

    assert result.returncode == 0, result.stderr
    assert result.stdout.count(f"left by a daemon that is gone (process {bystander})") == 2


def test_a_pid_file_of_a_dead_process_is_removed(daemon: Daemon) -> None:
    """The usual case: the machine was switched off."""
    process = subprocess.Popen(["true"])
    process.wait()
    daemon.pid_file.write_text(str(process.pid))

    result = daemon.engine()

    assert result.returncode == 0, result.stderr
    assert f"process {process.pid}" in result.stdout


def test_a_pid_file_without_a_number_is_removed(daemon: Daemon) -> None:
    """A full disk leaves such files."""
    daemon.pid_file.write_text("")

    assert daemon.engine().returncode == 0


def test_a_containerd_that_outlived_its_daemon_is_used(daemon: Daemon) -> None:
    """It holds the data, and is not ours to end."""
    daemon.engine()
    daemon.end(signal.SIGKILL)
    survivor = subprocess.Popen(
        ["containerd", "--config", daemon.containerd_folder / "containerd.toml", "--log-level", "info"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until((daemon.containerd_folder / "containerd.sock").exists, what="containerd's socket")
    (daemon.containerd_folder / "containerd.pid").write_text(str(survivor.pid))
    try:
        result = daemon.engine()

        assert result.returncode == 0, result.stderr
        assert f"containerd outlived its daemon (process {survivor.pid})" in result.stdout
        assert survivor.poll() is None
        os.kill(daemon.pid, signal.SIGTERM)
        wait_until(lambda: not daemon.pid_file.exists(), what="the daemon's end")
    finally:
        survivor.terminate()
        survivor.wait()


def test_a_daemon_that_cannot_start_says_why(daemon: Daemon) -> None:
    """The cause from its log, the log's path, and nothing left running."""
    result = daemon.engine(dockerd=f"{NO_NETWORK} --storage-driver=nosuch")

    assert result.returncode == 4
    what, where, next_ = result.stderr.splitlines()
    assert what == "error: The Docker daemon does not start."
    assert "driver not supported" in where
    assert str(daemon.root / "dockerd.log") in next_
    assert not daemon.pid_file.exists()


def test_a_daemon_that_takes_too_long_is_ended(daemon: Daemon) -> None:
    """Nothing half-started is left."""
    slow = daemon.root / "bin/dockerd"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 300\n")
    slow.chmod(0o755)

    result = daemon.engine(wait="1", PATH=f"{slow.parent}:{os.environ['PATH']}")

    assert result.returncode == 4
    assert "did not answer within 1 s" in result.stderr
    processes = subprocess.run(["pgrep", "-f", f"dockerd.*{daemon.root}"], capture_output=True, text=True, check=False)
    assert processes.stdout == ""


def test_a_living_daemon_that_does_not_answer_is_left_alone(daemon: Daemon) -> None:
    """It may be busy, and it is not ours: say which process it is."""
    daemon.engine()
    os.kill(daemon.pid, signal.SIGSTOP)
    try:
        result = daemon.engine(wait="1")

        assert result.returncode == 4
        assert f"(process {daemon.pid}) runs but does not answer" in result.stderr
        assert alive(daemon.pid)
    finally:
        os.kill(daemon.pid, signal.SIGCONT)


def test_json_names_the_socket_of_a_daemon_of_its_own(daemon: Daemon) -> None:
    """Whoever uses it needs DOCKER_HOST."""
    assert f'"host": "unix://{daemon.root}/docker.sock"' in daemon.engine("--json").stdout
