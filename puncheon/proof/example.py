"""The model's own example: what is sent, and what must come back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from puncheon.errors import ModelFolderError, ProofError
from puncheon.model_folder import ModelFolder

SCRIPT_EXAMPLE = "input_example.json"
"""The file beside an entry script that the proof sends."""


@dataclass(frozen=True)
class Example:
    """A saved input example, as it is sent.

    Attributes
    ----------
    name
        The file's name in the model's folder.
    body
        The file's bytes.
    rows
        How many rows it has, where its form tells.
    """

    name: str
    body: bytes
    rows: int | None

    @property
    def sha256(self) -> str:
        """The digest of the body."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True)
class Expected:
    """What the model's folder says of the answer.

    Attributes
    ----------
    outputs
        The signature's outputs, descriptions of columns or tensors; empty without a signature.
    example
        The content of ``output_example.json`` in a list of one, or an empty list: the content may be null.
    """

    outputs: tuple[Mapping[str, Any], ...] = ()
    example: tuple[Any, ...] = ()


def input_example(model: ModelFolder) -> Example | None:
    """Return the example in the form that a client would send, else as MLflow saved it; None where there is none.

    Raises
    ------
    ProofError
        If MLmodel names an example that is absent, or the example is not JSON.
    """
    path = model.serving_input_example or model.input_example
    if path is not None:
        return Example(path.name, path.read_bytes(), count_rows(_json(path)))
    named = model.saved_input_example_info.get("artifact_path")
    if named:
        raise ProofError(
            f"MLmodel names the input example {named}, which is not in the model's folder.",
            where=str(model.path),
            next="Copy the model's whole folder, or log the model again with input_example=….",
        )
    return None


def script_example(script: Path) -> Example | None:
    """Return the example that lies beside an entry script of the user's, or None: it is what that script takes.

    Raises
    ------
    ProofError
        If it is not JSON.
    """
    path = script.with_name(SCRIPT_EXAMPLE)
    return Example(path.name, path.read_bytes(), count_rows(_json(path))) if path.is_file() else None


def expected_answer(model: ModelFolder) -> Expected:
    """Return what the answer is checked against.

    Raises
    ------
    ModelFolderError
        If the signature is not MLflow's JSON.
    ProofError
        If ``output_example.json`` is not JSON.
    """
    text = model.signature.outputs if model.signature else None
    try:
        outputs = tuple(dict(output) for output in json.loads(text)) if text else ()
        if not all("tensor-spec" in output if output["type"] == "tensor" else output["type"] for output in outputs):
            raise ValueError("an output has no type")
    except (ValueError, TypeError, KeyError) as error:
        raise ModelFolderError(
            "The signature's outputs are not what MLflow writes.",
            where=str(model.path / "MLmodel"),
            detail=[str(error)],
            next="Log the model again; MLmodel is not meant to be edited.",
        ) from error
    return Expected(outputs, () if model.output_example is None else (_json(model.output_example),))


def count_rows(content: Any) -> int | None:
    """Return the rows of a request's body, or of an answer; None where its form does not tell."""
    if isinstance(content, list):
        return len(content)
    if not isinstance(content, dict):
        return None
    for key in ("dataframe_split", "dataframe_records", "inputs", "instances", "input_data"):
        if key in content:
            return count_rows(content[key])
    if isinstance(content.get("data"), list):
        return len(content["data"])
    columns = list(content.values())
    if (
        columns
        and all(isinstance(column, list) for column in columns)
        and len({len(column) for column in columns}) == 1
    ):
        return len(columns[0])
    return None


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ProofError(
            f"{path.name} is not JSON: {error}.",
            where=str(path),
            next="Mend or remove it, or log the model again with input_example=….",
        ) from error
