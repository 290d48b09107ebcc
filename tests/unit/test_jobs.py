"""Which jobs a scope covers: the one predicate that decides what a guard may stop."""

from __future__ import annotations

import itertools
import unicodedata
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translation_job_guard.jobs import (
    AMAZON_TRANSLATE,
    AZURE_DOCUMENT_TRANSLATION,
    AmazonScope,
    AzureScope,
    Coverage,
    DocumentRow,
    Documents,
    Job,
    JobState,
    Scope,
    coverage,
    left_behind,
    parse_time,
)

NOON = datetime(2025, 1, 31, 12, tzinfo=timezone.utc)
ROLE = "arn:aws:iam::123456789012:role/translate"
JOB_ID = "0123456789abcdef0123456789abcdef"

AMAZON = Job(
    AMAZON_TRANSLATE,
    JOB_ID,
    JobState.RUNNING,
    "IN_PROGRESS",
    name="pr-17-nightly",
    submitted_at=NOON,
    role_arn=ROLE,
    locations=("s3://input-17/in/", f"s3://output-17/out/123456789012-TranslateText-{JOB_ID}/"),
)
BATCH_ID = "727bf148-f327-47a0-9481-abae6362f11e"
STORE = "https://store.blob.core.windows.net"
AZURE = Job(
    AZURE_DOCUMENT_TRANSLATION,
    BATCH_ID,
    JobState.RUNNING,
    "Running",
    submitted_at=NOON,
    rows=(DocumentRow(f"{STORE}/source-17/a/b.docx", f"{STORE}/target-17/fr/b.docx"),),
    documents=Documents(1),
)

COVERED, OUTSIDE, UNKNOWN = Coverage.COVERED, Coverage.OUTSIDE, Coverage.UNKNOWN

MATCHING: dict[str, Any] = {
    "data_access_role_arns": (ROLE,),
    "s3_uri_prefixes": ("s3://input-17/",),
    "job_name_prefixes": ("pr-17-",),
    "job_ids": (JOB_ID,),
}
OTHER: dict[str, Any] = {
    "data_access_role_arns": ("arn:aws:iam::123456789012:role/other",),
    "s3_uri_prefixes": ("s3://input-1/",),
    "job_name_prefixes": ("pr-1-",),
    "job_ids": ("f" * 32,),
}


def test_only_queued_running_and_stopping_are_in_flight() -> None:
    """A job that has ended in any way is not in flight."""
    in_flight = {state for state in JobState if state.in_flight}
    assert in_flight == {JobState.QUEUED, JobState.RUNNING, JobState.STOPPING}
    assert AMAZON.in_flight
    assert not replace(AMAZON, state=JobState.FAILED).in_flight


def test_a_job_names_itself_by_id_name_and_the_services_word() -> None:
    """People find a job by its id, and know it by its name."""
    assert str(AMAZON) == f"{JOB_ID} (pr-17-nightly) IN_PROGRESS"
    assert str(AZURE) == f"{BATCH_ID} Running"


# Amazon Translate


@pytest.mark.parametrize("kind", MATCHING)
def test_each_amazon_selector_decides_alone(kind: str) -> None:
    """One selector covers the job that it fits, leaves out another, and any of several values suffices."""
    assert AmazonScope(**{kind: MATCHING[kind]}).coverage(AMAZON) is COVERED
    assert AmazonScope(**{kind: OTHER[kind]}).coverage(AMAZON) is OUTSIDE
    assert AmazonScope(**{kind: OTHER[kind] + MATCHING[kind]}).coverage(AMAZON) is COVERED


@pytest.mark.parametrize("choice", list(itertools.product((None, True, False), repeat=4)))
def test_all_kinds_of_amazon_selector_must_match(choice: tuple[bool | None, ...]) -> None:
    """Of all combinations, exactly those cover in which something is given and nothing given fails to match."""
    selectors = {
        kind: (MATCHING if matches else OTHER)[kind]
        for kind, matches in zip(MATCHING, choice, strict=True)
        if matches is not None
    }
    expected = COVERED if selectors and False not in choice else OUTSIDE
    assert AmazonScope(**selectors).coverage(AMAZON) is expected


