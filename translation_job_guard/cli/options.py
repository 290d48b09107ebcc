"""The options that commands share, and the connections that they make: checked and read as a guard's are."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any, Final

import typer

from translation_job_guard.cli import completion
from translation_job_guard.durations import parse_duration
from translation_job_guard.errors import InvalidArgument
from translation_job_guard.guard.arguments import read_connection
from translation_job_guard.guard.properties import DEFAULTS, UNKNOWN
from translation_job_guard.guard.selectors import selector_names
from translation_job_guard.guard.validation import Problem, problems
from translation_job_guard.services import Connection
from translation_job_guard.services.amazon import regions_of
from translation_job_guard.services.registry import CONNECTIONS

__all__ = [
    "ENDPOINT_ENV",
    "Access",
    "Selectors",
    "check",
    "no_places",
    "places_of_environment",
    "regions_of_service",
    "seconds",
]

ENDPOINT_ENV: Final = "AZURE_DOCUMENT_TRANSLATION_ENDPOINT"

_AMAZON = "Amazon Translate"
_AZURE = "Azure Document Translation"
_ACCESS = "Access"
_SHOWING = "Output"

# Options, as typer takes them.

Region = Annotated[
    list[str] | None,
    typer.Option(
        "--region",
        metavar="REGION",
        help="AWS region to look at; repeatable. [default: the environment's]",
        autocompletion=completion.regions,
    ),
]
Endpoint = Annotated[
    list[str] | None,
    typer.Option(
        "--endpoint",
        metavar="URL",
        help=f"Endpoint of a Translator resource to look at; repeatable. [default: {ENDPOINT_ENV}]",
    ),
]
AllRegions = Annotated[
    bool, typer.Option("--all-regions", help="Every region that has Amazon Translate, in the environment's partition.")
]
RoleArns = Annotated[
    list[str] | None,
    typer.Option("--data-access-role-arn", metavar="ARN", help="Amazon jobs that run under this role; repeatable."),
]
S3Prefixes = Annotated[
    list[str] | None,
    typer.Option(
        "--s3-uri-prefix",
        metavar="S3_URI",
        help="Amazon jobs that read or write below s3://bucket/folder/; repeatable.",
    ),
]
NamePrefixes = Annotated[
    list[str] | None,
    typer.Option("--job-name-prefix", metavar="TEXT", help="Amazon jobs whose name begins so; repeatable."),
]
JobIds = Annotated[
    list[str] | None, typer.Option("--job-id", metavar="ID", help="Amazon jobs with this id; repeatable.")
]
SubmittedAfter = Annotated[
    str | None,
    typer.Option(
        "--submitted-after", metavar="TIME", help="Narrows Amazon jobs to those submitted then or later (RFC 3339)."
    ),
]
TranslationIds = Annotated[
    list[str] | None, typer.Option("--translation-id", metavar="ID", help="Azure batches with this id; repeatable.")
]
ContainerUrls = Annotated[
    list[str] | None,
    typer.Option(
        "--container-url", metavar="URL", help="Azure batches that read or write below this container; repeatable."
    ),
]
SourceContainerUrls = Annotated[
    list[str] | None,
    typer.Option(
        "--source-container-url",
        metavar="URL",
        help="Azure batches that read below this container, decided without knowing targets; repeatable.",
    ),
]
TargetContainerUrls = Annotated[
    list[str] | None,
    typer.Option(
        "--target-container-url", metavar="URL", help="Azure batches that write below this container; repeatable."
    ),
]
CreatedAfter = Annotated[
    str | None,
    typer.Option(
        "--created-after", metavar="TIME", help="Narrows Azure batches to those created then or later (RFC 3339)."
    ),
]
WholeRegion = Annotated[
    bool, typer.Option("--whole-region", help="Every Amazon job of the account and region, whoever started it.")
]
WholeResource = Annotated[
    bool, typer.Option("--whole-resource", help="Every batch of the Translator resource, whoever started it.")
]
Profile = Annotated[str | None, typer.Option("--profile", metavar="NAME", help="AWS profile to use.")]
AssumeRole = Annotated[
    str | None, typer.Option("--assume-role-arn", metavar="ARN", help="AWS role to assume before looking.")
]
EndpointUrl = Annotated[
    str | None,
    typer.Option("--endpoint-url", metavar="URL", help="Of Amazon Translate, if not the public one."),
]
KeyEnv = Annotated[
    str,
    typer.Option(
        "--key-env", metavar="NAME", help="Environment variable that holds the Azure key; never the key itself."
    ),
]
AccountResourceId = Annotated[
    str | None,
    typer.Option(
        "--account-resource-id",
        metavar="ID",
        help="Of the Translator resource: its key is fetched from Azure Resource Manager.",
    ),
]
ApiVersion = Annotated[str, typer.Option("--api-version", metavar="VERSION", help="Of Document Translation.")]
Timeout = Annotated[
    str, typer.Option("--timeout", metavar="DURATION", help='How long to wait for a place, such as "30s" or "2m".')
]
StackNames = Annotated[
    list[str] | None,
    typer.Option(
        "--stack",
        "-s",
        metavar="STACK",
        help="Stack to read, by `pulumi stack export`; repeatable. [default: current]",
        autocompletion=completion.stacks,
    ),
]
StateFiles = Annotated[
    list[str] | None,
    typer.Option("--state", metavar="FILE|-", help="Exported stack to read instead; - is standard input; repeatable."),
]
Output = Annotated[
    list[str] | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FORMAT[=FILE]",
        help="table, json, markdown or html, on standard output or into a file; repeatable. [default: table]",
        autocompletion=completion.formats,
    ),
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show every request on standard error, without secrets.")
]


@dataclass(frozen=True)
class Selectors:
    """The selectors of both services, as options name them."""

    data_access_role_arns: Sequence[str] | None = None
    s3_uri_prefixes: Sequence[str] | None = None
    job_name_prefixes: Sequence[str] | None = None
    job_ids: Sequence[str] | None = None
    submitted_after: str | None = None
    translation_ids: Sequence[str] | None = None
    container_urls: Sequence[str] | None = None
    source_container_urls: Sequence[str] | None = None
    target_container_urls: Sequence[str] | None = None
    created_after: str | None = None
    whole_region: bool = False
    whole_resource: bool = False

    def of(self, service: str) -> dict[str, Any]:
        """Return those of a service that were given, as a stored scope."""
        values = ((name, getattr(self, name, None)) for name in selector_names(service))
        return {name: value if isinstance(value, (str, bool)) else list(value) for name, value in values if value}


@dataclass(frozen=True)
class Access:
    """By which credentials."""

    profile: str | None = None
    assume_role_arn: str | None = None
    endpoint_url: str | None = None
    key_env: str = DEFAULTS["key_env"]
    account_resource_id: str | None = None
    api_version: str = DEFAULTS["api_version"]

    def connection(self, service: str, place: str, scope: Mapping[str, Any] | None = None) -> Connection:
        """Return the connection to a place by these credentials, for the jobs of a scope or for all.

        Raises:
            InvalidArgument: an option cannot be used, one of the scope included.
        """
        properties = self.properties(service, place)
        check(service, {**properties, "scope": [scope] if scope else UNKNOWN})
        return read_connection(service, properties)

    def properties(self, service: str, place: str) -> dict[str, Any]:
        """Return what a guard there with these credentials would store."""
        connection = CONNECTIONS[service]
        names = {field.name for field in fields(connection)} & {field.name for field in fields(self)}
        return {connection.place_name: place, **{name: getattr(self, name) for name in sorted(names)}}


def check(service: str, properties: Mapping[str, Any]) -> None:
    """Check options as a guard checks its properties.

    Raises:
        InvalidArgument: an option cannot be used.
    """
    found = problems(service, properties)
    if found:
        raise InvalidArgument(" ".join(_in_options(service, problem) for problem in found))


def region_of_environment(profile: str | None) -> str | None:
    """The region that boto3 would use: AWS_REGION, AWS_DEFAULT_REGION or the profile's."""
    # boto3 knows no AWS_REGION; every other SDK of AWS does.
    if region := os.environ.get("AWS_REGION", "").strip():
        return region
    try:
        # Without boto3 itself, whose import takes as long as all the rest.
        from botocore.exceptions import BotoCoreError
        from botocore.session import Session
    except ImportError:
        return None
    try:
        found = Session(profile=profile).get_config_variable("region")
    except BotoCoreError as error:
        raise InvalidArgument(f"{error} Give --region, or another --profile.") from error
    return str(found) if found else None


