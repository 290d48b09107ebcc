"""What a state tells of its guards and of what ties jobs to its stack."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.states import mixed, state
from translation_job_guard.errors import InvalidArgument
from translation_job_guard.jobs import (
    AMAZON_TRANSLATE,
    AZURE_DOCUMENT_TRANSLATION,
    AmazonScope,
    AzureScope,
    DocumentRow,
    Documents,
    Job,
    JobState,
)
from translation_job_guard.resource_types import GUARD_TYPES
from translation_job_guard.services import endpoint_key
from translation_job_guard.services.amazon import AmazonConnection
from translation_job_guard.state import ExportedStack, TieKind, parse_state

URL = "http://127.0.0.1:1"


def parsed(document: Any) -> ExportedStack:
    return parse_state(json.dumps(document), "state.json")


def only_guard(**changes: Any) -> Any:
    [guard] = parsed(state(URL, guards={"guard": changes})).guards
    return guard


def amazon_job(**changes: Any) -> Job:
    return Job(AMAZON_TRANSLATE, "1" * 32, JobState.RUNNING, "IN_PROGRESS", **changes)


def azure_job(*locations: str, known: bool = True) -> Job:
    rows = tuple(DocumentRow(location, ended=True) for location in locations)
    total = Documents(len(rows) if known else len(rows) + 1)
    return Job(AZURE_DOCUMENT_TRANSLATION, "batch", JobState.RUNNING, "Running", rows=rows, documents=total)


def test_a_real_export_gives_the_guards_of_both_clouds() -> None:
    """With their scopes, place and account, read as a destroy reads them."""
    stack = parsed(mixed(URL))
    assert (stack.label, len(stack.guards), stack.resources) == ("test/dev", 3, 11)
    guards = {guard.name: guard for guard in stack.guards}
    translate, documents = guards["translate"], guards["documents"]
    assert translate.arguments is not None
    assert documents.arguments is not None
    assert translate.arguments.scopes == (AmazonScope(job_name_prefixes=("pr-17-",)),)
    assert translate.arguments.connection == AmazonConnection("eu-west-1", "123456789012", endpoint_url=URL)
    assert documents.arguments.scopes == (AzureScope(container_urls=("https://account.blob.core.windows.net/docs",)),)
    assert translate.obstacles == ()
    assert translate.provider is not None


def test_an_encrypted_scope_asks_for_show_secrets() -> None:
    """It can be read from an export with secrets only; the other guards can be read all the same."""
    stack = parsed(mixed(URL, show_secrets=False))
    assert stack.needs_secrets
    guards = {guard.name: guard for guard in stack.guards}
    assert guards["documents"].arguments is None
    assert "scope is an encrypted secret" in str(guards["documents"].problem)
    assert "--show-secrets" in str(guards["documents"].problem)
    assert guards["translate"].arguments is not None
    assert not parsed(mixed(URL)).needs_secrets


def test_triggers_may_stay_secret() -> None:
    """Nothing reads their values."""
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:x"}
    assert only_guard(triggers=secret).arguments is not None
    assert only_guard(timeout=secret).arguments is None


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        ({"pendingReplacement": True}, "pendingReplacement"),
        ({"retainOnDelete": True}, "retainOnDelete"),
        ({"deletedWith": "urn:pulumi:dev::shop::pulumi:pulumi:Stack::test-dev"}, "deletedWith test-dev"),
    ],
)
def test_each_obstacle_to_a_destroy_is_said_with_its_fix(flags: dict[str, Any], word: str) -> None:
    """Each of them, and what to run."""
    [obstacle] = only_guard(resource=flags).obstacles
    assert obstacle.startswith(word)
    assert "pulumi up" in obstacle


def test_what_does_not_skip_a_guard_is_no_obstacle() -> None:
    """Protection, a pending deletion, and deletedWith something that is not there any more."""
    guard = only_guard(resource={"protect": True, "delete": True, "deletedWith": "urn:pulumi:dev::shop::gone::gone"})
    assert guard.obstacles == ()
    assert guard.protect
    assert guard.pending_deletion


def test_an_inherited_deleted_with_shows() -> None:
    """The real export has a guard whose parent handed its deletedWith down."""
    guards = {guard.name: guard for guard in parsed(mixed(URL)).guards}
    assert guards["inherits"].deleted_with is not None
    assert not guards["inherits"].retain_on_delete
    assert guards["inherits"].protect


def test_unreadable_properties_are_a_problem_of_one_guard() -> None:
    """A newer format, for instance."""
    guard = only_guard(format=99)
    assert guard.arguments is None
    assert "newer release" in str(guard.problem)


def test_resources_tie_jobs_to_a_stack() -> None:
    """By ARN, by prefix, by container's URL, and by the endpoint that a batch is on."""
    stack = parsed(mixed(URL))
    assert {(tie.kind, tie.identity) for tie in stack.ties} == {
        (TieKind.ROLE, "arn:aws:iam::123456789012:role/translate-dev"),
        (TieKind.BUCKET, "bucket"),
        (TieKind.CONTAINER, "https://account.blob.core.windows.net/docs"),
        (TieKind.TRANSLATOR, f"{URL}/azure/translator"),
    }

    def kind(job: Job, place: str) -> TieKind | None:
        tie = stack.tie(job, place)
        return tie.kind if tie else None

    assert kind(amazon_job(role_arn="arn:aws:iam::123456789012:role/translate-dev"), "eu-west-1") is TieKind.ROLE
    assert kind(amazon_job(locations=("s3://bucket/in/",)), "eu-west-1") is TieKind.BUCKET
    assert kind(amazon_job(locations=("s3://bucket-2/in/",)), "eu-west-1") is None
    here, elsewhere = f"{URL}/azure/translator", "https://other.cognitiveservices.azure.com/"
    assert kind(azure_job("https://account.blob.core.windows.net/docs/a.txt"), elsewhere) is TieKind.CONTAINER
    assert kind(azure_job("https://account.blob.core.windows.net/docs/a.txt"), here) is TieKind.CONTAINER
    assert kind(azure_job("https://account.blob.core.windows.net/docs2/a.txt"), here) is TieKind.TRANSLATOR
    assert kind(azure_job(known=False), elsewhere) is None


