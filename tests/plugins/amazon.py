"""A stand-in for Pulumi's `aws` plugin: the resource types that the stacks use, made by boto3 at the emulator.

As in the real provider, a fixed name makes a replacement delete first, and a bucket that holds objects refuses to go.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from tests.plugins.stand_in import DEFAULTS, Function, Kind, Properties, StandIn, serve

_GONE = frozenset(
    {"404", "NoSuchBucket", "NoSuchKey", "NoSuchEntity", "NotFoundException", "NoSuchBucketPolicy"}
    | {"NoSuchPublicAccessBlockConfiguration", "ServerSideEncryptionConfigurationNotFoundError"}
)


class Cloud:
    """boto3's clients, for the region that the stack configures."""

    def __init__(self) -> None:
        self.region = os.environ.get("AWS_REGION", "us-east-1")

    def configure(self, settings: Properties) -> None:
        self.region = settings.get("region") or self.region

    @functools.cached_property
    def _session(self) -> Any:
        import boto3  # half of the plugin's start, and a preview mostly asks nobody

        return boto3.Session(region_name=self.region)

    @functools.cached_property
    def s3(self) -> Any:
        return self._session.client("s3")

    @functools.cached_property
    def iam(self) -> Any:
        return self._session.client("iam")

    @functools.cached_property
    def kms(self) -> Any:
        return self._session.client("kms")

    @functools.cached_property
    def identity(self) -> Any:
        return self._session.client("sts").get_caller_identity()


class AwsKind(Kind):
    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud


class Bucket(AwsKind):
    name = "bucket"
    replaced_by = frozenset({"bucket", "bucketPrefix", "objectLockEnabled", "region"})
    known_after = (
        *("id", "arn", "bucketDomainName", "bucketRegionalDomainName", "bucketRegion", "hostedZoneId"),
        *("region", "tagsAll"),
    )

    def create(self, inputs: Properties) -> str:
        bucket, region = inputs["bucket"], self.cloud.region
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        self.cloud.s3.create_bucket(Bucket=bucket, **where)
        self._tag(bucket, inputs)
        return str(bucket)

    def update(self, id_: str, olds: Properties, inputs: Properties) -> None:  # noqa: ARG002
        self._tag(id_, inputs)

    def outputs(self, id_: str, inputs: Properties) -> Properties | None:
        if not _found(lambda: self.cloud.s3.head_bucket(Bucket=id_)):
            return None
        region = self.cloud.region
        return {
            "forceDestroy": False,
            **_own(inputs),
            "id": id_,
            "bucket": id_,
            "arn": f"arn:aws:s3:::{id_}",
            "bucketDomainName": f"{id_}.s3.amazonaws.com",
            "bucketRegionalDomainName": f"{id_}.s3.{region}.amazonaws.com",
            "bucketRegion": region,
            "hostedZoneId": "Z1BKCTXD74EZPE",
            "region": region,
            "tagsAll": inputs.get("tags") or {},
        }

    def delete(self, id_: str, state: Properties) -> None:
        with _Gone():
            if state.get("forceDestroy"):
                for stored in self.cloud.s3.get_paginator("list_object_versions").paginate(Bucket=id_):
                    for one in (*stored.get("Versions", ()), *stored.get("DeleteMarkers", ())):
                        self.cloud.s3.delete_object(Bucket=id_, Key=one["Key"], VersionId=one["VersionId"])
            self.cloud.s3.delete_bucket(Bucket=id_)

    def _tag(self, bucket: str, inputs: Properties) -> None:
        if tags := _tags(inputs):
            self.cloud.s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
        else:
            self.cloud.s3.delete_bucket_tagging(Bucket=bucket)


class BucketObject(AwsKind):
    name = "key"
    replaced_by = frozenset({"bucket", "key"})
    known_after = ("id", "arn", "etag", "versionId")

    def made_up_name(self, logical_name: str, random: str) -> str:  # noqa: ARG002
        return logical_name

    def create(self, inputs: Properties) -> str:
        self.update("", {}, inputs)
        return f"{inputs['bucket']}/{inputs['key']}"

    def update(self, id_: str, olds: Properties, inputs: Properties) -> None:  # noqa: ARG002
        self.cloud.s3.put_object(Bucket=inputs["bucket"], Key=inputs["key"], Body=_content(inputs))

    def outputs(self, id_: str, inputs: Properties) -> Properties | None:
        bucket, _, key = id_.partition("/")
        found = _found(lambda: self.cloud.s3.head_object(Bucket=bucket, Key=key))
        if not found:
            return None
        arn = f"arn:aws:s3:::{id_}"
        return {**_own(inputs), "id": id_, "arn": arn, "etag": found["ETag"].strip('"'), "versionId": ""}

    def delete(self, id_: str, state: Properties) -> None:  # noqa: ARG002
        bucket, _, key = id_.partition("/")
        with _Gone():
            self.cloud.s3.delete_object(Bucket=bucket, Key=key)


