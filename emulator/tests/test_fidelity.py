"""Every point in which the emulator is faithful, broken on purpose: a contract test of that point must fail.

The emulator runs in this process, so that patching its code changes what it does.
"""

from __future__ import annotations

import dataclasses
import inspect
import itertools
import random
import re
from collections.abc import Callable
from random import SystemRandom
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError

import test_amazon as amazon_tests
import test_azure as azure_tests
import test_azure_recorded as recorded_tests
import test_control as control_tests
import test_faults as fault_tests
import test_resource_manager as resource_tests
import test_surroundings as surroundings_tests
from emulator_fixtures import SOURCE, TARGET
from translation_job_emulator import (
    amazon_model,
    azure,
    azure_batch,
    azure_cache,
    azure_http,
    azure_wire,
    faults,
    messages,
)
from translation_job_emulator import app as application
from translation_job_emulator.amazon import STATES, Translate
from translation_job_emulator.amazon_http import TranslateApi
from translation_job_emulator.azure import DocumentTranslation
from translation_job_emulator.azure_accounts import Accounts
from translation_job_emulator.azure_cache import Cache
from translation_job_emulator.azure_http import DocumentTranslationApi
from translation_job_emulator.faults import Fault
from translation_job_emulator.lifecycle import Lifecycle, Place
from translation_job_emulator.log import Call
from translation_job_emulator.rates import Rates
from translation_job_emulator.resource_manager import ResourceManager
from translation_job_emulator.surroundings import Moto

arm = resource_tests.arm  # the fixture of some of them

Break = tuple[Any, str, Any]
"""An owner, the name of what it has, and what takes its place."""


def answer(owner: Any, name: str, change: Callable[[Any], Any]) -> Break:
    """Replace a function by one whose answer is changed."""
    original = getattr(owner, name)
    return owner, name, lambda *args, **kwargs: change(original(*args, **kwargs))


def before(owner: Any, name: str, prepare: Callable[..., Any]) -> Break:
    """Replace a function by one that does something to its object first."""
    original = getattr(owner, name)

    def altered(self: Any, *args: Any, **kwargs: Any) -> Any:
        prepare(self)
        return original(self, *args, **kwargs)

    return owner, name, altered


def instead(owner: Any, name: str, value: Any) -> Break:
    return owner, name, value


def with_setting(**changes: Any) -> Callable[[Lifecycle[Any]], None]:
    return lambda lifecycle: lifecycle.settings.change(changes)


def first_filter_only(*args: Any) -> Any:
    self, place, wanted, *rest = args
    return _page(self, place, dict(list(wanted.items())[:1]), *rest)


def not_rewritten(*args: Any) -> Any:
    job = _new(*args)
    job.request["OutputDataConfig"] = args[-1]["OutputDataConfig"]
    return job


def never_refused(*args: Any, **how: Any) -> Any:
    try:
        return _cancel(*args, **how)
    except Exception:
        return args[0].get(*args[1:])


def without_retry_after(api: Any, exchange: Any, fault: Fault) -> Any:
    return api.refuse(exchange.call, fault.kind, fault.details)


def without_dollar(request: Any) -> Any:
    request.query = [(name, value) for name, value in request.query if not name.startswith("$")]
    return _query(request)


def emptied_by_a_cancel(api: Any, exchange: Any) -> Any:
    if exchange.request.method == "DELETE":
        api._cache.clear()
    return _operate(api, exchange)


def oldest_row_first(service: Any, batch: Any, **_: Any) -> Any:
    return _row_numbers(service, batch, newest_first=False)


def numbered_from_one(service: Any) -> None:
    service._numbers = itertools.count(1)


def only_the_first(place: Any, state: str, now: float) -> Any:
    first = next(iter(place.listing([state], newest_first=False)), None)
    return first if first is not None and first.ready <= now else None


def with_inner_error(status: int, code: str, message: str, _: Any = None) -> Any:
    return azure_wire.failure(status, code, message, "InvalidKey")


