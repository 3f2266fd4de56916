"""What a loaded model takes, read from its MLflow signature by public names alone; the error for all else."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

WRAPPERS = ("input_data", "dataframe_split", "dataframe_records", "inputs", "instances")
"""Keys that hold the input; a body has at most one of them.  ``params`` may stand beside it."""

SHOWN_FIELDS = 20
"""A message names at most so many columns."""


class RequestError(ValueError):
    """The client's mistake: the message says what was expected and echoes none of the data."""

    status = 400


@dataclass(frozen=True)
class Field:
    """One column or tensor of the signature, as ``Schema.to_dict`` describes it.

    Attributes
    ----------
    name
        ``None`` in a signature without names; a number where the training data had no column names.
    kind
        The type: ``{"type": "double"}``, ``{"type": "array", "items": {…}}``, ``{"type": "tensor", …}`` and so on.
    required
        Whether each request must have it.
    """

    name: Any
    kind: dict[str, Any]
    required: bool

    @property
    def type(self) -> str:
        """MLflow's name of the type."""
        return str(self.kind["type"])

    @property
    def shape(self) -> tuple[int, ...]:
        """A tensor's shape; -1 stands for any size."""
        return tuple(self.kind["tensor-spec"]["shape"])

    def describe(self) -> str:
        """Return name and type for a message."""
        type_ = self.type
        if type_ == "tensor":
            type_ = "{} tensor of shape {}".format(self.kind["tensor-spec"]["dtype"], list(self.shape))
        return type_ if self.name is None else f"{self.name} ({type_})"


@dataclass(frozen=True)
class InputSpec:
    """What the model takes.

    Attributes
    ----------
    fields
        The signature's inputs; empty where there is no signature.
    example
        MLflow's type of the saved example (``dataframe``, ``ndarray``, ``json_object``, ``sparse_matrix_csr``, …); it
        decides where there is no signature.
    as_it_is
        The model takes the JSON itself (its signature stands for Python type hints).
    """

    fields: tuple[Field, ...]
    example: str | None = None
    as_it_is: bool = False

    @classmethod
    def of(cls, metadata: Any) -> InputSpec:
        """Read it from a loaded model's ``metadata``."""
        schema = metadata.get_input_schema()
        fields = (
            ()
            if schema is None
            else tuple(
                Field(spec.get("name"), spec, bool(spec.get("required", not spec.get("optional", False))))
                for spec in schema.to_dict()
            )
        )
        example = metadata.saved_input_example_info or {}
        hints = metadata.to_dict().get("is_signature_from_type_hint")
        return cls(fields, example.get("type"), bool(hints))

    @cached_property
    def names(self) -> list[str]:
        """The names, as JSON spells them."""
        return [str(field.name) for field in self.fields if field.name is not None]

    @cached_property
    def labels(self) -> list[tuple[Any, Any, Field]]:
        """Each column's label in the model's frame, its key among a request's columns, and its field."""
        return [
            (number, number, field) if field.name is None else (field.name, str(field.name), field)
            for number, field in enumerate(self.fields)
        ]

    @cached_property
    def reals(self) -> str | None:
        """Numpy's name of the columns' type where all are reals of one size, else None."""
        types = {field.type for field in self.fields}
        return {"float": "float32", "double": "float64"}.get(types.pop()) if len(types) == 1 else None

    @cached_property
    def is_tensor(self) -> bool:
        """Whether the signature speaks of tensors."""
        return bool(self.fields) and self.fields[0].type == "tensor"

    def describe(self) -> str:
        """Say what a request must hold, for a message."""
        keys = "a JSON object with one of the keys {}".format(", ".join(WRAPPERS))
        if not self.fields:
            return keys
        shown = ", ".join(field.describe() for field in self.fields[:SHOWN_FIELDS])
        more = len(self.fields) - SHOWN_FIELDS
        return "{}, holding {}{}".format(keys, shown, f" and {more} more" if more > 0 else "")

    def refuse(self, what: str) -> RequestError:
        """Return the error that says what is wrong and what was expected."""
        return RequestError(f"{what} Expected {self.describe()}.")
