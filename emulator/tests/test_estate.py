"""What an estate has around jobs: an organization's accounts and roles at AWS, subscriptions and accounts at Azure."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from azure.mgmt.resource.subscriptions import SubscriptionClient
from botocore.exceptions import ClientError

from emulator_fixtures import aws, azure
from translation_job_emulator import ControlError, Emulator

MANAGEMENT = "100000000000"
SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
OTHER = "22222222-2222-2222-2222-222222222222"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/group"


class Token:
    def get_token(self, *_: str, **__: Any) -> AccessToken:
        return AccessToken("token", 4_000_000_000)


class Subscriptions:
    """Resource Manager, by the management SDKs."""

    def __init__(self, emulator: Emulator) -> None:
        self._options: dict[str, Any] = {
            "base_url": emulator.azure_arm_endpoint,
            "credential_scopes": ["https://management.azure.com/.default"],
            "retry_total": 0,
        }

    def all(self) -> list[tuple[str, str]]:
        client: Any = SubscriptionClient(Token(), **self._options)
        with client:
            return [(one.subscription_id, one.state) for one in client.subscriptions.list(enforce_https=False)]

    def accounts(self, subscription: str) -> list[Any]:
        client: Any = CognitiveServicesManagementClient(Token(), subscription, **self._options)
        with client:
            return list(client.accounts.list(enforce_https=False))


@pytest.fixture
def arm(stepped: Emulator) -> Subscriptions:
    return Subscriptions(stepped)


def account_id(name: str, subscription: str = SUBSCRIPTION) -> str:
    return f"/subscriptions/{subscription}/resourceGroups/group/providers/Microsoft.CognitiveServices/accounts/{name}"


def all_accounts(client: Any) -> dict[str, str]:
    pages = client.get_paginator("list_accounts").paginate(PaginationConfig={"PageSize": 20})
    return {one["Id"]: one["State"] for page in pages for one in page["Accounts"]}


def test_an_organization_lists_its_accounts_in_pages(stepped: Emulator) -> None:
    """With the states that the service model has; the management account is one of them."""
    members = {f"2{number:011}": "ACTIVE" for number in range(45)}
    members |= {"300000000000": "SUSPENDED", "300000000001": "PENDING_CLOSURE", "300000000002": "CLOSED"}
    stepped.control.settings(accounts={"AKIAEMULATOR": MANAGEMENT})
    stepped.control.put_organization(MANAGEMENT, members)
    found = all_accounts(aws(stepped, "organizations", "us-east-1"))
    assert found == {MANAGEMENT: "ACTIVE", **members}
    assert len(stepped.control.requests(operation="ListAccounts")) == 3
    with pytest.raises(ControlError, match="cannot be 'GONE'"):
        stepped.control.put_organization(MANAGEMENT, {"300000000000": "GONE"})


def test_only_the_management_account_may_list(stepped: Emulator) -> None:
    """Refuse a member account, and an account that is in no organization, each with its own error."""
    stepped.control.settings(accounts={"AKIAMEMBER": "200000000000", "AKIAALONE": "400000000000"})
    stepped.control.put_organization(MANAGEMENT, ["200000000000"])
    for key, code in (("AKIAMEMBER", "AccessDeniedException"), ("AKIAALONE", "AWSOrganizationsNotInUseException")):
        with pytest.raises(ClientError) as refused:
            all_accounts(aws(stepped, "organizations", "us-east-1", key))
        assert refused.value.response["Error"]["Code"] == code


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("throttle", "TooManyRequestsException"),
        ("denied", "AccessDeniedException"),
        ("expired", "ExpiredTokenException"),
        ("error", "ServiceException"),
    ],
)
def test_faults_of_organizations_are_errors_of_its_model(stepped: Emulator, kind: str, code: str) -> None:
    """botocore reads their codes."""
    stepped.control.settings(accounts={"AKIAEMULATOR": MANAGEMENT})
    stepped.control.put_organization(MANAGEMENT, ["200000000000"])
    stepped.control.fault("ListAccounts", kind, times=1)
    client = aws(stepped, "organizations", "us-east-1")
    with pytest.raises(ClientError) as refused:
        all_accounts(client)
    assert refused.value.response["Error"]["Code"] == code
    assert all_accounts(client) == {MANAGEMENT: "ACTIVE", "200000000000": "ACTIVE"}


def test_a_role_leads_into_its_account(stepped: Emulator) -> None:
    """Jobs started with its credentials are in that account; a refusal is a fault to order."""
    sts = aws(stepped, "sts")
    arn = "arn:aws:iam::200000000000:role/look"
    keys = sts.assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    assert keys["SessionToken"]
    there = aws(
        stepped,
        "sts",
        access_key_id=keys["AccessKeyId"],
        secret=keys["SecretAccessKey"],
        session_token=keys["SessionToken"],
    )
    assert there.get_caller_identity()["Account"] == "200000000000"
    stepped.control.fault("AssumeRole", "denied", match={"RoleArn": "*:role/look"})
    with pytest.raises(ClientError, match=f"sts:AssumeRole on resource: {arn}") as refused:
        sts.assume_role(RoleArn=arn, RoleSessionName="test")
    assert refused.value.response["Error"]["Code"] == "AccessDenied"
    sts.assume_role(RoleArn=arn.replace("look", "other"), RoleSessionName="test")


def test_subscriptions_are_listed_in_pages_with_their_states(stepped: Emulator, arm: Subscriptions) -> None:
    """Those that were put, and those that resources are in."""
    stepped.control.settings(azure_arm_page_size=2)
    for number, state in enumerate(("Enabled", "Warned", "PastDue", "Disabled", "Deleted")):
        stepped.control.put_azure_subscription(f"{number}1111111-1111-1111-1111-111111111111", state=state)
    stepped.control.put_azure_account("a", resource_id=account_id("a", "91111111-1111-1111-1111-111111111111"))
    assert [state for _, state in arm.all()] == ["Enabled", "Warned", "PastDue", "Disabled", "Deleted", "Enabled"]
    assert len(stepped.control.requests(operation="ListSubscriptions")) == 3
    with pytest.raises(ControlError, match="not a subscription ID"):
        stepped.control.put_azure_subscription("mine")


def test_accounts_are_those_of_their_subscription(stepped: Emulator, arm: Subscriptions) -> None:
    """In pages, however they were put, with what they are and what keeps clients out."""
    stepped.control.settings(azure_arm_page_size=2)
    stepped.control.put_azure_account("closed", resource_id=account_id("closed"), properties=CLOSED)
    stepped.control.put_azure_account("many", resource_id=account_id("many"), kind="AIServices")
    stepped.control.put_azure_account(
        "plain", resource_id=account_id("plain"), properties={"customSubDomainName": None}
    )
    stepped.control.put_azure_account("other", resource_id=account_id("other", OTHER))
    found = {one.name: one for one in arm.accounts(SUBSCRIPTION)}
    assert list(found) == ["closed", "many", "plain"]
    assert (found["many"].kind, found["many"].properties.custom_sub_domain_name) == ("AIServices", "many")
    assert found["many"].properties.endpoint == f"{stepped.azure_endpoint('many')}/"
    assert found["plain"].properties.custom_sub_domain_name is None
    assert found["plain"].properties.endpoint == "https://westeurope.api.cognitive.microsoft.com/"
    assert found["closed"].properties.public_network_access == "Disabled"
    assert [one.name for one in arm.accounts(OTHER)] == ["other"]


CLOSED = {"publicNetworkAccess": "Disabled"}
RULES = {"networkAcls": {"defaultAction": "Deny", "ipRules": [{"value": "203.0.113.0/24"}]}}
LET_IN = {"networkAcls": {"defaultAction": "Deny", "ipRules": [{"value": "127.0.0.0/8"}]}}


@pytest.mark.parametrize(("properties", "says"), [(CLOSED, "Public access is disabled"), (RULES, "Firewall rules")])
def test_a_firewall_keeps_clients_out(stepped: Emulator, properties: Any, says: str) -> None:
    """With 403, unless a rule lets their address in."""
    stepped.control.put_azure_account("walled", properties=properties)
    with pytest.raises(HttpResponseError, match=says) as refused:
        list(azure(stepped, "walled").list_translation_statuses())
    assert refused.value.status_code == 403
    stepped.control.put_azure_account("walled", properties=LET_IN)
    assert list(azure(stepped, "walled").list_translation_statuses()) == []


def test_a_subscription_that_is_not_there(stepped: Emulator, arm: Subscriptions) -> None:
    """404, and 400 for what cannot be one; no token is 401."""
    with pytest.raises(ResourceNotFoundError, match="could not be found"):
        arm.accounts(SUBSCRIPTION)
    with pytest.raises(HttpResponseError, match="malformed or invalid"):
        arm.accounts("mine")
    stepped.control.put_azure_subscription(SUBSCRIPTION)
    assert arm.accounts(SUBSCRIPTION) == []
    stepped.control.fault("ListSubscriptions", "expired")
    with pytest.raises(ClientAuthenticationError):
        arm.all()


def test_resource_manager_throttles_and_refuses(stepped: Emulator, arm: Subscriptions) -> None:
    """By faults and by rates, with Retry-After, for each subscription by itself."""
    for one in (SUBSCRIPTION, OTHER):
        stepped.control.put_azure_subscription(one)
    stepped.control.fault("ListAccounts", "denied", match={"resource": f"*{OTHER}"})
    with pytest.raises(HttpResponseError, match="AuthorizationFailed"):
        arm.accounts(OTHER)
    stepped.control.settings(rates={"ListAccounts": 1})
    stepped.control.advance(10)
    assert arm.accounts(SUBSCRIPTION) == []
    with pytest.raises(HttpResponseError) as refused:
        arm.accounts(SUBSCRIPTION)
    assert refused.value.status_code == 429
    answer: Any = refused.value.response
    assert answer.headers["Retry-After"] == "1"
