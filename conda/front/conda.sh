# shellcheck shell=sh
# Defines `conda activate` and `conda deactivate` for bash, dash and zsh, also under `set -eu`.
# Source it in a script before either; interactive and login shells have it already.

: "${CONDA_EXE:=/opt/miniconda/bin/conda}"
export CONDA_EXE

conda() {
    case "${1-} ${*}" in
        *' -h' | *' -h '* | *' --help'*) "$CONDA_EXE" "$@" ;;
        'activate '* | 'deactivate '*)
            # An assignment is the one place where a failure of the program reaches `||`.
            __conda_lines=$(PS1="${PS1-}" "$CONDA_EXE" shell.posix "$@") || return
            eval "$__conda_lines"
            unset __conda_lines
            # Commands may now be found elsewhere on PATH.
            hash -r
            ;;
        *) "$CONDA_EXE" "$@" ;;
    esac
}

if [ -z "${CONDA_SHLVL-}" ]; then
    export CONDA_SHLVL=0
    export PATH="${CONDA_EXE%/bin/conda}/condabin${PATH:+:$PATH}"
fi
