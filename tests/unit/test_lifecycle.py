"""What a guard does in its life, against the emulator and the simulated service; pauses take no time."""

from __future__ import annotations

import io
import json
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.support.emulator import aws, start
from tests.support.services import KEY_ENV, Opened, changed, guard, opened
from translation_job_guard.emulator import Emulator
from translation_job_guard.errors import (
    Abandoned,
    Denied,
    GuardError,
    InvalidArgument,
    MissingExtra,
    Throttled,
    Transient,
    UnexpectedError,
    WrongAccount,
)
from translation_job_guard.guard import host, lifecycle, retries
from translation_job_guard.guard.arguments import GuardArguments
from translation_job_guard.guard.environment import ON_DELETE, RECEIPTS, TIMEOUT, UNDECIDED, Overrides
from translation_job_guard.guard.preview import in_flight
from translation_job_guard.guard.progress import Voice
from translation_job_guard.jobs import AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION, AmazonScope, AzureScope, Job
from translation_job_guard.receipts import Outcome, Receipt
from translation_job_guard.services import JobService
from translation_job_guard.teardown import CannotTell, Ending, Mode, Occasion, Report, TeardownOptions
from translation_job_guard.teardown.pace import pace_of
from translation_job_guard.teardown.runner import IGNORE_LOOKS_FOR, run
from translation_job_guard.testing import SimulatedService

pytestmark = pytest.mark.usefixtures("no_pauses")

QUIET = TeardownOptions(quiet_period=0.0)
BOTH = pytest.mark.parametrize("service", [AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION])


@dataclass
class Time:
    """Stands for ``time`` in the lifecycle: pauses take none."""

    # Begins at the real one's: that is what threads with a deadline go by.
    began: float = field(default_factory=monotonic)
    pauses: list[float] = field(default_factory=list)
    passed: float = 0.0

    def monotonic(self) -> float:
        return self.began + self.passed

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.passed += seconds


@pytest.fixture(autouse=True)
def time(bare_environment: Path, monkeypatch: pytest.MonkeyPatch) -> Time:  # noqa: ARG001 - set before
    stands = Time()
    for module in (host, lifecycle, retries):
        monkeypatch.setattr(module, "time", stands)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEMULATOR")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted-secret")
    monkeypatch.setenv(KEY_ENV, "emulator-key")
    return stands


Connect = Callable[[JobService], GuardArguments]


@pytest.fixture
def connected(emulator: Emulator) -> Connect:
    """Makes a guard whose jobs run on the given service: for what no real service can be made to do."""

    def connect(service: JobService) -> GuardArguments:
        return guard(emulator, AMAZON_TRANSLATE, options=QUIET, connection=opened(service))

    return connect


# Errors


