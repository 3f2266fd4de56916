# The front door.  `make help` lists what it can do.

ARTIFACT_PATH ?= artifacts/iris_model#       folder of the MLflow model, inside CONTEXT
BASE_PATH     ?= .#                          this kit's folder, inside CONTEXT
CONTEXT       ?= .#                          the build context
IMAGE         ?= puncheon/iris_model:latest# name of the image
NAME          ?= puncheon#                   name of the container
PORT          ?= 5000#                       nginx's port on this machine
GUNICORN_PORT ?= 31311#                      gunicorn's port on this machine
BODY          ?= input_example.json#         what `make score` sends
BUILD_ARGS    ?=#                            more for build, for instance "--build-arg WORKER_TIMEOUT=600"
RUN_ARGS      ?=#                            more for run and proof, for instance "-e WORKER_COUNT=2 --memory 2g"
TEST_ARGS     ?=#                            more for pytest
BENCH_ARGS    ?=#                            more for bench, for instance "--quick" or "--parts resources"

VENV     := .venv
PUNCHEON := $(VENV)/bin/python -m puncheon
# The client is looked up when a recipe needs it, not when the Makefile is read.
DOCKER    = $(shell scripts/engine --client)

.DEFAULT_GOAL := help
.PHONY: help demo build run shell logs score proof stop test bench lint lock render engine base channel model venv clean

help: ## list the targets and variables
	@echo "Targets:"
	@sed -n 's/^\([a-z]*\):.*## /  \1\t/p' $(MAKEFILE_LIST) | expand -t 14
	@echo "Variables (make build ARTIFACT_PATH=...):"
	@sed -n 's/^\([A-Z_]*\) *?= *\([^#]*\)# */  \1\t\2\t/p' $(MAKEFILE_LIST) | expand -t 18,46

demo: ## set up all that is missing, build the demo model's image, run it, score on both ports
	@scripts/demo

build: venv ## build IMAGE from ARTIFACT_PATH
	@$(PUNCHEON) build "$(strip $(ARTIFACT_PATH))" --base-path "$(strip $(BASE_PATH))" --context "$(strip $(CONTEXT))" \
		--tag $(IMAGE) $(BUILD_ARGS)

run: venv ## run IMAGE in the background and wait until it is ready
	@$(PUNCHEON) container run $(IMAGE) --name $(NAME) --port $(PORT) --gunicorn-port $(GUNICORN_PORT) $(RUN_ARGS)

shell: ## open a shell in the running container
	@$(DOCKER) exec -it $(NAME) /bin/bash

logs: ## follow the container's log
	@$(DOCKER) logs --follow $(NAME)

score: venv ## send BODY to both ports and show the answers
	@$(PUNCHEON) container score "$(strip $(BODY))" --port $(PORT) --gunicorn-port $(GUNICORN_PORT)

proof: venv ## show the proof that IMAGE holds; with RUN_ARGS, prove it again in a real container
	@$(PUNCHEON) container proof $(IMAGE) $(RUN_ARGS)

stop: venv ## stop and remove the container
	@$(PUNCHEON) container stop --name $(NAME)

test: venv engine base channel model ## run all tests
	@$(VENV)/bin/python -m pytest --numprocesses 2 --dist loadgroup $(TEST_ARGS)

bench: venv engine base channel model ## measure beside other servers, about an hour: docs/benchmarks.md
	@$(VENV)/bin/python -W ignore -m bench $(BENCH_ARGS)

lock: venv ## lock requirements/*.in anew, with hashes and without addresses
	@for name in dev tools amlenv; do $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.10 \
		--generate-hashes --no-emit-index-url --no-header --upgrade requirements/$$name.in -o requirements/$$name.txt; done
	@$(VENV)/bin/uv pip compile --quiet --python-version 3.8 --generate-hashes --no-emit-index-url --no-header --upgrade \
		requirements/fallback.in -o requirements/fallback.txt

lint: venv ## ruff, mypy, shellcheck, hadolint
	@scripts/lint

render: venv ## bring the generated blocks up to date and show the rendered files in build/rendered
	@$(PUNCHEON) document
	@$(PUNCHEON) render --all build/rendered

engine: ## find a container engine, or install and start one (as root, with apt)
	@scripts/engine

base: engine ## make a stand-in for the base image where no registry answers
	@scripts/base

channel: venv base ## make a local conda channel where no conda channel answers
	@scripts/channel

model: venv ## train and save the demo model
	@[ -e artifacts/iris_model/MLmodel ] || $(VENV)/bin/python examples/iris.py --output artifacts/iris_model

venv:
	@scripts/venv $(VENV)

clean: ## remove what was made here (not the caches, not the images)
	rm -rf $(VENV) artifacts build .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
