"""Stacks as the engine shows them to a policy pack, and the pack's own handler with real requests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import json_format, struct_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import EnforcementLevel, Policy, Severity, proxy
from pulumi_policy.policy import _PolicyAnalyzerServicer

from translation_job_guard.policies import policies
from translation_job_guard.policies.nodes import Kind, Node
from translation_job_guard.policies.pack import RelevantResources
from translation_job_guard.policies.rule import NoOptions, Report, StackRule, judge_each
from translation_job_guard.policies.stack import Stack

UNKNOWN = proxy.UNKNOWN_STRING_VALUE
ACCOUNT = "123456789012"
REGION = "eu-west-1"
AMAZON_GUARD = "pulumi-python:dynamic/translation:AmazonTranslateJobGuard"
AZURE_GUARD = "pulumi-python:dynamic/translation:AzureDocumentTranslationJobGuard"
SECRET_KEY, SECRET_SIGNATURE = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"

ASSUMED_BY_TRANSLATE = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "translate.amazonaws.com"}}],
}
ASSUMED_BY_LAMBDA = json.loads(json.dumps(ASSUMED_BY_TRANSLATE).replace("translate.", "lambda."))


@dataclass(eq=False)
class Resource:
    """One resource of a stack. `flows` are the resources that a property was made from."""

    type: str
    name: str
    properties: dict[str, Any]
    depends: list[Resource] = field(default_factory=list)
    flows: dict[str, list[Resource]] = field(default_factory=dict)
    parent: Resource | None = None
    provider: Resource | None = None

    @property
    def urn(self) -> str:
        return f"urn:pulumi:dev::shop::{self.type}::{self.name}"

    @property
    def all_depends(self) -> list[Resource]:
        used = [*self.depends, *(one for flow in self.flows.values() for one in flow)]
        return list({one.urn: one for one in used}.values())

    def of(self, name: str) -> Any:
        return self.properties.get(name, UNKNOWN)


@dataclass(frozen=True)
class Violation:
    rule: str
    name: str
    level: str
    message: str


def role(name: str = "translate", document: Any = ASSUMED_BY_TRANSLATE, *, made: bool = True) -> Resource:
    """A role; its outputs are unknown if it is not `made` yet."""
    text = document if isinstance(document, str) else json.dumps(document)
    outputs = {"arn": f"arn:aws:iam::{ACCOUNT}:role/{name}", "name": name} if made else {"arn": UNKNOWN, "name": name}
    return Resource("aws:iam/role:Role", name, {"assumeRolePolicy": text, **outputs})


def bucket(
    name: str = "documents", *, token: str = "aws:s3/bucket:Bucket", region: str | None = REGION, made: bool = True
) -> Resource:
    # Pulumi makes names up before it makes buckets.
    properties = {"bucket": name, "arn": f"arn:aws:s3:::{name}" if made else UNKNOWN}
    return Resource(token, name, {**properties, **({"region": region} if region else {})})


def document(*actions: str) -> str:
    """A policy that allows these actions."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def permission(
    of: Resource, *on: Resource, name: str = "access", actions: Sequence[str] = ("s3:GetObject", "s3:PutObject")
) -> Resource:
    """An inline policy of a role, made from the resources that it is on; not known yet without actions."""
    properties = {"role": of.of("name"), "policy": document(*actions) if actions else UNKNOWN}
    return Resource("aws:iam/rolePolicy:RolePolicy", name, properties, flows={"role": [of], "policy": list(on)})


def attachment(of: Resource, name: str = "attached", *, policy: Resource | str = "AmazonS3FullAccess") -> Resource:
    """An attachment of a policy of the stack, of one of AWS by its name, or of any other by its ARN."""
    arn = policy if isinstance(policy, str) else policy.of("arn")
    arn = arn if ":" in arn or arn == UNKNOWN else f"arn:aws:iam::aws:policy/{arn}"
    flows = {"role": [of], "policyArn": [policy] if isinstance(policy, Resource) else []}
    token = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
    return Resource(token, name, {"role": of.of("name"), "policyArn": arn}, flows=flows)


def managed_policy(*on: Resource, name: str = "shared", actions: Sequence[str] = ("s3:*",)) -> Resource:
    """A managed policy, made from the resources that it is on."""
    properties = {"arn": f"arn:aws:iam::{ACCOUNT}:policy/{name}", "policy": document(*actions)}
    return Resource("aws:iam/policy:Policy", name, properties, flows={"policy": list(on)})


def account(
    name: str = "translator",
    kind: Any = "TextTranslation",
    *,
    sku: str = "S1",
    token: str = "azure-native:cognitiveservices:Account",
    made: bool = True,
    endpoint: str | None = None,
    subdomain: bool = True,
) -> Resource:
    inner: dict[str, Any] = {"customSubDomainName": name} if subdomain else {}
    if made:
        own = f"https://{name}.cognitiveservices.azure.com/"
        inner["endpoint"] = endpoint or (own if subdomain else "https://westeurope.api.cognitive.microsoft.com/")
    return Resource(token, name, {"kind": kind, "sku": {"name": sku}, "properties": inner})