def test_whole_region_covers_whatever_is_there() -> None:
    """Also a job of which nothing is known but its id."""
    bare = Job(AMAZON_TRANSLATE, "x", JobState.QUEUED, "SUBMITTED")
    assert AmazonScope(whole_region=True).coverage(bare) is COVERED


def test_a_scope_without_a_selector_covers_nothing() -> None:
    """An empty scope must never mean everything, and neither must a time alone."""
    assert AmazonScope().coverage(AMAZON) is OUTSIDE
    assert AmazonScope(submitted_after=NOON).coverage(AMAZON) is OUTSIDE
    assert AzureScope().coverage(AZURE) is OUTSIDE
    assert AzureScope(created_after=NOON).coverage(AZURE) is OUTSIDE
    assert coverage([], AMAZON) is OUTSIDE


@pytest.mark.parametrize(
    ("prefix", "uri", "expected"),
    [
        ("s3://bucket-1", "s3://bucket-10/in/", OUTSIDE),
        ("s3://bucket-1/", "s3://bucket-10/in/", OUTSIDE),
        ("s3://bucket-10", "s3://bucket-1/in/", OUTSIDE),
        ("s3://bucket-1", "s3://bucket-1/in/", COVERED),
        ("s3://bucket-1", "s3://bucket-1", COVERED),
        ("s3://bucket-1/", "s3://bucket-1", COVERED),
        ("s3://bucket-1///", "s3://bucket-1/in", COVERED),
        ("s3://bucket-1/pr-1", "s3://bucket-1/pr-17/in/", OUTSIDE),
        ("s3://bucket-1/pr-1", "s3://bucket-1/pr-1/in/", COVERED),
        ("s3://bucket-1/pr-1/", "s3://bucket-1/pr-1", COVERED),
        ("s3://bucket-1/pr-1/", "s3://bucket-1/", OUTSIDE),
        ("s3://bucket-1/PR", "s3://bucket-1/pr/in", OUTSIDE),
        ("s3://bucket-1/übersetzt/", "s3://bucket-1/übersetzt/in/", COVERED),
        ("s3://bucket-1.example/", "s3://bucket-1/example/", OUTSIDE),
        ("s3://output-17/out/", f"s3://output-17/out/123456789012-TranslateText-{JOB_ID}/", COVERED),
        ("s3://output-17/out", f"s3://output-17/out/123456789012-TranslateText-{JOB_ID}/", COVERED),
        ("s3://output-17/ou", f"s3://output-17/out/123456789012-TranslateText-{JOB_ID}/", OUTSIDE),
    ],
)
def test_an_s3_prefix_ends_at_a_slash(prefix: str, uri: str, expected: Coverage) -> None:
    """Half a name never reaches into a neighbour's bucket or folder; the output URI is as the service rewrites it."""
    scope = AmazonScope(s3_uri_prefixes=(prefix,))
    assert scope.coverage(replace(AMAZON, locations=(uri,))) is expected
    assert scope.coverage(replace(AMAZON, locations=("s3://elsewhere/", uri))) is expected, "input and output count"


_names = st.text("ab1-", min_size=1, max_size=4)
_folders = st.lists(_names, max_size=3)


@settings(max_examples=100, deadline=None)
@given(_names, _folders, _names, _folders, st.booleans(), st.booleans())
def test_an_s3_prefix_covers_exactly_what_is_in_its_folder(
    bucket: str, folders: list[str], other: str, others: list[str], slash: bool, other_slash: bool
) -> None:
    """Compared segment by segment, as a person reads a path, whatever slashes are at the end."""
    wanted, given_ = [bucket, *folders], [other, *others]
    scope = AmazonScope(s3_uri_prefixes=("s3://" + "/".join(wanted) + "/" * slash,))
    job = replace(AMAZON, locations=("s3://" + "/".join(given_) + "/" * other_slash,))
    assert (scope.coverage(job) is COVERED) == (given_[: len(wanted)] == wanted)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("other", ["NFC", "NFD"])
