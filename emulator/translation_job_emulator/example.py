"""Start an emulator with an example of an estate in the background, and print the variables that lead to it.

In a shell: `eval "$(python -m translation_job_emulator.example)"`, and at the end `kill "$EMULATOR_PID"`.
"""

from __future__ import annotations

import shlex
import subprocess
import sys

from translation_job_emulator.control import Control

MANAGEMENT = "900000000000"
ACCOUNTS = {"100000000001": "ACTIVE", "100000000002": "ACTIVE", "100000000003": "ACTIVE", "100000000004": "SUSPENDED"}
CLOSED = "100000000003"
"""The account whose role refuses everybody."""
SUBSCRIPTIONS = ("11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222")


def main() -> None:
    """Start the emulator, fill it, and print `export` lines."""
    command = [sys.executable, "-m", "translation_job_emulator", "--run-time", "86400"]
    # Not the standard output of this process: a shell that reads it would wait for the emulator's end.
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    url = process.stdout.readline().split()[-1]
    fill(Control(url))
    for name, value in {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_REGION": "us-east-1",
        "IDENTITY_ENDPOINT": f"{url}/azure-identity/token",
        "IDENTITY_HEADER": "emulator",
        "TRANSLATION_JOB_GUARD_ARM_ENDPOINT": f"{url}/azure-arm",
        "EMULATOR_PID": str(process.pid),
    }.items():
        print(f"export {name}={shlex.quote(value)}")


def fill(control: Control) -> None:
    """Make an organization, two subscriptions, and jobs in some of their places."""
    control.settings(accounts={"AKIAEXAMPLE": MANAGEMENT}, azure_resources="explicit")
    control.put_organization(MANAGEMENT, ACCOUNTS)
    control.fault("AssumeRole", "denied", match={"RoleArn": f"*:{CLOSED}:*"})
    for name, subscription, properties in (
        ("translator-shop", SUBSCRIPTIONS[0], {}),
        ("translator-private", SUBSCRIPTIONS[0], {"publicNetworkAccess": "Disabled"}),
        ("translator-docs", SUBSCRIPTIONS[1], {}),
        ("translator-regional", SUBSCRIPTIONS[1], {"customSubDomainName": None}),
    ):
        group = f"/subscriptions/{subscription}/resourceGroups/example"
        id_ = f"{group}/providers/Microsoft.CognitiveServices/accounts/{name}"
        control.put_azure_account(name, resource_id=id_, properties=properties)
    hours = control.now() - 5 * 3600
    control.add_jobs(
        [
            {"account": "100000000001", "region": "eu-west-1", "name": "pr-17-letters", "submitted": hours},
            {"account": "100000000002", "region": "us-west-2", "name": "nightly", "submitted": hours},
            {
                "resource": "translator-docs",
                "source": "https://documents.blob.core.windows.net/letters",
                "target": "https://documents.blob.core.windows.net/letters-fr",
                "submitted": hours,
            },
        ]
    )


if __name__ == "__main__":
    main()
