"""The commands and their help. Everything that takes time to import is imported when a command runs."""

from __future__ import annotations

import functools
import os
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, ParamSpec

import typer

from translation_job_guard._version import __version__
from translation_job_guard.cli import completion
from translation_job_guard.cli import options as o
from translation_job_guard.errors import GuardError, InvalidArgument
from translation_job_guard.guard.environment import RECEIPTS, TIMEOUT
from translation_job_guard.guard.properties import DEFAULTS
from translation_job_guard.jobs import AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION
from translation_job_guard.teardown.schedule import FASTEST_POLL

__all__ = ["app", "run"]

_P = ParamSpec("_P")

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
    # What libraries warn of is for their programmers, and no output of a command. `python -W` still shows it.
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(_interrupted())


def _command(work: Callable[_P, int]) -> Callable[_P, None]:
    """A command that ends with the exit code that ``work`` returns, and with a sentence where it fails."""

    @functools.wraps(work)
    def command(*args: _P.args, **kwargs: _P.kwargs) -> None:
        from translation_job_guard.cli.output import abandon_stdout, say

        try:
            code = work(*args, **kwargs)
        except GuardError as error:
            say(f"Error: {error}")
            code = 2
        except KeyboardInterrupt:
            code = _interrupted()
        except BrokenPipeError:
            abandon_stdout()
            code = 2
        except Exception as error:
            # Exit code 1 means findings, so a mistake of this program must not end with it as Python would.
            say("".join(traceback.format_exception(error)))
            say("Error: this is a mistake in translation-job-guard: please report it with the lines above.")
            code = 2
        raise typer.Exit(code)

    return command


def _interrupted() -> int:
    from translation_job_guard.cli.output import say

    say("Interrupted.")
    return 130


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"translation-job-guard {__version__}")
        raise typer.Exit


def _change_directory(directory: Path | None) -> None:
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
        Path | None,
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
    """What translation jobs are running, whose they are, and what a destroy would stop.

    Amazon Translate jobs and Azure Document Translation batches are tied to no infrastructure: a destroy takes away the
    role, bucket or account under running jobs, unless a guard stops them first.

    \b
    Examples:
      translation-job-guard scan --region eu-west-1       # what is in flight there
      translation-job-guard plan                          # what destroying this stack would stop
      translation-job-guard orphans                       # what no stack answers for
      translation-job-guard cancel --job-name-prefix pr-17- --yes

    \b
    Exit codes: 0 nothing found or all done, 1 findings, 2 could not tell or bad usage, 130 interrupted.
    """


@app.command(short_help="Show what is in flight, and where.")
@_command
def scan(
    region: o.Region = None,
    all_regions: o.AllRegions = False,
    endpoint: o.Endpoint = None,
    data_access_role_arn: o.RoleArns = None,
    s3_uri_prefix: o.S3Prefixes = None,
    job_name_prefix: o.NamePrefixes = None,
    job_id: o.JobIds = None,
    submitted_after: o.SubmittedAfter = None,
    translation_id: o.TranslationIds = None,
    container_url: o.ContainerUrls = None,
    source_container_url: o.SourceContainerUrls = None,
    target_container_url: o.TargetContainerUrls = None,
    created_after: o.CreatedAfter = None,
    locate: Annotated[
        bool,
        typer.Option(
            "--locate",
            help="Look up the containers of every Azure batch, one request each; up to 100 batches it is done anyway.",
        ),
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Look again and again, until nothing is in flight or Ctrl-C.")
    ] = False,
    every: Annotated[str, typer.Option(metavar="DURATION", help="With --watch: from one look to the next.")] = "5s",
    profile: o.Profile = None,
    assume_role_arn: o.AssumeRole = None,
    endpoint_url: o.EndpointUrl = None,
    key_env: o.KeyEnv = DEFAULTS["key_env"],
    account_resource_id: o.AccountResourceId = None,
    api_version: o.ApiVersion = DEFAULTS["api_version"],
    timeout: o.Timeout = "60s",
    output: o.Output = None,
    verbose: o.Verbose = False,
) -> int:
    """Show what is in flight: which jobs, where, for how long, and what they read and write.

    Looks at all places at once. Without --region, --all-regions or --endpoint the environment names the places.
    A place that cannot be looked at is a row of its own, and makes the exit code 2. Selectors narrow the jobs: all
    kinds given must match, any value of a kind suffices.

    \b
    Examples:
      translation-job-guard scan --all-regions
      translation-job-guard scan --region eu-west-1 --region us-east-1 --job-name-prefix pr-17-
      translation-job-guard scan --endpoint https://name.cognitiveservices.azure.com/
      translation-job-guard scan --region eu-west-1 --watch
      translation-job-guard scan --output json | jq '.jobs[].id'
      translation-job-guard scan --all-regions --output html=jobs.html --output markdown=jobs.md

    \b
    Exit codes: 0 nothing in flight, 1 jobs in flight, 2 a place could not be looked at, 130 interrupted.
    """
    from translation_job_guard.cli.output import Format, emit, sinks
    from translation_job_guard.cli.scan import ScanResult, scan_places
    from translation_job_guard.cli.scan import scan as look

    to = sinks(output)
    _be_verbose(verbose)
    selectors = o.Selectors(
        data_access_role_arn,
        s3_uri_prefix,
        job_name_prefix,
        job_id,
        submitted_after,
        translation_id,
        container_url,
        source_container_url,
        target_container_url,
        created_after,
    )
    access = o.Access(profile, assume_role_arn, endpoint_url, key_env, account_resource_id, api_version)
    places, notes = scan_places(region or (), all_regions, endpoint or (), selectors, access)
    limit = o.seconds("--timeout", timeout)

    def scanned() -> ScanResult:
        return look(places, timeout=limit, locate_all=locate, notes=notes)

    if watch:
        from translation_job_guard.cli.watch import watch as keep_looking

        if any(sink.path is None and sink.format is not Format.TABLE for sink in to):
            raise InvalidArgument("--watch draws a table on standard output: write other formats as FORMAT=FILE.")
        interval = max(o.seconds("--every", every), FASTEST_POLL)
        result = keep_looking(scanned, interval, key_env)
        to = [sink for sink in to if sink.path is not None]
    else:
        result = scanned()
    emit(result, to, [key_env])
    return result.exit_code


