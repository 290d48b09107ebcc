"""Amazon Translate text translation jobs, by boto3.

``connection`` opens ``service`` with the ``credentials`` of the environment, a profile or a role. ``service`` sends the
requests; ``listing`` says which ones show every job in flight, and reads the answers; ``errors`` translates botocore's
errors; ``permissions`` says what the requests need.
"""

from translation_job_guard.services.amazon.connection import (
    NO_BATCH,
    AmazonConnection,
    has_batch_jobs,
    partition_of,
    regions_beside,
)
from translation_job_guard.services.amazon.listing import STATES
from translation_job_guard.services.amazon.permissions import PERMISSIONS, STATEMENT
from translation_job_guard.services.amazon.service import AmazonTranslate

__all__ = [
    "NO_BATCH",
    "PERMISSIONS",
    "STATEMENT",
    "STATES",
    "AmazonConnection",
    "AmazonTranslate",
    "has_batch_jobs",
    "partition_of",
    "regions_beside",
]
