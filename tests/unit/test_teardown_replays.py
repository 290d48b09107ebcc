"""What the explorer of tests/proof found in the teardown, replayed event by event."""

from __future__ import annotations

from tests.proof.explorer import replay
from tests.proof.world import World


def test_what_a_look_showed_to_have_ended_is_not_asked() -> None:
    """While it waits for a slow listing it looks at the job that was asked last; what that shows is remembered."""
    replay(
        World(service="azure", mode="cancel", jobs=("own",), disturbances=1, listing_takes=1.0, timeout=12.0),
        [
            ("at first: A (own) is running",),
            ("list: A running",),
            ("documents of A: 1 document, 1 in the guard's container",),
            ("stop A: accepted",),
            ("look at A: A stopping",),
            ("look at A: A stopping",),
            ("list: A stopping",),
            ("A has stopped", "look at A: A stopped"),
            ("list, with an old view of A: A running",),
        ],
    )


def test_documents_that_were_read_are_not_read_again() -> None:
    """A batch grew between its listing and the reading of its documents: the next listing shows no new ones."""
    replay(
        World(
            service="azure",
            mode="cancel",
            jobs=("grows out of the scope",),
            disturbances=2,
            update=True,
            timeout=12.0,
        ),
        [
            ("at first: A (grows out of the scope) has not arrived yet",),
            ("A arrives, running", "list: A running"),
            (
                "the service now tells that A has 2 documents, 2 of them listed",
                "documents of A: 2 documents, 1 in the guard's container",
            ),
            ("list: A running",),
        ],
    )


def test_an_end_that_was_seen_is_final_without_times() -> None:
    """Amazon Translate does not tell since when a job is in its state: what has ended does not start again."""
    replay(
        World(service="amazon", mode="cancel", jobs=("own",), disturbances=1, listing_takes=1.0, timeout=12.0),
        [
            ("at first: A (own) is running",),
            ("list: A running",),
            ("stop A: accepted",),
            ("look at A: A stopping",),
            ("look at A: A stopping",),
            ("list: A stopping",),
            ("A has stopped", "look at A: A stopped"),
            ("list, with an old view of A: A running",),
        ],
    )