class BucketSetting(AwsKind):
    """What belongs to a bucket and has the bucket's name for its id; the subclasses say which calls it takes."""

    replaced_by = frozenset({"bucket", "expectedBucketOwner", "region"})
    known_after = ("id",)

    def create(self, inputs: Properties) -> str:
        self.put(inputs)
        return str(inputs["bucket"])

    def update(self, id_: str, olds: Properties, inputs: Properties) -> None:  # noqa: ARG002
        self.put(inputs)

    def outputs(self, id_: str, inputs: Properties) -> Properties | None:
        if not _found(lambda: self.get(id_)):
            return None
        return {**_own(inputs), "id": id_, "bucket": id_, "region": self.cloud.region}

    def delete(self, id_: str, state: Properties) -> None:  # noqa: ARG002
        with _Gone():
            self.remove(id_)

    def put(self, inputs: Properties) -> None:
        raise NotImplementedError

    def get(self, bucket: str) -> Any:
        raise NotImplementedError

    def remove(self, bucket: str) -> None:
        raise NotImplementedError


class BucketPublicAccessBlock(BucketSetting):
    def put(self, inputs: Properties) -> None:
        names = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
        settings = {name[0].upper() + name[1:]: bool(inputs.get(name)) for name in names}
        self.cloud.s3.put_public_access_block(Bucket=inputs["bucket"], PublicAccessBlockConfiguration=settings)

    def get(self, bucket: str) -> Any:
        return self.cloud.s3.get_public_access_block(Bucket=bucket)

    def remove(self, bucket: str) -> None:
        self.cloud.s3.delete_public_access_block(Bucket=bucket)


class BucketServerSideEncryptionConfiguration(BucketSetting):
    def put(self, inputs: Properties) -> None:
        self.cloud.s3.put_bucket_encryption(
            Bucket=inputs["bucket"],
            ServerSideEncryptionConfiguration={"Rules": [_encryption_rule(rule) for rule in inputs["rules"]]},
        )

    def get(self, bucket: str) -> Any:
        return self.cloud.s3.get_bucket_encryption(Bucket=bucket)

    def remove(self, bucket: str) -> None:
        self.cloud.s3.delete_bucket_encryption(Bucket=bucket)


class BucketPolicy(BucketSetting):
    def put(self, inputs: Properties) -> None:
        self.cloud.s3.put_bucket_policy(Bucket=inputs["bucket"], Policy=_text(inputs["policy"]))

    def get(self, bucket: str) -> Any:
        return self.cloud.s3.get_bucket_policy(Bucket=bucket)

    def remove(self, bucket: str) -> None:
        self.cloud.s3.delete_bucket_policy(Bucket=bucket)


class Role(AwsKind):
    name = "name"
    replaced_by = frozenset({"name", "namePrefix", "path"})
    known_after = ("id", "arn", "createDate", "uniqueId", "tagsAll", "managedPolicyArns", "inlinePolicies")

    def create(self, inputs: Properties) -> str:
        self.cloud.iam.create_role(
            RoleName=inputs["name"],
            Path=inputs.get("path", "/"),
            AssumeRolePolicyDocument=_text(inputs["assumeRolePolicy"]),
            Description=inputs.get("description", ""),
            MaxSessionDuration=int(inputs.get("maxSessionDuration", 3600)),
            Tags=_tags(inputs),
        )
        return str(inputs["name"])

    def update(self, id_: str, olds: Properties, inputs: Properties) -> None:
        iam = self.cloud.iam
        iam.update_assume_role_policy(RoleName=id_, PolicyDocument=_text(inputs["assumeRolePolicy"]))
        iam.update_role(
            RoleName=id_,
            Description=inputs.get("description", ""),
            MaxSessionDuration=int(inputs.get("maxSessionDuration", 3600)),
        )
        if old_tags := list(olds.get("tags") or {}):
            iam.untag_role(RoleName=id_, TagKeys=old_tags)
        if tags := _tags(inputs):
            iam.tag_role(RoleName=id_, Tags=tags)

    def outputs(self, id_: str, inputs: Properties) -> Properties | None:
        found = _found(lambda: self.cloud.iam.get_role(RoleName=id_))
        if not found:
            return None
        role = found["Role"]
        attached = self.cloud.iam.list_attached_role_policies(RoleName=id_)["AttachedPolicies"]
        return {
            "forceDetachPolicies": False,
            "maxSessionDuration": role["MaxSessionDuration"],
            **_own(inputs),
            "id": id_,
            "name": id_,
            "arn": role["Arn"],
            "path": role["Path"],
            "uniqueId": role["RoleId"],
            "createDate": role["CreateDate"].isoformat(),
            "managedPolicyArns": [policy["PolicyArn"] for policy in attached],
            "inlinePolicies": [],
            "tagsAll": inputs.get("tags") or {},
        }

    def delete(self, id_: str, state: Properties) -> None:
        iam = self.cloud.iam
        with _Gone():
            if state.get("forceDetachPolicies"):
                for attached in iam.list_attached_role_policies(RoleName=id_)["AttachedPolicies"]:
                    iam.detach_role_policy(RoleName=id_, PolicyArn=attached["PolicyArn"])
                for policy in iam.list_role_policies(RoleName=id_)["PolicyNames"]:
                    iam.delete_role_policy(RoleName=id_, PolicyName=policy)
            iam.delete_role(RoleName=id_)