def test_job_names_are_compared_in_one_unicode_form(form: Any, other: Any) -> None:
    """The same name typed on two systems is the same name."""
    scope = AmazonScope(job_name_prefixes=(unicodedata.normalize(form, "über-Å-"),))
    assert scope.coverage(replace(AMAZON, name=unicodedata.normalize(other, "über-Å-nacht"))) is COVERED
    assert scope.coverage(replace(AMAZON, name=unicodedata.normalize(other, "uber-A-nacht"))) is OUTSIDE


def test_a_prefix_never_matches_half_a_character() -> None:
    """An accent that follows belongs to the letter: "re" does not begin "ré"."""
    scope = AmazonScope(job_name_prefixes=("re",))
    assert scope.coverage(replace(AMAZON, name=unicodedata.normalize("NFD", "résumé"))) is OUTSIDE
    assert scope.coverage(replace(AMAZON, name="resume")) is COVERED


def test_a_job_without_a_name_has_no_prefix() -> None:
    """JobName is optional at the service."""
    assert AmazonScope(job_name_prefixes=("pr-",)).coverage(replace(AMAZON, name=None)) is OUTSIDE


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_role_arns_of_every_partition_are_compared_whole(partition: str) -> None:
    """A role of another partition, account or path with the same name is another role."""
    arn = f"arn:{partition}:iam::123456789012:role/service/translate"
    job = replace(AMAZON, role_arn=arn)
    assert AmazonScope(data_access_role_arns=(arn,)).coverage(job) is COVERED
    for neighbour in (
        "arn:aws-iso:iam::123456789012:role/service/translate",
        f"arn:{partition}:iam::210987654321:role/service/translate",
        f"arn:{partition}:iam::123456789012:role/translate",
        arn + "-2",
        arn[:-1],
        arn.upper(),
    ):
        assert AmazonScope(data_access_role_arns=(neighbour,)).coverage(job) is OUTSIDE
    assert AmazonScope(data_access_role_arns=(arn,)).coverage(replace(job, role_arn=None)) is OUTSIDE


def test_a_job_id_is_compared_whole() -> None:
    """The beginning of an id is no id."""
    assert AmazonScope(job_ids=(JOB_ID[:-1],)).coverage(AMAZON) is OUTSIDE


@pytest.mark.parametrize(
    ("after", "expected"),
    [(NOON - timedelta(seconds=1), COVERED), (NOON, COVERED), (NOON + timedelta(milliseconds=1), OUTSIDE)],
)
def test_a_time_narrows_what_another_selector_selects(after: datetime, expected: Coverage) -> None:
    """Submitted at that moment counts as after it, in any time zone."""
    for moment in (after, after.astimezone(timezone(timedelta(hours=5, minutes=30)))):
        assert AmazonScope(job_ids=(JOB_ID,), submitted_after=moment).coverage(AMAZON) is expected
        assert AmazonScope(job_ids=("f" * 32,), submitted_after=moment).coverage(AMAZON) is OUTSIDE
        assert AzureScope(translation_ids=(BATCH_ID,), created_after=moment).coverage(AZURE) is expected
        assert AzureScope(container_urls=(f"{STORE}/source-17",), created_after=moment).coverage(AZURE) is expected


def test_a_job_without_a_time_is_not_guessed_about() -> None:
    """Neither covered nor outside, unless another selector leaves it out already."""
    job = replace(AMAZON, submitted_at=None)
    assert AmazonScope(job_ids=(JOB_ID,), submitted_after=NOON).coverage(job) is UNKNOWN
    assert AmazonScope(job_ids=("f" * 32,), submitted_after=NOON).coverage(job) is OUTSIDE


