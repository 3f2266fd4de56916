"""Types within types, which Swagger 2 cannot describe all of."""

import numpy
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema

SAMPLE = {"rows": NumpyParameterType(numpy.array([[1, 2]])), "label": StandardPythonParameterType("a")}


def init():
    pass


@input_schema("inputs", StandardPythonParameterType(SAMPLE))
@output_schema(StandardPythonParameterType([1, "a"]))
def run(inputs):
    return [int(inputs["rows"].sum()), inputs["label"]]
