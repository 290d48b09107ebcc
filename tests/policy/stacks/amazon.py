"""Golden stacks of Amazon Translate: a happy path, and one change of it each."""

from __future__ import annotations

import json

from tests.policy.stacks.case import Cases
from tests.policy.support import (
    ACCOUNT,
    ASSUMED_BY_LAMBDA,
    ASSUMED_BY_TRANSLATE,
    UNKNOWN,
    Resource,
    amazon_guard,
    attachment,
    bucket,
    managed_policy,
    permission,
    role,
)

CASES = Cases()

GUARDED = "translation-resources-guarded"
POSSIBLY = "translation-resources-possibly-guarded"
FIRST = "guard-deleted-first"
CANCELS = "guard-cancels-on-delete"
BOUNDED = "guard-scope-bounded"
DISJOINT = "guard-scopes-disjoint"


@CASES.case()
def happy() -> list[Resource]:
    """Role, policy, bucket and a guard that protects all of them."""
    documents, translate = bucket(), role()
    access = permission(translate, documents)
    return [documents, translate, access, amazon_guard(translate, access, documents)]


@CASES.case()
def happy_in_the_first_preview() -> list[Resource]:
    """The same before anything was made: every output is unknown, and the graph decides."""
    documents, translate = bucket(made=False), role(made=False)
    access = permission(translate, documents)
    return [documents, translate, access, amazon_guard(translate, access, documents, made=False)]


@CASES.case()
def everything_unknown() -> list[Resource]:
    """A trust policy, a region, a mode and a scope that nobody knows yet: nothing is said."""
    translate = role(UNKNOWN, UNKNOWN, made=False)
    return [translate, amazon_guard(translate, scope=UNKNOWN, region=UNKNOWN, on_delete=UNKNOWN, protects=UNKNOWN)]


@CASES.case()
def nothing_of_translation() -> list[Resource]:
    """A stack that has to do with neither service."""
    handler = role("handler", ASSUMED_BY_LAMBDA)
    documents = bucket()
    return [documents, handler, permission(handler, documents), attachment(handler)]


# translation-resources-guarded


@CASES.case(
    f"{GUARDED} translate",
    says=(
        "AmazonTranslateJobGuard(",
        "data_access_role_arns=[translate.arn]",
        "protects=[translate, documents, access]",
    ),
)
def no_guard() -> list[Resource]:
    """A role that Amazon Translate can assume, and no guard."""
    documents, translate = bucket(), role()
    return [documents, translate, permission(translate, documents)]


@CASES.case(f"{GUARDED} translate")
def no_guard_in_the_first_preview() -> list[Resource]:
    """The trust policy is known before the role is made."""
    return [role(made=False)]


@CASES.case(f"{GUARDED} second")
def guard_of_another_role() -> list[Resource]:
    """Two roles, and a guard of one of them."""
    first, second = role("first"), role("second")
    return [first, second, amazon_guard(first)]


@CASES.case(f"{GUARDED} second")
def guard_of_another_role_in_preview() -> list[Resource]:
    """The same before anything was made: the guard's unknown scope was made from the first role."""
    first, second = role("first", made=False), role("second", made=False)
    return [first, second, amazon_guard(first, made=False)]


@CASES.case(f"{GUARDED} second")
def guard_that_depends_on_a_role_and_names_another() -> list[Resource]:
    """Depending on a role is not covering its jobs, once the scope is known."""
    first, second = role("first"), role("second")
    return [first, second, amazon_guard(first, second, scope={"data_access_role_arns": [first]})]


@CASES.case(f"{GUARDED} translate")
def guard_of_two_jobs_by_id() -> list[Resource]:
    """Ids select jobs that exist; the role's next job has another."""
    translate = role()
    return [translate, amazon_guard(translate, scope={"data_access_role_arns": [translate], "job_ids": ["a1", "b2"]})]


@CASES.case()
def guard_by_names_that_protects_the_role() -> list[Resource]:
    """By names alone a guard covers the jobs of the role that it protects."""
    translate = role()
    return [translate, amazon_guard(translate, scope={"job_name_prefixes": ["pr-17-"]})]


@CASES.case(f"{GUARDED} translate")
def guard_by_names_of_nobody_knows_what() -> list[Resource]:
    """By names alone, and the role is not even protected."""
    return [role(), amazon_guard(scope={"job_name_prefixes": ["pr-17-"]})]