class RolePolicy(AwsKind):
    name = "name"
    replaced_by = frozenset({"name", "namePrefix", "role"})
    known_after = ("id",)

    def create(self, inputs: Properties) -> str:
        self.update("", {}, inputs)
        return f"{inputs['role']}:{inputs['name']}"

    def update(self, id_: str, olds: Properties, inputs: Properties) -> None:  # noqa: ARG002
        self.cloud.iam.put_role_policy(
            RoleName=inputs["role"], PolicyName=inputs["name"], PolicyDocument=_text(inputs["policy"])
        )

    def outputs(self, id_: str, inputs: Properties) -> Properties | None:
        role, _, name = id_.partition(":")
        if not _found(lambda: self.cloud.iam.get_role_policy(RoleName=role, PolicyName=name)):
            return None
        return {**_own(inputs), "id": id_, "role": role, "name": name}

    def delete(self, id_: str, state: Properties) -> None:  # noqa: ARG002
        role, _, name = id_.partition(":")
        with _Gone():
            self.cloud.iam.delete_role_policy(RoleName=role, PolicyName=name)


class RolePolicyAttachment(AwsKind):
    replaced_by = frozenset({"role", "policyArn"})
    known_after = ("id",)

    def delete_first(self, inputs: Properties) -> bool:  # noqa: ARG002
        # It has no identity of its own: a delete after the create would take the new one away.
        return True

    def create(self, inputs: Properties) -> str:
        self.cloud.iam.attach_role_policy(RoleName=inputs["role"], PolicyArn=inputs["policyArn"])
        return f"{inputs['role']}/{inputs['policyArn']}"

    def outputs(self, id_: str, inputs: Properties) -> Properties | None:
        role, _, arn = id_.partition("/")
        found = _found(lambda: self.cloud.iam.list_attached_role_policies(RoleName=role))
        if not found or arn not in {policy["PolicyArn"] for policy in found["AttachedPolicies"]}:
            return None
        return {**_own(inputs), "id": id_, "role": role, "policyArn": arn}

    def delete(self, id_: str, state: Properties) -> None:  # noqa: ARG002
        role, _, arn = id_.partition("/")
        with _Gone():
            self.cloud.iam.detach_role_policy(RoleName=role, PolicyArn=arn)


class Policy(AwsKind):
    name = "name"
    # A new text replaces it: the real provider makes a new version, which nothing here would look at.
    replaced_by = frozenset({"description", "name", "namePrefix", "path", "policy"})
    known_after = ("id", "arn", "policyId", "attachmentCount", "tagsAll")

    def create(self, inputs: Properties) -> str:
        made = self.cloud.iam.create_policy(
            PolicyName=inputs["name"],
            Path=inputs.get("path", "/"),
            PolicyDocument=_text(inputs["policy"]),
            Description=inputs.get("description", ""),
            Tags=_tags(inputs),
        )
        return str(made["Policy"]["Arn"])

    def outputs(self, id_: str, inputs: Properties) -> Properties | None:
        found = _found(lambda: self.cloud.iam.get_policy(PolicyArn=id_))
        if not found:
            return None
        policy = found["Policy"]
        return {
            **_own(inputs),
            "id": id_,
            "arn": id_,
            "name": policy["PolicyName"],
            "path": policy["Path"],
            "policyId": policy["PolicyId"],
            "attachmentCount": policy["AttachmentCount"],
            "tagsAll": inputs.get("tags") or {},
        }

    def delete(self, id_: str, state: Properties) -> None:  # noqa: ARG002
        with _Gone():
            self.cloud.iam.delete_policy(PolicyArn=id_)


