"""What a guard registers with the engine: an in-process monitor takes the registrations that Pulumi's SDK sends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks, rpc, settings
from pulumi.runtime.config import set_all_config

from tests.support.loops import own_loops
from translation_job_guard import (
    AmazonTranslateJobGuard,
    AmazonTranslateScope,
    AzureDocumentTranslationJobGuard,
    AzureDocumentTranslationScope,
)
from translation_job_guard.errors import InvalidArgument
from translation_job_guard.guard.properties import DEFAULTS
from translation_job_guard.guard.validation import problems
from translation_job_guard.jobs import AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION

ROLE_ARN = "arn:aws:iam::123456789012:role/translate"
ENDPOINT = "https://name.cognitiveservices.azure.com/"
JOBS = AmazonTranslateScope(job_name_prefixes=["pr-17-"])
BATCHES = AzureDocumentTranslationScope(container_urls=["https://store.blob.core.windows.net/source"])


@dataclass(frozen=True)
class Registration:
    """One resource as the SDK registered it."""

    type: str
    urn: str
    inputs: Mapping[str, Any]
    depends_on: frozenset[str]
    property_depends_on: Mapping[str, frozenset[str]]
    retain_on_delete: bool | None
    secrets: frozenset[str]


class _Resources(mocks.Mocks):
    """Gives each look-alike the id that its input `id_` asks for, and its inputs as outputs."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        return args.inputs.get("id_", f"{args.name}-id"), args.inputs

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], None]:
        raise AssertionError(args.token)


class _Monitor(mocks.MockMonitor):
    """Pulumi's own in-process monitor, which also notes what was sent."""

    def __init__(self) -> None:
        super().__init__(_Resources())
        self.registered: dict[str, Registration] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        response = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        self.registered[request.name] = Registration(
            type=request.type,
            urn=response.urn,
            inputs=rpc.deserialize_properties(request.object),
            depends_on=frozenset(request.dependencies),
            property_depends_on={
                name: frozenset(depends.urns) for name, depends in request.propertyDependencies.items()
            },
            retain_on_delete=request.retainOnDelete if request.HasField("retainOnDelete") else None,
            secrets=frozenset(
                name for name, value in request.object.fields.items() if rpc._special_sig_key in str(value)
            ),
        )
        return response


Program = Callable[[], Any]
Register = Callable[[Program], Mapping[str, Registration]]


@pytest.fixture
def register() -> Iterator[Register]:
    """Runs a program in the stack dev of the project app; returns what it registered, by name."""

    def run(program: Program) -> Mapping[str, Registration]:
        monitor = _Monitor()
        mocks.set_mocks(_Resources(), project="app", stack="dev", preview=False, monitor=monitor)

        def wrapped() -> None:
            program()

        mocks.test(wrapped)()  # type: ignore[no-untyped-call]
        return monitor.registered

    with own_loops():
        yield run
    set_all_config({})
    settings.reset_options()


class Thing(pulumi.CustomResource):
    """A look-alike of a provider's resource: only its type, id and attributes count."""

    arn: pulumi.Output[str]
    bucket: pulumi.Output[str]
    name: pulumi.Output[str]
    primary_endpoints: pulumi.Output[Any]

    def __init__(self, type_: str, label: str, opts: pulumi.ResourceOptions | None = None, **inputs: Any) -> None:
        super().__init__(type_, label, inputs, opts)


def role(arn: Any = ROLE_ARN) -> Thing:
    return Thing("aws:iam/role:Role", "role", arn=arn, id_="translate")


def bucket(name: Any = "bucket-17", type_: str = "aws:s3/bucket:Bucket") -> Thing:
    return Thing(type_, "bucket", bucket=name, id_="bucket-17")


def container(number: int = 1, account: str = "store", type_: str = "azure-native:storage:BlobContainer") -> Thing:
    id_ = (
        f"/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/{account}/blobServices/default"
        f"/containers/source-{number}"
    )
    return Thing(type_, f"container-{number}", id_=id_)


def known(value: Any) -> pulumi.Output[Any]:
    """An output that resolves to `value`."""
    return pulumi.Output.from_input({"value": value}).apply(lambda one: one["value"])


def amazon(**arguments: Any) -> AmazonTranslateJobGuard:
    return AmazonTranslateJobGuard("guard", **{"region": "eu-west-1", "scope": JOBS, **arguments})