@CASES.case()
def guard_with_its_role_in_one_of_two_scopes() -> list[Resource]:
    """Of a list of scopes any one suffices."""
    documents, translate = bucket(), role()
    scopes = [{"s3_uri_prefixes": [documents]}, {"data_access_role_arns": [translate], "job_name_prefixes": ["a"]}]
    return [documents, translate, amazon_guard(translate, documents, scope=scopes)]


@CASES.case(f"{GUARDED} translate", says=("in us-east-1", 'region="us-east-1"'))
def bucket_in_a_region_without_guard() -> list[Resource]:
    """One role in two regions, and a guard in one of them."""
    here, there, translate = bucket("here"), bucket("there", region="us-east-1"), role()
    access = permission(translate, here, there)
    return [here, there, translate, access, amazon_guard(translate, access, here, there)]


@CASES.case()
def guards_in_both_regions() -> list[Resource]:
    """One role in two regions, and a guard in each."""
    here, there, translate = bucket("here"), bucket("there", region="us-east-1"), role()
    access = permission(translate, here, there)
    return [
        *(here, there, translate, access),
        amazon_guard(translate, access, here, there),
        amazon_guard(translate, access, here, there, name="guard-us", region="us-east-1"),
    ]


@CASES.case()
def guard_whose_region_is_not_known_yet() -> list[Resource]:
    """It may turn out to be in the bucket's region."""
    there, translate = bucket("there", region="us-east-1"), role()
    access = permission(translate, there)
    return [there, translate, access, amazon_guard(translate, access, region=UNKNOWN)]


@CASES.case(f"{GUARDED} bad", f"{GUARDED} good")
def one_bad_resource_hides_no_other() -> list[Resource]:
    """A trust policy that is no JSON and unknown names beside roles without a guard."""
    broken = role("broken", "{not json")
    broken.properties["arn"] = {"no": "text"}
    strange = amazon_guard(name="strange", scope=[UNKNOWN, {"data_access_role_arns": 7}], on_delete=["x"], region=3)
    return [role("bad"), broken, strange, role("good")]


@CASES.case()
def bucket_in_another_region_that_only_the_bucket_depends_on() -> list[Resource]:
    """A replica's region has no jobs of the role: its policy is not made from the replica."""
    replica, documents, translate = bucket("replica", region="us-east-1"), bucket(), role()
    documents.depends.append(replica)
    access = permission(translate, documents)
    return [replica, documents, translate, access, amazon_guard(translate, access, documents)]


@CASES.case(f"{GUARDED} translate", says=("in us-east-1",))
def bucket_of_a_managed_policy() -> list[Resource]:
    """A managed policy that is attached to the role is made from the bucket directly."""
    there, translate = bucket("there", region="us-east-1"), role()
    shared = managed_policy(there)
    attached = attachment(translate, policy=shared)
    return [there, translate, shared, attached, amazon_guard(translate, attached, there)]


@CASES.case(
    f"{GUARDED} translate",
    f"{GUARDED} translate",
    says=('"translate-guard-eu-west-1"', '"translate-guard-us-east-1"', "protects=[translate, here, access]"),
)
def no_guard_in_two_regions() -> list[Resource]:
    """One suggestion for each region, with distinct names."""
    here, there, translate = bucket("here"), bucket("there", region="us-east-1"), role()
    return [here, there, translate, permission(translate, here, there)]


# guard-deleted-first


@CASES.case()
def policies_that_jobs_do_not_need() -> list[Resource]:
    """Logs, traces and queues of the same role, inline and attached, by AWS and by the stack."""
    documents, translate = bucket(), role()
    access = permission(translate, documents)
    queues = managed_policy(name="queues", actions=["sqs:*"])
    return [
        *(documents, translate, access, queues),
        permission(translate, name="logs", actions=["logs:PutLogEvents"]),
        attachment(translate, "traces", policy="AWSXRayDaemonWriteAccess"),
        attachment(translate, "sends", policy=queues),
        attachment(translate, "elsewhere", policy=f"arn:aws:iam::{ACCOUNT}:policy/boundary"),
        Resource("aws:iam/rolePoliciesExclusive:RolePoliciesExclusive", "only", {"roleName": "translate"}),
        amazon_guard(translate, access, documents),
    ]


