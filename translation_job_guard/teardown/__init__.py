"""Stop everything in a scope and wait until quiet: a state machine without I/O, and the runner that performs it.

``machine`` decides, ``runner`` performs what it asks for, ``report`` is what comes out, ``failures`` how it can fail,
``schedule`` when it asks again, ``pace`` how fast requests go out.
"""

from translation_job_guard.teardown.failures import (
    CannotTell,
    TeardownError,
    TeardownRefused,
    TeardownTimeout,
    Undecided,
)
from translation_job_guard.teardown.report import Ending, Mode, Occasion, Policy, Record, Report

__all__ = [
    "CannotTell",
    "Ending",
    "Mode",
    "Occasion",
    "Policy",
    "Record",
    "Report",
    "TeardownError",
    "TeardownRefused",
    "TeardownTimeout",
    "Undecided",
]
