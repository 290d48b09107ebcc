"""The program: its commands, the options in front of a command, and its exit codes."""

from __future__ import annotations

import functools
import os
import sys
import traceback
import warnings
from collections.abc import Callable
from typing import Annotated, Any

import typer

from translation_job_guard._version import __version__
from translation_job_guard.cli import commands
from translation_job_guard.cli.groups import flattened
from translation_job_guard.errors import GuardError

__all__ = ["app", "run"]

app = typer.Typer(
    name="translation-job-guard",
    # Without rich's boxes: help is needed most where a terminal is narrow, and has to come at once.
    rich_markup_mode=None,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
)


def run() -> None:
    """Run the command line; raises SystemExit with its exit code."""
    # Warnings of libraries are for programmers, not for readers of the output. `python -W` still shows them.
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(_interrupted())


def _ending(command: Callable[..., int]) -> Callable[..., None]:
    """Wrap a command so that it exits with the code that it returns, or prints one sentence if it fails."""

    @functools.wraps(command)
    def ends(**values: Any) -> None:
        from translation_job_guard.cli.streams import abandon_stdout, say

        try:
            code = command(**values)
        except GuardError as error:
            say(f"Error: {error}")
            code = 2
        except KeyboardInterrupt:
            code = _interrupted()
        except BrokenPipeError:
            abandon_stdout()
            code = 2
        except Exception as error:
            # Exit code 1 means findings, so an unexpected error must not use it, as Python would.
            say("".join(traceback.format_exception(error)))
            say("Error: this is a bug in translation-job-guard; please report it with the lines above.")
            code = 2
        raise typer.Exit(code)

    return ends


def _interrupted() -> int:
    from translation_job_guard.cli.streams import say

    say("Interrupted.")
    return 130


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"translation-job-guard {__version__}")
        raise typer.Exit


def _change_directory(directory: str | None) -> None:
    if directory is not None:
        try:
            os.chdir(directory)
        except OSError as error:
            raise typer.BadParameter(f"{directory}: {error.strerror or error}") from error


@app.callback()
def _root(
    _show_version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Show the release and exit.")
    ] = False,
    _directory: Annotated[
        str | None,
        typer.Option(
            "--cwd",
            "-C",
            metavar="DIRECTORY",
            callback=_change_directory,
            is_eager=True,
            help="Run as if started there.",
        ),
    ] = None,
) -> None:
    """Show which translation jobs are running and whose they are, and stop them.

    No infrastructure is tied to Amazon Translate jobs and Azure Document Translation batches: a destroy deletes the
    role, bucket or account that running jobs need, unless a guard stops the jobs first.

    \b
    Examples:
      translation-job-guard scan --region eu-west-1       # what is in flight there
      translation-job-guard plan                          # what destroying this stack would stop
      translation-job-guard orphans                       # jobs that belong to no live stack
      translation-job-guard cancel --job-name-prefix pr-17- --yes

    \b
    Exit codes: 0 nothing found or all done, 1 findings, 2 not known or bad usage, 130 interrupted.
    """


for _command, _summary in (
    (commands.scan, "Show what is in flight, and where."),
    (commands.plan, "Show what a destroy or an update stops and orphans."),
    (commands.orphans, "Show jobs that no live stack covers."),
    (commands.cancel, "Stop jobs by hand, as a guard does."),
    (commands.doctor, "Check whether guards can work from here."),
    (commands.emulator, "Run both services on this machine."),
):
    app.command(short_help=_summary)(_ending(flattened(_command)))

policy = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Write a policy pack, or check its configuration.",
)
policy.command("init")(_ending(flattened(commands.policy_init)))
policy.command("check-config")(_ending(flattened(commands.policy_check_config)))
app.add_typer(policy, name="policy")