@CASES.case(f"{FIRST} guard", says=("role policy 'elsewhere'",))
def policy_of_another_stack_is_the_only_one() -> list[Resource]:
    """It cannot be read, and without it jobs could not read anything."""
    translate = role()
    other = attachment(translate, "elsewhere", policy=f"arn:aws:iam::{ACCOUNT}:policy/documents")
    return [translate, other, amazon_guard(translate)]


@CASES.case(f"{FIRST} guard", says=("role policy 'access'",))
def policy_whose_text_is_not_known_yet() -> list[Resource]:
    """Made from a bucket, it is about the bucket."""
    documents, translate = bucket(made=False), role(made=False)
    access = permission(translate, documents, actions=())
    return [documents, translate, access, amazon_guard(translate, documents, made=False)]


@CASES.case(f"{FIRST} guard", says=("role policy 'attached'",))
def managed_policy_of_the_stack() -> list[Resource]:
    """What it allows decides, not what attaches it."""
    documents, translate = bucket(), role()
    shared = managed_policy(documents, actions=["s3:Get*"])
    attached = attachment(translate, policy=shared)
    return [documents, translate, shared, attached, amazon_guard(translate, documents)]


@CASES.case(f"{FIRST} guard", says=("role policy 'access'", "protects=[…, access]"))
def role_policy_not_protected() -> list[Resource]:
    """Without the policy the jobs fail half-way; with it comes its bucket, so the bucket is not named too."""
    documents, translate = bucket(), role()
    access = permission(translate, documents)
    return [documents, translate, access, amazon_guard(translate)]


@CASES.case(f"{FIRST} guard", says=("'access'", "'attached'"))
def role_policy_and_attachment_in_preview() -> list[Resource]:
    """On the graph, before anything was made."""
    documents, translate = bucket(made=False), role(made=False)
    access, attached = permission(translate, documents), attachment(translate)
    return [documents, translate, access, attached, amazon_guard(translate, documents, made=False)]


@CASES.case()
def attachment_reached_through_another_resource() -> list[Resource]:
    """Depending on something that depends on it is enough."""
    translate = role()
    attached = attachment(translate)
    between = Resource("random:index/randomId:RandomId", "between", {}, depends=[attached])
    return [translate, attached, between, amazon_guard(translate, depends=[between])]


@CASES.case(f"{FIRST} guard", says=("role 'translate'",))
def role_named_by_its_literal_arn() -> list[Resource]:
    """A literal ARN in the scope is no dependency, and it covers the role."""
    guard = amazon_guard(scope={"data_access_role_arns": [f"arn:aws:iam::{ACCOUNT}:role/translate"]})
    return [role(), guard]


@CASES.case(f"{FIRST} guard", says=("bucket 'documents'",))
def bucket_named_by_its_literal_prefix() -> list[Resource]:
    """So is a literal prefix."""
    return [bucket(), amazon_guard(scope={"s3_uri_prefixes": ["s3://documents/pr-17/"]})]


@CASES.case()
def bucket_of_another_stack() -> list[Resource]:
    """A prefix of a bucket whose name only begins alike ties nothing."""
    return [bucket("doc"), amazon_guard(scope={"s3_uri_prefixes": ["s3://documents/"]})]


@CASES.case(f"{FIRST} guard", says=("key 'master'",))
def key_of_the_buckets_encryption() -> list[Resource]:
    """The encryption settings tie a key to the bucket, and the guard depends on the bucket alone."""
    master, documents = Resource("aws:kms/key:Key", "master", {}), bucket()
    token = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    settings = Resource(token, "settings", {}, flows={"bucket": [documents], "rules": [master]})
    return [master, documents, settings, amazon_guard(documents)]


@CASES.case()
def bucket_that_depends_on_its_key() -> list[Resource]:
    """A key that the bucket was made from goes after it anyway."""
    master, documents = Resource("aws:kms/key:Key", "master", {}), bucket()
    documents.flows["serverSideEncryptionConfiguration"] = [master]
    return [master, documents, amazon_guard(documents)]


@CASES.case(f"{FIRST} guard", says=("'stop-jobs'",))
def policy_of_the_role_that_the_guard_assumes() -> list[Resource]:
    """Its own stopping needs the role that it assumes, and that role's policy."""
    own = role("stopper", ASSUMED_BY_LAMBDA)
    translate = role()
    guard = amazon_guard(translate, scope={"data_access_role_arns": [translate]}, assume_role_arn=own.of("arn"))
    guard.flows["assume_role_arn"] = [own]
    return [own, permission(own, name="stop-jobs", actions=["translate:*"]), translate, guard]