class Key(AwsKind):
    replaced_by = frozenset({"customerMasterKeySpec", "keyUsage", "multiRegion", "region"})
    known_after = ("id", "arn", "keyId", "policy", "region", "rotationPeriodInDays", "tagsAll")

    def create(self, inputs: Properties) -> str:
        policy = {"Policy": _text(inputs["policy"])} if inputs.get("policy") else {}
        tags = [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in _tags(inputs)]
        made = self.cloud.kms.create_key(Description=inputs.get("description", ""), Tags=tags, **policy)
        id_ = str(made["KeyMetadata"]["KeyId"])
        self._rotate(id_, inputs)
        return id_

    def update(self, id_: str, olds: Properties, inputs: Properties) -> None:  # noqa: ARG002
        self.cloud.kms.update_key_description(KeyId=id_, Description=inputs.get("description", ""))
        if inputs.get("policy"):
            self.cloud.kms.put_key_policy(KeyId=id_, PolicyName="default", Policy=_text(inputs["policy"]))
        self._rotate(id_, inputs)

    def outputs(self, id_: str, inputs: Properties) -> Properties | None:
        found = _found(lambda: self.cloud.kms.describe_key(KeyId=id_))
        if not found or found["KeyMetadata"]["KeyState"] == "PendingDeletion":
            return None
        return {
            "policy": self.cloud.kms.get_key_policy(KeyId=id_, PolicyName="default")["Policy"],
            "isEnabled": True,
            "enableKeyRotation": False,
            "keyUsage": "ENCRYPT_DECRYPT",
            "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
            "multiRegion": False,
            "rotationPeriodInDays": 365,
            **_own(inputs),
            "id": id_,
            "keyId": id_,
            "arn": found["KeyMetadata"]["Arn"],
            "region": self.cloud.region,
            "tagsAll": inputs.get("tags") or {},
        }

    def delete(self, id_: str, state: Properties) -> None:
        with _Gone():
            days = int(state.get("deletionWindowInDays") or 30)
            self.cloud.kms.schedule_key_deletion(KeyId=id_, PendingWindowInDays=days)

    def _rotate(self, id_: str, inputs: Properties) -> None:
        if inputs.get("enableKeyRotation"):
            self.cloud.kms.enable_key_rotation(KeyId=id_)
        else:
            self.cloud.kms.disable_key_rotation(KeyId=id_)


class Alias(AwsKind):
    name = "name"
    replaced_by = frozenset({"name", "namePrefix"})
    known_after = ("id", "arn", "targetKeyArn")

    def made_up_name(self, logical_name: str, random: str) -> str:
        return f"alias/{super().made_up_name(logical_name, random)}"

    def create(self, inputs: Properties) -> str:
        self.cloud.kms.create_alias(AliasName=inputs["name"], TargetKeyId=inputs["targetKeyId"])
        return str(inputs["name"])

    def update(self, id_: str, olds: Properties, inputs: Properties) -> None:  # noqa: ARG002
        self.cloud.kms.update_alias(AliasName=id_, TargetKeyId=inputs["targetKeyId"])

    def outputs(self, id_: str, inputs: Properties) -> Properties | None:
        pages = self.cloud.kms.get_paginator("list_aliases").paginate()
        aliases = (alias for page in pages for alias in page["Aliases"])
        found = next((alias for alias in aliases if alias["AliasName"] == id_), None)
        if found is None:
            return None
        target = self.cloud.kms.describe_key(KeyId=found["TargetKeyId"])["KeyMetadata"]
        return {
            **_own(inputs),
            "id": id_,
            "name": id_,
            "arn": found["AliasArn"],
            "targetKeyId": target["KeyId"],
            "targetKeyArn": target["Arn"],
        }

    def delete(self, id_: str, state: Properties) -> None:  # noqa: ARG002
        with _Gone():
            self.cloud.kms.delete_alias(AliasName=id_)


