"""Accounts of the console: signing in, setting up credentials, inviting members."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, NamedTuple

from sqlalchemy import Connection

from bot.common.ids import Ids
from bot.common.keys import Keys
from bot.staff import invitations, one_time_passwords, recovery_codes
from bot.staff.codes import new_staff_code, staff_code_hash
from bot.staff.passkeys import NewPasskey
from storage.tables import staff_credentials as table
from storage.tables.console_sessions import end_console_sessions
from storage.tables.invitations import Invitation, use_invitation
from storage.tables.staff import (
    Role,
    StaffMember,
    forget_unbound_chat,
    insert_staff,
    replace_staff_code,
    staff_by_id,
    staff_by_name,
)
from storage.tables.staff_credentials import CredentialKind, StaffCredential, totp_context

CREDENTIAL_KINDS: Final[tuple[CredentialKind, ...]] = ("password", "totp", "passkey", "recovery", "oidc")

SecondFactor = Literal["totp", "recovery"]


class SignInMethods(NamedTuple):
    """How a member can sign in."""

    password: StaffCredential | None
    totp: StaffCredential | None
    passkeys: tuple[StaffCredential, ...]
    recovery_codes: int
    """Recovery codes that are left."""
    identities: tuple[StaffCredential, ...] = ()
    """Linked accounts at the identity provider."""

    @property
    def is_complete(self) -> bool:
        """Whether the member can sign in with two factors here, also without the identity provider."""
        return bool(self.passkeys) or (self.password is not None and self.totp is not None)

    def without(self, credential_id: int) -> SignInMethods:
        """Returns these methods without one passkey or linked account."""
        return self._replace(
            passkeys=tuple(it for it in self.passkeys if it.id != credential_id),
            identities=tuple(it for it in self.identities if it.id != credential_id),
        )


class NewCredentials(NamedTuple):
    """What a member sets up: a password with a TOTP secret, or a passkey."""

    password_hash: bytes | None = None
    totp_secret: str = ""
    totp_step: int = 0
    """The time step with which the member confirmed the secret; it is used up."""
    passkey: NewPasskey | None = None
    device: str = ""
    """The name of the device that has the passkey."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """The accounts, within one transaction."""

    connection: Connection
    keys: Keys
    ids: Ids
    now: datetime

    def methods_of(self, staff_id: int) -> SignInMethods:
        """Returns how a member can sign in."""
        by_kind: dict[CredentialKind, list[StaffCredential]] = {kind: [] for kind in CREDENTIAL_KINDS}
        for credential in table.credentials_of_staff(self.connection, staff_id):
            by_kind[credential.kind].append(credential)
        return SignInMethods(
            password=next(iter(by_kind["password"]), None),
            totp=next(iter(by_kind["totp"]), None),
            passkeys=tuple(by_kind["passkey"]),
            recovery_codes=len(by_kind["recovery"]),
            identities=tuple(by_kind["oidc"]),
        )

    def password_hash_of(self, name: str) -> tuple[StaffMember, bytes] | None:
        """Returns the active member of this name with the hash of the password; None without password and TOTP."""
        member = staff_by_name(self.connection, " ".join(name.split()))
        methods = self.methods_of(member.id) if member else None
        if member is None or methods is None or methods.password is None or methods.totp is None:
            return None
        return member, methods.password.secret

    def use_second_factor(self, member: StaffMember, typed: str) -> SecondFactor | None:
        """Uses up a one-time password or a recovery code; returns which it was, None for a wrong or used one."""
        totp = self.methods_of(member.id).totp
        if totp is not None and totp.sealed is not None:
            secret = self.keys.decrypt(totp.sealed, totp_context(totp.id))
            step = one_time_passwords.matching_step(secret, typed, totp.counter, self.now)
            if step is not None and table.record_credential_use(self.connection, totp, step, self.now):
                return "totp"
        handle = recovery_codes.recovery_handle(self.keys, member.id, typed)
        recovery = table.credential_by_handle(self.connection, handle)
        if recovery is not None and table.delete_staff_credential(self.connection, member.id, recovery.id):
            return "recovery"
        return None

    def use_passkey(self, credential: StaffCredential, counter: int) -> StaffMember | None:
        """Records the use of a verified passkey; returns its owner, None if revoked or used at the same time."""
        member = staff_by_id(self.connection, credential.staff_id)
        if member is None or member.revoked_at is not None:
            return None
        return member if table.record_credential_use(self.connection, credential, counter, self.now) else None

    def use_identity(self, issuer: str, subject: str) -> StaffMember | None:
        """Records the use of an account at an identity provider; returns its member, None if unknown or revoked."""
        credential = table.credential_by_handle(self.connection, identity_handle(self.keys, issuer, subject))
        member = staff_by_id(self.connection, credential.staff_id) if credential else None
        if credential is None or member is None or member.revoked_at is not None:
            return None
        table.record_credential_use(self.connection, credential, credential.counter, self.now)
        return member

    def link_identity(self, member: StaffMember, issuer: str, subject: str, label: str) -> None:
        """Links an account at an identity provider to a member. Raises Duplicate if it is linked to any member."""
        row = self._credential(member, "oidc")
        handle = identity_handle(self.keys, issuer, subject)
        table.insert_staff_credentials(self.connection, [row._replace(handle=handle, label=label)])

    def set_up(self, member: StaffMember, new: NewCredentials) -> None:
        """Stores new credentials. A new password or TOTP secret replaces the earlier one; a passkey is added."""
        rows: list[StaffCredential] = []
        if new.password_hash is not None:
            table.delete_staff_credentials(self.connection, member.id, ["password"])
            rows.append(self._credential(member, "password")._replace(secret=new.password_hash))
        if new.totp_secret:
            table.delete_staff_credentials(self.connection, member.id, ["totp"])
            row = self._credential(member, "totp")
            sealed = self.keys.encrypt(new.totp_secret, totp_context(row.id))
            rows.append(row._replace(sealed=sealed, counter=new.totp_step))
        if new.passkey is not None:
            key, row = new.passkey, self._credential(member, "passkey")
            rows.append(row._replace(handle=key.handle, secret=key.public_key, counter=key.counter, label=new.device))
        table.insert_staff_credentials(self.connection, rows)

    def renew_recovery_codes(self, member: StaffMember) -> list[str]:
        """Replaces the recovery codes of a member and returns the new ones, which are shown only once."""
        codes = recovery_codes.new_recovery_codes()
        table.delete_staff_credentials(self.connection, member.id, ["recovery"])
        rows = [
            self._credential(member, "recovery")._replace(
                handle=recovery_codes.recovery_handle(self.keys, member.id, code)
            )
            for code in codes
        ]
        table.insert_staff_credentials(self.connection, rows)
        return codes

    def renew_staff_code(self, member: StaffMember) -> str:
        """Replaces the personal code for chat and helper pages and returns the new one, shown only once.

        A code binds a chat once; with the new one a chat can be bound if none is bound now.
        """
        code = new_staff_code()
        forget_unbound_chat(self.connection, member.id)
        replace_staff_code(self.connection, member.id, staff_code_hash(self.keys, code))
        return code

    def accept(self, invitation: Invitation, name: str) -> StaffMember | None:
        """Uses an invitation up and returns its account; the owner link creates one under `name`.

        None if the invitation was used meanwhile or the account was revoked. Raises Duplicate for a name that is taken.
        """
        if not use_invitation(self.connection, invitation.token_hash, self.now):
            return None
        if invitation.staff_id is None:
            return self.create(name, "admin")
        member = staff_by_id(self.connection, invitation.staff_id)
        return member if member and member.revoked_at is None else None

    def create(self, name: str, role: Role) -> StaffMember:
        """Creates an account without credentials. Raises Duplicate for a name that is taken.

        Its personal code is random and never shown; `renew_staff_code` issues one.
        """
        member = StaffMember(
            id=self.ids(),
            name=" ".join(name.split()),
            role=role,
            code_hash=staff_code_hash(self.keys, new_staff_code()),
            created_at=self.now,
        )
        insert_staff(self.connection, [member])
        return member

    def invite(self, member: StaffMember) -> str:
        """Returns the token of a new link with which a member sets up the account; it replaces earlier links."""
        return invitations.new_link(self.connection, self.keys, member.id, self.now)

    def reset(self, member: StaffMember) -> str:
        """Ends all sessions of a member, deletes all credentials, and returns the token of a link for new ones."""
        end_console_sessions(self.connection, member.id)
        table.delete_staff_credentials(self.connection, member.id, CREDENTIAL_KINDS)
        return self.invite(member)

    def _credential(self, member: StaffMember, kind: CredentialKind) -> StaffCredential:
        return StaffCredential(
            id=self.ids(),
            staff_id=member.id,
            kind=kind,
            handle=None,
            secret=b"",
            sealed=None,
            counter=0,
            label="",
            created_at=self.now,
        )


def identity_handle(keys: Keys, issuer: str, subject: str) -> bytes:
    """Returns the keyed hash under which an account at an identity provider is stored."""
    content = f"oidc/{len(issuer)}/{issuer}/{subject}".encode("utf-8", "replace")
    return hmac.digest(keys.staff, content, "sha256")