@CASES.case()
def policies_of_a_producers_role() -> list[Resource]:
    """What starts jobs may go at any time: its role's policies are not needed."""
    translate, producer = role(), role("producer", ASSUMED_BY_LAMBDA)
    guard = amazon_guard(translate, producer, scope={"data_access_role_arns": [translate]})
    return [translate, producer, permission(producer), guard]


@CASES.case(f"{FIRST} guard", f"{GUARDED} translate", says=("Reverse the dependency",))
def bucket_that_depends_on_the_guard() -> list[Resource]:
    """The other way round: what the guard needs waits for the guard."""
    guard = amazon_guard(scope={"s3_uri_prefixes": ["s3://documents/"]})
    documents = bucket()
    documents.depends.append(guard)
    return [documents, role(), guard]


@CASES.case(f"{FIRST} guard", f"{BOUNDED} guard", says=("role 'translate'",))
def whole_region_without_its_roles() -> list[Resource]:
    """A guard of everything answers for the stack's roles too."""
    return [role(), role("handler", ASSUMED_BY_LAMBDA), amazon_guard(scope={"whole_region": True})]


@CASES.case()
def children_of_a_component() -> list[Resource]:
    """A guard inside a component depends on what the component depends on, not on its siblings."""
    outer = Resource("shop:index:Translator", "component", {})
    translate = role()
    translate.parent = outer
    guard = amazon_guard(translate)
    guard.parent = outer
    return [outer, translate, guard]


@CASES.case()
def child_of_the_role() -> list[Resource]:
    """A child is deleted before its parent, whatever it depends on."""
    translate = role()
    guard = amazon_guard(scope={"data_access_role_arns": [translate.of("arn")]})
    guard.parent = translate
    return [translate, guard]


# guard-cancels-on-delete


@CASES.case(f"{CANCELS} guard", says=('on_delete="cancel"',))
def ignore() -> list[Resource]:
    """A guard that stops nothing."""
    translate = role()
    return [translate, amazon_guard(translate, on_delete="ignore")]


@CASES.case(f"{CANCELS} guard")
def drain() -> list[Resource]:
    """A guard that only waits."""
    translate = role()
    return [translate, amazon_guard(translate, on_delete="drain")]


@CASES.case(config={CANCELS: {"allowedModes": ["drain", "cancel"]}})
def drain_where_allowed() -> list[Resource]:
    """The configuration says what is allowed."""
    translate = role()
    return [translate, amazon_guard(translate, on_delete="drain")]


@CASES.case()
def mode_not_stored() -> list[Resource]:
    """A guard of an older release, which stored no mode: the default."""
    translate = role()
    return [translate, amazon_guard(translate, on_delete=None)]


# guard-scope-bounded


@CASES.case(f"{BOUNDED} guard", says=("jobs of other stacks",))
def whole_region() -> list[Resource]:
    """Every job of the account and region."""
    translate = role()
    return [translate, amazon_guard(translate, scope={"whole_region": True})]


@CASES.case(config={BOUNDED: {"allowedStacks": ["shop/*"]}})
def whole_region_where_allowed() -> list[Resource]:
    """The same in a stack that owns its account."""
    translate = role()
    return [translate, amazon_guard(translate, scope={"whole_region": True})]


@CASES.case(f"{BOUNDED} guard", config={BOUNDED: {"allowedStacks": ["prod"], "allowedGuards": ["guard-*"]}})
def whole_region_where_others_are_allowed() -> list[Resource]:
    """Another stack and another guard are allowed."""
    translate = role()
    return [translate, amazon_guard(translate, scope={"whole_region": True})]


@CASES.case()
def whole_region_false_or_unknown() -> list[Resource]:
    """A flag that is off, and one that is not known yet."""
    translate = role()
    return [
        translate,
        amazon_guard(translate, scope={"data_access_role_arns": [translate], "whole_region": False}),
        amazon_guard(translate, scope={"whole_region": UNKNOWN}, name="later"),
    ]


# guard-scopes-disjoint


@CASES.case(f"{CANCELS} waits", f"{DISJOINT} waits", says=("'stops' (on_delete=\"cancel\")",))
def one_role_two_modes() -> list[Resource]:
    """Two guards of one role, one stops and one waits."""
    translate = role()
    return [translate, amazon_guard(translate, name="stops"), amazon_guard(translate, name="waits", on_delete="drain")]