@pytest.mark.parametrize(
    ("endpoint", "suffix"),
    [
        ("https://translator.cognitiveservices.azure.us/", "blob.core.usgovcloudapi.net"),
        ("https://translator.cognitiveservices.azure.cn/", "blob.core.chinacloudapi.cn"),
        ("https://translator.cognitiveservices.azure.com/", "blob.core.windows.net"),
    ],
)
@pytest.mark.parametrize("known_by", ["guard", "translator"])
def test_a_container_is_in_the_cloud_of_the_endpoint(endpoint: str, suffix: str, known_by: str) -> None:
    """Its storage account would tell; who is left is a guard or the Translator resource."""
    if known_by == "guard":
        document = state(URL, guards={"guard": {"endpoint": endpoint}}, keep=["docs"])
    else:
        document = state(URL, keep=["docs", "translator"])
        [translator] = [one for one in document["deployment"]["resources"] if one["urn"].endswith("::translator")]
        translator["outputs"]["properties"]["endpoint"] = endpoint
    [container] = [tie.identity for tie in parsed(document).ties if tie.kind is TieKind.CONTAINER]
    assert container == f"https://account.{suffix}/docs"


@pytest.mark.parametrize("other", ["https://[bad", "https://translator.cognitiveservices.azure.cn/"])
def test_an_unclear_endpoint_hides_no_container(other: str) -> None:
    """One of an edited state, and one of another cloud beside the first."""
    guards = {"one": {"endpoint": "https://translator.cognitiveservices.azure.us/"}, "other": {"endpoint": other}}
    [container] = [
        tie.identity for tie in parsed(state(URL, guards=guards, keep=["docs"])).ties if tie.kind is TieKind.CONTAINER
    ]
    known = "blob.core.usgovcloudapi.net" if "bad" in other else "blob.core.windows.net"
    assert container == f"https://account.{known}/docs"


def test_endpoints_are_compared_without_case_and_closing_slash() -> None:
    """As a service sees them."""
    assert endpoint_key("https://Name.example.com:443/") == endpoint_key("https://name.example.com")
    assert endpoint_key("https://name.example.com/a") != endpoint_key("https://name.example.com/b")