@app.command(short_help="Show what a destroy or an update stops and orphans.")
@_command
def plan(
    stack: o.StackNames = None,
    state: o.StateFiles = None,
    preview: Annotated[
        str | None,
        typer.Option(
            "--preview",
            metavar="FILE|-",
            help="What `pulumi preview --json --show-sames` printed: show what that update stops and orphans.",
        ),
    ] = None,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-on",
            metavar="orphaned|stopped",
            help="What makes the exit code 1; repeatable. [default: orphaned with --preview, both without]",
        ),
    ] = None,
    region: Annotated[
        list[str] | None,
        typer.Option(
            metavar="REGION", help="AWS region to look at as well; repeatable.", autocompletion=completion.regions
        ),
    ] = None,
    endpoint: Annotated[
        list[str] | None, typer.Option(metavar="URL", help="Translator endpoint to look at as well; repeatable.")
    ] = None,
    profile: o.Profile = None,
    assume_role_arn: o.AssumeRole = None,
    endpoint_url: o.EndpointUrl = None,
    key_env: o.KeyEnv = DEFAULTS["key_env"],
    account_resource_id: o.AccountResourceId = None,
    api_version: o.ApiVersion = DEFAULTS["api_version"],
    timeout: o.Timeout = "60s",
    output: o.Output = None,
    verbose: o.Verbose = False,
) -> int:
    """Show which jobs a destroy, or an update, would stop and which it would orphan.

    Reads the stack's state and looks where its guards work, with their credentials from this environment, and where
    jobs could use its roles, buckets, containers and Translator resources: in the regions of its providers, in the
    environment's, and at its endpoints. Says of each guard whether it would be called at all, and which jobs no guard
    would stop.

    With --preview it does so for one update: guards and secrets come from the state, changes from the preview. Pulumi
    shows deletions to no policy pack, so this is the check to run on every pull request.

    \b
    Examples:
      translation-job-guard plan                                    # the current stack
      translation-job-guard plan --stack acme/shop/dev --stack acme/shop/pr-17
      pulumi stack export | translation-job-guard plan --state -
      translation-job-guard plan --output markdown=plan.md          # for the summary of a CI job
      pulumi preview --json --show-sames | translation-job-guard plan --preview -

    \b
    Exit codes: 0 it would stop and orphan nothing that --fail-on names, 1 it would, or a destroy would not call a
    guard, 2 not all of it could be told.
    """
    from translation_job_guard.cli import plan as impl
    from translation_job_guard.cli.output import emit, sinks
    from translation_job_guard.cli.stacks import given_stacks, read_text

    to = sinks(output)
    _be_verbose(verbose)
    access = o.Access(profile, assume_role_arn, endpoint_url, key_env, account_resource_id, api_version)
    limit = o.seconds("--timeout", timeout)
    try:
        chosen = [impl.Finding(one) for one in fail_on or ()]
    except ValueError:
        raise InvalidArgument("--fail-on: expected orphaned or stopped.") from None
    if preview is None:
        result = impl.plan(
            given_stacks(stack or (), state or ()),
            timeout=limit,
            regions=region or (),
            endpoints=endpoint or (),
            access=access,
            fail_on=chosen or tuple(impl.Finding),
        )
    else:
        from translation_job_guard.cli.preview import parse_preview

        if len(stack or ()) + len(state or ()) > 1:
            raise InvalidArgument("--preview: a preview is one of a single stack: give one --stack or --state.")
        if preview == "-" and "-" in (state or ()):
            raise InvalidArgument("--preview - and --state -: standard input can be read only once.")
        parsed = parse_preview(read_text(preview), "standard input" if preview == "-" else preview)
        [found] = given_stacks(stack or (), state or ())
        result = impl.plan_update(
            found,
            parsed,
            timeout=limit,
            regions=region or (),
            endpoints=endpoint or (),
            access=access,
            fail_on=chosen or (impl.Finding.ORPHANED,),
        )
    emit(result, to, [key_env, *{sight.connection.secret_env for sight in result.sights}])
    return result.exit_code


