# Sourced by every run script and by the entrypoint: where run-time files lie, and how a service begins.
# shellcheck shell=sh

runtime=/tmp/puncheon

# Run a verb of the kit in amlenv; the model's libraries must not reach amlenv's Python.
kit() {
    env -u LD_LIBRARY_PATH PYTHONPATH=/opt/puncheon "$CONDA_ENV_DIR/amlenv/bin/python" -s -m puncheon "$@"
}

# begin SERVICE: the finished settings, and a file whose content is the service's process group and whose
# time is its start.  `chpst -P` then makes this very process the leader of that group.
begin() {
    exec 2>&1
    [ -e "$runtime-settings.sh" ] || kit apply
    # shellcheck disable=SC1090,SC1091
    . "$runtime-settings.sh"
    echo $$ > "$runtime-$1.group"
}