def places_of_environment(profile: str | None) -> tuple[list[str], list[str]]:
    """The region and the endpoint that the environment names, each in a list of one or none."""
    region, endpoint = region_of_environment(profile), os.environ.get(ENDPOINT_ENV, "").strip()
    return [region] if region else [], [endpoint] if endpoint else []


def regions_of_service(profile: str | None) -> list[str]:
    """Every region that has Amazon Translate's batch jobs, in the partition of the environment's region.

    Raises:
        InvalidArgument: boto3, which has the list, is not installed.
    """
    try:
        from botocore.session import Session
    except ImportError as error:
        raise InvalidArgument('--all-regions needs boto3: pip install "translation-job-guard[aws]"') from error
    here = region_of_environment(profile)
    return sorted(regions_of(Session().get_partition_for_region(here) if here else "aws"))


def no_places(*, amazon: bool = True, azure: bool = True) -> InvalidArgument:
    """Return the error for a command that nothing tells where to look for jobs of these services."""
    options = "--region, --all-regions or --endpoint" if amazon and azure else "--region" if amazon else "--endpoint"
    variables = [*(["AWS_REGION"] if amazon else []), *([ENDPOINT_ENV] if azure else [])]
    return InvalidArgument(
        f"There is nowhere to look: give {options}, or set {' or '.join(variables)} in this environment."
    )


def seconds(option: str, text: str) -> float:
    """Seconds of a duration option.

    Raises:
        InvalidArgument: it is none, or nothing.
    """
    try:
        found = parse_duration(text)
    except ValueError as error:
        raise InvalidArgument(f"{option} {error}.") from error
    if not found:
        raise InvalidArgument(f"{option} must be longer than nothing.")
    return found


def _in_options(service: str, problem: Problem) -> str:
    if problem.path != "scope":
        return f"{_option(problem.path)} {problem.reason}."
    selectors = [_option(f"scope.{name}[0]") for name in selector_names(service) if name.endswith("s")]
    return f"A time only narrows what another option selects: give {' or '.join(selectors)} as well."


def _option(path: str) -> str:
    """The option of a property's path: ``scope.container_urls[0]`` came from ``--container-url``."""
    name, index = re.fullmatch(r"(?:scope\.)?([^\[]*)(?:\[\d+\])?", path).group(1), "[" in path  # type: ignore[union-attr]
    singular = name[:-2] if name.endswith("prefixes") else name[:-1] if index and name.endswith("s") else name
    return f"--{singular.replace('_', '-')}"