@app.command(short_help="Show jobs that no live stack answers for.")
@_command
def orphans(
    stack: Annotated[
        list[str] | None,
        typer.Option(
            "--stack",
            "-s",
            metavar="STACK",
            help="Stack that counts as live; repeatable. [default: all of the backend]",
            autocompletion=completion.stacks,
        ),
    ] = None,
    state: o.StateFiles = None,
    region: Annotated[
        list[str] | None,
        typer.Option(
            metavar="REGION", help="AWS region to look at as well; repeatable.", autocompletion=completion.regions
        ),
    ] = None,
    all_regions: o.AllRegions = False,
    endpoint: Annotated[
        list[str] | None, typer.Option(metavar="URL", help="Translator endpoint to look at as well; repeatable.")
    ] = None,
    profile: o.Profile = None,
    assume_role_arn: o.AssumeRole = None,
    endpoint_url: o.EndpointUrl = None,
    key_env: o.KeyEnv = DEFAULTS["key_env"],
    account_resource_id: o.AccountResourceId = None,
    api_version: o.ApiVersion = DEFAULTS["api_version"],
    timeout: o.Timeout = "60s",
    output: o.Output = None,
    verbose: o.Verbose = False,
) -> int:
    """Show jobs in flight that no guard of any live stack answers for, and whose they likely were.

    Reads every stack of the backend that pulumi is logged in to, or the ones that --stack and --state name, and looks
    where their guards look and where they have roles, buckets or Translator resources. Jobs whose role, bucket or
    container is known to be gone are orphaned too; not being permitted to know is not gone. While a stack or a guard
    cannot be read, no job that it might answer for is called orphaned.

    \b
    Examples:
      translation-job-guard orphans
      translation-job-guard orphans --all-regions --output markdown=orphans.md
      translation-job-guard orphans --state dev.json --state pr-17.json --region eu-west-1

    \b
    Exit codes: 0 no orphan, 1 orphans, 2 not all of it could be told.
    """
    from translation_job_guard.cli import orphans as impl
    from translation_job_guard.cli.output import emit, sinks
    from translation_job_guard.cli.stacks import all_stacks, given_stacks

    to = sinks(output)
    _be_verbose(verbose)
    access = o.Access(profile, assume_role_arn, endpoint_url, key_env, account_resource_id, api_version)
    limit = o.seconds("--timeout", timeout)
    regions = [*(region or ()), *(o.regions_of_service(profile) if all_regions else ())]
    stacks = given_stacks(stack or (), state or ()) if stack or state else all_stacks()
    places = impl.orphans_places(stacks, regions, endpoint or (), access)
    result = impl.orphans(stacks, places, timeout=limit)
    emit(result, to, [key_env, *{sight.connection.secret_env for sight in result.sights}])
    return result.exit_code


