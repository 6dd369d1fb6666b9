"""The command ``pipeline``, with one module for each subcommand.

Subcommands are imported only when they are called, so that ``--help`` stays fast.
"""

import importlib
import os
import sys
import traceback
import warnings
from contextlib import suppress
from typing import NoReturn

import click

from diascope.cli.command_line import typed_command
from diascope.cli.interruption import end_interrupted, interruptible
from diascope.cli.streams import (
    escape_unencodable,
    ignore_write_errors,
    open_closed_streams,
    redirect_to_null,
)
from diascope.errors import DiascopeError
from diascope.library_warnings import once_formatter

_VERBS = {
    "run": "Classify pictures with a recipe and write the reports.",
    "check": "Check recipe, plugins, weights and inputs before a run.",
    "train": "Train a classifier from a table of labelled pictures.",
    "evaluate": "Evaluate a recipe on a table of labelled pictures.",
    "explain": "Show how a model comes to its answer for one picture.",
    "quantise": "Quantise a network to int8, calibrated on your pictures.",
    "models": "List the installed models, or show a model's card.",
    "plugins": "List the installed plugins and their errors.",
    "doctor": "Show what is installed, what is missing, and how to install it.",
    "completion": "Print the shell completion script.",
}

_WRITING = ("run", "train", "evaluate", "explain", "quantise")
"""Verbs whose results are files: they continue even if their output cannot be printed."""

_EPILOG = """\b
Start here:
  pipeline run derm.yaml                            the recipe's own examples
  pipeline run derm.yaml photos/ --output results/  your pictures
  pipeline check derm.yaml photos/                  before a long run
  pipeline models list                              what is installed

\b
Exit codes: 0 all ok; 1 some items failed; 2 recipe, plugin or weights are wrong,
nothing was run; 3 stopped early; 130 interrupted (run, train and evaluate can resume).

Not a medical device: for research only.
"""


class _Verbs(click.Group):
    """A click group that imports each subcommand when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            return None
        module = importlib.import_module(f"diascope.cli.{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_VERBS.items()))


@click.command(cls=_Verbs, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="diascope", prog_name="pipeline")
def pipeline() -> None:
    """Classify medical images with convolutional networks, and show what they saw."""


@interruptible()
def main() -> None:
    """Run the command line; a ``DiascopeError`` becomes one message and exit code 2."""
    try:
        _run_command()
    except SystemExit as end:
        if end.code:
            _leave_process_group(end.code)
        raise


def _leave_process_group(code: int | str) -> None:
    """End this process at once if it failed while it was training together with others.

    At a normal exit, NCCL waits for calls that the others will never finish.
    """
    torch = sys.modules.get("torch")
    if torch is None or not torch.distributed.is_available():
        return
    if torch.distributed.is_initialized():
        with suppress(OSError):
            sys.stdout.flush()
        os._exit(code if isinstance(code, int) else 1)


def _run_command() -> NoReturn:
    warnings.formatwarning = once_formatter()
    open_closed_streams()
    escape_unencodable()
    ignore_write_errors("stderr")
    verb = "".join(sys.argv[1:2])
    if verb in _WRITING:
        ignore_write_errors("stdout")
    color = False if os.environ.get("NO_COLOR") else None
    try:
        sys.exit(pipeline(prog_name="pipeline", color=color, standalone_mode=False))
    except DiascopeError as error:
        click.echo(f"pipeline: {error}{_temporary_hint(error)}", err=True)
        sys.exit(2)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        end_interrupted(verb, typed_command())
    except Exception as error:
        from diascope.output_errors import is_disk_full

        if isinstance(error, BrokenPipeError) and verb not in _WRITING:
            redirect_to_null(sys.stdout.fileno())  # for example `pipeline plugins list | head`
            sys.exit(1)
        if is_disk_full(error):
            redirect_to_null(sys.stdout.fileno())
            click.echo(f"pipeline: the disk is full: {error}", err=True)
            sys.exit(3)
        if hint := _temporary_hint(error):
            click.echo(f"pipeline: {error}{hint}", err=True)
            sys.exit(2)
        traceback.print_exc()  # exit code 1 would say that items failed
        click.echo("This is a fault in diascope. Finished work is kept.", err=True)
        sys.exit(3)


def _temporary_hint(error: Exception) -> str:
    """Return a hint if a library found no folder for temporary files, else an empty string."""
    missing = "No usable temporary directory" in str(error)  # the message of Python's tempfile
    return "\n  Set TMPDIR to a writable folder." if missing else ""
