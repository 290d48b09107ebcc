"""The guides run as they are printed: every block, in order, from an empty directory with a wheel of this clone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.engine.test_guards import states
from tests.stacks.guides import Reader, blocks, commands, follow
from tests.stacks.support import ROOT
from tests.stacks.test_amazon import buckets
from tests.stacks.test_azure import ELSEWHERE, batches
from tests.support.emulator import aws, start
from tests.support.plugins import keyless
from tests.support.violations import violations
from translation_job_guard.emulator import Emulator

DOCS = ROOT / "docs"
GUIDES = {
    DOCS / "adopt-aws.md": "",
    DOCS / "adopt-azure.md": "",
    DOCS / "ci.md": "",
    DOCS / "policies.md": "## The rules",
    DOCS / "testing.md": "",
    DOCS / "tutorial.md": "",
}
"""The guides, and the heading before which each ends: the programs after that run in `tests/policy/test_reference.py`.
What ci.md says goes on with its recipes, in `test_ci.py`."""
ORGANISATION = {"YOUR_ORGANISATION": "organization"}
"""What the backends of the tests call every organisation."""
NOT_HERE = frozenset(
    {
        # These need a live account...
        "az cognitiveservices account purge --name YOUR_SUBDOMAIN --resource-group YOUR_GROUP --location westeurope",
        # ...and these an organisation of Pulumi Cloud.
        "pulumi policy publish YOUR_ORGANISATION",
        "pulumi policy enable YOUR_ORGANISATION/translation-job-guard latest --config policy-config.json",
    }
)
"""Commands of the guides that cannot run here."""


def test_commands_that_cannot_run_here_are_in_a_guide() -> None:
    """Else the list is out of date, and leaves out what it should not."""
    assert {line for guide, end in GUIDES.items() for line in commands(guide, end)} >= NOT_HERE


def test_a_guide_that_does_not_work_as_printed_is_found(tmp_path: Path) -> None:
    """Code without a file, a placeholder that nobody knows, and a command that fails. The shell stays the same."""
    page = tmp_path / "guide.md"
    page.write_text("Do this:\n\n```python\nx = 1\n```\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="does not say which file"):
        blocks(page)
    page.write_text("At the\nend of `a`:\n\n```sh\nYOUR_X\n```\n\n```sh\ncd /; export A=b\n```\n", encoding="utf-8")
    [placeholder, changes] = blocks(page)
    assert (placeholder.file, placeholder.appends) == ("a", True)
    (tmp_path / "empty").mkdir()
    reader = Reader(tmp_path / "empty", [placeholder, changes], {"PATH": "/usr/bin:/bin"}, {})
    with pytest.raises(KeyError, match="YOUR_X"):
        reader.next()
    reader.next()
    assert reader.run('echo "$PWD $A"') == "/ b\n"
    with pytest.raises(AssertionError, match="ended with 1"):
        reader.run("false | true\necho not reached")


def test_adopt_on_aws(emulator: Emulator, wheel: Path, tmp_path: Path) -> None:
    """Beside what the guide shows: a guard that is added stops nothing, one over a role of another stack stops its own
    alone, and the Automation API's preview stops a role without a guard before anything is made."""
    given = blocks(DOCS / "adopt-aws.md")
    with follow(given, tmp_path, wheel, emulator.environment, ORGANISATION) as reader:
        program = reader.directory / "__main__.py"
        reader.until("translation_job_guard")
        unguarded = program.read_text("utf-8")
        client = aws(emulator)
        [role] = [one["Arn"] for one in aws(emulator, "iam").list_roles()["Roles"]]
        mine = start(client, DataAccessRoleArn=role)
        reader.until("translation-job-guard plan")
        assert states(emulator, [mine]) == {"IN_PROGRESS"}
        assert mine in reader.next(exit_code=1)

        theirs = buckets(emulator)
        reader.until("destroy --cwd pages")
        [bucket] = buckets(emulator) - theirs
        place = {"S3Uri": f"s3://{bucket}/documents/", "ContentType": "text/plain"}
        named = start(client, JobName="pr-17-manuals", DataAccessRoleArn=role)
        on_the_bucket = start(client, JobName="by-hand", InputDataConfig=place)
        others = [
            start(client, JobName="pr-1-manuals", DataAccessRoleArn=role),
            start(client, JobName="pr-17-manuals", DataAccessRoleArn=f"{role}-2"),
        ]
        reader.next()
        assert states(emulator, [named, on_the_bucket]) == {"STOPPED"}
        assert states(emulator, [mine, *others]) == {"IN_PROGRESS"}

        destroyed = reader.next()
        assert destroyed.index("may-submit deleted") < destroyed.index("jobs deleting")
        assert states(emulator, [mine, others[0]]) == {"STOPPED"}
        assert states(emulator, others[1:]) == {"IN_PROGRESS"}
        assert buckets(emulator) == set()

        reader.until("python3 deploy.py up")
        guarded = program.read_text("utf-8")
        program.write_text(unguarded, encoding="utf-8")
        refused = reader.run("python3 deploy.py up pr-18", exit_code=1)
        assert ("mandatory", "translation-resources-guarded") in violations(refused)
        assert buckets(emulator) == set()
        program.write_text(guarded, encoding="utf-8")
        done = reader.finish()
        assert "jobs created" in done
        assert done.index("may-submit deleted") < done.index("jobs deleting")
        assert buckets(emulator) == set()


