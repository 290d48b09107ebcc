"""A look at a large estate, with faults: everything that can be seen is seen, and what cannot is a row."""

from __future__ import annotations

from collections import Counter

from translation_job_guard.emulator import Control
from translation_job_guard.estate.finding import find
from translation_job_guard.estate.progress import Progress
from translation_job_guard.estate.request import EstateRequest
from translation_job_guard.estate.walls import explained
from translation_job_guard.jobs import AMAZON_TRANSLATE
from translation_job_guard.looking import look

MANAGEMENT = "900000000000"
ACCOUNTS = [f"1{number:011}" for number in range(99)]
SUBSCRIPTIONS = [f"{number:08x}-0000-0000-0000-000000000000" for number in range(6)]
REGIONS = 15
TRANSLATORS = 300


def fill(control: Control) -> None:
    """Make 100 accounts of which one has no role, and 300 Translator resources; each twentieth place has a job."""
    control.settings(accounts={"AKIAEMULATOR": MANAGEMENT})
    control.put_organization(MANAGEMENT, {**dict.fromkeys(ACCOUNTS, "ACTIVE"), "200000000000": "SUSPENDED"})
    control.add_jobs([{"account": one, "region": "eu-west-1", "name": f"of-{one}"} for one in ACCOUNTS[::4]])
    for number in range(TRANSLATORS):
        name, subscription = f"translator-{number}", SUBSCRIPTIONS[number % len(SUBSCRIPTIONS)]
        group = f"/subscriptions/{subscription}/resourceGroups/group"
        control.put_azure_account(name, resource_id=f"{group}/providers/Microsoft.CognitiveServices/accounts/{name}")
    source = "https://store.blob.core.windows.net/docs"
    control.add_jobs([{"resource": f"translator-{n}", "source": source, "target": source} for n in range(0, 300, 20)])


def test_a_large_estate_with_faults_loses_nothing(control: Control) -> None:
    """100 accounts in 15 regions and 300 Translator resources, throttled, with errors, one account closed."""
    fill(control)
    control.settings(azure_arm_page_size=20)
    control.fault("AssumeRole", "denied", match={"RoleArn": f"*:{ACCOUNTS[7]}:*"})
    control.fault("AssumeRole", "throttle", times=5)
    control.fault("ListAccounts", "throttle", times=2)
    control.fault("ListTextTranslationJobs", "throttle", probability=0.01, times=40)
    control.fault("ListTextTranslationJobs", "error", probability=0.01, times=10)
    control.fault("ListTextTranslationJobs", "denied", match={"account": ACCOUNTS[8], "region": "us-west-2"})
    control.fault("GetTranslationsStatus", "throttle", probability=0.05, times=10)
    control.fault("GetTranslationsStatus", "drop", times=3)
    request = EstateRequest(organization=True, role_name="look", all_subscriptions=True)
    with Progress() as progress:
        found = find(request, here=None, timeout=60, seen=progress.seen)
        progress.begin(len(found.connections))
        seen = look(
            found.connections,
            timeout=60,
            wants_locations=lambda _, jobs: jobs,
            workers=request.concurrency,
            seen=progress.seen,
        )
    assert len(found.connections) == REGIONS * len(ACCOUNTS) + TRANSLATORS
    [closed] = found.sights
    assert closed.account == ACCOUNTS[7]
    assert closed.error is not None
    assert "sts:AssumeRole" in closed.error
    assert found.notes == ("1 account left out, because it is not active: 200000000000.",)
    [refused] = [sight for sight in map(explained, seen) if sight.error]
    assert (refused.account, refused.connection.place) == (ACCOUNTS[8], "us-west-2")
    jobs = Counter(sight.connection.service == AMAZON_TRANSLATE for sight in seen for _ in sight.jobs)
    assert jobs == {True: len(ACCOUNTS[::4]), False: TRANSLATORS // 20}
    assert {sight.account for sight in seen if sight.jobs} >= set(ACCOUNTS[::4])
    assert (progress.done, progress.failed, progress.jobs) == (progress.total, 2, sum(jobs.values()))
    entered = control.requests(operation="AssumeRole")
    assert len([one for one in entered if one["status"] == 200]) == len(ACCOUNTS)