def with_headers(**headers: str | None) -> Callable[[Any], Any]:
    """Add headers to an answer, or remove them."""

    def change(response: Any) -> Any:
        changed = {**response.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        kept = {name: value for name, value in changed.items() if value is not None}
        return dataclasses.replace(response, headers=kept)

    return change


def with_counts(**counts: int) -> Break:
    return answer(DocumentTranslation, "summary", lambda summary: {**summary, **counts})


_page, _new = Translate.page, Translate._new
_cancel, _query = DocumentTranslation.cancel, azure_http._query
_operate, _row_numbers = DocumentTranslationApi._operate, DocumentTranslation._row_numbers

POINTS: dict[str, tuple[Break, Callable[..., None], dict[str, Any]]] = {
    # Amazon Translate
    "server-side checks": (
        instead(amazon_model, "violations", lambda *_: []),
        amazon_tests.test_list_is_checked_as_the_model_says,
        {"request_": {"MaxResults": 501}},
    ),
    "answers have no member that the model has not": (
        answer(TranslateApi, "_properties", lambda shown: {**shown, "Progress": 1}),
        amazon_tests.test_a_listing_has_whole_jobs_newest_first,
        {},
    ),
    "answers have the model's types": (
        answer(TranslateApi, "_properties", lambda shown: {**shown, "SubmittedTime": "2026-01-01T00:00:00Z"}),
        amazon_tests.test_filters,
        {},
    ),
    "the one-filter rule": (
        instead(Translate, "page", first_filter_only),
        amazon_tests.test_only_one_filter_at_a_time,
        {},
    ),
    "paging": (
        answer(Translate, "page", lambda page: (page[0], None)),
        amazon_tests.test_a_page_has_a_hundred_jobs_unless_told_otherwise,
        {},
    ),
    "jobs move between pages": (
        before(Translate, "page", with_setting(paging="offset")),
        amazon_tests.test_jobs_move_between_the_pages_of_a_listing,
        {},
    ),
    "jobs move between listings": (
        before(Translate, "start", with_setting(start_latency=0)),
        amazon_tests.test_jobs_move_between_the_listings_of_a_sweep,
        {},
    ),
    "the order of a listing": (
        answer(Place, "listing", lambda jobs: reversed(list(jobs))),
        amazon_tests.test_a_listing_has_whole_jobs_newest_first,
        {},
    ),
    "ClientToken": (
        before(Translate, "start", lambda translate: translate._tokens.clear()),
        amazon_tests.test_a_client_token_starts_one_job,
        {},
    ),
    "the output URI is rewritten": (
        instead(Translate, "_new", not_rewritten),
        amazon_tests.test_a_started_job_has_what_it_was_started_with,
        {},
    ),
    "ten run": (
        instead(Translate, "slots", lambda _: None),
        amazon_tests.test_ten_run_and_the_others_wait_their_turn,
        {},
    ),
    "a thousand wait": (
        before(Translate, "start", with_setting(max_queued=10**6)),
        amazon_tests.test_the_queue_has_an_end,
        {},
    ),
    "request rates": (instead(Rates, "admits", lambda *_: True), amazon_tests.test_request_rates_are_by_operation, {}),
    "error bodies": (
        answer(TranslateApi, "_error", lambda response: messages.Response(response.status, b"{}")),
        amazon_tests.test_error_status_is_a_setting,
        {},
    ),
    "error statuses": (
        instead(TranslateApi, "_by_model", False),
        amazon_tests.test_error_status_is_a_setting,
        {},
    ),
    "stopping takes time": (
        instead(Lifecycle, "stop", lambda self, job: self.put(job, STATES.stopped)),
        amazon_tests.test_stop_is_asynchronous,
        {},
    ),
    "accounts": (
        instead(Moto, "of", lambda *_: "123456789012"),
        amazon_tests.test_accounts_and_regions_do_not_see_each_other,
        {},
    ),
    # S3, IAM and STS
    "the account of an assumed role": (
        instead(Moto, "of", lambda *_: "123456789012"),
        amazon_tests.test_an_assumed_role_is_in_the_account_of_its_arn,
        {},
    ),
    "jobs write": (
        instead(Moto, "write", lambda *_: None),
        surroundings_tests.test_a_running_job_writes_into_its_output_bucket,
        {},
    ),
    "jobs fail without their bucket": (
        instead(Translate, "_missing", lambda *_: None),
        surroundings_tests.test_a_job_fails_when_its_bucket_is_gone,
        {},
    ),
    "jobs fail without their role": (
        instead(Translate, "_missing", lambda *_: None),
        surroundings_tests.test_a_job_fails_when_its_role_is_gone,
        {},
    ),
    # Azure Document Translation
    "both api-versions": (
        instead(azure_http, "API_VERSIONS", ("2024-05-01",)),
        azure_tests.test_the_sdk_submits_reads_and_cancels,
        {"version": "2026-03-01"},
    ),
    "the answer to an invalid key": (
        instead(azure_http, "INVALID_KEY", "No."),
        azure_tests.test_an_invalid_key_is_answered_as_recorded,
        {},
    ),
    "bearer tokens": (
        instead(messages.Request, "bearer", lambda _: False),
        azure_tests.test_a_token_is_as_good_as_a_key,
        {},
    ),
    "both spellings of a query": (
        instead(azure_http, "_query", without_dollar),
        azure_tests.test_both_spellings_of_a_query,
        {},
    ),
    "nextLink": (
        answer(DocumentTranslation, "page", lambda page: (page[0], 0)),
        azure_tests.test_pages_link_to_the_next,
        {},
    ),
    "pages shift": (
        answer(Place, "listing", lambda jobs: iter(sorted(jobs, key=lambda job: job.state != "Running"))),
        azure_tests.test_pages_shift_when_batches_end_in_between,
        {},
    ),
    "Operation-Location": (
        instead(azure_http, "own_url", lambda _: "http://127.0.0.1/elsewhere"),
        azure_tests.test_a_batch_is_accepted_with_its_location,
        {},
    ),
    "a new batch has total 0": (
        before(DocumentTranslation, "start", with_setting(azure_counting_time=0)),
        azure_tests.test_a_new_batch_cannot_be_tied_to_a_container_yet,
        {},
    ),
    "the answer to a cancel": (
        instead(azure_http, "empty_summary", lambda: {"total": 8}),
        azure_tests.test_cancel_is_answered_as_recorded,
        {},
    ),
    "what cannot be cancelled": (
        instead(DocumentTranslation, "cancel", never_refused),
        azure_tests.test_ended_and_cancelling_batches_cannot_be_cancelled,
        {"status": 400, "raised": HttpResponseError, "state": "Cancelling"},
    ),
    "400 or 409": (
        before(DocumentTranslation, "cancel", with_setting(azure_cancel_refused=400)),
        azure_tests.test_ended_and_cancelling_batches_cannot_be_cancelled,
        {"status": 409, "raised": ResourceExistsError, "state": "Cancelled"},
    ),
    "charged at the end": (
        with_counts(totalCharacterCharged=1),
        azure_tests.test_characters_are_charged_at_the_end,
        {},
    ),
    "a deleted account's endpoint": (
        instead(Accounts, "delete", lambda *_: True),
        azure_tests.test_deleting_an_account_takes_its_endpoint_away,
        {},
    ),
    "a deleted container's batches": (
        instead(Accounts, "delete_container", lambda *_: True),
        azure_tests.test_batches_on_a_container_that_is_gone_fail,
        {},
    ),
    "listKeys": (
        instead(Accounts, "by_id", lambda *_: None),
        azure_tests.test_resource_manager_hands_out_the_keys,
        {},
    ),
    "a resource is in another": (
        instead(ResourceManager, "_require", lambda *_: None),
        resource_tests.test_what_a_resource_is_in_must_be_there,
        {},
    ),
    "an account's endpoint": (
        instead(ResourceManager, "_bring_account", lambda *_: None),
        resource_tests.test_an_account_has_an_endpoint_as_long_as_it_is_there,
        {},
    ),
    "what a deleted resource takes along": (
        instead(ResourceManager, "_take", lambda *_: None),
        resource_tests.test_batches_fail_with_their_container,
        {"deleted": resource_tests.GROUP},
    ),
    "a deleted account's name": (
        instead(ResourceManager, "_take", lambda *_: None),
        resource_tests.test_a_deleted_account_has_to_be_restored,
        {},
    ),
    "an account without keys": (
        instead(Accounts, "set_local_auth", lambda *_: None),
        resource_tests.test_an_account_can_refuse_keys,
        {},
    ),
    # Azure Document Translation, by recorded traffic: the cache
    "a cache": (
        instead(Cache, "find", lambda *_: None),
        recorded_tests.test_gets_are_answered_from_a_cache_for_a_minute,
        {},
    ),
    "the cache's answers grow old": (
        instead(Cache, "_age", lambda *_: 0.0),
        recorded_tests.test_gets_are_answered_from_a_cache_for_a_minute,
        {},
    ),
    "the cache's answers are whole": (
        answer(Cache, "find", lambda found: found and with_headers(ETag="another")(found)),
        recorded_tests.test_gets_are_answered_from_a_cache_for_a_minute,
        {},
    ),
    "several nodes": (
        instead(Cache, "next_node", lambda _: 0),
        recorded_tests.test_states_go_backwards_between_the_caches_nodes,
        {},
    ),
    "the cache knows parameters": (
        instead(azure_cache, "url_of", lambda request: request.path),
        recorded_tests.test_the_cache_is_of_whoever_asks,
        {},
    ),
    "the cache does not know who asks": (
        instead(azure_cache, "url_of", lambda request: request.raw_query + str(request.headers)),
        recorded_tests.test_the_cache_is_of_whoever_asks,
        {},
    ),
    "a cancel leaves the cache as it is": (
        instead(DocumentTranslationApi, "_operate", emptied_by_a_cancel),
        recorded_tests.test_a_cancel_does_not_empty_the_cache,
        {},
    ),
    "only good answers are kept": (
        instead(azure_cache, "is_kept", lambda _: True),
        recorded_tests.test_only_good_answers_are_kept,
        {},
    ),
    "the log knows the cache": (
        answer(Call, "as_dict", lambda shown: {**shown, "age": None}),
        recorded_tests.test_the_log_says_what_came_from_the_cache,
        {},
    ),
    "a reset of the cache": (
        instead(Cache, "clear", lambda _: None),
        recorded_tests.test_a_reset_empties_the_cache,
        {},
    ),
    "nodes at random": (
        before(Cache, "next_node", lambda cache: cache._settings.change({"azure_cache_route": "turns"})),
        recorded_tests.test_nodes_may_be_reached_at_random,
        {},
    ),
    # Reads behind writes
    "reads behind a cancel": (
        instead(DocumentTranslation, "_fall_behind", lambda *_: None),
        recorded_tests.test_a_fresh_answer_may_be_behind_a_cancel,
        {},
    ),
    "listings behind a submission": (
        before(DocumentTranslation, "start", with_setting(azure_read_lag=0)),
        recorded_tests.test_a_listing_may_be_behind_a_submission,
        {},
    ),
    # Pages
    "@nextLink": (
        before(DocumentTranslation, "page", with_setting(azure_next_link="nextLink")),
        recorded_tests.test_pages_link_as_recorded,
        {},
    ),
    "links are absolute": (
        answer(azure_http, "next_link", lambda link: link.partition("://")[2]),
        recorded_tests.test_pages_link_as_recorded,
        {},
    ),
    "links have raw spaces": (
        answer(azure_http, "next_link", lambda link: link.replace(" ", "%20")),
        recorded_tests.test_pages_link_as_recorded,
        {},
    ),
    "links say what is left": (
        answer(azure_http, "next_link", lambda link: re.sub(r"top=\d+&", "", link)),
        recorded_tests.test_pages_link_as_recorded,
        {},
    ),
    "links keep the filter": (
        answer(azure_http, "next_link", lambda link: link.replace("statuses=Cancelled,Cancelling&", "")),
        recorded_tests.test_a_link_keeps_the_filter_and_counts_by_it,
        {},
    ),
    "pages of documents": (
        answer(DocumentTranslation, "documents", lambda page: (page[0], 0)),
        recorded_tests.test_documents_have_pages_too,
        {},
    ),
    # Documents
    "rows come one by one": (
        before(DocumentTranslation, "start", with_setting(azure_row_interval=0)),
        recorded_tests.test_rows_come_one_by_one_from_the_start_on,
        {},
    ),
    "rows come from the start on": (
        instead(DocumentTranslation, "_first_row", lambda _, batch: batch.counted),
        recorded_tests.test_rows_come_one_by_one_from_the_start_on,
        {},
    ),
    "newest first": (
        instead(DocumentTranslation, "_row_numbers", oldest_row_first),
        recorded_tests.test_rows_come_one_by_one_from_the_start_on,
        {},
    ),
    "ids of documents": (
        before(DocumentTranslation, "start", numbered_from_one),
        recorded_tests.test_rows_come_one_by_one_from_the_start_on,
        {},
    ),
    "rows have times": (
        instead(DocumentTranslation, "_row_time", lambda _, batch, __: batch.submitted),
        recorded_tests.test_rows_come_one_by_one_from_the_start_on,
        {},
    ),
    "the port": (
        instead(azure_http, "with_port", lambda url: url),
        recorded_tests.test_urls_have_their_port_and_no_signature,
        {},
    ),
    "no signature": (
        instead(azure, "without_query", lambda url: url),
        recorded_tests.test_urls_have_their_port_and_no_signature,
        {},
    ),
    "which documents tell their target": (
        before(DocumentTranslation, "documents", with_setting(azure_document_path="succeeded")),
        recorded_tests.test_which_documents_tell_their_target_is_a_setting,
        {"setting": "always", "told": {"Running", "Failed", "Succeeded"}},
    ),
    "failed documents tell no target": (
        before(DocumentTranslation, "documents", with_setting(azure_document_path="always")),
        recorded_tests.test_a_failed_document_tells_no_target,
        {},
    ),
    "invalid documents have no time": (
        answer(DocumentTranslationApi, "_document_status", lambda shown: {"createdDateTimeUtc": "", **shown}),
        recorded_tests.test_a_document_that_failed_at_validation_has_no_time,
        {},
    ),
    "seeded rows": (
        instead(DocumentTranslation, "_first_row", lambda _, batch: batch.counted),
        recorded_tests.test_seeded_rows_come_at_once_or_one_by_one,
        {},
    ),
    # States
    "all are in progress at once": (
        with_counts(inProgress=1),
        recorded_tests.test_a_batchs_course_is_as_recorded,
        {},
    ),
    "nothing is charged while it runs": (
        with_counts(totalCharacterCharged=3000),
        recorded_tests.test_a_batchs_course_is_as_recorded,
        {},
    ),
    "batches do not start at once": (
        before(DocumentTranslation, "start", with_setting(azure_start_latency=0)),
        recorded_tests.test_a_batchs_course_is_as_recorded,
        {},
    ),
    "the time of the last action moves": (
        answer(azure_wire, "written_time", lambda _: "2026-01-01T00:00:00Z"),
        recorded_tests.test_a_batchs_course_is_as_recorded,
        {},
    ),
    "what was done stays": (
        answer(DocumentTranslation, "done", lambda _: 0.0),
        recorded_tests.test_a_cancelled_batch_keeps_what_was_done,
        {},
    ),
    "validation counts nothing": (
        with_counts(total=3),
        recorded_tests.test_validation_fails_as_recorded,
        {"gone": SOURCE, "before": 0.2, "after": 0.3, "code": "InvalidDocumentAccessLevel"},
    ),
    "validation takes time": (
        before(DocumentTranslation, "start", with_setting(azure_target_validation_time=0)),
        recorded_tests.test_validation_fails_as_recorded,
        {"gone": TARGET, "before": 25, "after": 28, "code": "InvalidTargetDocumentAccessLevel"},
    ),
    "validation holds up nobody": (
        instead(Place, "first_ready", only_the_first),
        recorded_tests.test_validation_fails_as_recorded,
        {"gone": TARGET, "before": 25, "after": 28, "code": "InvalidTargetDocumentAccessLevel"},
    ),
    "what validation says": (
        instead(azure, "TARGET_DENIED", azure_batch.SOURCE_DENIED),
        recorded_tests.test_validation_fails_as_recorded,
        {"gone": TARGET, "before": 25, "after": 28, "code": "InvalidTargetDocumentAccessLevel"},
    ),
    "unsupported files": (
        instead(azure, "is_supported", lambda _: True),
        recorded_tests.test_unsupported_files_are_not_counted,
        {},
    ),
    "a counted answer to a cancel": (
        before(DocumentTranslation, "cancel", with_setting(azure_cancel_summary="empty")),
        recorded_tests.test_the_answer_to_a_cancel_may_have_counted,
        {"setting": "counted", "total": 3},
    ),
    "late cancels": (
        before(DocumentTranslation, "cancel", with_setting(azure_cancel_ended="refuse")),
        recorded_tests.test_what_a_late_cancel_does_is_a_setting,
        {},
    ),
    # Headers and errors
    "request ids": (
        instead(azure_wire, "request_ids", dict),
        recorded_tests.test_headers_are_as_recorded,
        {},
    ),
    "Retry-After on success": (
        answer(azure_http, "read_answer", with_headers(Retry_After=None)),
        recorded_tests.test_headers_are_as_recorded,
        {},
    ),
    "ETag": (
        answer(azure_http, "read_answer", with_headers(ETag=None)),
        recorded_tests.test_headers_are_as_recorded,
        {},
    ),
    "GETs are throttled": (
        instead(Rates, "admits", lambda *_: True),
        recorded_tests.test_too_many_gets_are_throttled_as_recorded,
        {},
    ),
    "throttling without Retry-After": (
        answer(DocumentTranslationApi, "refuse", with_headers(Retry_After="1")),
        recorded_tests.test_too_many_gets_are_throttled_as_recorded,
        {},
    ),
    "the policy of throttling": (
        answer(DocumentTranslationApi, "refuse", with_headers(policy_id=None)),
        recorded_tests.test_too_many_gets_are_throttled_as_recorded,
        {},
    ),
    "404 without a body": (
        instead(azure_http, "_GUID", re.compile(".*")),
        recorded_tests.test_an_id_that_is_no_guid_is_answered_without_a_body,
        {},
    ),
    "a short answer to an invalid key": (
        instead(azure_http, "gateway_failure", with_inner_error),
        recorded_tests.test_an_invalid_key_has_a_short_answer,
        {},
    ),
    "times without zeros": (
        answer(azure_wire, "written_time", lambda written: written.replace("Z", "0Z")),
        recorded_tests.test_times_have_no_zeros_at_their_end,
        {},
    ),
    # Faults, log and control
    "before or after the effect": (
        instead(Fault, "before", True),
        fault_tests.test_a_connection_is_dropped_before_or_after_the_effect,
        {"when": "after", "state": "STOP_REQUESTED"},
    ),
    "Retry-After": (
        instead(application, "_refusal", without_retry_after),
        fault_tests.test_azure_core_waits_as_long_as_retry_after_says,
        {},
    ),
    "seeds": (
        instead(random, "Random", lambda _: SystemRandom()),
        fault_tests.test_faults_strike_after_so_many_and_with_a_probability,
        {},
    ),
    "the log": (
        answer(Call, "as_dict", lambda shown: {**shown, "error": None}),
        surroundings_tests.test_requests_to_all_services_are_in_the_log,
        {},
    ),
    "a reset": (
        instead(faults.Faults, "clear", lambda _: None),
        control_tests.test_a_reset_makes_it_as_new,
        {},
    ),
}

FAULTS: dict[str, tuple[Callable[..., None], dict[str, Any]]] = {
    "throttle": (fault_tests.test_boto3_retries_what_is_throttled, {}),
    "error": (fault_tests.test_boto3_retries_server_errors, {"status": 503}),
    "drop": (
        fault_tests.test_a_connection_is_dropped_before_or_after_the_effect,
        {"when": "before", "state": "IN_PROGRESS"},
    ),
    "slow": (fault_tests.test_slow_answers_run_into_the_clients_timeout, {}),
    "denied": (fault_tests.test_denied_operations, {}),
    "expired": (fault_tests.test_expired_credentials, {}),
    "late": (fault_tests.test_jobs_may_appear_late_in_listings, {}),
    "ignore-stop": (fault_tests.test_a_stop_request_may_be_ignored_so_many_times, {}),
    "lose-race": (fault_tests.test_a_stop_may_lose_the_race, {}),
    "not-yet": (fault_tests.test_a_queued_job_may_not_be_stopped_yet, {}),
}


@pytest.mark.parametrize("point", POINTS)
def test_what_is_broken_is_noticed(point: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """The point's contract test fails when the emulator does not have it."""
    (owner, name, value), test, arguments = POINTS[point]
    needed = fixtures_of(test, arguments, request)
    monkeypatch.setattr(owner, name, value)
    assert fails(test, {**needed, **arguments})


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_that_does_not_strike_is_noticed(
    kind: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Every kind of fault has a contract test that fails without it."""
    test, arguments = FAULTS[kind]
    needed = fixtures_of(test, arguments, request)
    monkeypatch.setattr(Fault, "strikes", lambda *_: False)
    assert fails(test, {**needed, **arguments})


def test_every_kind_of_fault_is_there() -> None:
    """None is left out above."""
    assert FAULTS.keys() == faults.KINDS.keys()


def fixtures_of(test: Callable[..., None], arguments: dict[str, Any], request: pytest.FixtureRequest) -> dict[str, Any]:
    wanted = inspect.signature(test).parameters.keys() - arguments.keys()
    # The emulator first, since it is reset; what the others put into it comes after.
    return {name: request.getfixturevalue(name) for name in sorted(wanted, key=lambda name: name in ("s3", "iam"))}


def fails(test: Callable[..., None], arguments: dict[str, Any]) -> bool:
    try:
        test(**arguments)
    except (Exception, pytest.fail.Exception):
        return True
    return False
