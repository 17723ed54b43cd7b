"""Whose account a request means: the caller's own, or for an administrator anyone's."""

from collections.abc import Iterable

from kernel.projection import Projection
from kernel.refused import Kind, Refused
from order_service.submit import AccountOf
from order_service.views import OrdersView


class Owners:
    """Looks accounts up in the view, and says that there is none only after the view has reached the log's head."""

    def __init__(self, view: OrdersView, projection: Projection) -> None:
        self._view = view
        self._projection = projection

    async def own(self, user_id: str, named: Iterable[str] = ()) -> AccountOf:
        """A function from the account and the order that a request names to the account it means, for this user.

        named: the accounts that the requests name; the view may not have seen the newest of them yet."""
        own = self._view.accounts_of(user_id)
        if not own or not {account_id for account_id in named if account_id}.issubset(own):
            await self._projection.reached()
            own = self._view.accounts_of(user_id)

        def find(named: str, order_id: str) -> str:
            if not own:
                raise Refused("unknown_account", "You have no account yet.", Kind.NOT_FOUND, retry_after_s=1)
            if not named:
                order = self._view.orders.get(order_id) if order_id else None
                return order.account_id if order is not None and order.user_id == user_id else own[0]
            if named not in own:
                raise Refused("unknown_account", "There is no such account of yours.", Kind.NOT_FOUND)
            return named

        return find

    async def anyone(self, named: Iterable[str] = ()) -> AccountOf:
        """As `own`, for an administrator: any customer's account, named itself or by its order."""
        if not all(self._is_customer(account_id) for account_id in named if account_id):
            await self._projection.reached()

        def find(named: str, order_id: str) -> str:
            if named and self._is_customer(named):
                return named
            order = self._view.orders.get(order_id) if order_id and not named else None
            if order is not None:
                return order.account_id
            if order_id and not named:
                raise Refused("order_not_found", "No order has this id.", Kind.NOT_FOUND)
            raise Refused("unknown_account", "No customer has this account.", Kind.NOT_FOUND)

        return find

    def _is_customer(self, account_id: str) -> bool:
        account = self._view.accounts.get(account_id)
        return account is not None and account.kind == "CUSTOMER"
