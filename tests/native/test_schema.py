"""The schema says what the argument types say, and no more."""

from __future__ import annotations

import dataclasses
import inspect
import json
import subprocess
import sys
from typing import Any

import pytest

from tests.native.plugin import AMAZON, AZURE
from translation_job_guard import (
    AmazonTranslateJobGuard,
    AmazonTranslateScope,
    AzureDocumentTranslationJobGuard,
    AzureDocumentTranslationScope,
)
from translation_job_guard.durations import parse_duration
from translation_job_guard.guard.selectors import SELECTORS, Kind
from translation_job_guard.jobs import AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION
from translation_job_guard.native.names import argument_names, camel, from_wire, in_camel_case, to_wire
from translation_job_guard.native.schema import schema
from translation_job_guard.resource_types import NATIVE_GUARD_TYPES
from translation_job_guard.teardown import Mode

GUARDS: dict[str, tuple[str, type, type]] = {
    AMAZON: (AMAZON_TRANSLATE, AmazonTranslateJobGuard, AmazonTranslateScope),
    AZURE: (AZURE_DOCUMENT_TRANSLATION, AzureDocumentTranslationJobGuard, AzureDocumentTranslationScope),
}
EACH = pytest.mark.parametrize("token", GUARDS)
DURATIONS = {"gracePeriod", "timeout", "quietPeriod", "pollInterval", "undecidedTimeout"}


def resource(token: str) -> dict[str, Any]:
    found: dict[str, Any] = schema()["resources"][token]
    return found


def parameters(guard: type) -> dict[str, inspect.Parameter]:
    """The guard's own arguments, by their names on the wire."""
    given = inspect.signature(guard).parameters
    return {camel(name): one for name, one in given.items() if name not in ("resource_name", "opts")}


def test_the_types_are_those_of_the_states() -> None:
    """A stored format."""
    assert set(schema()["resources"]) == set(NATIVE_GUARD_TYPES) == set(GUARDS)


@EACH
def test_the_arguments_are_the_same(token: str) -> None:
    """By name, and which of them have to be given."""
    service, guard, _ = GUARDS[token]
    inputs = resource(token)["inputProperties"]
    assert set(inputs) == set(parameters(guard)) == set(argument_names(service))
    needed = {name for name, one in parameters(guard).items() if one.default is inspect.Parameter.empty}
    # A plugin is not told the configuration of another provider, which has the region by default in Python.
    assert set(resource(token)["requiredInputs"]) == needed | ({"region"} if token == AMAZON else set())


@EACH
def test_the_defaults_are_the_same(token: str) -> None:
    """Except that `timeout` has none in the schema: without it, customTimeouts decides."""
    for name, parameter in parameters(GUARDS[token][1]).items():
        given = resource(token)["inputProperties"][name].get("default")
        if name == "timeout" or parameter.default in (None, inspect.Parameter.empty):
            assert given is None, name
        elif name in DURATIONS:
            assert parse_duration(given) == parse_duration(parameter.default), name
        else:
            assert given == parameter.default, name


@EACH
def test_the_selectors_are_the_same(token: str) -> None:
    """By name and kind."""
    service, _, scope = GUARDS[token]
    described = schema()["types"][f"translation-job-guard:index:{scope.__name__}"]["properties"]
    fields = {camel(field.name) for field in dataclasses.fields(scope)}
    assert set(described) == fields
    kinds = {Kind.LIST: "array", Kind.TIME: "string", Kind.WHOLE: "boolean"}
    for name, selector in SELECTORS[service].items():
        assert described[camel(name)]["type"] == kinds[selector.kind], name


def test_the_modes_are_the_same() -> None:
    """Each with a description."""
    modes = schema()["types"]["translation-job-guard:index:Mode"]["enum"]
    assert [mode["value"] for mode in modes] == [mode.value for mode in Mode]
    assert all(mode["description"] for mode in modes)


@EACH
def test_every_property_is_described(token: str) -> None:
    """And every output that is required is there."""
    described = resource(token)
    for name, one in {**described["inputProperties"], **described["properties"]}.items():
        assert one["description"].endswith((".", ")")), name
    assert set(described["required"]) <= set(described["properties"])
    assert set(described["inputProperties"]) <= set(described["properties"])


def test_where_to_download_the_plugin_is_a_parameter() -> None:
    """There is no release host yet."""
    assert "pluginDownloadURL" not in schema()
    assert schema("https://example.com")["pluginDownloadURL"] == "https://example.com"


def test_the_program_prints_its_schema() -> None:
    """What SDKs are generated from."""
    command = [sys.executable, "-m", "translation_job_guard.native.host", "--schema"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert json.loads(printed) == schema()


def test_names_are_translated_there_and_back() -> None:
    """And nothing else is."""
    own = {"on_delete": "cancel", "scope": [{"s3_uri_prefixes": ["s3://a_b/"]}], "triggers": [{"on_delete": 1}]}
    wire = to_wire(own)
    assert wire == {"onDelete": "cancel", "scope": [{"s3UriPrefixes": ["s3://a_b/"]}], "triggers": [{"on_delete": 1}]}
    assert from_wire(wire) == own
    assert in_camel_case("`quiet_period` and scope.job_ids[0] of my-quiet_period") == (
        "`quietPeriod` and scope.jobIds[0] of my-quiet_period"
    )


def test_the_package_is_imported_without_grpc() -> None:
    """Whoever only imports the package, or asks for the schema, does not load the protocol."""
    code = "import sys, translation_job_guard, translation_job_guard.native.schema; assert 'grpc' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
