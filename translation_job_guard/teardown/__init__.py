"""Stop everything in a scope and wait until quiet.

How a teardown works
====================

A teardown is a state machine without I/O (``machine.Teardown``). Its script, a generator, yields a batch of
requests and is sent the answers. The runner (``runner.run``) sends the requests of a batch side by side, at the
pace that the service allows (``pace``), and ends at the deadline. So every decision is a function of answers and
times, and every order of events can be tried: ``tests/proof`` does so for small worlds, and docs/teardown.md shows
for each rule below the shortest story of what goes wrong without it.

The script, in mode ``cancel``::

      +---> list, and read the documents of batches that are undecided
      |          |
      |          | jobs in scope are in flight          nothing is left
      |          v                                            |
      |     ask every job to stop that is due                 v
      |          |                                 look at each job by its id,
      |          v                                 wait for quiet_period, list again
      +---- wait (0.5 s to 15 s)                              |
      ^                                                       |
      +------------ a job is in flight after all -------------+----> quiet: success

``drain`` leaves out the stop requests, ``fail`` ends in an error at the first job, ``ignore`` looks once and
succeeds. Past ``timeout`` each state leads to an error that names the jobs and every way out (``messages``).

What is known of a job (``report.Record``), and what changes it::

    unseen --listed, in scope--> in flight --asked--> asked --answer--> stopping --not listed, or seen ended--> ended
                                    ^                   |                  |                                      |
                                    |                   +-- error: the present state decides, ask again later     |
                                    +---------------- a fresh answer shows it in flight after all ----------------+

Why each rule exists, and which invariant of the README's table it serves
-------------------------------------------------------------------------

- *Only the scope's predicate makes a job the guard's* (1). A batch whose documents are not all known may be a
  neighbour's: it is undecided, never asked to stop, and never counts as nothing (``observations``).
- *Quiet takes two listings, ``quiet_period`` apart, and a look at each job by its id* (2). A listing may be behind,
  and a job may have been submitted while it was made.
- *Only fresh answers count* (2). The Azure service answers from a cache for up to a minute (``services.reading``).
- *An error is not an empty listing* (2). A transient one is retried until time is over, any other ends the
  teardown.
- *Nothing is kept that another process needs* (3). A teardown begins with a listing, so the next one goes on where
  a killed one was.
- *After an error of a stop request the next listing decides* (4). The job may have ended by itself, or somebody
  else may have stopped it. A denied stop is an error only if the job is still in flight then.
- *Every due stop request goes out before the first wait* (5), also beside the reads of documents: whoever
  interrupts the teardown afterwards finds every job asked.
- *A job that was asked and still runs is asked again*, after 5 s and then ever later, soon after an answer that was
  lost, and once more when it begins to run (``schedule.stop_is_due``). A service may accept a stop request and
  forget it.
- *Older answers do not undo newer ones.* The service has several nodes; a batch tells when it last changed. What an
  older answer shows can only raise the doubt whether a stop request was lost.
- *No listing sooner than half a second after the last one, and never more than half of the time listing*: others
  share the quota of the account.
- *Each wait is cut at the timeout* (6), and what the service orders (Retry-After) at 30 s.

Modules: ``machine`` decides, ``observations`` knows what was read of batches, ``schedule`` when to ask again,
``report`` holds the records, ``messages`` words the ``failures``, ``runner`` performs, ``pace`` learns how fast.
"""

from translation_job_guard.teardown.failures import (
    CannotTell,
    TeardownError,
    TeardownRefused,
    TeardownTimeout,
    Undecided,
)
from translation_job_guard.teardown.report import Ending, Mode, Occasion, Record, Report, TeardownOptions

__all__ = [
    "CannotTell",
    "Ending",
    "Mode",
    "Occasion",
    "Record",
    "Report",
    "TeardownError",
    "TeardownOptions",
    "TeardownRefused",
    "TeardownTimeout",
    "Undecided",
]