@app.command(short_help="Stop jobs by hand, as a guard does.")
@_command
def cancel(
    region: o.Region = None,
    endpoint: o.Endpoint = None,
    data_access_role_arn: o.RoleArns = None,
    s3_uri_prefix: o.S3Prefixes = None,
    job_name_prefix: o.NamePrefixes = None,
    job_id: o.JobIds = None,
    submitted_after: o.SubmittedAfter = None,
    whole_region: o.WholeRegion = False,
    translation_id: o.TranslationIds = None,
    container_url: o.ContainerUrls = None,
    source_container_url: o.SourceContainerUrls = None,
    target_container_url: o.TargetContainerUrls = None,
    created_after: o.CreatedAfter = None,
    whole_resource: o.WholeResource = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Stop them. Without it nothing is stopped.")] = False,
    receipts: Annotated[
        Path | None,
        typer.Option(
            "--receipts", metavar="DIRECTORY", envvar=RECEIPTS, help="Where to leave the receipt: JSON, Markdown, HTML."
        ),
    ] = None,
    grace_period: Annotated[
        str, typer.Option(metavar="DURATION", help="How long jobs may end by themselves first.")
    ] = "0s",
    timeout: Annotated[
        str, typer.Option(metavar="DURATION", envvar=TIMEOUT, help="After which it fails, with what is left in flight.")
    ] = DEFAULTS["timeout"],
    quiet_period: Annotated[
        str, typer.Option(metavar="DURATION", help="Between the two listings that have to show nothing.")
    ] = DEFAULTS["quiet_period"],
    undecided_timeout: Annotated[
        str,
        typer.Option(
            metavar="DURATION",
            help="How long each undecided Azure batch is waited for, once everything in scope has ended.",
        ),
    ] = DEFAULTS["undecided_timeout"],
    expected_account_id: Annotated[str | None, typer.Option(metavar="ID", help="Refuse any other AWS account.")] = None,
    profile: o.Profile = None,
    assume_role_arn: o.AssumeRole = None,
    endpoint_url: o.EndpointUrl = None,
    key_env: o.KeyEnv = DEFAULTS["key_env"],
    account_resource_id: o.AccountResourceId = None,
    api_version: o.ApiVersion = DEFAULTS["api_version"],
    output: o.Output = None,
    verbose: o.Verbose = False,
) -> int:
    """Stop jobs by hand, as a guard does when it is deleted: ask all of them, and wait until they have really ended.

    A dry run unless --yes is given. Selectors name the jobs: all kinds given must match, any value of a kind suffices.
    Without a selector everything would be stopped: that takes --whole-region or --whole-resource.

    \b
    Examples:
      translation-job-guard cancel --region eu-west-1 --job-name-prefix pr-17-
      translation-job-guard cancel --region eu-west-1 --job-name-prefix pr-17- --yes --receipts receipts/
      translation-job-guard cancel --translation-id 1b4a6f2e-5a0c-4d3e-9f57-8a3c2b1d0e4f --yes
      translation-job-guard cancel --endpoint https://name.cognitiveservices.azure.com/ --whole-resource --yes

    \b
    Exit codes: 0 nothing to stop, or all of it has ended; 1 a dry run found something to stop;
    2 not all has ended, could be looked at, or was found; 130 interrupted: what was asked to stop still stops.
    """
    from translation_job_guard.cli import cancel as impl
    from translation_job_guard.cli.output import emit, sinks

    to = sinks(output)
    _be_verbose(verbose)
    selectors = o.Selectors(
        data_access_role_arn,
        s3_uri_prefix,
        job_name_prefix,
        job_id,
        submitted_after,
        translation_id,
        container_url,
        source_container_url,
        target_container_url,
        created_after,
        whole_region,
        whole_resource,
    )
    properties = {
        "grace_period": grace_period,
        "timeout": timeout,
        "quiet_period": quiet_period,
        "expected_account_id": expected_account_id,
        "account_id": expected_account_id,
    }
    places = impl.cancel_places(
        region or (),
        endpoint or (),
        selectors,
        o.Access(profile, assume_role_arn, endpoint_url, key_env, account_resource_id, api_version),
        properties,
        undecided_timeout,
    )
    result = impl.cancel(places, receipts) if yes else impl.dry_run(places, timeout=o.seconds("--timeout", timeout))
    emit(result, to, [key_env])
    return result.exit_code


