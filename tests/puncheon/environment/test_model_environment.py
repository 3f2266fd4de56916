"""The environment that a model's folder asks for, from whichever of its files says so."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from puncheon.environment.model_environment import read_model_environment
from puncheon.environment.spec import EnvironmentSpec, PipOptions
from puncheon.errors import EnvironmentFileError
from puncheon.model_folder import ModelFolder

MODELS = Path(__file__).parents[2] / "data" / "models"
BAD = MODELS / "bad"

LOGGED = ("mlflow==3.17.2", "scikit-learn==1.9.1", "skops==0.16.0")


def environment_of(name: str) -> EnvironmentSpec:
    return read_model_environment(ModelFolder.read(MODELS / name))


def test_conda_yaml_comes_first() -> None:
    """Where both are there, conda.yaml is read, as MLflow's own default is."""
    expected = EnvironmentSpec(
        source="conda.yaml",
        channels=("conda-forge",),
        python="python 3.11.7.*",
        conda=("pip <=23.2.1",),
        requirements=LOGGED,
        imports=("mlflow.sklearn", "sklearn", "skops"),
    )
    assert expected == environment_of("logged_by_mlflow_3")


def test_python_env_is_read_where_there_is_no_conda_yaml() -> None:
    """Its build dependencies are installed with the rest, and the choice is told."""
    spec = environment_of("virtualenv_only")

    assert ("python_env.yaml", "python 3.11.7.*", ()) == (spec.source, spec.python, spec.conda)
    assert tuple(sorted((*LOGGED, "pip==23.2.1", "setuptools==65.5.0", "wheel"))) == spec.requirements
    assert ("MLmodel names conda.yaml, which is absent; python_env.yaml is used",) == spec.warnings


def test_mlmodel_may_name_another_file() -> None:
    """The name in MLmodel counts, not the custom one."""
    assert ("serving.yaml", LOGGED) == (
        environment_of("env_named_otherwise").source,
        environment_of("env_named_otherwise").requirements,
    )


def test_files_are_found_by_convention_where_mlmodel_names_none() -> None:
    """requirements.txt and MLmodel's Python make an environment, with a word on both."""
    spec = environment_of("env_named_nowhere")

    assert ("python 3.11.7.*", ("pip",), LOGGED) == (spec.python, spec.conda, spec.requirements)
    assert 2 == len(spec.warnings)


def test_pip_and_the_python_are_added_where_they_were_forgotten() -> None:
    """Without pip of its own, a shell in the environment would use another one's."""
    spec = environment_of("pip_forgotten")

    assert (("pip",), "python 3.11.7.*") == (spec.conda, spec.python)
    assert (
        "conda.yaml has a `pip:` list but no pip; pip is added",
        "conda.yaml names no Python version; MLmodel's 3.11.7 is used",
    ) == spec.warnings


def test_conda_packages_and_the_defaults_channel_are_kept() -> None:
    """An old model's conda packages stay conda's, and its channels keep their order."""
    spec = environment_of("logged_by_mlflow_1")

    assert (("defaults", "conda-forge"), ("pip", "scikit-learn 0.23.1.*")) == (spec.channels, spec.conda)


def test_everything_that_a_pip_list_refers_to_is_laid_out_flat() -> None:
    """`-r` within `-r`, constraints, wheels with extras and markers, indexes and variables arrive."""
    spec = environment_of("own_code")

    assert (
        './files/wheels/extra-2.0-py3-none-any.whl[fast] ; python_version >= "3.9"',
        "./files/wheels/helper-1.0-py3-none-any.whl",
        "mlflow-skinny==3.17.2",
        'pandas[parquet]>=2; python_version > "3.8"',
    ) == spec.requirements
    assert ("numpy<2.4",) == spec.constraints
    assert (
        PipOptions(extra_index_urls=("https://packages.example/simple",), find_links=("./files/wheels",))
        == spec.pip_options
    )
    assert {"OMP_NUM_THREADS": "1", "GREETING": "hello world"} == spec.variables
    assert {
        PurePosixPath("files/wheels") / name: MODELS / "own_code/wheels" / name
        for name in ("extra-2.0-py3-none-any.whl", "helper-1.0-py3-none-any.whl")
    } == spec.files


def test_a_loader_in_the_models_own_code_is_not_the_environments_to_import() -> None:
    """The model's code is on the path only when the model is loaded."""
    assert () == environment_of("own_code").imports


