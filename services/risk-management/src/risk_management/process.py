"""Brings accounts to the limits of the policies that cover them.

`react` looks at an account and at the policies as the log left them. What it asks for carries a command id derived from
the events that set those policies and the account, and the account's row remembers the setting that it was given: each
account is told once of each setting, however often the service restarts, and limits that an operator changes afterwards
stay until one of its policies is set again.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kernel.ids import derived_id
from risk_management.policy import Limits
from risk_management.rows import AccountRow, PolicyRow

DEFAULT_SCOPE = ""


class LimitsDue(NamedTuple):
    """policy_events: of the policies that the limits come from, the account's own first."""

    account_id: str
    limits: Limits
    policy_events: Sequence[str]

    @property
    def setting(self) -> str:
        """Names what is set; the id of the event where one policy decides alone."""
        return "+".join(self.policy_events)

    @property
    def cause(self) -> str:
        """The event that made it due: the ids are in the order of time."""
        return max(self.policy_events)

    @property
    def command_id(self) -> str:
        return derived_id("limits-by-policy", self.setting, self.account_id)


def react(account: AccountRow, policies: Mapping[str, PolicyRow]) -> LimitsDue | None:
    """The change of limits that is due, None if the account was told of its policies or none covers it."""
    due = covering(account, policies)
    return None if due is None or account.told_of == due.setting else due


def covering(account: AccountRow, policies: Mapping[str, PolicyRow]) -> LimitsDue | None:
    """The limits of the account's own policy and, where that has none, those of the default. Only customers' accounts
    are covered."""
    if account.kind != "CUSTOMER":
        return None
    own, default = policies.get(account.account_id), policies.get(DEFAULT_SCOPE)
    deciding = [policy for policy in (own, default) if policy is not None]
    if own is not None and own.limits.is_whole:
        deciding = [own]
    if not deciding:
        return None
    return LimitsDue(account.account_id, _first_of(deciding), [policy.event_id for policy in deciding])


def _first_of(policies: Sequence[PolicyRow]) -> Limits:
    """Limit by limit that of the first policy that has one."""

    def first(name: str) -> Any:
        return next((limit for policy in policies if (limit := getattr(policy.limits, name)) is not None), None)

    return Limits(*(first(name) for name in Limits.__struct_fields__))
