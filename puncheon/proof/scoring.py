"""Score the model's example and check the answers; each check is noted in the record, the first that fails raises."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from puncheon.errors import ProofError
from puncheon.proof.answer import describe, difference_from_example, difference_from_signature
from puncheon.proof.cause import find_cause
from puncheon.proof.example import Example, Expected, count_rows
from puncheon.proof.plan import Plan
from puncheon.proof.record import Record
from puncheon.proof.services import Answer, Services, ask

NO_OUTPUTS = "the model's signature says nothing of its output, so only the status of the answer was checked"
LOG_BOTH = (
    "Log the model with an example and a signature of the same data: input_example=data.head(2), "
    "signature=infer_signature(data, model.predict(data))."
)


@dataclass(frozen=True)
class Scoring:
    """An example on its way through running services.

    Attributes
    ----------
    plan, services
        The ports to ask, and the processes behind them.
    record
        Receives what was found.
    """

    plan: Plan
    services: Services
    record: Record

    def score(self, example: Example, expected: Expected) -> None:
        """Send the example to gunicorn, to nginx, and to gunicorn again; check the answers.

        Raises
        ------
        ProofError
            If an answer is a failure, is not JSON, or is not what the model's folder says.
        """
        record = self.record
        record.example = {
            "file": example.name,
            "sha256": example.sha256,
            "bytes": len(example.body),
            "rows": example.rows,
        }
        first, value = self._ask(example, self.plan.gunicorn_port, "gunicorn")
        _, through_nginx = self._ask(example, self.plan.nginx_port, "nginx")
        second, again = self._ask(example, self.plan.gunicorn_port, "gunicorn, again")

        record.times["first_answer_ms"] = round(first.milliseconds, 2)
        record.times["second_answer_ms"] = round(second.milliseconds, 2)
        # The server that answers, which is the installed one unless something is very wrong.
        answered_by = first.headers.get("x-ms-server-version", "").rpartition("/")[2]
        record.server["version"] = answered_by or record.server["version"]
        record.answer = {
            "sha256": hashlib.sha256(first.body).hexdigest(),
            "bytes": len(first.body),
            "form": describe(value),
            "rows": count_rows(value),
        }
        self._check_signature(value, expected)
        if expected.example:
            self._check(
                "output example",
                difference_from_example(value, expected.example[0]),
                wrong="The answer is not that of output_example.json",
                next="If the new answer is right, write it into output_example.json.",
            )
        if value != again:
            record.warnings.append("the model does not answer the same example twice the same")
            self._check_signature(through_nginx, expected)
        else:
            self._check(
                "both ports answer the same",
                difference_from_example(through_nginx, value),
                wrong="nginx and gunicorn answer differently",
                next="Something else may listen on one of the ports.",
            )

    def _ask(self, example: Example, port: int, name: str) -> tuple[Answer, Any]:
        """Score once; return the answer and its parsed body."""
        seen = self.services.log_size()
        answer = ask(port, "/score", example.body, self.plan.limit_s)
        title = f"score on {name} :{port}"
        if answer.status == 200 or (self._is_own and 200 <= answer.status < 300):
            try:
                value = self._read(answer)
            except ValueError as error:
                self.record.failed(title, f"status {answer.status}, but {error}")
                raise ProofError(
                    f"The answer to the model's input example is not JSON: {error}.", where=self._where(port)
                ) from error
            self.record.passed(title, f"status {answer.status}, {describe(value)}")
            return answer, value
        self.record.failed(title, f"status {answer.status}")
        if 400 <= answer.status < 500:
            raise ProofError(
                f"The model refuses its own input example, {example.name} (status {answer.status}).",
                where=self._where(port),
                detail=[_message(answer.body)],
                next=LOG_BOTH,
            )
        cause = find_cause(self.services.log_lines(seen))
        got = f"status {answer.status}" if answer.status else _message(answer.body)
        raise ProofError(
            f"The model fails on its own input example, {example.name} ({got}).",
            where=self._where(port),
            detail=cause.lines,
            next=cause.hint or "Mend the model, or log it again with another input_example=….",
        )

    @property
    def _is_own(self) -> bool:
        """Whether the user's own entry script answers: with any success, and any type."""
        return self.plan.entry_script is not None

    def _read(self, answer: Answer) -> Any:
        """Return the value of an answer's JSON; of another type its text.

        Raises
        ------
        ValueError
            If it is not the JSON that it should be.
        """
        if self._is_own and "json" not in answer.headers.get("content-type", ""):
            return answer.body.decode("latin-1")
        return json.loads(answer.body, parse_constant=_no_constant)

    def _check_signature(self, value: Any, expected: Expected) -> None:
        if expected.outputs:
            self._check(
                "output signature",
                difference_from_signature(value, expected.outputs),
                wrong="The answer is not what the model's output signature says",
                next="Log the model with the signature of its own answers: "
                "signature=infer_signature(data, model.predict(data)).",
            )
        elif not self._is_own and NO_OUTPUTS not in self.record.warnings:
            self.record.warnings.append(NO_OUTPUTS)

    def _check(self, name: str, difference: str | None, *, wrong: str, next: str) -> None:
        """Note a check; raise ProofError where there is a difference."""
        if difference is None:
            self.record.passed(name)
            return
        self.record.failed(name, difference)
        raise ProofError(f"{wrong}: {difference}.", where=self._where(), next=next)

    def _where(self, port: int | None = None) -> str:
        return f"port {port}, {self.plan.where}" if port else self.plan.where


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _message(body: bytes) -> str:
    """Return the message of an error's JSON, or the beginning of what came instead."""
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body[:200].decode(errors="replace")
