"""What a client wants, and what it was told: the promises that the platform has to keep."""

from typing import NamedTuple

from kernel.ids import derived_id

# The command was sequenced, and the answer does not tell where.
UNKNOWN_POSITION = -1


class Unknown(Exception):
    """The request may have been done or not: only asking again tells."""


class Intent(NamedTuple):
    """One request, the same at every attempt. `key` makes it so: a client order id, or an idempotency key.

    kind: place, cancel or replace. order: the order that it is about, by id or by the client order id.
    """

    kind: str
    user_id: str
    account_id: str
    key: str
    symbol: str = ""
    side: str = ""
    type: str = ""
    time_in_force: str = ""
    quantity: str = ""
    price: str = ""
    order_id: str = ""
    client_order_id: str = ""
    renamed: bool = False

    @property
    def command_id(self) -> str:
        """As the contract derives it: what makes the request the same request."""
        if self.kind == "place" or self.renamed:
            return derived_id("client-order-id", self.account_id, self.key)
        return derived_id("request", self.user_id, self.key)


class Told(NamedTuple):
    """An answer without what may differ between the first and a later attempt. position: 0 if the command has none."""

    refused: str
    order_id: str = ""
    status: str = ""
    quantity: str = ""
    cum_quantity: str = ""
    leaves_quantity: str = ""
    version: int = 0
    position: int = 0


class Seen(NamedTuple):
    """An order as a read shows it."""

    order_id: str
    client_order_id: str
    status: str
    cum_quantity: str
    version: int


class Promise(NamedTuple):
    intent: Intent
    told: Told
