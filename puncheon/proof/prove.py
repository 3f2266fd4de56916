"""The proof itself: start the services, wait, score the example on both ports, check the answers, stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timezone

from puncheon import __version__
from puncheon.capabilities import Capability
from puncheon.errors import ProofError
from puncheon.model_folder import ModelFolder
from puncheon.proof import memory
from puncheon.proof.cause import MEMORY_HINT, find_cause
from puncheon.proof.example import Example, Expected, expected_answer, input_example, script_example
from puncheon.proof.forking import SILENT, may_fork
from puncheon.proof.plan import Plan
from puncheon.proof.record import Record
from puncheon.proof.scoring import Scoring
from puncheon.proof.services import Services
from puncheon.proof.sharing import may_share
from puncheon.proof.versions import SERVERS, relevant_versions, report_warnings, version_warnings

STOP_MARGIN_S = 5
"""Seconds beyond STOP_TIMEOUT after which services that do not end are killed."""

THREADS = "2"
"""Math threads of the worker that is asked whether it survived its fork."""

NO_EXAMPLE = (
    "the model has no input example, so it was started and not scored. Log it with one: "
    "mlflow.<flavor>.log_model(model, name=…, input_example=data.head(2), "
    "signature=infer_signature(data, model.predict(data)))"
)
NO_SCRIPT_EXAMPLE = (
    "no input_example.json lies beside the entry script, so it was started and not scored: save there what a client "
    "sends, and the build scores it"
)
BORROWED = (
    "the entry script imports what the model's environment lacks and the image's fallback folder has ({names}): name "
    "it in conda.yaml to have its newest version"
)
NO_BATCH_FORM = "the entry script has no run_batch, or takes more of a request than its body"
NEXT_LOG = "Build with PROOF=off, run the image, and look at its log (docker logs)."


def new_record(plan: Plan) -> Record:
    """Return the record that a proof fills."""
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Record(plan.mode, now, __version__, server={"name": plan.server, "version": ""})


def prove(plan: Plan, record: Record, say: Callable[[str], None]) -> None:
    """Carry out the plan and fill ``record``; ``say`` receives a line for each step.

    Raises
    ------
    ProofError
        At the first check that fails; the record then ends with it.
    ModelFolderError
        If the model's folder is none.
    """
    if plan.mode == "off":
        record.status = "not started"
        record.warnings.append("PROOF=off: the image was not started during the build")
        return
    model = ModelFolder.read(plan.model_dir, plan.model_folder)
    _describe(plan, model, record)
    scores = plan.mode != "load"
    example, expected = _example(plan, model) if scores else (None, Expected())
    if scores and example is None:
        record.warnings.append(NO_EXAMPLE if plan.entry_script is None else NO_SCRIPT_EXAMPLE)

    kills = memory.kills()
    preload = plan.server == "puncheon" and (plan.preload == "true" or (plan.preload == "auto" and example is not None))
    with _start(plan, preload=preload) as services:
        _wait_ready(plan, services, record, kills)
        say(f"ready on ports {plan.gunicorn_port} and {plan.nginx_port} after {record.times['ready_s']} s")
        if not preload or _forks(plan, record, example):
            _finish(plan, services, record, example, expected, say)
            return
        services.stop(plan.stop_s + STOP_MARGIN_S)
    say(f"no preload: {record.capabilities['preload']['reason']}; once more, each worker loading the model")
    with _start(plan, preload=False) as services:
        _wait_ready(plan, services, record, kills)
        _finish(plan, services, record, example, expected, say)


def _example(plan: Plan, model: ModelFolder) -> tuple[Example | None, Expected]:
    """Return what is sent and what must come back; the user's own script takes and answers what it likes."""
    if plan.entry_script is not None:
        return script_example(plan.entry_script), Expected()
    return input_example(model), expected_answer(model)


def _start(plan: Plan, *, preload: bool) -> Services:
    """Return the services as the proof starts them: what it explores is switched on."""
    if plan.server != "puncheon":
        return Services(plan.command, plan.environment, plan.log)
    explored = {"WORKER_PRELOAD": str(preload).lower(), "BATCHING": "on", "WORKER_COUNT": "1"}
    # A worker with one math thread starts none, and answers whatever the fork has broken; where the image will run
    # there may be more CPUs than here.
    threads = {"WORKER_THREADS": THREADS} if preload else {}
    return Services(plan.command, {**threads, **plan.environment, **explored}, plan.log)