def azure(**arguments: Any) -> AzureDocumentTranslationJobGuard:
    return AzureDocumentTranslationJobGuard("guard", **{"endpoint": ENDPOINT, "scope": BATCHES, **arguments})


def given(registration: Registration) -> dict[str, Any]:
    """Its properties without the pickled provider, checked to have no problem."""
    return {name: value for name, value in registration.inputs.items() if name != "__provider"}


def test_an_amazon_guard_registers_its_properties(register: Register) -> None:
    """The stored format: type token, names and defaults. Nothing that was not given is there."""
    guard = register(amazon)["guard"]
    assert guard.type == "pulumi-python:dynamic/translation:AmazonTranslateJobGuard"
    assert given(guard) == {
        "service": AMAZON_TRANSLATE,
        "name": "guard",
        "stack": "dev",
        "project": "app",
        "format": 1,
        "region": "eu-west-1",
        "scope": [{"job_name_prefixes": ["pr-17-"]}],
        "protects": [],
        "triggers": [],
        "on_delete": "cancel",
        "grace_period": 0,
        "timeout": "30m",
        "quiet_period": "3s",
    }
    assert problems(AMAZON_TRANSLATE, guard.inputs) == []


def test_an_azure_guard_registers_its_properties(register: Register) -> None:
    """The stored format: type token, names and defaults. Nothing that was not given is there."""
    guard = register(azure)["guard"]
    assert guard.type == "pulumi-python:dynamic/translation:AzureDocumentTranslationJobGuard"
    assert given(guard) == {
        "service": AZURE_DOCUMENT_TRANSLATION,
        "name": "guard",
        "stack": "dev",
        "project": "app",
        "format": 1,
        "endpoint": ENDPOINT,
        "scope": [{"container_urls": ["https://store.blob.core.windows.net/source"]}],
        "protects": [],
        "triggers": [],
        "on_delete": "cancel",
        "grace_period": 0,
        "timeout": "30m",
        "quiet_period": "3s",
        "undecided_timeout": "2m",
        "api_version": "2024-05-01",
        "key_env": "AZURE_DOCUMENT_TRANSLATION_KEY",
    }
    assert problems(AZURE_DOCUMENT_TRANSLATION, guard.inputs) == []


def _with_outputs(make: Callable[..., Any], outputs: Mapping[str, Callable[[], Any]]) -> None:
    make(**{name: output() for name, output in outputs.items()})


def test_every_argument_arrives_under_its_name(register: Register) -> None:
    """As outputs too."""
    both: dict[str, Any] = {
        "on_delete": "drain",
        "grace_period": "1m",
        "timeout": 60,
        "quiet_period": 0,
        "poll_interval": 2.5,
        "triggers": ["release-1"],
    }
    ours: dict[str, Any] = {
        "region": "eu-central-1",
        "expected_account_id": "123456789012",
        "profile": "ci",
        "assume_role_arn": ROLE_ARN,
        "endpoint_url": "http://127.0.0.1:1",
    }
    theirs: dict[str, Any] = {
        "undecided_timeout": "5m",
        "api_version": "2026-03-01",
        "key_env": "KEY",
        "account_resource_id": "/subscriptions/s",
    }
    for arguments, make in ((both | ours, amazon), (both | theirs, azure)):
        plain = given(register(partial(make, **arguments))["guard"])
        assert {name: plain[name] for name in arguments} == arguments
        outputs = {name: partial(known, value) for name, value in arguments.items()}
        later = register(partial(_with_outputs, make, outputs))
        assert given(later["guard"]) == plain


def test_the_provider_is_pickled_by_reference_and_is_no_secret(register: Register) -> None:
    """A few words that name a class: the installed version's code runs, and a state can be read."""
    for make in (amazon, azure):
        guard = register(make)["guard"]
        assert isinstance(guard.inputs["__provider"], str)
        assert len(guard.inputs["__provider"]) < 250
        assert guard.secrets == frozenset()


def test_a_secret_stays_a_secret(register: Register) -> None:
    """An argument that comes from a secret is encrypted in the state."""
    guard = register(lambda: amazon(profile=pulumi.Output.secret("ci")))["guard"]
    assert guard.secrets == {"profile"}


# Region


