"""Watch `pulumi up` and `pulumi destroy` stop jobs that the clouds' SDKs started, and no others.

Everything runs on this machine, in a directory that is deleted afterwards. Run it with `make demo`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import boto3
from azure.ai.translation.document import DocumentTranslationClient
from azure.core.credentials import AzureKeyCredential
from azure.core.rest import HttpRequest
from rich.console import Console
from rich.markup import escape
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a file, this directory is on the path instead

from stacks.workspace import EngineFailed, EngineMissing, Workspace
from translation_job_guard.emulator import Emulator

STACK = "pr-17"
REGION = "eu-west-1"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "not-a-secret",
    "AZURE_DOCUMENT_TRANSLATION_KEY": "emulator-key",
}
MINE, NEIGHBOUR = "ours", "a neighbour"
STOPPED = {"STOPPED", "Cancelled"}

POLICY = Path(__file__).parents[1] / "policy"
PLUGINS = Path(__file__).parents[1] / "tests" / "plugins" / "bin"
"""Stands in for Pulumi's own `aws` plugin, which talks to AWS: this one talks to the emulator."""

PULL_REQUEST = '''"""A role that Amazon Translate can assume, and no guard."""

import json

import pulumi
from pulumi_aws.iam import Role

service = {"Effect": "Allow", "Principal": {"Service": "translate.amazonaws.com"}, "Action": "sts:AssumeRole"}
role = Role("translate", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [service]}))
pulumi.export("roleArn", role.arn)
'''
THE_MOVE = ('Role("translate", ', 'Role("translate", path="/batch/", ')
THE_FIX = """
from translation_job_guard import AmazonTranslateJobGuard, AmazonTranslateScope

AmazonTranslateJobGuard(
    "jobs", scope=AmazonTranslateScope(data_access_role_arns=[role.arn]), protects=[role], quiet_period=1
)
"""

console = Console(highlight=False)


class DemoFailed(Exception):
    """A step of the demo did not end as it must."""


@dataclass(frozen=True)
class Started:
    """A job that the demo started, and when it must end."""

    id: str
    service: str
    name: str
    owner: str
    must_end: str


