"""What the identity of a guard of Azure batches has to be allowed on the Translator resource; with a key, nothing."""

from __future__ import annotations

from typing import Final

from translation_job_guard.services import Permission

__all__ = ["ASSIGN_ROLE", "LIST_KEYS", "PERMISSIONS", "ROLE", "ROLE_MISSING"]

ROLE: Final = "Cognitive Services User"
LIST_KEYS: Final = "Microsoft.CognitiveServices/accounts/listKeys/action"

PERMISSIONS: Final = (
    Permission(ROLE, "list, read and cancel translations with Entra ID"),
    Permission(
        LIST_KEYS,
        "fetch the key, where account_resource_id is given and no key is in the environment",
        optional=True,
    ),
)

ASSIGN_ROLE: Final = f'az role assignment create --role "{ROLE}" --assignee OBJECT_ID --scope RESOURCE_ID'
ROLE_MISSING: Final = f"The role {ROLE} on the Translator resource is missing: {ASSIGN_ROLE}"