def storage(name: str = "store") -> Resource:
    return Resource("azure-native:storage:StorageAccount", name, {"name": name})


def container(
    of: Resource, name: str = "documents", *, token: str = "azure-native:storage:BlobContainer", made: bool = True
) -> Resource:
    properties = {"name": name} if made else {"containerName": name, "accountName": UNKNOWN}
    return Resource(token, name, properties, flows={"accountName": [of]})


BLOB_CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
COGNITIVE_USER = "a97b65f3-24c7-4388-baec-2e87135dc908"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"


def assignment(name: str, scope: Resource, *principal: Resource, role: str = BLOB_CONTRIBUTOR) -> Resource:
    return Resource(
        "azure-native:authorization:RoleAssignment",
        name,
        {
            "scope": "/subscriptions/…",
            "roleDefinitionId": f"/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/{role}",
        },
        flows={"scope": [scope], "principalId": list(principal)},
    )


def amazon_guard(
    *protects: Resource,
    name: str = "guard",
    scope: Any = None,
    region: Any = REGION,
    made: bool = True,
    depends: Iterable[Resource] = (),
    **properties: Any,
) -> Resource:
    """A guard as it is stored. In `scope` a resource stands for its ARN or its prefix; by default it is `protects`."""
    if scope is None:
        roles = [one for one in protects if one.type.endswith(":Role")]
        buckets = [one for one in protects if "ucket" in one.type.rpartition(":")[2]]
        scope = [{"data_access_role_arns": roles}] * bool(roles) + [{"s3_uri_prefixes": buckets}] * bool(buckets)
    values, used = _scopes(scope)
    return _guard(
        AMAZON_GUARD,
        name,
        {"region": region, "scope": values, "service": "amazon-translate", **properties},
        used,
        protects,
        depends,
        made,
    )


def azure_guard(
    *protects: Resource,
    endpoint: Any,
    name: str = "guard",
    scope: Any = None,
    made: bool = True,
    depends: Iterable[Resource] = (),
    **properties: Any,
) -> Resource:
    """A guard as it is stored. As `endpoint` an account stands for its own."""
    if scope is None:
        scope = [{"container_urls": [one for one in protects if one.type.endswith(":BlobContainer")]}]
    values, used = _scopes(scope)
    made_from = []
    if isinstance(endpoint, Resource):
        made_from = [endpoint]
        endpoint = endpoint.properties["properties"].get("endpoint", UNKNOWN)
    guard = _guard(
        AZURE_GUARD,
        name,
        {"endpoint": endpoint, "scope": values, "service": "azure-document-translation", **properties},
        used,
        protects,
        depends,
        made,
    )
    guard.flows["endpoint"] = made_from
    return guard


def provider(name: str = "aws", **properties: Any) -> Resource:
    """An explicit provider; values that are no text are JSON, as the SDK sends them."""
    texts = {key: one if isinstance(one, str) else json.dumps(one) for key, one in properties.items()}
    return Resource("pulumi:providers:aws", name, texts)


def secret(value: Any) -> dict[str, Any]:
    """A secret as the engine sends it."""
    return {SECRET_KEY: SECRET_SIGNATURE, "value": value}


def judge(
    resources: Sequence[Resource],
    config: Mapping[str, Mapping[str, Any]] | None = None,
    pack: list[Policy] | None = None,
    *,
    filtered: bool = True,
) -> list[Violation]:
    """What the pack says of a stack: each resource first, then the stack, as in a preview."""
    servicer = Servicer(pack, config, filtered=filtered)
    found: list[Violation] = []
    for one in resources:
        found += servicer.resource(one)
    return found + servicer.stack(resources)


class Servicer:
    """The handler of a pack, configured as the engine configures it; `filtered` as in the ready pack."""

    def __init__(
        self,
        pack: list[Policy] | None = None,
        config: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        filtered: bool = True,
    ) -> None:
        self._pack = policies() if pack is None else pack
        servicer: Any = _PolicyAnalyzerServicer("pack", "0.0.1", self._pack, EnforcementLevel.ADVISORY)
        self.servicer = RelevantResources(servicer) if filtered else servicer
        request = analyzer_pb2.ConfigureAnalyzerRequest()
        info = servicer.GetAnalyzerInfo(None, None)
        config = config or {}
        unknown = set(config) - {policy.name for policy in info.policies}
        assert not unknown, unknown
        for policy in info.policies:
            # As the engine does: the schema's defaults are filled in.
            asked = dict(config.get(policy.name, {}))
            level = asked.pop("enforcementLevel", None)
            schema = json_format.MessageToDict(policy.configSchema.properties)
            values = {name: one["default"] for name, one in schema.items() if "default" in one} | asked
            chosen = request.policyConfig[policy.name]
            chosen.properties.update(values)
            chosen.enforcementLevel = (
                analyzer_pb2.EnforcementLevel.Value(level.upper()) if level else policy.enforcementLevel
            )
        servicer.Configure(request, None)

    def resource(self, one: Resource) -> list[Violation]:
        return _violations(self.servicer.Analyze(resource_request(one), None), one.name)

    def stack(self, resources: Sequence[Resource]) -> list[Violation]:
        return _violations(self.servicer.AnalyzeStack(stack_request(resources), None))

    def remediate(self, one: Resource) -> dict[str, Any] | None:
        answer = self.servicer.Remediate(resource_request(one), None)
        assert not [said.diagnostic for said in answer.remediations if said.diagnostic]
        return json_format.MessageToDict(answer.remediations[-1].properties) if answer.remediations else None