class Demo:
    """The steps of the demo. Each fails loudly if it does not end as described."""

    def __init__(self, emulator: Emulator, workspace: Workspace) -> None:
        self.emulator = emulator
        self.workspace = workspace
        self.started: list[Started] = []
        self.translate: Any = boto3.client(
            "translate",
            region_name=REGION,
            endpoint_url=emulator.url,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )
        self.documents = DocumentTranslationClient(
            emulator.azure_endpoint("translator"), AzureKeyCredential("emulator-key"), api_version="2024-05-01"
        )

    def run(self) -> None:
        step(1, "pulumi up: an environment with a guard for each service")
        self.workspace.up().check()
        outputs = self.workspace.outputs()
        console.print("    made: amazon-jobs, azure-batches; that starts and stops nothing")

        step(2, "Jobs start, by boto3 and the Azure SDK: ours, and those of neighbours in the same accounts")
        mine, other = outputs["roleArn"], "arn:aws:iam::123456789012:role/production"
        for number in range(1, 10):
            self.start_amazon(f"manuals-{number}", mine, MINE, "release 2")
        for number in range(1, 4):
            self.start_amazon(f"production-{number}", other, NEIGHBOUR, "")
        for _ in range(3):
            self.start_azure(outputs["containerUrl"], MINE, "destroy")
        for _ in range(2):
            self.start_azure("https://documents.blob.core.windows.net/production", NEIGHBOUR, "")
        console.print(f"    {len(self.started)} jobs run; {self.count(MINE)} of them belong to this stack")

        step(3, "A new release: its trigger replaces the Amazon guard, and the old release's jobs stop first")
        self.workspace.config["release"] = "2"
        self.workspace.up().check()
        self.verify("release 2")

        step(4, "The new release starts jobs of its own")
        for number in range(1, 5):
            self.start_amazon(f"leaflets-{number}", mine, MINE, "destroy")
        console.print("    4 more jobs run")

        step(5, "pulumi destroy: the guards stop what is in flight in their scopes, and wait until it has ended")
        self.workspace.destroy().check()
        self.verify("destroy")
        if self.workspace.resources():
            raise DemoFailed("the stack still has resources after destroy")

    def pull_request(self, workspace: Workspace) -> None:
        step(6, "A pull request: a stack whose jobs run under a role that no guard covers")
        workspace.up().check()
        role = workspace.outputs()["roleArn"]
        for number in (1, 2):
            self.start_amazon(f"letters-{number}", role, MINE, "second destroy")
        stopped = workspace.preview(policy_packs=[POLICY]).check(fails=True)
        if "orphaned-translation-jobs" not in stopped.output:
            raise DemoFailed("the policy pack did not flag the unguarded jobs")
        show_policies(stopped.output)

        step(7, "The same pull request also moves the role: `plan --preview` names the jobs that this would orphan")
        workspace.write_program(PULL_REQUEST.replace(*THE_MOVE))
        shown = workspace.preview("--json", "--show-sames")
        self.plan(shown.stdout, workspace)

        step(8, "The guard is added: the pack passes, and pulumi destroy stops the jobs")
        workspace.write_program(PULL_REQUEST + THE_FIX)
        show_policies(workspace.up(policy_packs=[POLICY]).check().output)
        workspace.destroy().check()
        self.verify("second destroy")

    def plan(self, preview: str, workspace: Workspace) -> None:
        """Fail unless `plan --preview` names the jobs that the update would orphan."""
        state = workspace.directory / "state.json"
        state.write_text(json.dumps(workspace.export_state()), encoding="utf-8")
        command = ["translation-job-guard", "plan", "--preview", "-", "--state", str(state)]
        done = subprocess.run(
            [str(Path(sys.executable).parent / command[0]), *command[1:]],
            input=preview,
            capture_output=True,
            encoding="utf-8",
            env=workspace.environment(),
            timeout=60,
            check=False,
        )
        lines = (done.stdout or done.stderr).splitlines()
        if done.returncode != 1 or "would orphan 2 jobs" not in done.stdout:
            raise DemoFailed(f"`plan --preview` did not name the jobs: {' '.join(lines)}")
        for line in lines[: lines.index("") if "" in lines else None]:
            console.print("    " + escape(line), soft_wrap=True)

    def conclude(self) -> None:
        step(9, "How every job ended")
        console.print(self.table())
        console.print(
            f"\n[bold green]All {self.count(MINE)} jobs of the stacks were stopped before they went; all "
            f"{self.count(NEIGHBOUR)} jobs of the neighbours still run.[/]"
        )

    def start_amazon(self, name: str, role: str, owner: str, must_end: str) -> None:
        answer = self.translate.start_text_translation_job(
            JobName=name,
            InputDataConfig={"S3Uri": "s3://manuals/in/", "ContentType": "text/plain"},
            OutputDataConfig={"S3Uri": "s3://manuals/out/"},
            DataAccessRoleArn=role,
            SourceLanguageCode="en",
            TargetLanguageCodes=["de"],
        )
        self.started.append(Started(answer["JobId"], "Amazon Translate", name, owner, must_end))

    def start_azure(self, container: str, owner: str, must_end: str) -> None:
        target = {"targetUrl": f"{container}-translated", "language": "de"}
        batch = {"source": {"sourceUrl": container}, "targets": [target]}
        # Not by begin_translation: its poller keeps asking in a thread, even after the demo has ended.
        submit = HttpRequest("POST", "/document/batches?api-version=2024-05-01", json={"inputs": [batch]})
        answer = self.documents.send_request(submit)
        answer.raise_for_status()
        name = container.rpartition("/")[2]
        self.started.append(Started(answer.json()["id"], "Azure batch", name, owner, must_end))

    def state(self, job: Started) -> str:
        """Return the job's state: by boto3, and at Azure from the emulator itself, since a GET may be from a cache."""
        if job.service == "Azure batch":
            return str(self.emulator.control.job(job.id)["state"])
        answer = self.translate.describe_text_translation_job(JobId=job.id)
        return str(answer["TextTranslationJobProperties"]["JobStatus"])

    def verify(self, moment: str) -> None:
        """Fail unless the jobs that had to end by now have been stopped, and all others still run."""
        moments = ["release 2", "destroy", "second destroy"]
        due = moments[: moments.index(moment) + 1]
        for job in self.started:
            state = self.state(job)
            if (state in STOPPED) is not (job.must_end in due):
                raise DemoFailed(f"after {moment}, job {job.name} ({job.id}) of {job.owner} is {state}")

    def count(self, owner: str) -> int:
        return sum(job.owner == owner for job in self.started)

    def table(self) -> Table:
        table = Table(box=None, padding=(0, 1), header_style="bold")
        for column in ("Service", "Job", "Owner", "State", "Reason"):
            table.add_column(column)
        why = {"release 2": "guard replaced", "destroy": "guard deleted", "": "in no scope"}
        why["second destroy"] = why["destroy"]
        for job in self.started:
            style = "green" if job.owner == NEIGHBOUR else ""
            table.add_row(job.service, job.name, job.owner, self.state(job), why[job.must_end], style=style)
        return table