def test_the_region_is_the_stacks_by_default(register: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never the environment's: a delete on another machine would look elsewhere."""
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    without = register(lambda: amazon(region=None))["guard"]
    assert without.inputs["region"] == ""
    assert [one.path for one in problems(AMAZON_TRANSLATE, without.inputs)] == ["region"]
    set_all_config({"aws:region": "eu-north-1"})
    assert register(lambda: amazon(region=None))["guard"].inputs["region"] == "eu-north-1"
    assert register(amazon)["guard"].inputs["region"] == "eu-west-1"


@pytest.mark.parametrize("name", ["region", "profile", "assume_role_arn", "endpoint_url", "expected_account_id"])
def test_a_place_or_account_that_resolves_to_nothing_is_refused(register: Register, name: str) -> None:
    """Dropped, it would be another place's or another account's jobs."""
    guard = register(lambda: amazon(**{name: known(None)}))["guard"]
    assert [one.path for one in problems(AMAZON_TRANSLATE, guard.inputs)] == [name]


# Scope


def test_all_selectors_arrive_under_their_names(register: Register) -> None:
    """Also as tuples and outputs, and several scopes as a list."""
    scopes = [
        AmazonTranslateScope(
            data_access_role_arns=(ROLE_ARN, known(ROLE_ARN)),
            s3_uri_prefixes=known(["s3://bucket/"]),
            job_name_prefixes=["pr-"],
            job_ids=["a"],
            submitted_after="2025-01-31T12:00:00Z",
        ),
        AmazonTranslateScope(whole_region=True),
        AmazonTranslateScope(whole_region=known(True)),
    ]
    guard = register(lambda: amazon(scope=scopes))["guard"]
    assert guard.inputs["scope"] == [
        {
            "data_access_role_arns": [ROLE_ARN, ROLE_ARN],
            "s3_uri_prefixes": ["s3://bucket/"],
            "job_name_prefixes": ["pr-"],
            "job_ids": ["a"],
            "submitted_after": "2025-01-31T12:00:00Z",
        },
        {"whole_region": True},
        {"whole_region": True},
    ]
    assert problems(AMAZON_TRANSLATE, guard.inputs) == []
    batches = AzureDocumentTranslationScope(
        translation_ids=["727bf148-f327-47a0-9481-abae6362f11e"],
        container_urls=[known("https://store.blob.core.windows.net/c")],
        source_container_urls=known(["https://store.blob.core.windows.net/in"]),
        target_container_urls=("https://store.blob.core.windows.net/out",),
        created_after="2025-01-31T12:00:00Z",
    )
    theirs = register(lambda: azure(scope=[batches, AzureDocumentTranslationScope(whole_resource=True)]))["guard"]
    assert theirs.inputs["scope"] == [
        {
            "translation_ids": ["727bf148-f327-47a0-9481-abae6362f11e"],
            "container_urls": ["https://store.blob.core.windows.net/c"],
            "source_container_urls": ["https://store.blob.core.windows.net/in"],
            "target_container_urls": ["https://store.blob.core.windows.net/out"],
            "created_after": "2025-01-31T12:00:00Z",
        },
        {"whole_resource": True},
    ]
    assert problems(AZURE_DOCUMENT_TRANSLATION, theirs.inputs) == []


async def _later(value: Any) -> Any:
    return value


NOTHING: dict[str, Callable[[], Any]] = {
    "an output of None": lambda: known(None),
    "an output of an empty list": lambda: known([]),
    "an output of an empty text": lambda: known(""),
    "an output of a list of None": lambda: known([None]),
    "a list of an output of None": lambda: [known(None)],
    "a list of None": lambda: [None],
    "a list of an empty text": lambda: [""],
    "an empty list": list,
    "an awaitable of None": lambda: _later(None),
    "a list of an awaitable of None": lambda: [_later(None)],
    "an awaitable of an empty list": lambda: _later([]),
}


@pytest.mark.parametrize("nothing", NOTHING)
def test_a_selector_registered_as_nothing_is_refused(register: Register, nothing: str) -> None:
    """Pulumi drops what is None: the scope would be wider by a selector, and nobody would be told."""
    ours = register(
        lambda: amazon(scope=AmazonTranslateScope(data_access_role_arns=NOTHING[nothing](), job_name_prefixes=["pr-"]))
    )["guard"]
    (problem,) = problems(AMAZON_TRANSLATE, ours.inputs)
    assert problem.path.startswith("scope.data_access_role_arns")
    assert "resolved to nothing" in problem.reason
    theirs = register(lambda: azure(scope=AzureDocumentTranslationScope(container_urls=NOTHING[nothing]())))["guard"]
    (problem,) = problems(AZURE_DOCUMENT_TRANSLATION, theirs.inputs)
    assert problem.path.startswith("scope.container_urls")


def test_a_time_that_resolves_to_nothing_is_refused(register: Register) -> None:
    """The scope would reach further back."""
    guard = register(lambda: amazon(scope=AmazonTranslateScope(job_ids=["a"], submitted_after=known(None))))["guard"]
    assert [one.path for one in problems(AMAZON_TRANSLATE, guard.inputs)] == ["scope.submitted_after"]


def test_a_datetime_is_stored_as_rfc_3339(register: Register) -> None:
    """With the zone that it has; without one it is refused, since it could mean any."""
    moment = datetime(2025, 1, 31, 12, tzinfo=timezone(timedelta(hours=1)))

    def submitted_after(value: Callable[[], Any]) -> None:
        amazon(scope=AmazonTranslateScope(job_ids=["a"], submitted_after=value()))

    for value in (lambda: moment, lambda: known(moment)):
        guard = register(partial(submitted_after, value))["guard"]
        assert guard.inputs["scope"] == [{"job_ids": ["a"], "submitted_after": "2025-01-31T12:00:00+01:00"}]
        assert problems(AMAZON_TRANSLATE, guard.inputs) == []
    naive = AmazonTranslateScope(job_ids=["a"], submitted_after=moment.replace(tzinfo=None))
    guard = register(lambda: amazon(scope=naive))["guard"]
    assert [one.path for one in problems(AMAZON_TRANSLATE, guard.inputs)] == ["scope.submitted_after"]


def test_an_empty_scope_is_registered_and_refused(register: Register) -> None:
    """All that can be checked is checked in one place, in preview."""
    scopes: list[Any] = [AmazonTranslateScope(), AmazonTranslateScope(whole_region=False), []]
    for scope in scopes:
        guard = register(partial(amazon, scope=scope))["guard"]
        assert [one.path for one in problems(AMAZON_TRANSLATE, guard.inputs)] == ["scope"]


@pytest.mark.parametrize("scope", [BATCHES, [JOBS, BATCHES], {"job_ids": ["a"]}, [{"job_ids": ["a"]}], "pr-17-"])
def test_a_scope_of_another_kind_is_refused_at_once(register: Register, scope: Any) -> None:
    """The sentence names what it must be."""
    with pytest.raises(InvalidArgument, match="expected AmazonTranslateScope, or a list of them, not"):
        register(lambda: amazon(scope=scope))


def test_a_selector_keeps_the_dependency_on_what_it_comes_from(register: Register) -> None:
    """The engine deletes the guard before the role, and asks it when the role is replaced."""

    def program() -> None:
        amazon(scope=AmazonTranslateScope(data_access_role_arns=[role().arn]))

    found = register(program)
    assert found["guard"].property_depends_on["scope"] == {found["role"].urn}
    assert found["guard"].depends_on == {found["role"].urn}


# Protects


class Group(pulumi.ComponentResource):
    """A component: it has no id."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("test:index:Group", name, None, opts)


def test_a_protected_resource_is_a_dependency_and_stored(register: Register) -> None:
    """The dependency gives the order, the property makes the engine ask when one of them is replaced."""

    def program() -> None:
        amazon(protects=[role(), Group("group"), bucket()])

    found = register(program)
    guard = found["guard"]
    assert guard.inputs["protects"] == [
        {"urn": found["role"].urn, "id": "translate"},
        {"urn": found["group"].urn},
        {"urn": found["bucket"].urn, "id": "bucket-17"},
    ]
    assert guard.depends_on >= {found["role"].urn, found["bucket"].urn}
    assert guard.property_depends_on["protects"] >= {found["role"].urn, found["bucket"].urn}


def test_a_component_stands_for_the_resources_in_it(register: Register) -> None:
    """By their ids a replacement in it is noticed; in the same order each time. Its guards and providers are left
    out."""

    def program() -> None:
        outer = Group("outer")
        inside = pulumi.ResourceOptions(parent=outer)
        pulumi.ProviderResource("aws", "provider", opts=inside)
        amazon(opts=inside)
        inner = Group("inner", inside)
        for number in range(9, 0, -1):
            Thing("aws:s3/bucket:Bucket", f"bucket-{number}", pulumi.ResourceOptions(parent=inner), id_=f"b{number}")
        role_ = Thing("aws:iam/role:Role", "role", inside, id_="translate")
        Thing("aws:iam/rolePolicy:RolePolicy", "of-role", pulumi.ResourceOptions(parent=role_))
        AmazonTranslateJobGuard("other", region="eu-west-1", scope=JOBS, protects=[outer])

    found = register(program)
    assert found["other"].inputs["protects"] == [
        {"urn": found["outer"].urn},
        {"urn": found["role"].urn, "id": "translate"},
        {"urn": found["inner"].urn},
        *({"urn": found[f"bucket-{number}"].urn, "id": f"b{number}"} for number in range(1, 10)),
    ]


def test_a_component_without_known_resources_is_warned_of(register: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    """A remote component shows none, and resources that are made after the guard are not seen."""
    said: list[str] = []
    monkeypatch.setattr("pulumi.log.warn", lambda text, *_args, **_more: said.append(text))

    def program() -> None:
        full = Group("full")
        Thing("aws:iam/role:Role", "inner", pulumi.ResourceOptions(parent=full), id_="translate")
        amazon(protects=[full, Group("opaque")])

    register(program)
    assert ["'opaque'" in text for text in said] == [True]


def test_one_resource_may_stand_for_a_list(register: Register) -> None:
    """Forgiving where nothing else can be meant."""
    found = register(lambda: amazon(protects=role()))
    assert found["guard"].inputs["protects"] == [{"urn": found["role"].urn, "id": "translate"}]


def test_dependencies_of_the_callers_own_are_kept(register: Register) -> None:
    """protects adds to depends_on."""

    def program() -> None:
        amazon(protects=[role()], opts=pulumi.ResourceOptions(depends_on=[bucket()]))

    found = register(program)
    assert found["guard"].depends_on == {found["role"].urn, found["bucket"].urn}


@pytest.mark.parametrize("wrong", ["ab", 1, known("a")])
def test_what_is_protected_must_be_a_list(register: Register, wrong: Any) -> None:
    """Anything else is refused with what it is."""
    with pytest.raises(InvalidArgument, match="'guard': `protects` is not a valid list"):
        register(lambda: amazon(protects=wrong))


@pytest.mark.parametrize("wrong", [["a"], [None], [known("a")]])
def test_what_is_protected_must_be_resources(register: Register, wrong: Any) -> None:
    """Their outputs are the likely mistake, and the sentence says so."""
    with pytest.raises(InvalidArgument, match=r"'guard': `protects\[0\]` is not a valid resource"):
        register(lambda: amazon(protects=wrong))


# Options


def test_retain_on_delete_of_a_parent_is_not_inherited(register: Register) -> None:
    """The guard says False itself, which wins."""

    def program() -> None:
        parent = Group("group", pulumi.ResourceOptions(retain_on_delete=True))
        amazon(opts=pulumi.ResourceOptions(parent=parent))

    assert register(program)["guard"].retain_on_delete is False
    assert register(azure)["guard"].retain_on_delete is False


@pytest.mark.parametrize("make", [amazon, azure])
def test_options_that_would_skip_the_guard_are_refused(register: Register, make: Callable[..., Any]) -> None:
    """With the reason, and what to do instead."""
    with pytest.raises(InvalidArgument, match=r"retain_on_delete` makes Pulumi forget .* `on_delete=\"ignore\"`"):
        register(lambda: make(opts=pulumi.ResourceOptions(retain_on_delete=True)))
    with pytest.raises(InvalidArgument, match=r"ignore_changes` of protects, scope would keep the guard"):
        register(lambda: make(opts=pulumi.ResourceOptions(ignore_changes=["scope", "protects", "timeout"])))
    with pytest.raises(InvalidArgument, match=r"delete_before_replace=False` would let what the jobs need be replaced"):
        register(lambda: make(opts=pulumi.ResourceOptions(delete_before_replace=False)))
    with pytest.raises(InvalidArgument, match=r"deleted_with` makes Pulumi skip .* Leave it out"):
        register(lambda: make(opts=pulumi.ResourceOptions(deleted_with=role())))
    assert "guard" in register(lambda: make(opts=pulumi.ResourceOptions(retain_on_delete=False, protect=True)))


@pytest.mark.parametrize(
    "path",
    [
        "*",
        "[*]",
        '["*"]',
        *("scope", "protects", "triggers", "region", "endpoint", "expected_account_id", "account_resource_id"),
        "protects[0].id",
        "protects[*]",
        "protects.*",
        'scope[0]["data_access_role_arns"]',
        '["scope"][0]',
        '.["triggers"]',
        "..triggers[0]",
        " region ",
        "[0]",
        '["scope',
        "",
    ],
)
def test_ignore_changes_of_what_decides_is_refused(register: Register, path: str) -> None:
    """In any spelling that Pulumi takes, and in one that it does not."""
    for make in (amazon, azure):
        with pytest.raises(InvalidArgument, match=r"ignore_changes` of .* would keep the guard"):
            register(lambda make=make: make(opts=pulumi.ResourceOptions(ignore_changes=["timeout", path])))  # type: ignore[misc]


def test_ignore_changes_of_anything_else_is_accepted(register: Register) -> None:
    """Also where a name only begins or ends as one that decides, or is deeper."""
    paths = ["timeout", "on_delete", 'on_delete["scope"]', "scopes", "my.protects", '["a\\"scope"]', "poll_interval[*]"]
    assert "guard" in register(lambda: amazon(opts=pulumi.ResourceOptions(ignore_changes=paths)))


def test_a_guard_inside_what_it_protects_is_refused(register: Register) -> None:
    """One sentence instead of Pulumi's circular dependency, however deep it is inside."""

    def inside() -> None:
        group = Group("group")
        amazon(protects=[group], opts=pulumi.ResourceOptions(parent=group))

    def deeper() -> None:
        outer = Group("outer")
        inner = Group("inner", pulumi.ResourceOptions(parent=outer))
        amazon(protects=[role(), outer], opts=pulumi.ResourceOptions(parent=inner))

    for program in (inside, deeper):
        with pytest.raises(InvalidArgument, match=r"'guard': it protects its own parent, .* Give it another parent"):
            register(program)


def test_a_guard_beside_what_it_protects_is_let_pass(register: Register) -> None:
    """A component with a role and its guard in it is the usual case."""

    def program() -> None:
        group = Group("group")
        inside = Thing("aws:iam/role:Role", "role", pulumi.ResourceOptions(parent=group), arn=ROLE_ARN)
        amazon(protects=[inside], opts=pulumi.ResourceOptions(parent=group))

    found = register(program)
    assert found["guard"].depends_on >= {found["role"].urn}


# The scope that protects gives


def test_a_role_and_buckets_give_a_union(register: Register) -> None:
    """Jobs under the role, or jobs at the bucket: whichever of them goes, its jobs must have ended."""

    def program() -> None:
        legacy = Thing("aws:s3/bucketV2:BucketV2", "legacy", bucket="legacy-17")
        other = Thing("aws:sqs/queue:Queue", "queue", arn="arn:aws:sqs:…", bucket="no-bucket")
        amazon(scope=None, protects=[role(), bucket(), legacy, other])

    found = register(program)
    guard = found["guard"]
    assert guard.inputs["scope"] == [
        {"data_access_role_arns": [ROLE_ARN]},
        {"s3_uri_prefixes": ["s3://bucket-17/", "s3://legacy-17/"]},
    ]
    assert guard.property_depends_on["scope"] == {found["role"].urn, found["bucket"].urn, found["legacy"].urn}
    assert problems(AMAZON_TRANSLATE, guard.inputs) == []


@pytest.mark.parametrize("nothing", [None, ""])
def test_a_role_or_bucket_without_a_name_is_refused(register: Register, nothing: Any) -> None:
    """A stand-in that returns nothing must not become a scope of everything."""
    guard = register(lambda: amazon(scope=None, protects=[role(nothing), bucket(nothing)]))["guard"]
    assert [one.path for one in problems(AMAZON_TRANSLATE, guard.inputs)] == [
        "scope[0].data_access_role_arns[0]",
        "scope[1].s3_uri_prefixes[0]",
    ]


def _protecting_a_group(make: Callable[..., Any]) -> None:
    make(scope=None, protects=[Group("group")])


def test_protects_that_gives_no_scope_is_refused(register: Register) -> None:
    """Nothing is guessed."""
    for make, service in ((amazon, AMAZON_TRANSLATE), (azure, AZURE_DOCUMENT_TRANSLATION)):
        guard = register(partial(make, scope=None))["guard"]
        assert [one.path for one in problems(service, guard.inputs)] == ["scope"]
        guard = register(partial(_protecting_a_group, make))["guard"]
        assert [one.path for one in problems(service, guard.inputs)] == ["scope"]


def _protecting_a_translator(type_: str) -> None:
    azure(scope=None, protects=[Thing(type_, "translator", id_="/subscriptions/s")])


@pytest.mark.parametrize("version", ["", "/v20241001"])
def test_nothing_is_derived_from_a_translator_account(register: Register, version: str) -> None:
    """It may be somebody else's: the error names both ways to say which batches are meant."""
    type_ = f"azure-native:cognitiveservices{version}:Account"
    guard = register(partial(_protecting_a_translator, type_))["guard"]
    assert guard.inputs["scope"] == []
    (problem,) = problems(AZURE_DOCUMENT_TRANSLATION, guard.inputs)
    assert problem.path == "scope"
    for choice in ("whole_resource", "source_container_urls", "translation_ids"):
        assert choice in problem.reason


@pytest.mark.parametrize(
    ("endpoint", "suffix"),
    [
        (ENDPOINT, "blob.core.windows.net"),
        ("https://name.cognitiveservices.azure.us/", "blob.core.usgovcloudapi.net"),
        ("https://name.cognitiveservices.azure.cn", "blob.core.chinacloudapi.cn"),
    ],
)
@pytest.mark.parametrize("version", ["", "/v20230101"])
def test_containers_give_their_urls_in_the_endpoints_cloud(
    register: Register, endpoint: str, suffix: str, version: str
) -> None:
    """Of a type with or without its API version."""

    def program() -> None:
        type_ = f"azure-native:storage{version}:BlobContainer"
        azure(scope=None, endpoint=endpoint, protects=[container(1, type_=type_), container(2, type_=type_)])

    found = register(program)
    guard = found["guard"]
    assert guard.inputs["scope"] == [
        {"container_urls": [f"https://store.{suffix}/source-1", f"https://store.{suffix}/source-2"]}
    ]
    assert guard.property_depends_on["scope"] == {found["container-1"].urn, found["container-2"].urn}
    assert problems(AZURE_DOCUMENT_TRANSLATION, guard.inputs) == []


@pytest.mark.parametrize("endpoints", [{"blob": "https://store.z1.blob.storage.azure.net/"}, None, {}])
def test_a_protected_storage_account_gives_its_own_blob_endpoint(register: Register, endpoints: Any) -> None:
    """Some accounts have one that cannot be guessed; another account's containers are not below it."""

    def program() -> None:
        account = Thing("azure-native:storage:StorageAccount", "account", name="store", primary_endpoints=endpoints)
        azure(scope=None, protects=[account, container(1), container(2, "other")])

    host = "store.z1.blob.storage.azure.net" if endpoints else "store.blob.core.windows.net"
    assert register(program)["guard"].inputs["scope"] == [
        {"container_urls": [f"https://{host}/source-1", "https://other.blob.core.windows.net/source-2"]}
    ]


def test_a_container_whose_id_says_nothing_is_refused(register: Register) -> None:
    """An id of another shape is no URL."""

    def program() -> None:
        azure(scope=None, protects=[Thing("azure-native:storage:BlobContainer", "odd", id_="source")])

    guard = register(program)["guard"]
    assert [one.path for one in problems(AZURE_DOCUMENT_TRANSLATION, guard.inputs)] == ["scope.container_urls[0]"]


def test_the_defaults_are_those_of_older_states(register: Register) -> None:
    """Else a new release would find a change where there is none."""
    for make, others in ((amazon, ("api_version", "key_env", "undecided_timeout")), (azure, ())):
        inputs = register(make)["guard"].inputs
        for name in DEFAULTS.keys() - {"stack", "project", "name", *others}:
            assert inputs.get(name) == DEFAULTS[name]