# Azure Document Translation


def test_a_translation_id_is_compared_whole_and_without_case() -> None:
    """UUIDs are written in either case."""
    assert AzureScope(translation_ids=(BATCH_ID.upper(),)).coverage(AZURE) is COVERED
    assert AzureScope(translation_ids=(BATCH_ID[:-1],)).coverage(AZURE) is OUTSIDE
    assert AzureScope(translation_ids=("0" * 8 + BATCH_ID[8:], BATCH_ID)).coverage(AZURE) is COVERED


@pytest.mark.parametrize(
    ("container", "url", "expected"),
    [
        (f"{STORE}/source-1", f"{STORE}/source-17/a.docx", OUTSIDE),
        (f"{STORE}/source-17", f"{STORE}/source-1/a.docx", OUTSIDE),
        (f"{STORE}/source-17", f"{STORE}/source-17/a.docx", COVERED),
        (f"{STORE}/source-17/", f"{STORE}/source-17/a.docx", COVERED),
        (f"{STORE}/source-17//", f"{STORE}/source-17", COVERED),
        (f"{STORE}/source-17/en", f"{STORE}/source-17/en/a.docx", COVERED),
        (f"{STORE}/source-17/en", f"{STORE}/source-17/english/a.docx", OUTSIDE),
        ("https://STORE.blob.core.windows.net/source-17", f"{STORE}/source-17/a.docx", COVERED),
        (f"{STORE}/source-17", "https://Store.Blob.Core.Windows.Net/source-17/a.docx", COVERED),
        ("https://store.blob.core.windows.net:443/source-17", f"{STORE}/source-17/a.docx", COVERED),
        (f"{STORE}/source-17", "https://store.blob.core.windows.net:443/source-17/a.docx", COVERED),
        ("https://store.blob.core.windows.net:8443/source-17", f"{STORE}/source-17/a.docx", OUTSIDE),
        ("http://127.0.0.1:80/source-17", "http://127.0.0.1/source-17/a.docx", COVERED),
        ("http://127.0.0.1:10000/store/source-17", "http://127.0.0.1:10000/store/source-17/a.docx", COVERED),
        (f"{STORE}/source-17/mein ordner", f"{STORE}/source-17/mein%20ordner/a.docx", COVERED),
        (f"{STORE}/source-17/%C3%BCber", f"{STORE}/source-17/über/a.docx", COVERED),
        (f"{STORE}/source-17/a/b", f"{STORE}/source-17/a%2Fb/c.docx", COVERED),
        (f"{STORE}/source-17/a", f"{STORE}/source-17//a/c.docx", OUTSIDE),
        (f"{STORE}/source-17", f"{STORE}/source-17//a/c.docx", COVERED),
        (f"{STORE}/source-17", "https://STORE.blob.core.windows.net./source-17/a", COVERED),
        (f"{STORE}/source-17", "https://store-secondary.blob.core.windows.net/source-17/a", COVERED),
        (f"{STORE}/source-17", "https://store.privatelink.blob.core.windows.net/source-17/a", COVERED),
        ("https://store-secondary.blob.core.windows.net/source-17", f"{STORE}/source-17/a", COVERED),
        (f"{STORE}/source-17", "https://store-secondary.example.com/source-17/a", OUTSIDE),
        (f"{STORE}/source-17", "https://[store.blob.core.windows.net/source-17/a", OUTSIDE),
        (f"{STORE}/source-17", "https://store2.blob.core.windows.net/source-17/a.docx", OUTSIDE),
        (f"{STORE}/source-17", "https://store.blob.core.windows.net.example.com/source-17/a", OUTSIDE),
        (f"{STORE}/source-17", f"{STORE}/source-17/a.docx?sv=2024&sig=abc", COVERED),
        (f"{STORE}/source-17", f"{STORE}/other?path=/source-17/a.docx", OUTSIDE),
    ],
)
def test_a_container_is_compared_by_host_and_segments(container: str, url: str, expected: Coverage) -> None:
    """Case of the host, the default port, encoding and a query make no difference; a neighbour's name does."""
    scope = AzureScope(container_urls=(container,))
    row = DocumentRow(url, ended=True)
    assert scope.coverage(replace(AZURE, rows=(row,))) is expected
    two = replace(AZURE, documents=Documents(2), rows=(DocumentRow(f"{STORE}/elsewhere/a", ended=True), row))
    assert scope.coverage(two) is expected, "any document counts"


