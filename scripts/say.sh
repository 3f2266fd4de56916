# Sourced by the scripts that people start: steps with their times, and errors that say what, where and what next.
# shellcheck shell=bash
#
#   step TEXT                a step begins (its time is kept)
#   note TEXT                a line below it
#   done_ [TEXT]             it ended: TEXT, and the time where that was more than 2 s
#   fail WHAT NEXT [WHERE]   three lines to stderr, and exit (with $exit_code, 2 where it is unset)
#
# Colour only on a terminal, and never where NO_COLOR is set.

say_bold='' say_red='' say_plain=''
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
    say_bold=$'\e[1m' say_red=$'\e[31m' say_plain=$'\e[0m'
fi
say_began=$SECONDS

step() {
    say_began=$SECONDS
    printf '%s==> %s%s\n' "$say_bold" "$1" "$say_plain"
}

note() {
    printf '    %s\n' "$1"
}

done_() {
    local took=$((SECONDS - say_began)) text=${1:-}
    if ((took > 2)); then text="${text:-done} ($took s)"; fi
    if [[ -n $text ]]; then note "$text"; fi
}

fail() {
    {
        printf '%serror: %s%s\n' "$say_red" "$1" "$say_plain"
        if [[ -n ${3:-} ]]; then printf 'where: %s\n' "$3"; fi
        printf 'next:  %s\n' "$2"
    } >&2
    exit "${exit_code:-2}"
}
