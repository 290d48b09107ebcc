"""S3, IAM and STS, which moto emulates: the application that serves them, and what jobs need of them."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from typing import Any

from translation_job_emulator import organizations
from translation_job_emulator.settings import Settings

DEFAULT_ACCOUNT = "123456789012"


class Moto:
    """The services of moto.

    moto takes a second to import, so it is imported when a client first asks for one of its services. Its state belongs
    to the process: all emulators of a process share buckets and roles.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known_accounts: dict[str, str] = {}
        self._application: Any = None
        self._loading = threading.Lock()

    # The application

    def load(self) -> Any:
        """Return the WSGI application of all of moto's services."""
        with self._loading:
            if self._application is None:
                import moto.iam.models
                import moto.organizations.models
                import moto.s3.models
                import moto.sts.models  # noqa: F401
                from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

                self._application = DomainDispatcherApplication(create_backend_app)
                self._known_accounts.clear()
        return self._application

    def close(self) -> None:
        """Forget everything that the services hold, if they were used."""
        if self._application is not None:
            self.reset()

    def reset(self) -> None:
        """Forget everything that the services hold."""
        self._known_accounts.clear()
        # Even if this emulator has not loaded moto: another one of this process may have left something.
        if "moto.core.base_backend" in sys.modules:
            from moto.core.base_backend import BackendDict
            from moto.core.model_instances import reset_model_data

            BackendDict.reset()
            reset_model_data()

    # Accounts

    def of(self, access_key_id: str) -> str:
        """Return the account of an access key: the one that STS GetCallerIdentity returns."""
        account = self._settings.accounts.get(access_key_id) or self._known_accounts.get(access_key_id)
        if account is None:
            account = DEFAULT_ACCOUNT
            if self._application is not None:
                from moto.iam.models import get_account_id_from

                account = get_account_id_from(access_key_id)
            self._known_accounts[access_key_id] = account
        return account

    def forget_accounts(self) -> None:
        """Look up accounts again, since a request to IAM or STS may have made new access keys."""
        self._known_accounts.clear()

    # Organizations

    def put_organization(self, management: str, accounts: Mapping[str, str]) -> None:
        """Make an organization of a management account and members, whose states are given by their IDs."""
        self.load()
        organizations.put(management, accounts)

    def organization_of(self, account: str) -> organizations.Membership:
        """Return what an account is in an organization."""
        return organizations.membership(account)

    # Buckets and roles

    def has_bucket(self, uri: str) -> bool:
        """Check whether the bucket of an S3 URI exists."""
        return self._bucket_owner(uri) is not None

    def has_role(self, arn: str) -> bool:
        """Check whether a role exists."""
        if self._application is None:
            return False
        from moto.iam.models import iam_backends

        _, partition, _, _, account, _ = arn.split(":", 5)
        roles = iam_backends[account][partition].get_roles()
        return any(role.arn == arn for role in roles)

    def documents(self, uri: str) -> list[str] | None:
        """Return the names of the objects under an S3 URI, or None if the bucket does not exist."""
        owner = self._bucket_owner(uri)
        if owner is None:
            return None
        prefix = _key(uri)
        keys = [str(key) for key in owner.buckets[_bucket(uri)].keys]
        return [key[len(prefix) :].lstrip("/") for key in keys if key.startswith(prefix) and not key.endswith("/")]

    def write(self, uri: str, body: bytes) -> None:
        """Write an object. Does nothing if the bucket does not exist."""
        owner = self._bucket_owner(uri)
        if owner is not None:
            owner.put_object(_bucket(uri), _key(uri), body)

    def _bucket_owner(self, uri: str) -> Any:
        """Return the backend that has the bucket of an S3 URI, or None."""
        if self._application is None:
            return None
        from moto.s3.models import s3_backends

        found = s3_backends.bucket_accounts.get(_bucket(uri))
        return None if found is None else s3_backends[found[1]][found[0]]


def _bucket(uri: str) -> str:
    return uri.removeprefix("s3://").partition("/")[0]


def _key(uri: str) -> str:
    return uri.removeprefix("s3://").partition("/")[2]