@settings(max_examples=100, deadline=None)
@given(_names, _folders, _names, _folders, st.booleans())
def test_a_container_covers_exactly_what_is_in_it(
    container: str, folders: list[str], other: str, others: list[str], slash: bool
) -> None:
    """Compared segment by segment, as a person reads a URL."""
    wanted, given_ = [container, *folders], [other, *others]
    scope = AzureScope(container_urls=(f"{STORE}/" + "/".join(wanted) + "/" * slash,))
    job = replace(AZURE, documents=Documents(1), rows=(DocumentRow(f"{STORE}/" + "/".join(given_), ended=True),))
    assert (scope.coverage(job) is COVERED) == (given_[: len(wanted)] == wanted)


def test_a_batch_is_not_known_until_its_documents_are() -> None:
    """No document seen is no proof that it is outside; one that matches is proof enough that it is not."""
    scope = AzureScope(container_urls=(f"{STORE}/source-17",))
    new = replace(AZURE, rows=())
    assert scope.coverage(new) is UNKNOWN
    elsewhere = DocumentRow(f"{STORE}/other/a", ended=True)
    two, one = Documents(2), Documents(1)
    assert scope.coverage(replace(new, documents=two, rows=(elsewhere,))) is UNKNOWN
    assert scope.coverage(replace(new, documents=two, rows=(DocumentRow(f"{STORE}/source-17/a"),))) is COVERED
    assert scope.coverage(replace(new, documents=one, rows=(elsewhere,))) is OUTSIDE


IN, OUT, ELSEWHERE = f"{STORE}/in", f"{STORE}/out", f"{STORE}/other"


@pytest.mark.parametrize(
    ("selectors", "row", "expected"),
    [
        ({"source_container_urls": (IN,)}, DocumentRow(f"{IN}/a"), COVERED),
        ({"source_container_urls": (IN,)}, DocumentRow(f"{ELSEWHERE}/a"), OUTSIDE),
        ({"source_container_urls": (IN,)}, DocumentRow(f"{ELSEWHERE}/a", f"{IN}/a"), OUTSIDE),
        ({"target_container_urls": (OUT,)}, DocumentRow(f"{IN}/a"), UNKNOWN),
        ({"target_container_urls": (OUT,)}, DocumentRow(f"{IN}/a", ended=True), OUTSIDE),
        ({"target_container_urls": (OUT,)}, DocumentRow(f"{IN}/a", f"{OUT}/a"), COVERED),
        ({"target_container_urls": (OUT,)}, DocumentRow(f"{OUT}/a", f"{IN}/a"), OUTSIDE),
        ({"container_urls": (OUT,)}, DocumentRow(f"{IN}/a"), UNKNOWN),
        ({"container_urls": (OUT,)}, DocumentRow(f"{IN}/a", ended=True), OUTSIDE),
        ({"container_urls": (OUT,)}, DocumentRow(f"{OUT}/a"), COVERED),
        ({"container_urls": (IN, OUT), "source_container_urls": (IN,)}, DocumentRow(f"{ELSEWHERE}/a"), OUTSIDE),
        ({"source_container_urls": (IN,), "target_container_urls": (OUT,)}, DocumentRow(f"{IN}/a"), UNKNOWN),
        (
            {"source_container_urls": (IN,), "target_container_urls": (OUT,)},
            DocumentRow(f"{IN}/a", f"{OUT}/a"),
            COVERED,
        ),
    ],
)
def test_one_document_decides_by_source_and_target(
    selectors: dict[str, Any], row: DocumentRow, expected: Coverage
) -> None:
    """A scope by sources never waits for targets; a document that ended without a target writes nothing."""
    job = replace(AZURE, documents=Documents(1), rows=(row,))
    assert AzureScope(**selectors).coverage(job) is expected


