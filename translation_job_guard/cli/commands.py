"""The commands: the options that each of them takes, and its help.

The module of a command's name has what it does, and is imported when the command runs: help must appear at once.
"""

# Annotations are evaluated here, once, not compiled again from text for each command: help must appear at once.

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from translation_job_guard.cli.options import (
    AccountOptions,
    AdditionalPlaceOptions,
    BackendOptions,
    CredentialOptions,
    EmulatorOptions,
    EstateOptions,
    LiveStackOptions,
    LookOptions,
    OutputOptions,
    PlaceOptions,
    ScopeOptions,
    SelectorOptions,
    StackOptions,
    StopOptions,
    UpdateOptions,
    WatchOptions,
)

__all__ = ["cancel", "doctor", "emulator", "orphans", "plan", "policy_check_config", "policy_init", "scan"]


def scan(
    *,
    places: PlaceOptions,
    estate: EstateOptions,
    selectors: SelectorOptions,
    locate: Annotated[
        bool,
        Option(
            "--locate",
            help="Look up the containers of every Azure batch, one request each; up to 100 batches it is done anyway.",
        ),
    ] = False,
    watching: WatchOptions,
    credentials: CredentialOptions,
    look: LookOptions,
    output: OutputOptions,
) -> int:
    """Show what is in flight: which jobs, where, for how long, and what they read and write.

    Looks at all places at once. Without --region, --all-regions or --endpoint the environment names the places.
    A place that cannot be looked at has a row with the reason, and the exit code is then 2. Selectors narrow the jobs:
    all kinds given must match, with any value of a kind. With accounts, an
    organization, several profiles or subscriptions it looks at all of their regions and Translator resources.

    \b
    Examples:
      translation-job-guard scan --all-regions
      translation-job-guard scan --region eu-west-1 --region us-east-1 --job-name-prefix pr-17-
      translation-job-guard scan --endpoint https://name.cognitiveservices.azure.com/
      translation-job-guard scan --region eu-west-1 --watch
      translation-job-guard scan --output json | jq '.jobs[].id'
      translation-job-guard scan --all-regions --output html=jobs.html --output markdown=jobs.md
      translation-job-guard scan --organization --role-name look --all-subscriptions

    \b
    Exit codes: 0 nothing in flight, 1 jobs in flight, 2 a place could not be looked at, 130 interrupted.
    """
    from translation_job_guard.cli.scan import run

    return run(places, estate, selectors, watching, credentials, look, output, locate_all=locate)


def plan(
    *,
    stacks: StackOptions,
    update: UpdateOptions,
    places: AdditionalPlaceOptions,
    credentials: CredentialOptions,
    look: LookOptions,
    output: OutputOptions,
) -> int:
    """Show which jobs a destroy, or an update, would stop and which it would orphan.

    Reads the stack's state and looks where its guards work, with their credentials from this environment, and where
    jobs could use its roles, buckets, containers and Translator resources: in the regions of its providers and of the
    environment, and at its endpoints. Shows for each guard whether Pulumi would call it, and which jobs no guard would
    stop.

    With --preview it does this for one update: guards and secrets come from the state, changes from the preview. Policy
    packs do not see deletions, so this is the check to run on every pull request.

    \b
    Examples:
      translation-job-guard plan                                    # the current stack
      translation-job-guard plan --stack acme/shop/dev --stack acme/shop/pr-17
      pulumi stack export | translation-job-guard plan --state -
      translation-job-guard plan --output markdown=plan.md          # for the summary of a CI job
      pulumi preview --json --show-sames | translation-job-guard plan --preview -

    \b
    Exit codes: 0 it would stop and orphan nothing that --fail-on names, 1 it would, or a destroy would not call a
    guard, 2 something is not known.
    """
    from translation_job_guard.cli.plan import run

    return run(stacks, update, places, credentials, look, output)


