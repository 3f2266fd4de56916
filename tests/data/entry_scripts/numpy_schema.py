"""An array by name, with inference-schema."""

import numpy
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.schema_decorators import input_schema, output_schema

SAMPLE = numpy.array([[1.0, 2.0], [3.0, 4.0]])


def init():
    pass


@input_schema("input_data", NumpyParameterType(SAMPLE, enforce_shape=True))
@output_schema(NumpyParameterType(numpy.array([3.0, 7.0])))
def run(input_data):
    return input_data.sum(axis=1).tolist()