def show_policies(output: str) -> None:
    """Print what the policy pack says, of all that Pulumi printed."""
    _, _, told = output.partition("Policies:\n")
    for line in told.partition("\n\n")[0].splitlines():
        console.print("  " + escape(line), soft_wrap=True)


def step(number: int, text: str) -> None:
    console.print(f"\n[bold cyan]{number}[/] [bold]{escape(text)}[/]")


class GuardLines:
    """Shows the guards' own lines of Pulumi's output: live, and not again in the summary at the end."""

    def __init__(self, stack: str) -> None:
        self._stack = stack
        self._shown: set[str] = set()

    def __call__(self, line: str) -> None:
        _, marker, text = line.partition(f"[{self._stack}/")
        if marker and text not in self._shown:
            self._shown.add(text)
            console.print("    " + escape(marker + text), soft_wrap=True)


@contextmanager
def ends_cleanly() -> Iterator[None]:
    """Unwind on Ctrl-C, SIGTERM and a closed terminal as on any other exception, and so clean up."""

    def unwind(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, unwind) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def main() -> int:
    began = time.monotonic()
    try:
        with ends_cleanly(), tempfile.TemporaryDirectory(prefix="translation-job-guard-demo-") as directory:
            step(0, "Start the emulator of Amazon Translate and Azure Document Translation")
            with Emulator(stop_latency=2.0, run_time=3600.0) as emulator:
                console.print(f"    it listens on {emulator.url}; no account is needed, nothing leaves this machine")
                first = Workspace(
                    Path(directory) / "environment",
                    Path(__file__).parent,
                    project="translation-job-guard",
                    stack=STACK,
                    config={"translation-job-guard:stack": "local", "translation-job-guard:emulator": emulator.url},
                    env=CREDENTIALS,
                    on_line=GuardLines(STACK),
                )
                with first:
                    demo = Demo(emulator, first)
                    demo.run()
                path = os.pathsep.join(
                    [str(PLUGINS), str(Path(sys.prefix) / "bin"), os.environ.get("PATH", os.defpath)]
                )
                second = Workspace(
                    Path(directory) / "pull-request",
                    PULL_REQUEST,
                    project="letters",
                    stack="pr-18",
                    config={"aws:region": REGION},
                    env={**CREDENTIALS, **emulator.environment, "PATH": path},
                    on_line=GuardLines("pr-18"),
                )
                with second:
                    demo.pull_request(second)
                demo.conclude()
    except (DemoFailed, EngineFailed, EngineMissing) as error:
        console.print(f"\n[bold red]The demo failed:[/] {escape(str(error))}")
        return 1
    except SystemExit as told:
        console.print("\nInterrupted; everything that the demo started is gone.")
        return int(told.code or 0)
    console.print(f"Took {time.monotonic() - began:.0f} s; everything that the demo made is gone.")
    return 0


if __name__ == "__main__":
    # The demo must not reach into the user's own accounts.
    for variable in [name for name in os.environ if name.startswith(("AWS_", "AZURE_")) and name != "AWS_CA_BUNDLE"]:
        del os.environ[variable]
    sys.exit(main())
