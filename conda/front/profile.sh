# shellcheck shell=sh
# For interactive and login shells: `userenv` active, the `conda` function, the prompt.
# /etc/profile.d/ sources this in login shells, /etc/bash.bashrc and ~/.bashrc in interactive ones; again does nothing.

# A PATH without userenv was reset; a shell below one where another environment was activated keeps that one.
case ":$PATH:" in
    *:/opt/miniconda/envs/userenv/bin:*) __userenv_wanted=${CONDA_PREFIX-} ;;
    *) __userenv_wanted=/opt/miniconda/envs/userenv ;;
esac
if [ "$__userenv_wanted" = /opt/miniconda/envs/userenv ]; then
    # shellcheck source=conda/front/activate-userenv.sh
    . /opt/miniconda/etc/profile.d/userenv.sh
fi
unset __userenv_wanted

# shellcheck source=conda/front/conda.sh
. /opt/miniconda/etc/profile.d/conda.sh

if [ -n "${PS1-}" ] && [ -n "${CONDA_PROMPT_MODIFIER-}" ]; then
    case "$PS1" in
        *"$CONDA_PROMPT_MODIFIER"*) ;;
        *) PS1=$CONDA_PROMPT_MODIFIER$PS1 ;;
    esac
fi
