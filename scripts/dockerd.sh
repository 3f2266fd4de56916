# Sourced by engine: starts the Docker daemon and waits until it answers, whatever an earlier one left behind.
# It ends no process that it did not start itself.
# shellcheck shell=bash

# Where the daemon keeps what, and how clients reach it: Docker's own places, or one folder for a daemon of its own.
if [[ -n ${PUNCHEON_ENGINE_ROOT:-} ]]; then
    exec_root=$PUNCHEON_ENGINE_ROOT/run
    pid_file=$PUNCHEON_ENGINE_ROOT/docker.pid
    daemon_log=$PUNCHEON_ENGINE_ROOT/dockerd.log
    apt_log=$PUNCHEON_ENGINE_ROOT/apt.log
    daemon_places="--data-root=$PUNCHEON_ENGINE_ROOT/data --exec-root=$exec_root --pidfile=$pid_file
        --host=unix://$PUNCHEON_ENGINE_ROOT/docker.sock"
    export DOCKER_HOST=unix://$PUNCHEON_ENGINE_ROOT/docker.sock
    unset DOCKER_CONTEXT
else
    exec_root=/var/run/docker
    pid_file=/var/run/docker.pid
    daemon_log=/var/log/puncheon-dockerd.log
    apt_log=/var/log/puncheon-apt.log
    daemon_places=
fi

start_daemon() {
    local lock=${pid_file%.pid}-start.lock
    mkdir -p "$(dirname "$pid_file")" "$(dirname "$daemon_log")"
    # Of two that start at once the second waits, and finds the engine answering.
    exec 9> "$lock"
    flock 9
    if daemon_answers; then return; fi
    step "starting the Docker daemon (log: $daemon_log)"
    need_iptables
    if daemon_lives; then
        note "process $(cat "$pid_file") is one already: waiting for it"
        wait_for_daemon "$(cat "$pid_file")" || give_up "The Docker daemon (process $(cat "$pid_file")) runs but does not answer."
    else
        forget_dead "$pid_file" dockerd
        adopt_containerd || forget_dead "$exec_root/containerd/containerd.pid" containerd
        launch
    fi
    exec 9>&-
    done_ "answers"
}

launch() {
    local daemon
    if uses_systemd; then
        # It may have given up on the pid file that was in the way.
        systemctl reset-failed docker 2> /dev/null || true
        if ! systemctl start docker 2> /dev/null; then
            journalctl --unit docker --lines 50 --output cat > "$daemon_log" 2> /dev/null || true
            give_up "systemd could not start the Docker daemon."
        fi
        daemon=$(systemctl show --property MainPID --value docker)
    else
        mount_cgroups
        if [[ -e $daemon_log ]]; then mv -f "$daemon_log" "$daemon_log.1"; fi
        # A session of its own, so that neither Ctrl-C nor the end of the terminal reaches it; and without the lock.
        # shellcheck disable=SC2086 # arguments are split at spaces
        setsid dockerd $daemon_places ${PUNCHEON_DOCKERD_ARGS:-} > "$daemon_log" 2>&1 < /dev/null 9>&- &
        daemon=$!
    fi
    if ! wait_for_daemon "$daemon"; then
        if ! lives "$daemon"; then give_up "The Docker daemon does not start."; fi
        if ! uses_systemd; then end_own "$daemon"; fi
        give_up "The Docker daemon did not answer within ${PUNCHEON_ENGINE_WAIT:-60} s."
    fi
}

# end_own PID: the daemon that we started and that did not come up.
end_own() {
    local began=$SECONDS
    kill -TERM "$1" 2> /dev/null || true
    while lives "$1"; do
        if ((SECONDS - began >= 10)); then kill -KILL "$1" 2> /dev/null || true; fi
        sleep 0.2
    done
}

uses_systemd() { [[ -d /run/systemd/system && -z ${PUNCHEON_ENGINE_ROOT:-} ]]; }

# wait_for_daemon PID: until it answers; false when it has ended or the time is over.
wait_for_daemon() {
    local began=$SECONDS told=0 took
    while ! daemon_answers; do
        took=$((SECONDS - began))
        if ! lives "$1" || ((took >= ${PUNCHEON_ENGINE_WAIT:-60})); then return 1; fi
        if ((took >= told + 5)); then
            told=$took
            note "not yet ($took s)"
        fi
        sleep 0.2
    done
}