def orphans(
    *,
    stacks: LiveStackOptions,
    backends: BackendOptions,
    places: AdditionalPlaceOptions,
    estate: EstateOptions,
    credentials: CredentialOptions,
    look: LookOptions,
    output: OutputOptions,
) -> int:
    """Show jobs in flight that no guard of a live stack covers, and the stack that they likely belonged to.

    Reads every stack of the backend that pulumi is logged in to, or those that --stack and --state name, and looks
    where their guards work and where they have roles, buckets or Translator resources. Jobs whose role, bucket or
    container is known to be gone are orphaned too; one that may not be read does not count as gone. While a stack or a
    guard cannot be read, no job that it might cover is called orphaned.

    \b
    Examples:
      translation-job-guard orphans
      translation-job-guard orphans --all-regions --output markdown=orphans.md
      translation-job-guard orphans --state dev.json --state pr-17.json --region eu-west-1
      translation-job-guard orphans --organization --role-name look --backend s3://one --backend s3://two

    \b
    Exit codes: 0 no orphans, 1 orphans, 2 something is not known.
    """
    from translation_job_guard.cli.orphans import run

    return run(stacks, backends, places, estate, credentials, look, output)


def cancel(
    *,
    places: PlaceOptions,
    accounts: AccountOptions,
    selectors: ScopeOptions,
    stopping: StopOptions,
    credentials: CredentialOptions,
    output: OutputOptions,
) -> int:
    """Stop jobs by hand, as a guard does when it is deleted: ask all of them to stop, and wait until they have ended.

    Without --yes it is a dry run. Selectors name the jobs: all kinds given must match, with any value of a kind.
    To stop every job of a place takes --whole-region or --whole-resource. With accounts or subscriptions it asks on a
    terminal once for each account; --yes answers only for accounts that are named one by one.

    \b
    Examples:
      translation-job-guard cancel --region eu-west-1 --job-name-prefix pr-17-
      translation-job-guard cancel --region eu-west-1 --job-name-prefix pr-17- --yes --receipts receipts/
      translation-job-guard cancel --translation-id 1b4a6f2e-5a0c-4d3e-9f57-8a3c2b1d0e4f --yes
      translation-job-guard cancel --endpoint https://name.cognitiveservices.azure.com/ --whole-resource --yes

    \b
    Exit codes: 0 nothing to stop, or all of it has ended; 1 a dry run found something to stop;
    2 a job has not ended or was not found, or a place could not be looked at; 130 interrupted: jobs that were asked
    to stop still stop.
    """
    from translation_job_guard.cli.cancel_estate import run

    return run(places, accounts, selectors, stopping, credentials, output)


def doctor(
    *,
    places: PlaceOptions,
    accounts: AccountOptions,
    stacks: StackOptions,
    credentials: CredentialOptions,
    look: LookOptions,
    output: OutputOptions,
) -> int:
    """Check whether guards can do their work from here. Starts and stops nothing.

    Checks the installation and the Python that a destroy uses; at each place the credentials, account, permissions
    (with what to add) and clock; and for each guard of a stack whether it can be loaded, would be called, and works
    with the credentials of this environment. In a project's directory it reads the current stack, elsewhere those that
    --stack or --state names.

    \b
    Examples:
      translation-job-guard doctor                                  # in a project's directory
      translation-job-guard doctor --region eu-west-1 --profile ci
      translation-job-guard doctor --stack acme/shop/dev
      pulumi stack export | translation-job-guard doctor --state -

    \b
    Exit codes: 0 guards can do their work, 1 something prevents it, 2 something is not known.
    """
    from translation_job_guard.cli.doctor import run

    return run(places, accounts, stacks, credentials, look, output)


def emulator(*, options: EmulatorOptions) -> int:
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
    from translation_job_guard.cli.emulator import run

    return run(options)


def policy_init(
    *,
    directory: Annotated[Path, Argument(metavar="DIR", help="Directory to write; created if needed.")],
    trial: Annotated[bool, Option("--trial", help="Make every rule advisory, so that nothing is blocked.")] = False,
    requirement: Annotated[
        str | None,
        Option(
            "--requirement",
            metavar="TEXT",
            help="What to install: a version, a URL or a wheel. [default: this release]",
        ),
    ] = None,
    virtualenv: Annotated[
        str | None,
        Option(
            "--virtualenv",
            metavar="DIR",
            help="Virtual environment of the pack. [default: the one that runs this command]",
        ),
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


def policy_check_config(
    *, file: Annotated[Path, Argument(metavar="FILE", help="Configuration, as for --policy-pack-config.")]
) -> int:
    """Report the rules, levels and options of a configuration that do not exist.

    Pulumi ignores the name of a rule that does not exist, and the pack never sees it.

    \b
    Examples:
      translation-job-guard policy check-config policy/policy-config.json

    \b
    Exit codes: 0 all of them exist, 1 findings, 2 the file cannot be read.
    """
    from translation_job_guard.cli.policy import check_config

    return check_config(file)