@CASES.case(f"{CANCELS} waits", f"{DISJOINT} waits")
def one_role_two_modes_in_preview() -> list[Resource]:
    """The same before the role was made."""
    translate = role(made=False)
    return [
        translate,
        amazon_guard(translate, name="stops", made=False),
        amazon_guard(translate, name="waits", on_delete="drain", made=False),
    ]


@CASES.case()
def one_role_one_mode() -> list[Resource]:
    """Two guards of one role that do the same."""
    translate = role()
    return [translate, amazon_guard(translate, name="one"), amazon_guard(translate, name="two")]


@CASES.case(f"{CANCELS} waits")
def one_role_two_names() -> list[Resource]:
    """Of one role, but of jobs with different names."""
    translate = role()
    return [
        translate,
        amazon_guard(
            translate, name="stops", scope={"data_access_role_arns": [translate], "job_name_prefixes": ["a-"]}
        ),
        amazon_guard(
            translate,
            name="waits",
            on_delete="drain",
            scope={"data_access_role_arns": [translate], "job_name_prefixes": ["b-"]},
        ),
    ]


@CASES.case(f"{CANCELS} waits")
def one_role_two_regions() -> list[Resource]:
    """Of one role, in different regions."""
    translate = role()
    return [
        translate,
        amazon_guard(translate, name="stops"),
        amazon_guard(translate, name="waits", on_delete="drain", region="us-east-1"),
    ]


@CASES.case(f"{CANCELS} waits", f"{DISJOINT} waits")
def one_folder_inside_the_other() -> list[Resource]:
    """A bucket, and a folder of it."""
    documents = bucket()
    return [
        documents,
        amazon_guard(documents, name="stops"),
        amazon_guard(documents, name="waits", on_delete="drain", scope={"s3_uri_prefixes": ["s3://documents/a/"]}),
    ]


@CASES.case(f"{CANCELS} waits")
def folders_side_by_side() -> list[Resource]:
    """A prefix ends at a slash: folder a is not above folder ab."""
    documents = bucket()
    return [
        documents,
        amazon_guard(documents, name="stops", scope={"s3_uri_prefixes": ["s3://documents/a/"]}),
        amazon_guard(documents, name="waits", on_delete="drain", scope={"s3_uri_prefixes": ["s3://documents/ab/"]}),
    ]


# Role trust policies


def _trusting(document: object) -> list[Resource]:
    return [role(document=document if isinstance(document, str) else json.dumps(document))]


def _statement(**changes: object) -> dict[str, object]:
    return {**ASSUMED_BY_TRANSLATE["Statement"][0], **changes}  # type: ignore[dict-item]


@CASES.case(f"{GUARDED} translate")
def trust_one_statement_and_a_list_of_services() -> list[Resource]:
    """A statement by itself, with a list of services and of actions."""
    services = {"Service": ["lambda.amazonaws.com", "translate.amazonaws.com"]}
    return _trusting({"Statement": _statement(Principal=services, Action=["sts:TagSession", "sts:Assume*"])})


@CASES.case(f"{GUARDED} translate")
def trust_as_objects() -> list[Resource]:
    """The document as objects instead of JSON text."""
    translate = role()
    translate.properties["assumeRolePolicy"] = ASSUMED_BY_TRANSLATE
    return [translate]


@CASES.case(f"{GUARDED} translate")
def trust_with_a_condition_on_the_account() -> list[Resource]:
    """The usual condition against the confused deputy."""
    return _trusting({"Statement": [_statement(Condition={"StringEquals": {"aws:SourceAccount": ACCOUNT}})]})


@CASES.case()
def trust_denied() -> list[Resource]:
    """A Deny goes before every Allow."""
    return _trusting({"Statement": [_statement(), _statement(Effect="Deny")]})


@CASES.case()
def trust_in_another_action() -> list[Resource]:
    """Amazon Translate may tag a session and not assume the role."""
    return _trusting({"Statement": [_statement(Action="sts:TagSession")]})


@CASES.case()
def trust_partly_unknown() -> list[Resource]:
    """The service is not known yet: left for the update."""
    translate = role()
    translate.properties["assumeRolePolicy"] = {"Statement": [_statement(Principal={"Service": UNKNOWN})]}
    return [translate]
