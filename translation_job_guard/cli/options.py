"""The options that commands share, in groups. A command names the groups that it takes (``commands``).

A field has the name of the guard property with the same meaning, so that a guard's checks and readers accept it.
"""

# Annotations are evaluated here, once, not compiled again from text for each command: help must appear at once.

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Final

from typer import Option

from translation_job_guard.cli import completion
from translation_job_guard.errors import InvalidArgument
from translation_job_guard.estate.request import DEFAULT_CONCURRENCY
from translation_job_guard.guard.environment import RECEIPTS, TIMEOUT
from translation_job_guard.guard.properties import DEFAULTS

__all__ = [
    "ENDPOINT_ENV",
    "AccountOptions",
    "AdditionalPlaceOptions",
    "BackendOptions",
    "CredentialOptions",
    "EmulatorOptions",
    "EstateOptions",
    "LiveStackOptions",
    "LookOptions",
    "OutputOptions",
    "PlaceOptions",
    "ScopeOptions",
    "SelectorOptions",
    "StackOptions",
    "StopOptions",
    "UpdateOptions",
    "WatchOptions",
]

ENDPOINT_ENV: Final = "AZURE_DOCUMENT_TRANSLATION_ENDPOINT"


# Where to look


@dataclass(frozen=True)
class PlaceOptions:
    """The places to look at."""

    region: Annotated[
        list[str],
        Option(
            "--region",
            metavar="REGION",
            help="AWS region to look at; repeatable. [default: the environment's]",
            autocompletion=completion.regions,
        ),
    ] = field(default_factory=list)
    endpoint: Annotated[
        list[str],
        Option(
            "--endpoint",
            metavar="URL",
            help=f"Endpoint of a Translator resource to look at; repeatable. [default: {ENDPOINT_ENV}]",
        ),
    ] = field(default_factory=list)


@dataclass(frozen=True)
class AdditionalPlaceOptions(PlaceOptions):
    """The places to look at as well as those of stacks."""

    region: Annotated[
        list[str],
        Option(
            "--region",
            metavar="REGION",
            help="AWS region to look at as well; repeatable.",
            autocompletion=completion.regions,
        ),
    ] = field(default_factory=list)
    endpoint: Annotated[
        list[str],
        Option("--endpoint", metavar="URL", help="Translator endpoint to look at as well; repeatable."),
    ] = field(default_factory=list)


@dataclass(frozen=True)
class AccountOptions:
    """Options that find places by the accounts and subscriptions that they are in."""

    account: Annotated[
        list[str],
        Option("--account", metavar="ID", help="AWS account to look at, entered by --role-name; repeatable."),
    ] = field(default_factory=list)
    organization: Annotated[
        bool, Option("--organization", help="Every active account of the AWS organization, entered by --role-name.")
    ] = False
    role_name: Annotated[
        str | None,
        Option("--role-name", metavar="NAME", help="Role that each of these accounts has, to look with."),
    ] = None
    subscription: Annotated[
        list[str],
        Option(
            "--subscription",
            metavar="ID",
            help="Azure subscription whose Translator resources to look at, with Entra ID; repeatable.",
        ),
    ] = field(default_factory=list)
    all_subscriptions: Annotated[
        bool, Option("--all-subscriptions", help="Every Azure subscription that Entra ID shows.")
    ] = False
    concurrency: Annotated[
        int, Option("--concurrency", metavar="NUMBER", help="Places of these accounts that are looked at at once.")
    ] = DEFAULT_CONCURRENCY


@dataclass(frozen=True)
class EstateOptions(AccountOptions):
    """Options that find the places to look at."""

    all_regions: Annotated[
        bool, Option("--all-regions", help="Look at all regions with Amazon Translate, in the environment's partition.")
    ] = False


@dataclass(frozen=True)
class BackendOptions:
    """The backends whose stacks count as live."""

    backend: Annotated[
        list[str],
        Option(
            "--backend",
            metavar="URL",
            help="Backend whose stacks count as live; repeatable. [default: the one that pulumi is logged in to]",
        ),
    ] = field(default_factory=list)


