"""Brings accounts to the limits of the policy that covers them.

`react` looks at an account and at the policies as the log left them. What it asks for carries a command id derived from
the policy's event and the account, and the account's row remembers the event whose limits it was given: each account is
told once of each setting of its policy, however often the service restarts, and limits that an operator changes
afterwards stay until the policy is set again.
"""

from collections.abc import Mapping
from typing import NamedTuple

from kernel.ids import derived_id
from risk_management.policy import Limits
from risk_management.rows import AccountRow, PolicyRow

DEFAULT_SCOPE = ""


class LimitsDue(NamedTuple):
    account_id: str
    limits: Limits
    policy_event: str

    @property
    def command_id(self) -> str:
        return limits_command_id(self.policy_event, self.account_id)


def react(account: AccountRow, policies: Mapping[str, PolicyRow]) -> LimitsDue | None:
    """The change of limits that is due, None if the account was told of its policy or none covers it."""
    policy = covering(account, policies)
    if policy is None or account.policy_event == policy.event_id:
        return None
    return LimitsDue(account.account_id, policy.limits, policy.event_id)


def covering(account: AccountRow, policies: Mapping[str, PolicyRow]) -> PolicyRow | None:
    """The account's own policy, else the default one. Only customers' accounts are covered."""
    if account.kind != "CUSTOMER":
        return None
    return policies.get(account.account_id) or policies.get(DEFAULT_SCOPE)


def limits_command_id(policy_event: str, account_id: str) -> str:
    return derived_id("limits-by-policy", policy_event, account_id)
