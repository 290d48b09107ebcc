"""Stop everything in a scope and wait until quiet.

How a teardown works
====================

A teardown is a state machine without I/O (``machine.Teardown``). Its script, a generator, yields a batch of
requests and receives the answers. The runner (``runner.run``) sends the requests of a batch side by side, at the
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

Where to look
-------------

- ``machine``: the script. ``script`` is the loop of the diagram, one method for each of its steps.
- ``schedule``: **when a job is asked to stop again** (``stop_is_due``), and when to list again (``next_poll``).
- ``observations``: what was read of batches, whether they are in scope, and how long undecided ones are waited for.
- ``report``: the options, what is known of each job (``Record``), and the result.
- ``messages`` and ``failures``: how a teardown fails, and what the error says.
- ``runner``: sends the requests, in threads. ``pace``: how fast, learned from the answers.

Why each rule exists, and which invariant of the README's table it serves
-------------------------------------------------------------------------

- *Only the scope's predicate makes a job the guard's* (1). A batch whose documents are not all known may be a
  neighbour's: it is undecided, never asked to stop, and never counts as nothing (``observations``).
- *Quiet takes two listings, ``quiet_period`` apart, and a look at each job by its ID* (2). A listing may be behind,
  and a job may have been submitted while it was made.
- *Only fresh answers count* (2). The Azure service answers from a cache for up to a minute (``services.reading``).
- *An error is not an empty listing* (2). A transient error is retried until the timeout, any other ends the teardown.
- *Nothing is kept that another process needs* (3). A teardown begins with a listing, so the next one continues where
  a killed one was.
- *After an error of a stop request the next listing decides* (4). The job may have ended by itself, or somebody
  else may have stopped it. A denied stop is an error only if the job is still in flight then.
- *Every due stop request goes out before the first wait* (5), also beside the reads of documents: whoever
  interrupts the teardown afterwards finds every job asked.
- *A job that was asked and still runs is asked again* (``schedule.stop_is_due``): after 5 s and then at growing
  intervals, sooner if the answer was lost, and once more when it begins to run. A service may accept a stop request
  and forget it.
- *Older answers do not undo newer ones.* The service has several nodes; a batch tells when it last changed. An older
  answer can only raise doubt whether a stop request was lost.
- *No listing sooner than half a second after the last one, and never more than half of the time listing*: others
  share the quota of the account.
- *Each wait is cut at the timeout* (6), and a wait that the service orders (Retry-After) at 30 s.
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