def _forks(plan: Plan, record: Record, example: Example | None) -> bool:
    """Find out whether the loaded model may be forked.

    Raises
    ------
    ProofError
        If it may not, and WORKER_PRELOAD=true demands it.
    """
    told = plan.model_state()
    found = Capability(bool(told["preload"]), str(told["not_preloaded"]))
    if found.allowed and example is not None:
        first = plan.ask_worker([example.body]).answers
        if first and not 200 <= first[0].status < 300:
            return True  # The scores that follow say why; there is nothing to find out about a model that fails.
        found = may_fork(told, example.body, plan.ask_worker) if first else Capability(False, SILENT)
    if example is not None:
        # Without one, WORKER_PRELOAD=true demands it: there is nothing to ask, so nothing is recorded as proven.
        record.capabilities["preload"] = asdict(found)
    if not found.allowed and plan.preload == "true":
        record.failed("preload", found.reason)
        raise ProofError(
            f"The model cannot be preloaded: {found.reason}.",
            where=plan.where,
            next="Leave WORKER_PRELOAD out: each worker then loads the model itself.",
        )
    return found.allowed


def _finish(
    plan: Plan,
    services: Services,
    record: Record,
    example: Example | None,
    expected: Expected,
    say: Callable[[str], None],
) -> None:
    """Score the example, find out whether requests may share a predict, note what the script borrows, and stop."""
    if example is not None:
        Scoring(plan, services, record).score(example, expected)
        say(f"scored {example.name} on both ports: {_answered(record)}")
        if plan.server == "puncheon":
            can_batch = plan.model_state().get("can_batch")
            sharing = may_share(example.body, plan.ask_worker) if can_batch else Capability(False, NO_BATCH_FORM)
            record.capabilities["batching"] = asdict(sharing)
            say(f"batching {'on' if sharing.allowed else 'off'}: {sharing.reason}")
    if plan.server == "puncheon":
        _note_fallback(plan, record)
    _stop(plan, services, record)
    say(f"stopped in {record.times['stop_s']} s")
    record.status = "loaded" if example is None else "proven"


def _note_fallback(plan: Plan, record: Record) -> None:
    """Note what the entry script has found in the image's fallback folder alone."""
    record.fallback = list(plan.model_state().get("fallback", ()))
    borrowed = [name for name in record.fallback if not name.startswith("azureml")]
    if borrowed:
        record.warnings.append(BORROWED.format(names=", ".join(borrowed)))


def _describe(plan: Plan, model: ModelFolder, record: Record) -> None:
    """Note what is proven, before anything can fail."""
    record.model = {
        "mlflow_version": model.mlflow_version,
        "model_uuid": model.model_uuid,
        "run_id": model.run_id,
        "utc_time_created": model.utc_time_created,
        "flavors": sorted(model.flavors),
    }
    record.versions = relevant_versions(plan.prefix, model, plan.server)
    record.server["version"] = record.versions.get(SERVERS.get(plan.server, ""), "")
    record.warnings += report_warnings(plan.prefix) + version_warnings(plan.prefix, model)


def _wait_ready(plan: Plan, services: Services, record: Record, kills: int) -> None:
    began = time.monotonic()
    for port in (plan.gunicorn_port, plan.nginx_port):
        if services.wait_healthy(port, began + plan.limit_s):
            continue
        cause = find_cause(services.log_lines())
        next_, code = cause.hint, services.exit_code
        if code is None:
            what = f"The services were not ready within {plan.limit_s:g} s: port {port} does not answer `Healthy`."
            next_ = next_ or "A model that takes longer to load needs more time: PROOF_TIMEOUT=<seconds>."
        else:
            what = f"The services ended before they were ready ({_ending(code)})."
        if code in (-9, 137) or memory.kills() > kills:
            next_ = f"{MEMORY_HINT}{_limit()}"
        record.failed("ready", what)
        raise ProofError(what, where=plan.where, detail=cause.lines, next=next_ or NEXT_LOG)
    record.times["ready_s"] = round(time.monotonic() - began, 2)
    record.passed("ready", f"ports {plan.gunicorn_port} and {plan.nginx_port} answer Healthy")


def _stop(plan: Plan, services: Services, record: Record) -> None:
    seen = services.log_size()
    seconds, code = services.stop(plan.stop_s + STOP_MARGIN_S)
    record.times["stop_s"] = round(seconds, 2)
    if code == 0:
        record.passed("stop", "SIGTERM ends the services with exit code 0")
        return
    how = f"did not end within {plan.stop_s + STOP_MARGIN_S:g} s" if code is None else _ending(code)
    record.failed("stop", how)
    raise ProofError(
        f"The services do not stop as they should: {how}.",
        where=plan.where,
        detail=find_cause(services.log_lines(seen)).lines,
        next=NEXT_LOG,
    )


def _limit() -> str:
    limit = memory.limit_bytes()
    return f" Its limit now is {limit / 2**20:.0f} MiB." if limit else ""


def _ending(code: int) -> str:
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"


def _answered(record: Record) -> str:
    form = record.answer["form"] if record.answer else ""
    return f"{form}, {record.times['first_answer_ms']} ms, then {record.times['second_answer_ms']} ms"