def test_adopt_on_azure(emulator: Emulator, wheel: Path, tmp_path: Path) -> None:
    """Beside what the guide shows: a guard that is added stops nothing, one on a shared account stops what reads from
    its own container alone, and one with an account of its own stops all of that account's batches."""
    emulator.control.settings(azure_resources="explicit")
    replacements = {
        **ORGANISATION,
        "YOUR_SUBDOMAIN": "translator-1",
        "YOUR_PRINCIPAL_TYPE": "ServicePrincipal",
        "YOUR_STORAGE_ACCOUNT": "neighbour",
    }
    given = blocks(DOCS / "adopt-azure.md")
    with follow(given, tmp_path, wheel, keyless(emulator), replacements, NOT_HERE) as reader:
        reader.until("translation_job_guard")
        made = json.loads(reader.run("pulumi stack output --json"))
        mine = batches(emulator, "translator-1", made, 1)
        reader.until("translation-job-guard plan")
        assert states(emulator, mine) == {"Running"}
        assert mine[0] in reader.next(exit_code=1)

        reader.until("destroy --cwd pages")
        named = batches(emulator, "translator-1", {**made, "source": f"{ELSEWHERE}/pr-17"}, 1)
        others = batches(emulator, "translator-1", {**made, "source": f"{ELSEWHERE}/pr-1"}, 1)
        reader.next()
        assert states(emulator, named) == {"Cancelled"}
        assert states(emulator, [*mine, *others]) == {"Running"}

        destroyed = reader.next()
        assert destroyed.index("may-submit deleted") < destroyed.index("batches deleting")
        assert states(emulator, [*mine, *others]) == {"Cancelled"}
        assert emulator.control.azure_accounts() == []
        reader.finish()


def test_policies(emulator: Emulator, wheel: Path, tmp_path: Path) -> None:
    """A pack on trial reports a role without a guard and stops nothing; so does the team's own, live rules included."""
    given = blocks(DOCS / "policies.md", "## The rules")
    with follow(given, tmp_path, wheel, emulator.environment, left_out=NOT_HERE) as reader:
        reader.until("pulumi preview")
        unguarded = ("advisory", "translation-resources-guarded")
        assert violations(reader.next()) == {unguarded}
        reader.until("pulumi up --policy-pack team")
        assert violations(reader.next()) == {unguarded}
        [role] = [one["Arn"] for one in aws(emulator, "iam").list_roles()["Roles"]]
        job = start(aws(emulator), DataAccessRoleArn=role)
        reader.until("pulumi policy analyze")
        analyzed = reader.next()
        assert violations(analyzed) == {unguarded, ("advisory", "orphaned-translation-jobs")}
        assert job in analyzed
        reader.finish()


def test_testing(wheel: Path, tmp_path: Path) -> None:
    """The emulator is started and asked, and the three tests that the guide writes pass."""
    with follow(blocks(DOCS / "testing.md"), tmp_path, wheel, {}) as reader:
        assert "3 passed" in reader.finish()


def test_tutorial(wheel: Path, tmp_path: Path) -> None:
    """A newcomer with nothing but the page: the stack's jobs are stopped, its neighbour's is not, and a destroy that
    ran out of time is finished by the next."""
    with follow(blocks(DOCS / "tutorial.md"), tmp_path, wheel, {}) as reader:
        reader.until("translation-job-guard plan")
        planned = reader.next(exit_code=1)
        assert "pr-17-letters" in planned
        assert "pr-17-manuals" in planned
        assert "pr-18-letters" not in planned
        destroyed = reader.next()
        assert "[pr-17/jobs] 2 in flight, 2 asked to stop" in destroyed
        assert "quiet: 2 stopped" in destroyed
        assert "pr-18-letters" in reader.next(exit_code=1)
        reader.until("TRANSLATION_JOB_GUARD_TIMEOUT")
        failed = reader.next(exit_code=1)
        assert "pr-17-slow" in failed
        assert "jobs deleted" in reader.next()
        reader.finish()