# Without a client too, as between the installation of the two.
daemon_answers() {
    local client
    client=$(first_client) && [[ -n $client ]] && within 5 "$client" version > /dev/null 2>&1
}

daemon_lives() {
    [[ -s $pid_file ]] && is_process "$(cat "$pid_file")" dockerd
}

# lives PID: one that was killed and not yet collected by its parent does not.
lives() {
    [[ $1 =~ ^[0-9]+$ ]] && grep -qs '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$1/status"
}

# is_process PID NAME: a number may by now be another program's.
is_process() {
    lives "$1" && [[ $(cat "/proc/$1/comm" 2> /dev/null) == "$2" ]]
}

# forget_dead FILE NAME: remove a pid file whose process is gone or another program: dockerd takes any living process
# for its predecessor and refuses.
forget_dead() {
    local pid
    if [[ ! -e $1 ]]; then return; fi
    pid=$(head -c 20 "$1")
    if is_process "$pid" "$2"; then return; fi
    note "removing $1, left by a daemon that is gone (process ${pid:-?})"
    rm -f "$1"
}

# adopt_containerd: a containerd that outlived its dockerd holds the data, so the next daemon must use it.  Left to itself
# dockerd 20.10 would remove its socket and then wait for it.
adopt_containerd() {
    local folder=$exec_root/containerd process arguments
    for process in /proc/[0-9]*; do
        process=${process#/proc/}
        if ! is_process "$process" containerd; then continue; fi
        arguments=$(tr '\0' ' ' 2> /dev/null < "/proc/$process/cmdline" || true)
        if [[ $arguments != *"--config $folder/containerd.toml "* ]]; then continue; fi
        if [[ ! -S $folder/containerd.sock ]]; then
            exit_code=4 fail "A containerd that outlived its daemon holds the data, and cannot be reached." \
                "kill $process, then make engine" "process $process"
        fi
        note "containerd outlived its daemon (process $process): going on with it"
        daemon_places+=" --containerd=$folder/containerd.sock"
        return
    done
    return 1
}

# Container networks are made of iptables rules.
need_iptables() {
    if has iptables || [[ ${PUNCHEON_DOCKERD_ARGS:-} == *--iptables=false* ]]; then return; fi
    note "iptables is missing: installing it"
    if has apt-get; then apt_install "$apt_log" iptables || note "$(apt_cause "$apt_log")"; fi
    if ! has iptables; then
        exit_code=3 fail "iptables is missing, and Docker makes container networks with it." \
            "install this system's iptables package, then make engine" "dockerd"
    fi
}

# A machine without systemd may have none; dockerd refuses to run without.
mount_cgroups() {
    if grep -q ' cgroup2\? ' /proc/self/mounts; then return; fi
    note "no cgroups are mounted: mounting them at /sys/fs/cgroup"
    mount -t cgroup2 cgroup2 /sys/fs/cgroup || note "that failed; the daemon will say more"
}

give_up() {
    local cause
    cause=$(daemon_cause "$daemon_log")
    exit_code=4 fail "$1" "$(remedy "$cause")" "${cause:-$daemon_log}"
}

# daemon_cause LOG: the daemon's last word, without time and level.
daemon_cause() {
    { grep -E '^failed to|^Status:|level=fatal|level=error' "$1" || tail -n 1 "$1"; } 2> /dev/null | tail -n 1 \
        | sed -e 's/^time=.* msg="\(.*\)".*$/\1/' -e 's/\\"/"/g' | cut -c 1-400 || true
}

# remedy CAUSE: what helps against the causes that are known.
remedy() {
    case $1 in
        *iptables* | *nf_tables* | *"Permission denied (you must be root)"*)
            echo "update-alternatives --set iptables /usr/sbin/iptables-legacy, then make engine; in a container: run it --privileged" ;;
        *"ermission denied"* | *"not permitted"*)
            echo "in a container: run it --privileged, or export DOCKER_HOST to use another engine" ;;
        *cgroup*) echo "mount cgroups (apt-get install cgroupfs-mount && cgroupfs-mount), then make engine" ;;
        *"no space left"*) echo "free space, or PUNCHEON_DOCKERD_ARGS=--data-root=<folder on a larger disk> make engine" ;;
        *) echo "see $daemon_log; when it is mended: make engine" ;;
    esac
}