FAULTS = {
    "channels_as_text": ("`channels:` is the text `conda-forge`, not a list.", "conda.yaml, line 1, column 11"),
    "conda_yaml_a_list": ("conda.yaml is a list, not `key: value` pairs.", "conda.yaml, line 1, column 1"),
    "conda_yaml_absent": (
        "MLmodel names the environment file conda.yaml, which is not in the model's folder.",
        "{folder}",
    ),
    "conda_yaml_empty": ("conda.yaml is empty.", "{folder}/conda.yaml"),
    "conda_yaml_holds_itself": ("conda.yaml is nested too deeply, or holds itself.", "conda.yaml"),
    "conda_yaml_key_twice": ("`dependencies:` is there twice in conda.yaml.", "conda.yaml, line 4, column 1"),
    "conda_yaml_not_yaml": (
        "conda.yaml is not YAML: expected ',' or ']', but got ':'.",
        "conda.yaml, line 4, column 5",
    ),
    "conda_yaml_without_dependencies": ("conda.yaml has no `dependencies:`.", "conda.yaml, line 1, column 1"),
    "dependencies_as_text": (
        "`dependencies:` is the text `python=3.11`, not a list.",
        "conda.yaml, line 1, column 15",
    ),
    "dependency_malformed": (
        "`numpy=>1.20` is no conda package: unable to parse version spec: =>1.20.",
        "conda.yaml, line 3, column 5",
    ),
    "dependency_of_npm": ("`npm:` is no entry that conda takes.", "conda.yaml, line 3, column 5"),
    "dependency_without_name": (
        "`3.11` is no conda package: it names no package.",
        "conda.yaml, line 2, column 5",
    ),
    "no_environment_file": (
        "Nothing says which environment the model needs: MLmodel names no file, and there is none.",
        "{folder}",
    ),
    "pip_entry_a_mapping": ("An entry of `pip:` is `key: value` pairs, not text.", "conda.yaml, line 5, column 9"),
    "pip_entry_absolute_wheel": (
        "`/dbfs/wheels/helper-1.0-py3-none-any.whl`: it is a path of the machine that the model was logged on.",
        "conda.yaml, line 5, column 9",
    ),
    "pip_entry_editable": (
        "`-e ./package`: an editable install points at a folder that the image does not have; write it without `-e`.",
        "conda.yaml, line 5, column 9",
    ),
    "pip_entry_from_another_machine": (
        "`numpy @ file:///home/conda/feedstock_root/numpy_1700000000000/work`: "
        "it is a path of the machine that the model was logged on.",
        "conda.yaml, line 5, column 9",
    ),
    "pip_entry_malformed": (
        "`numpy==`: Expected semicolon (after name with no version specifier) or end.",
        "conda.yaml, line 5, column 9",
    ),
    "pip_entry_with_condas_pin": (
        "`numpy=1.26.4`: pip pins with `==`, conda with `=`.",
        "conda.yaml, line 5, column 9",
    ),
    "pip_folder_not_a_package": (
        "`./code`: the folder has neither pyproject.toml nor setup.py, so pip cannot install it.",
        "conda.yaml, line 5, column 9",
    ),
    "pip_list_not_indented": ("`pip:` has nothing under it.", "conda.yaml, line 3, column 5"),
    "pip_option_unknown": (
        "`--no-deps`: an environment file cannot hold this option.",
        "conda.yaml, line 5, column 9",
    ),
    "pip_wheel_absent": ("`./wheels/helper-1.0-py3-none-any.whl`: is not there.", "conda.yaml, line 5, column 9"),
    "pip_wheel_outside": (
        "`../../logged_by_mlflow_3/requirements.txt.whl`: "
        "lies outside of the model's folder, so the build does not see it.",
        "conda.yaml, line 5, column 9",
    ),
    "python_env_of_wrong_shape": (
        "python_env.yaml has no place for `packages:`.",
        "python_env.yaml, line 3, column 1",
    ),
    "python_env_version_malformed": ("`three` is no Python version.", "python_env.yaml"),
    "python_named_nowhere": (
        "Nothing says which Python the model needs.",
        "neither conda.yaml nor MLmodel's python_version",
    ),
    "python_twice": ("`python 3.11.*` and `python 3.10.*` are both asked for.", "conda.yaml, line 3, column 5"),
    "requirements_absent": ("`-r requirements.txt`: is not there.", "conda.yaml, line 5, column 9"),
    "requirements_from_network": (
        "`-r https://packages.example/requirements.txt`: "
        "a file from the network can change between builds; copy it into the model's folder.",
        "conda.yaml, line 5, column 9",
    ),
    "requirements_in_a_circle": ("`-r a.txt`: the files name each other in a circle.", "b.txt, line 2"),
    "requirements_malformed": (
        "`pandas=2.2`: pip pins with `==`, conda with `=`.",
        "requirements.txt, line 3",
    ),
    "variables_a_list": ("`variables:` is a list, not `key: value` pairs.", "conda.yaml, line 4, column 3"),
}


@pytest.mark.parametrize(("folder", "what", "where"), [(name, *said) for name, said in FAULTS.items()], ids=FAULTS)
def test_an_environment_file_of_the_wrong_shape_is_refused(folder: str, what: str, where: str) -> None:
    """The message names the entry, its file and line, and what to do."""
    model = ModelFolder.read(BAD / folder)

    with pytest.raises(EnvironmentFileError) as caught:
        read_model_environment(model)

    place = str(BAD / folder)
    assert (what, where.format(folder=place)) == (caught.value.what, caught.value.where)
    assert caught.value.next
    assert len(caught.value.report(80).splitlines()) <= 24


def test_every_bad_folder_has_its_test() -> None:
    """A folder under bad/ that nothing asserts on would prove nothing."""
    from tests.puncheon.test_model_folder import FAULTS as MODEL_FAULTS

    assert sorted(path.name for path in BAD.iterdir()) == sorted({*FAULTS, *MODEL_FAULTS})