@dataclass(frozen=True)
class CredentialOptions:
    """The credentials to look with, and what each service needs besides."""

    profiles: Annotated[
        list[str],
        Option(
            "--profile",
            metavar="NAME",
            help="AWS profile to use; several, where a command looks at accounts: every region of each.",
        ),
    ] = field(default_factory=list)
    assume_role_arn: Annotated[
        str | None, Option("--assume-role-arn", metavar="ARN", help="AWS role to assume before looking.")
    ] = None
    endpoint_url: Annotated[
        str | None, Option("--endpoint-url", metavar="URL", help="Endpoint of Amazon Translate, if not the public one.")
    ] = None
    key_env: Annotated[
        str,
        Option(
            "--key-env", metavar="NAME", help="Environment variable that holds the Azure key; never the key itself."
        ),
    ] = DEFAULTS["key_env"]
    account_resource_id: Annotated[
        str | None,
        Option(
            "--account-resource-id",
            metavar="ID",
            help="Resource ID of the Translator resource, whose key is then fetched from Azure Resource Manager.",
        ),
    ] = None
    api_version: Annotated[str, Option("--api-version", metavar="VERSION", help="Version of Document Translation.")] = (
        DEFAULTS["api_version"]
    )

    @property
    def profile(self) -> str | None:
        """The AWS profile, if one is given.

        Raises:
            InvalidArgument: there are several, where only one can be used.
        """
        if len(self.profiles) > 1:
            raise InvalidArgument("--profile: only one can be used here; leave out the others.")
        return self.profiles[0] if self.profiles else None


@dataclass(frozen=True)
class LookOptions:
    """How to look."""

    timeout: Annotated[
        str, Option("--timeout", metavar="DURATION", help='How long to wait for a place, such as "30s" or "2m".')
    ] = "60s"


@dataclass(frozen=True)
class StackOptions:
    """The stacks to read."""

    stack: Annotated[
        list[str],
        Option(
            "--stack",
            "-s",
            metavar="STACK",
            help="Stack to read, by `pulumi stack export`; repeatable. [default: current]",
            autocompletion=completion.stacks,
        ),
    ] = field(default_factory=list)
    state: Annotated[
        list[str],
        Option("--state", metavar="FILE|-", help="Exported stack to read instead; - is standard input; repeatable."),
    ] = field(default_factory=list)


@dataclass(frozen=True)
class LiveStackOptions(StackOptions):
    """The stacks that count as live."""

    stack: Annotated[
        list[str],
        Option(
            "--stack",
            "-s",
            metavar="STACK",
            help="Stack that counts as live; repeatable. [default: all of the backend]",
            autocompletion=completion.stacks,
        ),
    ] = field(default_factory=list)


# Which jobs


@dataclass(frozen=True)
class SelectorOptions:
    """The selectors of both services."""

    data_access_role_arns: Annotated[
        list[str],
        Option("--data-access-role-arn", metavar="ARN", help="Amazon jobs that run under this role; repeatable."),
    ] = field(default_factory=list)
    s3_uri_prefixes: Annotated[
        list[str],
        Option(
            "--s3-uri-prefix",
            metavar="S3_URI",
            help="Amazon jobs that read or write below s3://bucket/folder/; repeatable.",
        ),
    ] = field(default_factory=list)
    job_name_prefixes: Annotated[
        list[str],
        Option("--job-name-prefix", metavar="TEXT", help="Amazon jobs whose name has this prefix; repeatable."),
    ] = field(default_factory=list)
    job_ids: Annotated[list[str], Option("--job-id", metavar="ID", help="Amazon jobs with this id; repeatable.")] = (
        field(default_factory=list)
    )
    submitted_after: Annotated[
        str | None,
        Option(
            "--submitted-after", metavar="TIME", help="Narrows Amazon jobs to those submitted then or later (RFC 3339)."
        ),
    ] = None
    translation_ids: Annotated[
        list[str], Option("--translation-id", metavar="ID", help="Azure batches with this id; repeatable.")
    ] = field(default_factory=list)
    container_urls: Annotated[
        list[str],
        Option(
            "--container-url", metavar="URL", help="Azure batches that read or write below this container; repeatable."
        ),
    ] = field(default_factory=list)
    source_container_urls: Annotated[
        list[str],
        Option(
            "--source-container-url",
            metavar="URL",
            help="Azure batches that read below this container, decided without knowing targets; repeatable.",
        ),
    ] = field(default_factory=list)
    target_container_urls: Annotated[
        list[str],
        Option(
            "--target-container-url", metavar="URL", help="Azure batches that write below this container; repeatable."
        ),
    ] = field(default_factory=list)
    created_after: Annotated[
        str | None,
        Option(
            "--created-after", metavar="TIME", help="Narrows Azure batches to those created then or later (RFC 3339)."
        ),
    ] = None


