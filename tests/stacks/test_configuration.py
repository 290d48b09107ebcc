"""What the example stacks say of a configuration that they cannot use."""

from __future__ import annotations

import importlib
import re
import runpy
import sys
from collections.abc import Iterator

import pulumi
import pytest
from pulumi.runtime import set_all_config, settings

from tests.engine.conftest import MakeWorkspace
from tests.stacks.support import PROJECT, STACKS, example

COMPLETE = {
    "stacks.local": {"emulator": "http://127.0.0.1:4566"},
    "stacks.aws": {"aws:region": "eu-west-1"},
    "stacks.azure_native": {"azure-native:location": "westeurope", "subdomain": "contoso-translator"},
}
MODE = "`onDelete` must be cancel, drain, fail or ignore: `pulumi config set onDelete cancel`."
EMULATOR = "the URL that `translation-job-guard emulator` printed: `pulumi config set emulator http://127.0.0.1:PORT`."
REGION = "`aws:region` must be the name of an AWS region: `pulumi config set aws:region eu-west-1`."
LOCATION = (
    "`azure-native:location` must be the name of an Azure region: `pulumi config set azure-native:location westeurope`."
)
ROLE_NAME = "`roleName` must be 1 to 64 letters, digits or +=,.@_-: `pulumi config set roleName translate-dev`."
KEEP = "`keepDocuments` must be false or true: `pulumi config set keepDocuments false`."
ACCOUNT = (
    "`expectedAccountId` must be 12 digits, in quotes if you write the file by hand:"
    " `pulumi config set expectedAccountId 123456789012`."
)
SUBDOMAIN = (
    "`subdomain` must be 2 to 64 lower-case letters, digits and hyphens, with no hyphen at either end:"
    " `pulumi config set subdomain contoso-translator-dev`."
)
PRINCIPAL = (
    "`deployerPrincipalId` must be an object id of Entra ID, a UUID:"
    " `pulumi config set deployerPrincipalId $(az ad signed-in-user show --query id --output tsv)`."
)
PRINCIPAL_TYPE = (
    "`deployerPrincipalType` must be ServicePrincipal, User or Group:"
    " `pulumi config set deployerPrincipalType ServicePrincipal`."
)

MISSING = [
    ("stacks.local", "emulator", "http://127.0.0.1:PORT"),
    ("stacks.aws", "aws:region", "eu-west-1"),
    ("stacks.azure_native", "azure-native:location", "westeurope"),
    ("stacks.azure_native", "subdomain", "contoso-translator-dev"),
]
WRONG = [
    ("stacks.local", "emulator", "localhost:4566", f"`emulator` must be {EMULATOR}"),
    ("stacks.local", "emulator", "http://emulator.example:4566", f"`emulator` must be {EMULATOR}"),
    ("stacks.local", "onDelete", "stop", MODE),
    ("stacks.aws", "aws:region", "Ireland", REGION),
    ("stacks.aws", "onDelete", "Cancel", MODE),
    ("stacks.aws", "keepDocuments", "yes", KEEP),
    ("stacks.aws", "roleName", "role/translate", ROLE_NAME),
    ("stacks.aws", "roleName", "", ROLE_NAME),
    ("stacks.aws", "expectedAccountId", "12345678901", ACCOUNT),
    ("stacks.azure_native", "azure-native:location", "global", LOCATION),
    ("stacks.azure_native", "subdomain", "Contoso", SUBDOMAIN),
    ("stacks.azure_native", "subdomain", "contoso-", SUBDOMAIN),
    ("stacks.azure_native", "onDelete", "none", MODE),
    ("stacks.azure_native", "deployerPrincipalId", "me@example.com", PRINCIPAL),
    ("stacks.azure_native", "deployerPrincipalType", "user", PRINCIPAL_TYPE),
]
UNCHECKED = {"release"}
"""Any text will do."""


@pytest.fixture(autouse=True)
def program() -> Iterator[None]:
    """Run a Pulumi program in this process, without an engine: making a resource or calling a function fails."""
    settings.reset_options(project=PROJECT, stack="dev")
    yield
    set_all_config({})
    settings.reset_options()
    for module in COMPLETE:
        sys.modules.pop(module, None)


def refusal(module: str, config: dict[str, str]) -> str:
    """Return what the stack says before it makes anything."""
    set_all_config({key if ":" in key else f"{PROJECT}:{key}": value for key, value in config.items()})
    sys.modules.pop(module, None)
    with pytest.raises(pulumi.RunError) as refused:
        importlib.import_module(module)
    return str(refused.value)


@pytest.mark.parametrize(("module", "key", "suggested"), MISSING, ids=lambda value: str(value))
def test_a_missing_value_is_named_with_the_command_that_sets_it(module: str, key: str, suggested: str) -> None:
    """Nothing is made before that is known."""
    config = {name: value for name, value in COMPLETE[module].items() if name != key}
    expected = f"The configuration value `{key}` is not set: `pulumi config set {key} {suggested}`."
    assert refusal(module, config) == expected


@pytest.mark.parametrize(("module", "key", "value", "said"), WRONG, ids=lambda value: str(value)[:30])
def test_a_value_that_cannot_be_used_is_refused_in_one_sentence(module: str, key: str, value: str, said: str) -> None:
    """It says what the value must be and how to set it, before anything is made."""
    assert refusal(module, {**COMPLETE[module], key: value}) == f"The configuration value {said}"


@pytest.mark.parametrize("module", COMPLETE)
def test_every_documented_value_is_refused_if_it_is_wrong(module: str) -> None:
    """The tests above know all keys that the stack's own words name."""
    path = STACKS / f"{module.removeprefix('stacks.')}.py"
    documented = re.findall(r"^    ([\w:-]+) {2,}\S", path.read_text(encoding="utf-8").split('"""')[1], re.MULTILINE)
    tested = {key for tested_module, key, *_ in (*MISSING, *WRONG) if tested_module == module}
    assert set(documented) == tested | UNCHECKED


@pytest.mark.parametrize(
    ("config", "problem"),
    [({}, "is not set"), ({f"{PROJECT}:stack": "gcp"}, "is 'gcp', which is not an example stack")],
    ids=["missing", "wrong"],
)
def test_the_stack_to_build_has_to_be_chosen(config: dict[str, str], problem: str) -> None:
    """Without a choice, or with a wrong one, the choices are named."""
    set_all_config(config)
    with pytest.raises(pulumi.RunError) as refused:
        runpy.run_path(str(STACKS / "__main__.py"))
    assert str(refused.value) == (
        f"The configuration value `stack` {problem}: choose with `pulumi config set stack NAME`,"
        " NAME being one of local, aws, azure."
    )


def test_the_engine_shows_the_sentence_and_no_traceback(workspace: MakeWorkspace) -> None:
    """What people see in a terminal is the same sentence."""
    shown = example(workspace, {"stack": "local"}, {}).preview().check(fails=True).output
    assert "error: The configuration value `emulator` is not set: `pulumi config set emulator" in shown
    assert "Traceback" not in shown