def test_a_checkpoint_file_of_a_backend_is_read_too() -> None:
    """It has the same deployment below other names."""
    document = mixed(URL)
    stack = parsed({"version": 3, "checkpoint": {"stack": "dev", "latest": document["deployment"]}})
    assert (stack.label, len(stack.guards)) == ("test/dev", 3)


def test_an_empty_stack_has_nothing() -> None:
    """A stack that was never up, or is destroyed."""
    stack = parsed({"version": 3, "deployment": {"resources": None}})
    assert (stack.guards, stack.ties, stack.label) == ((), (), "state.json")


def test_operations_that_never_ended_are_named() -> None:
    """A command that was killed leaves them."""
    document = mixed(URL)
    document["deployment"]["pending_operations"] = [
        {"type": "deleting", "resource": document["deployment"]["resources"][-1]}
    ]
    assert parsed(document).interrupted == ("pet",)


@pytest.mark.parametrize("text", ["", "{", "[]", '"text"', "{}", '{"deployment": {"resources": [1]}}', "null"])
def test_what_is_no_state_is_refused_with_what_to_give(text: str) -> None:
    """And the source is named."""
    with pytest.raises(InvalidArgument, match=r"state\.json is not .*pulumi stack export"):
        parse_state(text, "state.json")


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False)
    | st.text(max_size=4)
    | st.sampled_from(["https://[", "a::b"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
_EXPORT = mixed(URL)


def _spots(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a JSON document: what holds it, and its key there."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [spot for key, one in list(items) for spot in ((value, key), *_spots(one))]


def _edited(document: Any, data: st.DataObject) -> Any:
    document = copy.deepcopy(document)
    for _ in range(data.draw(st.integers(1, 3))):
        spots = _spots(document)
        if not spots:
            break
        container, key = spots[data.draw(st.integers(0, len(spots) - 1))]
        if data.draw(st.booleans()):
            container[key] = data.draw(_JSON)
        else:
            del container[key]
    return document


@settings(max_examples=1000, deadline=None)
@given(st.data())
def test_an_edited_state_is_read_or_refused(data: st.DataObject) -> None:
    """Whatever was changed or taken out by hand: a stack that can be used, or an error that names what is wrong."""
    try:
        stack = parsed(_edited(_EXPORT, data))
    except InvalidArgument:
        return
    assert isinstance(stack.label, str)
    for guard in stack.guards:
        assert (guard.arguments is None) == (guard.problem is not None)
        assert all(isinstance(obstacle, str) for obstacle in guard.obstacles)
    for job in (amazon_job(role_arn="arn:x", locations=("s3://b/",)), azure_job("https://a.blob.core.windows.net/c")):
        for place in ("eu-west-1", "https://name.cognitiveservices.azure.com/"):
            stack.tie(job, place)


_SECRET_MARK = "4dabf18193072939515e22adb298388d"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"outputs": []}, "outputs"),
        ({"outputs": {"scope": {_SECRET_MARK: "1b47061264138c4ac30d75fd1eb44270", "plaintext": "{"}}}, "scope"),
        ({"type": ["x"]}, "type"),
        ({"urn": "urn:pulumi:dev"}, "urn"),
        ({"id": {}}, "id"),
        ({"deletedWith": 1}, "deletedWith"),
    ],
)
def test_what_cannot_be_read_in_a_state_is_named(change: dict[str, Any], named: str) -> None:
    """With the resource, so that it is found."""
    document = state(URL, guards={"guard": {}})
    document["deployment"]["resources"][-1] |= {"type": next(iter(GUARD_TYPES))} | change
    with pytest.raises(InvalidArgument, match=rf"state\.json: {named} of resource \d+ .* cannot be read"):
        parsed(document)


@pytest.mark.parametrize("operations", ["x", [1], [{}], [{"resource": None}], [{"resource": {"urn": 1}}]])
def test_operations_that_cannot_be_read_are_named(operations: Any) -> None:
    """They say that an update was interrupted."""
    document = state(URL)
    document["deployment"]["pending_operations"] = operations
    with pytest.raises(InvalidArgument, match=r"pending_operations cannot be read"):
        parsed(document)