@app.command(short_help="Check whether guards can work from here.")
@_command
def doctor(
    region: o.Region = None,
    endpoint: o.Endpoint = None,
    stack: o.StackNames = None,
    state: o.StateFiles = None,
    profile: o.Profile = None,
    assume_role_arn: o.AssumeRole = None,
    endpoint_url: o.EndpointUrl = None,
    key_env: o.KeyEnv = DEFAULTS["key_env"],
    account_resource_id: o.AccountResourceId = None,
    api_version: o.ApiVersion = DEFAULTS["api_version"],
    timeout: o.Timeout = "60s",
    output: o.Output = None,
    verbose: o.Verbose = False,
) -> int:
    """Check whether guards can do their work from here. Starts and stops nothing.

    Checks the installation and the Python that a destroy uses; at each place credentials, account, permissions (with
    what to add) and clock; and of each guard of a stack whether it can be loaded, would be called, and works with the
    credentials of this environment. In a project's directory the current stack is read, else what --stack or --state
    names.

    \b
    Examples:
      translation-job-guard doctor                                  # in a project's directory
      translation-job-guard doctor --region eu-west-1 --profile ci
      translation-job-guard doctor --stack acme/shop/dev
      pulumi stack export | translation-job-guard doctor --state -

    \b
    Exit codes: 0 guards can do their work, 1 something keeps them from it, 2 something could not be found out.
    """
    from translation_job_guard.cli import doctor as impl
    from translation_job_guard.cli.output import emit, sinks
    from translation_job_guard.cli.stacks import given_stacks

    to = sinks(output)
    _be_verbose(verbose)
    access = o.Access(profile, assume_role_arn, endpoint_url, key_env, account_resource_id, api_version)
    named = bool(stack or state)
    regions, endpoints = (region or [], endpoint or [])
    if not regions and not endpoints and not named:
        regions, endpoints = o.places_of_environment(profile)
    places = [
        *(access.connection(AMAZON_TRANSLATE, one) for one in regions),
        *(access.connection(AZURE_DOCUMENT_TRANSLATION, one) for one in endpoints),
    ]
    stacks = given_stacks(stack or (), state or ()) if named or impl.has_project(Path.cwd()) else []
    result = impl.doctor(places, stacks, timeout=o.seconds("--timeout", timeout))
    emit(result, to, [key_env])
    return result.exit_code


@app.command(short_help="Run both services on this machine.")
@_command
def emulator(
    host: Annotated[str, typer.Option(help="Address to listen on; the default is this machine's loopback.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(help="Port to listen on; 0 is a free one.")] = 0,
    clock: Annotated[str, typer.Option(metavar="real|stepped", help="Time passes, or only when it is told to.")] = (
        "real"
    ),
    stop_latency: Annotated[
        float, typer.Option(metavar="SECONDS", help="How long a job takes from its stop request to its end.")
    ] = 1.0,
    start_latency: Annotated[float | None, typer.Option(metavar="SECONDS", help="How long a job is queued.")] = None,
    run_time: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="How long a job runs that nobody stops.")
    ] = None,
    documented_rates: Annotated[bool, typer.Option(help="Throttle requests as AWS documents it.")] = False,
    setting: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=JSON", help="Any other setting; repeatable.")
    ] = None,
) -> int:
    """Run Amazon Translate (with S3, IAM and STS) and Azure Document Translation on this machine.

    Prints the variables to set for SDKs, for Pulumi and for the other commands, and runs until it is interrupted.
    Needs the extra: pip install "translation-job-guard[emulator]".

    \b
    Examples:
      translation-job-guard emulator --port 4566
      translation-job-guard emulator --stop-latency 10 --documented-rates

    \b
    Exit codes: 0 ended by SIGINT or SIGTERM, 2 it could not start.
    """
    from translation_job_guard.cli.emulator import run_emulator

    return run_emulator(
        host=host,
        port=port,
        clock=clock,
        stop_latency=stop_latency,
        start_latency=start_latency,
        run_time=run_time,
        documented_rates=documented_rates,
        settings=setting or (),
    )


policy = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Write a policy pack, or check its configuration.",
)
app.add_typer(policy, name="policy")


@policy.command("init")
@_command
def policy_init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Directory to write; made if it is not there.")],
    trial: Annotated[
        bool, typer.Option("--trial", help="Make every rule advisory, so that nothing is blocked.")
    ] = False,
    requirement: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="What to install: a version, a URL or a wheel. [default: this release]"),
    ] = None,
    virtualenv: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Virtual environment of the pack. [default: the one that runs this command]"),
    ] = None,
) -> int:
    """Write a policy pack: program, requirements and a configuration with every option.

    \b
    Examples:
      translation-job-guard policy init policy --trial
      translation-job-guard policy init policy --virtualenv venv      # to publish it to an organisation
    """
    from translation_job_guard.cli.policy import init

    return init(directory, trial=trial, requirement=requirement, virtualenv=virtualenv)


@policy.command("check-config")
@_command
def policy_check_config(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Configuration, as for --policy-pack-config.")],
) -> int:
    """Report rules, levels and options of a configuration that no rule knows.

    Pulumi ignores the name of a rule that is not there, and the pack never sees it.

    \b
    Examples:
      translation-job-guard policy check-config policy/policy-config.json

    \b
    Exit codes: 0 all known, 1 findings, 2 the file cannot be read.
    """
    from translation_job_guard.cli.policy import check_config

    return check_config(file)


def _be_verbose(wanted: bool) -> None:
    if wanted:
        from translation_job_guard.cli.verbose import show_requests

        show_requests()