def stack_request(resources: Sequence[Resource]) -> analyzer_pb2.AnalyzeStackRequest:
    request = analyzer_pb2.AnalyzeStackRequest()
    for one in resources:
        shown = request.resources.add(type=one.type, urn=one.urn, name=one.name)
        shown.properties.CopyFrom(_struct(one.properties))
        if one.parent is not None:
            shown.parent = one.parent.urn
        shown.dependencies.extend(other.urn for other in one.all_depends)
        for name, others in one.flows.items():
            shown.propertyDependencies[name].urns.extend(other.urn for other in others)
        _add_provider(shown, one)
    return request


def resource_request(one: Resource) -> analyzer_pb2.AnalyzeRequest:
    request = analyzer_pb2.AnalyzeRequest(type=one.type, urn=one.urn, name=one.name)
    request.properties.CopyFrom(_struct(one.properties))
    _add_provider(request, one)
    return request


def _add_provider(shown: Any, one: Resource) -> None:
    if one.provider is not None:
        shown.provider.type = one.provider.type
        shown.provider.urn = one.provider.urn
        shown.provider.name = one.provider.name
        shown.provider.properties.CopyFrom(_struct(one.provider.properties))


def _struct(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(properties)
    return struct


def _violations(answer: analyzer_pb2.AnalyzeResponse, name: str = "") -> list[Violation]:
    return [
        Violation(
            one.policyName,
            one.urn.rpartition("::")[2] or name,
            analyzer_pb2.EnforcementLevel.Name(one.enforcementLevel).lower(),
            one.message,
        )
        for one in answer.diagnostics
    ]


def _guard(
    type_: str,
    name: str,
    properties: dict[str, Any],
    used: list[Resource],
    protects: Iterable[Resource],
    depends: Iterable[Resource],
    made: bool,
) -> Resource:
    protects = list(protects)
    common = {
        "name": name,
        "stack": "dev",
        "project": "shop",
        "format": 1,
        "on_delete": "cancel",
        "timeout": "30m",
        "protects": [{"urn": one.urn, "id": f"id-{one.name}" if made else UNKNOWN} for one in protects],
        "triggers": [],
        "__provider": "pickled",
    }
    return Resource(
        type_,
        name,
        {**common, **properties},
        [*protects, *depends],
        flows={"scope": used, "protects": protects},
    )


def _scopes(scopes: Any) -> tuple[Any, list[Resource]]:
    if scopes == UNKNOWN:
        return UNKNOWN, []
    used: list[Resource] = []

    def value(one: Any) -> Any:
        if not isinstance(one, Resource):
            return one
        used.append(one)
        if one.type.endswith(":Role"):
            return one.of("arn")
        if one.type.endswith(":BlobContainer"):
            [store] = one.flows["accountName"]
            known = "name" in one.properties
            return f"https://{store.name}.blob.core.windows.net/{one.name}" if known else UNKNOWN
        name = one.of("bucket")
        return UNKNOWN if name == UNKNOWN else f"s3://{name}/"

    values = [
        {key: [value(element) for element in one] if isinstance(one, list) else one for key, one in scope.items()}
        if isinstance(scope, dict)
        else scope
        for scope in (scopes if isinstance(scopes, list) else [scopes])
    ]
    return values, used


def breaking_rule(error: Exception) -> Policy:
    """A rule that violates every role but the one called translate, for which it raises an error."""

    def check(stack: Stack, _options: NoOptions, report: Report) -> None:
        def judge(node: Node) -> None:
            if node.name == "translate":
                raise error
            report("bad", node.urn)

        judge_each("breaking", report, stack.of(Kind.ROLE), judge)

    mandatory, low = EnforcementLevel.MANDATORY, Severity.LOW
    return StackRule("breaking", "Breaks.", mandatory, low, NoOptions, "Repair it.", check).policy()


def names(violations: Iterable[Violation]) -> set[tuple[str, str]]:
    return {(one.rule, one.name) for one in violations}