@dataclass(frozen=True)
class ScopeOptions(SelectorOptions):
    """The selectors of both services, those included that select everything."""

    whole_region: Annotated[
        bool, Option("--whole-region", help="Every Amazon job of the account and region, whoever started it.")
    ] = False
    whole_resource: Annotated[
        bool, Option("--whole-resource", help="Every batch of the Translator resource, whoever started it.")
    ] = False


# How a command works, and what it shows


@dataclass(frozen=True)
class WatchOptions:
    """Whether to look once or again and again."""

    watch: Annotated[
        bool, Option("--watch", "-w", help="Look again and again, until nothing is in flight or Ctrl-C.")
    ] = False
    every: Annotated[str, Option("--every", metavar="DURATION", help="With --watch: time between two looks.")] = "5s"


@dataclass(frozen=True)
class UpdateOptions:
    """The update to look at instead of a destroy, and what makes the exit code 1."""

    preview: Annotated[
        str | None,
        Option(
            "--preview",
            metavar="FILE|-",
            help="What `pulumi preview --json --show-sames` printed: show what that update stops and orphans.",
        ),
    ] = None
    fail_on: Annotated[
        list[str],
        Option(
            "--fail-on",
            metavar="orphaned|stopped",
            help="What makes the exit code 1; repeatable. [default: orphaned with --preview, both without]",
        ),
    ] = field(default_factory=list)


@dataclass(frozen=True)
class StopOptions:
    """How to stop jobs."""

    yes: Annotated[bool, Option("--yes", "-y", help="Stop them. Without it nothing is stopped.")] = False
    receipts: Annotated[
        Path | None,
        Option(
            "--receipts", metavar="DIRECTORY", envvar=RECEIPTS, help="Directory for the receipt: JSON, Markdown, HTML."
        ),
    ] = None
    grace_period: Annotated[
        str, Option("--grace-period", metavar="DURATION", help="How long to let jobs end by themselves first.")
    ] = "0s"
    timeout: Annotated[
        str,
        Option(
            "--timeout",
            metavar="DURATION",
            envvar=TIMEOUT,
            help="Time after which it fails, naming the jobs still in flight.",
        ),
    ] = DEFAULTS["timeout"]
    quiet_period: Annotated[
        str,
        Option("--quiet-period", metavar="DURATION", help="Time between the two listings that must be empty."),
    ] = DEFAULTS["quiet_period"]
    undecided_timeout: Annotated[
        str,
        Option(
            "--undecided-timeout",
            metavar="DURATION",
            help="How long to wait for each undecided Azure batch, once everything in scope has ended.",
        ),
    ] = DEFAULTS["undecided_timeout"]
    expected_account_id: Annotated[
        str | None, Option("--expected-account-id", metavar="ID", help="Refuse any other AWS account.")
    ] = None

    def properties(self) -> dict[str, Any]:
        """Return the options as a guard stores them."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name in DEFAULTS}


@dataclass(frozen=True)
class OutputOptions:
    """What to show, and where."""

    output: Annotated[
        list[str],
        Option(
            "--output",
            "-o",
            metavar="FORMAT[=FILE]",
            help="table, json, markdown or html, on standard output or into a file; repeatable. [default: table]",
            autocompletion=completion.formats,
        ),
    ] = field(default_factory=list)
    verbose: Annotated[
        bool, Option("--verbose", "-v", help="Show every request on standard error, without secrets.")
    ] = False


@dataclass(frozen=True)
class EmulatorOptions:
    """How the emulator runs."""

    host: Annotated[str, Option("--host", help="Address to listen on; the default is this machine's loopback.")] = (
        "127.0.0.1"
    )
    port: Annotated[int, Option("--port", help="Port to listen on; 0 is a free one.")] = 0
    clock: Annotated[
        str, Option("--clock", metavar="real|stepped", help="Whether time passes by itself, or only on request.")
    ] = "real"
    stop_latency: Annotated[
        float,
        Option("--stop-latency", metavar="SECONDS", help="How long a job takes from its stop request to its end."),
    ] = 1.0
    start_latency: Annotated[
        float | None, Option("--start-latency", metavar="SECONDS", help="How long a job is queued.")
    ] = None
    run_time: Annotated[
        float | None, Option("--run-time", metavar="SECONDS", help="How long a job runs if nobody stops it.")
    ] = None
    documented_rates: Annotated[
        bool,
        Option("--documented-rates/--no-documented-rates", help="Throttle requests as AWS documents it."),
    ] = False
    setting: Annotated[list[str], Option("--set", metavar="NAME=JSON", help="Any other setting; repeatable.")] = field(
        default_factory=list
    )
