"""``python -m puncheon VERB``: what the Dockerfile's stages, the Makefile and the image's own scripts call."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from puncheon import __version__
from puncheon.errors import EXIT_CODE, PuncheonError

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""

# Modules are imported only when their verb is called: the running image has none of the builder's libraries.
VERBS: dict[str, tuple[str, str]] = {
    "prove": ("puncheon.proof.command", "start this image, score the model's own example, and record what was found"),
    "render": ("puncheon.render", "render the templates into a folder that stands for the image's root"),
    "apply": ("puncheon.apply", "check the run-time settings and write what the services read at start"),
    "build": ("puncheon.build", "build a model's image and show what matters of the log"),
    "container": ("puncheon.container", "run, score, prove and stop an image on this machine's engine"),
    "channel": ("puncheon.channel.cli", "make, extend or index the kit's local conda channel"),
    "document": ("puncheon.document", "bring the generated blocks of Dockerfile and README up to date"),
    "envfiles": ("puncheon.environment.envfiles", "write what a model's environment depends on, in one form"),
    "environment": ("puncheon.environment.install", "make a conda environment from its files, and check it"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code; a PuncheonError becomes one screen on stderr and exit code 2."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog="puncheon", description=__doc__)
    parser.add_argument("--version", action="version", version=f"puncheon {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, (module_name, help_text) in VERBS.items():
        verb = verbs.add_parser(name, help=help_text, description=help_text)
        if arguments[:1] == [name]:
            importlib.import_module(module_name).add_arguments(verb)
    parsed = parser.parse_args(arguments)
    try:
        return int(importlib.import_module(VERBS[parsed.verb][0]).run(parsed))
    except PuncheonError as error:
        sys.stdout.flush()
        print(error.report(), file=sys.stderr)
        return EXIT_CODE
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
