# shellcheck shell=sh
# Makes `userenv` active in any POSIX shell, once: run scripts, the proof and shells source this.
# Works for any uid, on a read-only root, under `set -eu`; calls no program where there is nothing to call it for.

# The state that the image's ENV has, restored where a login shell, `su` or another environment has left it.
__userenv_restore() {
    export CONDA_SHLVL=2
    export CONDA_PREFIX=/opt/miniconda/envs/userenv
    export CONDA_PREFIX_1=/opt/miniconda
    export CONDA_DEFAULT_ENV=userenv
    export CONDA_PROMPT_MODIFIER='(userenv) '
    export CONDA_EXE=/opt/miniconda/bin/conda
    export CONDA_PYTHON_EXE=/opt/miniconda/bin/python
    export _CE_M=
    export _CE_CONDA=
    export LD_LIBRARY_PATH=/opt/miniconda/envs/userenv/lib:
    PATH=/opt/miniconda/envs/userenv/bin:/opt/miniconda/condabin:/opt/miniconda/envs/userenv/bin
    PATH=$PATH:/opt/miniconda/envs/amlenv/bin:/opt/miniconda/bin
    export PATH="$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    unset CONDA_STACKED_1 CONDA_STACKED_2
    __level=2
    while eval "[ -n \"\${CONDA_PREFIX_$__level-}\${CONDA_STACKED_$((__level + 1))-}\" ]"; do
        unset "CONDA_PREFIX_$__level" "CONDA_STACKED_$((__level + 1))"
        __level=$((__level + 1))
    done
    unset __level
}

# Sets the variables of `userenv` and runs its activate.d scripts.
# _USERENV_PATH is exported, so that no shell below does so again; it keeps the PATH that the scripts left.
__userenv_settle() {
    if [ -d "$CONDA_PREFIX/etc/conda/activate.d" ] || [ -d "$CONDA_PREFIX/etc/conda/env_vars.d" ] \
        || [ -e "$CONDA_PREFIX/conda-meta/state" ]; then
        __lines=$("$CONDA_EXE" shell.posix settle "$CONDA_PREFIX") || return
        eval "$__lines"
        unset __lines
    fi
    export _USERENV_PATH="$PATH"
}

# Libraries keep caches below HOME; where that cannot be written, they get a folder in /tmp that is this user's own.
__userenv_caches() {
    if [ -d "${HOME-}" ] && [ -w "$HOME" ]; then
        return 0
    fi
    export XDG_CACHE_HOME="${XDG_CACHE_HOME:-/tmp/cache-$(id -u)}"
    export MPLCONFIGDIR="${MPLCONFIGDIR:-$XDG_CACHE_HOME/matplotlib}"
    export NUMBA_CACHE_DIR="${NUMBA_CACHE_DIR:-$XDG_CACHE_HOME/numba}"
    export HF_HOME="${HF_HOME:-$XDG_CACHE_HOME/huggingface}"
}

__userenv() {
    if [ "${CONDA_PREFIX-}" != /opt/miniconda/envs/userenv ]; then
        # Another environment was active, for which userenv's deactivate.d scripts have run.
        unset _USERENV_PATH
        __userenv_restore
    else
        case ":$PATH:" in
            *:/opt/miniconda/envs/userenv/bin:*) ;;
            *)
                __userenv_restore
                PATH=${_USERENV_PATH:-$PATH}
                ;;
        esac
    fi
    __userenv_caches
    [ -n "${_USERENV_PATH-}" ] || __userenv_settle
}

__userenv