def test_two_documents_do_not_meet_the_selectors_together() -> None:
    """One reads the source and another one writes the target: neither is a document of the scope."""
    scope = AzureScope(source_container_urls=(IN,), target_container_urls=(OUT,))
    rows = (DocumentRow(f"{IN}/a", f"{ELSEWHERE}/a"), DocumentRow(f"{ELSEWHERE}/a", f"{OUT}/a"))
    assert scope.coverage(replace(AZURE, documents=Documents(2), rows=rows)) is OUTSIDE


@pytest.mark.parametrize("total", [0, 2])
def test_a_batch_counted_in_part_is_undecided(total: int) -> None:
    """Neither a total of 0 nor fewer rows than the total say that nothing of it is in scope."""
    rows = (DocumentRow(f"{ELSEWHERE}/a", f"{ELSEWHERE}/b"),) if total else ()
    scope = AzureScope(source_container_urls=(IN,))
    for state in (JobState.QUEUED, JobState.RUNNING, JobState.STOPPING):
        assert scope.coverage(replace(AZURE, state=state, documents=Documents(total), rows=rows)) is UNKNOWN


def test_a_batch_left_out_by_a_selector_needs_no_documents() -> None:
    """What its id or time says already is not asked of the service again."""
    new = replace(AZURE, rows=())
    containers = (f"{STORE}/source-17",)
    assert AzureScope(translation_ids=("other",), container_urls=containers).coverage(new) is OUTSIDE
    assert AzureScope(translation_ids=(BATCH_ID,), container_urls=containers).coverage(new) is UNKNOWN
    later = NOON + timedelta(hours=1)
    assert AzureScope(container_urls=containers, created_after=later).coverage(new) is OUTSIDE


@pytest.mark.parametrize("choice", list(itertools.product((None, True, False), repeat=2)))
def test_all_kinds_of_azure_selector_must_match(choice: tuple[bool | None, ...]) -> None:
    """Of all combinations, exactly those cover in which something is given and nothing given fails to match."""
    kinds = {"translation_ids": (BATCH_ID, "other"), "container_urls": (f"{STORE}/target-17", f"{STORE}/target-1")}
    selectors: dict[str, Any] = {
        kind: (values[0 if matches else 1],)
        for (kind, values), matches in zip(kinds.items(), choice, strict=True)
        if matches is not None
    }
    expected = COVERED if selectors and False not in choice else OUTSIDE
    assert AzureScope(**selectors).coverage(AZURE) is expected


def test_whole_resource_covers_whatever_is_there() -> None:
    """Also a batch whose documents are not known yet."""
    assert AzureScope(whole_resource=True).coverage(replace(AZURE, rows=())) is COVERED


# Several scopes


class _Says(Scope):
    """A scope with one answer for every job."""

    def __init__(self, answer: Coverage) -> None:
        self.answer = answer

    def coverage(self, job: Job) -> Coverage:  # noqa: ARG002 - the same for all
        return self.answer


_answers = st.lists(st.sampled_from(Coverage), max_size=4)


@settings(max_examples=100, deadline=None)
@given(_answers)
def test_any_scope_suffices(answers: list[Coverage]) -> None:
    """Covered if any covers; else not known if any does not know; else outside."""
    answer = coverage(map(_Says, answers), AMAZON)
    assert (answer is COVERED) == (COVERED in answers)
    assert (answer is OUTSIDE) == (set(answers) <= {OUTSIDE})


