"""A frame and a parameter with a default, with inference-schema, and the request's headers."""

import pandas
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema

SAMPLE = pandas.DataFrame({"a": [1, 2], "b": [0.5, 1.5]})


def init():
    pass


@input_schema("input_data", PandasParameterType(SAMPLE, orient="split"))
@input_schema("factor", StandardPythonParameterType(1.5))
@output_schema(StandardPythonParameterType({"sums": [1.5, 3.5], "client": "one"}))
def run(input_data, request_headers, factor=1.0):
    sums = (input_data["a"] + input_data["b"]) * factor
    return {"sums": sums.tolist(), "client": request_headers.get("X-Client")}