class Functions:
    """The functions that stacks use: who and where they are, and policy documents."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def caller_identity(self, _: Properties) -> Properties:
        who = self._cloud.identity
        return {"id": who["Account"], "accountId": who["Account"], "arn": who["Arn"], "userId": who["UserId"]}

    def partition(self, _: Properties) -> Properties:
        prefix = "com.amazonaws"
        return {"id": "aws", "partition": "aws", "dnsSuffix": "amazonaws.com", "reverseDnsPrefix": prefix}

    def region(self, asked: Properties) -> Properties:
        region = asked.get("region") or self._cloud.region
        endpoint = f"ec2.{region}.amazonaws.com"
        return {"id": region, "name": region, "region": region, "endpoint": endpoint, "description": region}

    def policy_document(self, asked: Properties) -> Properties:
        document = {
            "Version": asked.get("version") or "2012-10-17",
            **({"Id": asked["policyId"]} if asked.get("policyId") else {}),
            "Statement": [_statement(statement) for statement in asked.get("statements") or []],
        }
        minified = json.dumps(document, separators=(",", ":"))
        return {**asked, "id": "policy", "json": json.dumps(document, indent=2), "minifiedJson": minified}


class _Gone:
    """Takes the service's word that something is not there for the end of a deletion."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        return isinstance(error, ClientError) and _code(error) in _GONE


def _found(request: Callable[[], Any]) -> Any:
    """Return the answer, or None if the service says that there is no such thing."""
    try:
        return request()
    except ClientError as error:
        if _code(error) in _GONE:
            return None
        raise


def _code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])


def _own(inputs: Properties) -> Properties:
    return {name: value for name, value in inputs.items() if name != DEFAULTS}


def _tags(inputs: Properties) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in (inputs.get("tags") or {}).items()]


def _text(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)


def _content(inputs: Properties) -> bytes:
    asset = inputs.get("source") or {}
    if asset.get("path"):
        return Path(asset["path"]).read_bytes()
    return str(inputs.get("content") or asset.get("text") or "").encode()


def _encryption_rule(rule: Properties) -> Properties:
    default = rule.get("applyServerSideEncryptionByDefault") or {}
    key = {"KMSMasterKeyID": default["kmsMasterKeyId"]} if default.get("kmsMasterKeyId") else {}
    return {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": default.get("sseAlgorithm", "AES256"), **key},
        "BucketKeyEnabled": bool(rule.get("bucketKeyEnabled")),
    }


def _statement(given: Properties) -> Properties:
    return dict(_statement_parts(given))


def _statement_parts(given: Properties) -> Iterator[tuple[str, Any]]:
    if given.get("sid"):
        yield "Sid", given["sid"]
    yield "Effect", given.get("effect") or "Allow"
    for name, part in (("principals", "Principal"), ("notPrincipals", "NotPrincipal")):
        if given.get(name):
            yield part, {one["type"]: _one_or_all(one["identifiers"]) for one in given[name]}
    for name, part in (
        ("actions", "Action"),
        ("notActions", "NotAction"),
        ("resources", "Resource"),
        ("notResources", "NotResource"),
    ):
        if given.get(name):
            yield part, _one_or_all(given[name])
    conditions: dict[str, dict[str, Any]] = {}
    for condition in given.get("conditions") or []:
        conditions.setdefault(condition["test"], {})[condition["variable"]] = _one_or_all(condition["values"])
    if conditions:
        yield "Condition", conditions


def _one_or_all(values: list[str]) -> str | list[str]:
    """One value stands alone, as the real function has it."""
    return values[0] if len(values) == 1 else values


def main() -> None:
    cloud = Cloud()
    functions = Functions(cloud)
    plugin = StandIn(metadata.version("pulumi-aws"), cloud.configure)
    encryption = BucketServerSideEncryptionConfiguration(cloud)
    plugin.kinds = {
        "aws:s3/bucket:Bucket": Bucket(cloud),
        "aws:s3/bucketV2:BucketV2": Bucket(cloud),
        "aws:s3/bucketObject:BucketObject": BucketObject(cloud),
        "aws:s3/bucketObjectv2:BucketObjectv2": BucketObject(cloud),
        "aws:s3/bucketPolicy:BucketPolicy": BucketPolicy(cloud),
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": BucketPublicAccessBlock(cloud),
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": encryption,
        "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": encryption,
        "aws:iam/role:Role": Role(cloud),
        "aws:iam/rolePolicy:RolePolicy": RolePolicy(cloud),
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment": RolePolicyAttachment(cloud),
        "aws:iam/policy:Policy": Policy(cloud),
        "aws:kms/key:Key": Key(cloud),
        "aws:kms/alias:Alias": Alias(cloud),
    }
    invoked: dict[str, Function] = {
        "aws:index/getCallerIdentity:getCallerIdentity": functions.caller_identity,
        "aws:index/getPartition:getPartition": functions.partition,
        "aws:index/getRegion:getRegion": functions.region,
        "aws:iam/getPolicyDocument:getPolicyDocument": functions.policy_document,
    }
    plugin.functions = invoked
    serve(plugin)
