"""Azure Document Translation batches, by azure-ai-translation-document.

``connection`` opens ``service`` with the ``credentials`` of a key or of Entra ID. ``service`` sends the requests;
``listing`` says which ones show every batch in flight, and reads the answers; ``errors`` translates the SDK's errors;
``permissions`` says what the requests need.
"""

from translation_job_guard.services.azure.connection import AzureConnection
from translation_job_guard.services.azure.credentials import ARM_ENDPOINT_ENV, cloud_of, entra_id, transport_to
from translation_job_guard.services.azure.listing import STATES
from translation_job_guard.services.azure.permissions import ASSIGN_ROLE, PERMISSIONS, ROLE_MISSING
from translation_job_guard.services.azure.service import AzureDocumentTranslation

__all__ = [
    "ARM_ENDPOINT_ENV",
    "ASSIGN_ROLE",
    "PERMISSIONS",
    "ROLE_MISSING",
    "STATES",
    "AzureConnection",
    "AzureDocumentTranslation",
    "cloud_of",
    "entra_id",
    "transport_to",
]