@settings(max_examples=100, deadline=None)
@given(_answers, _answers)
def test_what_is_left_behind_was_covered_and_is_no_more(old: list[Coverage], new: list[Coverage]) -> None:
    """Never what the new scopes cover, nor what the old ones did not; in doubt not known."""
    answer = left_behind(list(map(_Says, old)), list(map(_Says, new)), AMAZON)
    was, is_now = coverage(map(_Says, old), AMAZON), coverage(map(_Says, new), AMAZON)
    if answer is COVERED:
        assert (was, is_now) == (COVERED, OUTSIDE)
    elif answer is OUTSIDE:
        assert was is OUTSIDE or is_now is COVERED
    else:
        assert UNKNOWN in (was, is_now)


def test_only_a_narrowed_scope_leaves_jobs_behind() -> None:
    """Before the change both jobs were covered, afterwards one."""
    wide = [AmazonScope(job_name_prefixes=("pr-",))]
    narrow = [AmazonScope(job_name_prefixes=("pr-17-",))]
    neighbour = replace(AMAZON, name="pr-1-nightly")
    assert left_behind(narrow, wide, AMAZON) is OUTSIDE
    assert left_behind(wide, narrow, AMAZON) is OUTSIDE
    assert left_behind(wide, narrow, neighbour) is COVERED
    assert left_behind(narrow, wide, neighbour) is OUTSIDE


# What cannot be a scope


@pytest.mark.parametrize(
    "selectors",
    [
        {"data_access_role_arns": ("",)},
        {"job_name_prefixes": ("pr-", "")},
        {"job_ids": ("",)},
        {"s3_uri_prefixes": ("",)},
        {"s3_uri_prefixes": ("/",)},
        {"s3_uri_prefixes": ("s3://",)},
        {"s3_uri_prefixes": ("s3:",)},
    ],
)
def test_an_empty_amazon_selector_is_refused(selectors: dict[str, Any]) -> None:
    """An empty prefix would match every job of the region."""
    with pytest.raises(ValueError, match="selector of the scope is empty"):
        AmazonScope(**selectors)


@pytest.mark.parametrize(
    "selectors",
    [
        {"translation_ids": ("",)},
        {"container_urls": ("",)},
        {"container_urls": (STORE,)},
        {"container_urls": (f"{STORE}/", f"{STORE}/source")},
    ],
)
def test_an_empty_azure_selector_is_refused(selectors: dict[str, Any]) -> None:
    """A host alone would be every container of an account."""
    with pytest.raises(ValueError, match="selector of the scope is empty"):
        AzureScope(**selectors)


# Times


@pytest.mark.parametrize(
    "text",
    ["2025-01-31T12:00:00Z", "2025-01-31T12:00:00z", "2025-01-31T13:00:00+01:00", " 2025-01-31T12:00:00.000+00:00 "],
)
def test_a_point_in_time_is_read_in_any_zone(text: str) -> None:
    """RFC 3339, as every supported Python reads it."""
    assert parse_time(text) == NOON


@pytest.mark.parametrize("text", ["", "yesterday", "2025-01-31", "2025-01-31T12:00:00", "2025-02-30T12:00:00Z"])
def test_what_is_no_point_in_time_is_refused(text: str) -> None:
    """Also a time without a zone: it could mean any."""
    with pytest.raises(ValueError, match=r".+"):
        parse_time(text)


@pytest.mark.parametrize("fraction", ["", ".5", ".123", ".1234567", ".123456789"])
def test_a_time_may_have_any_fraction(fraction: str) -> None:
    """Azure and .NET write seven digits, which Python 3.10 does not read by itself."""
    moment = parse_time(f"2025-01-31T12:00:00{fraction}Z")
    assert moment.isoformat().startswith("2025-01-31T12:00:00")
    assert moment.microsecond == int(f"{fraction.lstrip('.'):0<6.6}")