@pytest.mark.parametrize("error", [RuntimeError("odd"), SystemExit(3), RecursionError()])
@pytest.mark.parametrize("operation", ["account", "list"])
def test_a_foreign_exception_becomes_one_with_advice(
    connected: Connect, error: BaseException, operation: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wherever it comes from, also an exit in a thread of an SDK; mode ignore goes on."""
    service = SimulatedService()
    service.fail(operation, error, times=None)
    made = connected(service)
    with pytest.raises(GuardError) as caught:
        lifecycle.tear_down(made)
    assert type(error).__name__ in str(caught.value)
    assert "run the same command again" in str(caught.value)
    assert not lifecycle.tear_down(made, chosen=Overrides(mode=Mode.IGNORE)).looked
    assert "mode ignore: could not find out what is left" in capsys.readouterr().out


@pytest.mark.parametrize("error", [RuntimeError("odd"), SystemExit("odd")])
def test_a_foreign_exception_while_proving_has_advice(connected: Connect, error: BaseException) -> None:
    """Before anything is stored."""
    service = SimulatedService()
    service.fail("prove", error)
    with pytest.raises(UnexpectedError, match=rf"{type(error).__name__}: odd\. Check the environment"):
        lifecycle.prove(connected(service))


def test_an_exception_that_cannot_be_shown_is_still_named() -> None:
    """Its own text fails."""

    class Unspeakable(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert str(UnexpectedError(Unspeakable(), "this", "Do that.")) == "this failed unexpectedly: Unspeakable. Do that."


def test_an_interruption_stays_an_interruption(emulator: Emulator) -> None:
    """Ctrl-C in the command line is not a failure of the service."""

    class Interrupting(Voice):
        def observe(self, _report: Report) -> None:
            raise KeyboardInterrupt

    start(aws(emulator), JobName="mine")
    with pytest.raises(KeyboardInterrupt):
        lifecycle.tear_down(guard(emulator, AMAZON_TRANSLATE, options=QUIET), voice=Interrupting("guard"))


def test_a_missing_extra_is_final_at_once(emulator: Emulator, time: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    """No retry installs it; mode ignore goes on without it."""
    monkeypatch.setitem(sys.modules, "botocore.session", None)
    made = guard(emulator, AMAZON_TRANSLATE)
    for call in (lifecycle.prove, lifecycle.tear_down):
        with pytest.raises(MissingExtra):
            call(made)
    assert time.pauses == []
    assert not lifecycle.tear_down(replace(made, options=TeardownOptions(Mode.IGNORE))).looked


def test_a_look_for_a_preview_never_fails(connected: Connect) -> None:
    """Whatever the service raises, in its thread."""
    service = SimulatedService()
    service.fail("list", SystemExit(1))
    assert in_flight(connected(service), within=5.0) is None


# Retries


@pytest.mark.parametrize("kind", ["denied", "expired"])
def test_refused_credentials_are_not_retried(emulator: Emulator, time: Time, kind: str) -> None:
    """Thirty minutes change nothing about them."""
    emulator.control.fault("GetCallerIdentity", kind)
    with pytest.raises(CannotTell, match="could not find out whose jobs"):
        lifecycle.tear_down(guard(emulator, AMAZON_TRANSLATE, options=QUIET))
    assert time.pauses == []


def test_one_blip_while_connecting_does_not_fail_a_destroy(
    emulator: Emulator, time: Time, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once more than the SDK tries by itself; it is said."""
    emulator.control.fault("GetCallerIdentity", "drop", times=3)
    assert lifecycle.tear_down(guard(emulator, AMAZON_TRANSLATE, options=QUIET)).quiet
    assert time.pauses == [1.0]
    first = capsys.readouterr().out.splitlines()[0]
    assert "not ready yet, asked again (1); 0.0 s so far, 30 min left: " in first
    assert "Ctrl-C twice" in first


def test_a_name_that_never_resolves_says_so_and_what_to_look_at(
    connected: Connect, time: Time, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistyped region: not thirty minutes in silence, and not a line for each try."""
    service = SimulatedService()
    service.fail(
        "account", Transient("GetCallerIdentity: Could not connect.", operation="GetCallerIdentity"), times=None
    )
    made = changed(connected(service), place="eu-wst-1")
    with pytest.raises(Transient, match=r"It was asked \d+ times in \d+ min"):
        lifecycle.prove(made)
    lines = capsys.readouterr().out.splitlines()
    assert len(time.pauses) > 100
    assert len(lines) == 1, "the voice's own clock stands"
    assert "29 min" in lines[0] or "30 min left" in lines[0]
    assert "If eu-wst-1 is mistyped, correct it." in lines[0]


def test_a_wait_that_the_service_orders_is_capped(connected: Connect, time: Time) -> None:
    """By 30 s at a time: one wrong header must not use up the timeout."""
    service = SimulatedService()
    service.fail("account", Throttled("slow down", retry_after=86_400.0), times=2)
    assert lifecycle.prove(connected(service)) == "123456789012"
    assert time.pauses == [30.0, 30.0]


def test_an_ordered_wait_never_goes_past_the_timeout(connected: Connect, time: Time) -> None:
    """Where it does not fit in any more, the guard's own pauses do."""
    service = SimulatedService()
    service.fail("account", Throttled("slow down", retry_after=86_400.0), times=None)
    with pytest.raises(Throttled):
        lifecycle.prove(replace(connected(service), options=TeardownOptions(timeout=40.0)))
    assert time.pauses == [30.0, 2.0, 4.0]
    time.pauses.clear()
    with pytest.raises(CannotTell):
        lifecycle.tear_down(replace(connected(service), options=TeardownOptions(timeout=40.0)))
    assert 30.0 < sum(time.pauses) <= 40.0


def test_a_read_after_the_timeout_is_no_answer(connected: Connect) -> None:
    """The thread may notice the deadline before the guard does: the error is the same."""
    service = SimulatedService()
    service.fail("account", Abandoned("the time for this request is over"), times=None)
    with pytest.raises(Transient, match="no answer came in 1 s"):
        lifecycle.prove(replace(connected(service), options=TeardownOptions(timeout=1.0)))


# Mode ignore


def test_ignore_does_not_wait_for_silent_credentials(emulator: Emulator, time: Time) -> None:
    """However long the guard's timeout is."""
    silent = threading.Event()

    def connect() -> JobService:
        silent.wait(30)
        raise Transient("gave up by itself")

    voice, out = Voice("guard", out=(stream := io.StringIO())), stream
    time.began -= IGNORE_LOOKS_FOR - 0.1
    options = TeardownOptions(Mode.IGNORE, timeout=36_000.0)
    made = guard(emulator, AMAZON_TRANSLATE, options=options, connection=Opened("eu-west-1", connect=connect))
    assert not lifecycle.tear_down(made, voice=voice).looked
    silent.set()
    assert "no answer came in 15 s" in out.getvalue()


def test_ignore_does_not_wait_for_a_listing_that_never_comes(connected: Connect, time: Time) -> None:
    """Connecting has taken nearly all of the time that it looks."""
    released = threading.Event()
    waited_in_vain: list[bool] = []

    class Silent(SimulatedService):
        def account(self, *_: Any) -> str:
            time.passed = IGNORE_LOOKS_FOR - 0.1
            return super().account()

        def list_in_flight(self, *_: Any) -> Sequence[Job]:
            waited_in_vain.append(not released.wait(20))
            raise Transient("gave up by itself")

    made = replace(connected(Silent()), options=TeardownOptions(Mode.IGNORE, timeout=36_000.0))
    assert not lifecycle.tear_down(made).looked
    assert waited_in_vain == []
    released.set()


@BOTH
def test_ignore_waits_for_no_retry(emulator: Emulator, time: Time, service: str) -> None:
    """Nobody is helped by another try."""
    for operation in ("GetCallerIdentity", "ListTextTranslationJobs", "GetTranslationsStatus"):
        emulator.control.fault(operation, "error", status=503)
    report = lifecycle.tear_down(guard(emulator, service, options=TeardownOptions(Mode.IGNORE)))
    assert not report.looked
    assert time.pauses == []


# What the environment overrides


@pytest.mark.parametrize(
    ("stored", "chosen", "grace"),
    [
        (TeardownOptions(grace_period=600.0), 120.0, 60.0),  # at or below grace_period nothing was ever stopped
        (TeardownOptions(grace_period=600.0), 600.0, 300.0),
        (TeardownOptions(grace_period=600.0), 900.0, 450.0),
        (TeardownOptions(grace_period=600.0), 3600.0, 600.0),
        (TeardownOptions(grace_period=10.0), 120.0, 10.0),
        (TeardownOptions(grace_period=600.0, timeout=700.0), 800.0, 600.0),
        (TeardownOptions(grace_period=600.0, timeout=300.0), 400.0, 200.0),  # of an edited state
    ],
)
def test_a_shorter_timeout_leaves_time_to_stop(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    stored: TeardownOptions, chosen: float, grace: float,
) -> None:  # fmt: skip
    """Grace gives way to it, which is said; a longer one changes nothing else."""
    monkeypatch.setenv(TIMEOUT, f"{chosen:g}s")
    report = lifecycle.tear_down(guard(emulator, AMAZON_TRANSLATE, options=replace(stored, quiet_period=0.0)))
    assert (report.options.timeout, report.options.grace_period) == (chosen, grace)
    out = capsys.readouterr().out
    assert f"{TIMEOUT} is in force: " in out
    assert ("grace_period is shortened to " in out) is (grace < stored.grace_period)


@pytest.mark.parametrize(
    ("stored", "chosen", "grace"),
    [
        (TeardownOptions(grace_period=600.0, quiet_period=3.0), 4.0, 0.5),
        (TeardownOptions(grace_period=2400.0, timeout=1800.0, quiet_period=0.0), None, 900.0),
        (TeardownOptions(grace_period=20.0, timeout=20.0, quiet_period=4.0), None, 8.0),
        (TeardownOptions(grace_period=1200.0, timeout=1800.0, quiet_period=0.0), None, 1200.0),
    ],
)
def test_grace_leaves_time_to_stop_and_to_see_quiet(
    emulator: Emulator, capsys: pytest.CaptureFixture[str], stored: TeardownOptions, chosen: float | None, grace: float
) -> None:
    """Also with stored options that could never succeed; one that can is left as it is."""
    made = guard(emulator, AMAZON_TRANSLATE, options=stored)
    report = lifecycle.tear_down(made, chosen=Overrides(timeout=chosen))
    assert report.options.grace_period == grace
    assert ("grace_period is shortened to " in capsys.readouterr().out) is (grace < stored.grace_period)


def test_a_timeout_below_grace_still_stops_the_jobs(emulator: Emulator) -> None:
    """It used to list until time ran out, and to stop nothing."""
    start(aws(emulator), JobName="mine")
    made = guard(
        emulator, AMAZON_TRANSLATE, options=TeardownOptions(grace_period=3600.0, timeout=7200.0, quiet_period=0.0)
    )
    report = lifecycle.tear_down(made, chosen=Overrides(timeout=4.0))
    assert report.count(Ending.STOPPED) == 1


def test_a_timeout_within_the_quiet_period_is_refused(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to give instead; but never in mode ignore, which uses neither."""
    monkeypatch.setenv(TIMEOUT, "3s")
    made = guard(emulator, AMAZON_TRANSLATE)
    with pytest.raises(InvalidArgument, match=f"^{TIMEOUT} is 3 s, .* expected more than 3 s"):
        lifecycle.tear_down(made)
    monkeypatch.setenv(ON_DELETE, "ignore")
    assert lifecycle.tear_down(made).looked


def test_a_guard_that_an_override_does_not_name_says_so(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A misspelt name stops the jobs that somebody wanted to keep: it is seen at once."""
    monkeypatch.setenv(ON_DELETE, "gaurd=ignore,prod/guard=drain")
    assert lifecycle.tear_down(guard(emulator, AMAZON_TRANSLATE, options=QUIET)).options.mode is Mode.CANCEL
    expected = f"[dev/guard] {ON_DELETE} is for gaurd, prod/guard, not for this guard, which keeps its own mode: cancel"
    assert expected in capsys.readouterr().out.splitlines()
    monkeypatch.setenv(ON_DELETE, "dev/guard=ignore")
    assert lifecycle.tear_down(guard(emulator, AMAZON_TRANSLATE, options=QUIET)).options.mode is Mode.IGNORE
    assert f"{ON_DELETE} is in force: ignore (the guard says cancel)" in capsys.readouterr().out


@BOTH
def test_undecided_batches_are_left_if_the_environment_says_so(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], service: str
) -> None:
    """Said where it can matter: a job of Amazon Translate is always decided."""
    assert not lifecycle.tear_down(guard(emulator, service, options=QUIET)).options.leave_undecided
    monkeypatch.setenv(UNDECIDED, "leave")
    assert lifecycle.tear_down(guard(emulator, service, options=QUIET)).options.leave_undecided
    assert (f"{UNDECIDED} is in force" in capsys.readouterr().out) is (service == AZURE_DOCUMENT_TRANSLATION)


# Accounts


def test_a_move_to_another_accounts_credentials_is_refused(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the account that was found when the guard was made, also where none was expected."""
    emulator.control.settings(accounts={"AKIAOTHER": "210987654321"})
    old = guard(emulator, AMAZON_TRANSLATE, account_id="123456789012")
    new = guard(emulator, AMAZON_TRANSLATE)
    assert lifecycle.verify_move(old, new) == "123456789012"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOTHER")
    with pytest.raises(WrongAccount, match="lead to account 210987654321, and the guard was made for 123456789012"):
        lifecycle.verify_move(old, new)


@pytest.mark.parametrize("call", ["prove", "verify_move"])
def test_a_service_that_fails_is_an_error_with_the_remedy(emulator: Emulator, call: str) -> None:
    """Also where the service's own words have none."""
    emulator.control.fault("GetCallerIdentity", "error", status=503)
    made = guard(emulator, AMAZON_TRANSLATE, options=TeardownOptions(timeout=0.5))
    with pytest.raises(Transient, match="fix this and run the same command again"):
        lifecycle.prove(made) if call == "prove" else lifecycle.verify_move(made, made)


# Scope changes


@pytest.mark.parametrize(
    ("mode", "fate"),
    [
        ("cancel", "is stopped"),
        ("drain", "is waited for"),
        ("fail", "must not be in flight"),
        ("ignore", "is left running"),
    ],
)
def test_a_changed_scope_says_what_happens_to_the_rest(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], mode: str, fate: str
) -> None:
    """By the mode in force: in the default one nothing is left behind."""
    monkeypatch.setenv(ON_DELETE, mode)
    new = guard(emulator, AMAZON_TRANSLATE, scopes=(AmazonScope(job_ids=("a",)),), options=QUIET)
    lifecycle.stop_left_behind(guard(emulator, AMAZON_TRANSLATE), new)
    first = capsys.readouterr().out.splitlines()[0]
    assert first == f"[dev/guard] the scope has changed: what the old one covered and the new one does not {fate}"


# Output and receipts


def test_the_closing_line_says_what_the_service_made_it_wait(emulator: Emulator) -> None:
    """Else nobody knows where the time went."""

    class Watching(Voice):
        def observe(self, report: Report) -> None:
            setattr(report, "waited", 95.0)  # noqa: B010 - not every report has it

    start(aws(emulator), JobName="mine")
    out = io.StringIO()
    lifecycle.tear_down(guard(emulator, AMAZON_TRANSLATE, options=QUIET), voice=Watching("guard", out=out))
    assert out.getvalue().splitlines()[-1].endswith(", 1 min 35 s of it in waits that the service ordered")


def test_a_teardown_that_cannot_print_succeeds(emulator: Emulator, tmp_path: Path) -> None:
    """The engine was killed: the pipe is broken, and the jobs are stopped all the same."""

    class Broken(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    start(aws(emulator), JobName="mine")
    voice = Voice("guard", out=Broken())
    made = guard(emulator, AMAZON_TRANSLATE, options=QUIET)
    assert lifecycle.tear_down(made, voice=voice, chosen=Overrides(receipts=tmp_path)).quiet
    [written] = [json.loads(path.read_text()) for path in tmp_path.glob("*.json")]
    assert (written["outcome"], written["error"], written["jobs"][0]["ending"]) == ("quiet", None, "stopped")


@pytest.mark.parametrize("mode", [Mode.CANCEL, Mode.IGNORE])
def test_the_last_line_is_the_result(
    emulator: Emulator, tmp_path: Path, mode: Mode, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where a receipt is left."""
    chosen = Overrides(mode=mode, receipts=tmp_path)
    lifecycle.tear_down(guard(emulator, AMAZON_TRANSLATE, options=QUIET), chosen=chosen)
    *_, receipt, last = capsys.readouterr().out.splitlines()
    assert "receipt: " in receipt
    assert last.startswith("[dev/guard] quiet: " if mode is Mode.CANCEL else "[dev/guard] mode ignore: ")


@pytest.mark.parametrize("where", ["file/below", "nul\0byte", "x" * 300])
def test_a_receipt_path_that_cannot_be_used_fails_no_teardown(
    emulator: Emulator, tmp_path: Path, where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever is wrong with it."""
    (tmp_path / "file").touch()
    made = guard(emulator, AMAZON_TRANSLATE, options=QUIET)
    assert lifecycle.tear_down(made, chosen=Overrides(receipts=tmp_path / where)).quiet
    assert "the receipt could not be written to " in capsys.readouterr().out


def test_the_receipt_of_an_ignored_failure_is_not_a_failure(connected: Connect) -> None:
    """What is left is not known, and that is what it says."""
    service = SimulatedService()
    service.fail("account", RuntimeError("odd"), times=None)
    made: list[Receipt] = []
    lifecycle.tear_down(connected(service), chosen=Overrides(mode=Mode.IGNORE), on_receipt=made.append)
    [receipt] = made
    assert (receipt.outcome, receipt.looked) == (Outcome.LEFT, False)


# How often it asks


def test_pauses_double_up_to_ten_seconds_and_fit_the_timeout(
    connected: Connect, time: Time, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error says how often it was asked, and in how long."""
    service = SimulatedService()
    service.fail("account", Transient("no answer."), times=None)
    with pytest.raises(Transient, match=r"It was asked 9 times in 55 s\."):
        lifecycle.prove(replace(connected(service), options=TeardownOptions(timeout=60.0)))
    assert time.pauses == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0, 10.0]
    assert "asked again (1); 0.0 s so far, 1 min left: " in capsys.readouterr().out


def test_one_attempt_is_not_counted(connected: Connect, time: Time) -> None:
    """A refusal is one, and nothing else is said of it."""
    service = SimulatedService()
    service.fail("account", Denied("no."), times=None)
    with pytest.raises(Denied) as caught:
        lifecycle.prove(connected(service))
    assert "It was asked" not in str(caught.value)
    assert time.pauses == []


def test_a_place_that_throttles_is_not_mistyped(connected: Connect, capsys: pytest.CaptureFixture[str]) -> None:
    """It has answered."""
    service = SimulatedService()
    service.fail("account", Throttled("slow down"))
    lifecycle.prove(connected(service))
    out = capsys.readouterr().out
    assert "asked again (1)" in out
    assert "mistyped" not in out


def test_a_receipt_says_what_it_is_of(emulator: Emulator) -> None:
    """The guard, its stack and project, what the teardown was for, and where."""
    made: list[Receipt] = []
    lifecycle.tear_down(
        guard(emulator, AMAZON_TRANSLATE, options=QUIET), occasion=Occasion.CANCEL, on_receipt=made.append
    )
    [receipt] = made
    assert (receipt.guard, receipt.stack, receipt.project) == ("guard", "dev", "project")
    assert (receipt.occasion, receipt.outcome, receipt.error) == (Occasion.CANCEL, Outcome.QUIET, None)
    assert (receipt.service, receipt.place, receipt.account) == (AMAZON_TRANSLATE, "eu-west-1", "123456789012")


def test_the_receipt_of_an_update_says_so(emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no delete."""
    monkeypatch.setenv(RECEIPTS, str(tmp_path))
    new = guard(emulator, AMAZON_TRANSLATE, scopes=(AmazonScope(job_ids=("a",)),), options=QUIET)
    lifecycle.stop_left_behind(guard(emulator, AMAZON_TRANSLATE), new)
    [written] = [json.loads(path.read_text()) for path in tmp_path.glob("*.json")]
    assert written["occasion"] == "update"


def test_a_failure_is_not_its_own_cause(connected: Connect) -> None:
    """What prints causes would go round in a circle; the receipt says what it ended in."""
    service = SimulatedService()
    service.fail("list", Denied("no."), times=None)
    made: list[Receipt] = []
    with pytest.raises(CannotTell, match=r"^told: ") as caught:
        lifecycle.tear_down(connected(service), on_receipt=made.append, reword=lambda text: f"told: {text}")
    assert caught.value.__cause__ is not caught.value
    assert made[0].outcome is Outcome.FAILED
    assert made[0].error == str(caught.value)


# What the runner is given


def test_teardowns_of_a_place_share_their_paces(
    connected: Connect, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One pace for stops and one for reads, by account and place; connecting is a part of the timeout."""

    class Slow(SimulatedService):
        def account(self, *_: Any) -> str:
            time.passed += 7.0
            return super().account()

    given: list[dict[str, Any]] = []

    def spying(*arguments: Any, **options: Any) -> Report:
        given.append(options)
        return run(*arguments, **options)

    monkeypatch.setattr(lifecycle, "run", spying)
    made = changed(connected(Slow()), place="eu-north-1")
    assert lifecycle.tear_down(made).elapsed >= 7.0
    [options] = given
    place = (AMAZON_TRANSLATE, "123456789012", "eu-north-1")
    assert options["pace"] is pace_of(*place)
    assert options["read_pace"] is pace_of(*place, "read")
    assert options["spent"] == pytest.approx(7.0)


def test_a_voice_hears_of_a_teardown_as_it_goes(emulator: Emulator) -> None:
    """Not only of its end."""
    heard: list[int] = []

    class Listening(Voice):
        def observe(self, report: Report) -> None:
            heard.append(len(report.records))

    start(aws(emulator), JobName="mine")
    lifecycle.tear_down(guard(emulator, AMAZON_TRANSLATE, options=QUIET), voice=Listening("guard", out=io.StringIO()))
    assert heard[0] <= heard[-1] == 1
    assert len(heard) > 2


# Accounts, again


@pytest.mark.parametrize(
    ("found", "expected", "error"),
    [
        (None, None, None),
        ("123456789012", None, None),
        (None, "123456789012", None),
        ("123456789012", "210987654321", None),
        ("210987654321", None, "was made for 210987654321"),
        (None, "210987654321", "was made for 210987654321"),
        ("210987654321", "123456789012", "was made for 210987654321"),
    ],
)
def test_the_account_that_was_found_goes_before_the_expected_one(
    connected: Connect, found: str | None, expected: str | None, error: str | None
) -> None:
    """A state without the one that was found has the other."""
    service = SimulatedService()
    made = changed(connected(service), account_id=found, expected_account_id=expected)
    if error is None:
        assert lifecycle.tear_down(made).quiet
        return
    with pytest.raises(WrongAccount, match=error):
        lifecycle.tear_down(made)
    assert [call.operation for call in service.calls] == ["account"]


# The last line of mode ignore


def test_ignore_names_what_it_leaves(connected: Connect, capsys: pytest.CaptureFixture[str]) -> None:
    """And only that."""
    service = SimulatedService()
    made = replace(connected(service), options=TeardownOptions(Mode.IGNORE))
    lifecycle.tear_down(made)
    last = capsys.readouterr().out.splitlines()[-1]
    assert "mode ignore: left as it is: nothing was in flight; " in last
    assert "not tied" not in last
    job = service.add(name="mine")
    lifecycle.tear_down(made)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.endswith(f": {job.id} (mine) IN_PROGRESS")


def test_ignore_names_undecided_batches(connected: Connect, capsys: pytest.CaptureFixture[str]) -> None:
    """They may be in scope, too."""
    service = SimulatedService(AZURE_DOCUMENT_TRANSLATION)
    url = "https://account.blob.core.windows.net/own"
    batch = service.add(locations=[f"{url}/a"], located_after=[1e6])
    made = replace(
        connected(service),
        scopes=(AzureScope(container_urls=(url,)),),
        options=TeardownOptions(Mode.IGNORE),
    )
    lifecycle.tear_down(made)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.endswith(f"; undecided, in scope or not: {batch.id} Running")
