"""A look at everything that a team owns: AWS accounts and their regions, Azure subscriptions and their accounts.

``find`` makes connections of what ``EstateRequest`` names, and a row for each thing that cannot be entered: one account
that refuses a role stops nothing else. The look itself is the one of all commands, ``looking.look``, with a bounded
number of places at once. ``Progress`` says how far it is.
"""

from translation_job_guard.estate.finding import Found, find
from translation_job_guard.estate.progress import Progress
from translation_job_guard.estate.request import DEFAULT_CONCURRENCY, EstateRequest
from translation_job_guard.estate.walls import explained

__all__ = ["DEFAULT_CONCURRENCY", "EstateRequest", "Found", "Progress", "explained", "find"]
