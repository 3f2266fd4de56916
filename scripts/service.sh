# Sourced by every run script and by the entrypoint: where run-time files lie, and how a service begins.
# shellcheck shell=sh

runtime=/tmp/puncheon

# Run a verb of the kit in amlenv; the model's libraries must not reach amlenv's Python.
kit() {
    env -u LD_LIBRARY_PATH PYTHONPATH=/opt/puncheon "$CONDA_ENV_DIR/amlenv/bin/python" -s -m puncheon "$@"
}

# begin SERVICE: the finished settings, and a file that holds the service's process group and the count of processes
# killed for want of memory, and whose time is the start.  `chpst -P` then makes this very process the group's leader.
begin() {
    exec 2>&1
    [ -e "$runtime-settings.sh" ] || kit apply
    # shellcheck disable=SC1090,SC1091
    . "$runtime-settings.sh"
    echo $$ "$(memory_kills)" > "$runtime-$1.group"
}

# How many processes of this container the kernel has killed for want of memory (control groups v2, then v1).
memory_kills() {
    sed -n 's/^oom_kill //p' /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control 2> /dev/null | head -n 1
}
