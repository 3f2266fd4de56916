"""Python's own types by name, with inference-schema."""

from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema


def init():
    pass


@input_schema("name", StandardPythonParameterType("abc"))
@input_schema("count", StandardPythonParameterType(2))
@input_schema("options", StandardPythonParameterType({"upper": True}), optional=True)
@output_schema(StandardPythonParameterType(["abc"]))
def run(name, count=1, options=None):
    text = name.upper() if options and options["upper"] else name
    return [text] * count
