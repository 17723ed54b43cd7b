"""The platform as a program sees it: the generated stubs of order-service and market-data over the network."""

from kernel.refused import Kind, Refused
from kernel.simulation.network import Network
from tests.simulation.intents import Intent, Seen, Told, Unknown
from trading.v1 import engine_pb2, trading_pb2, types_pb2
from trading.v1.trading_pb2_grpc import OrderServiceStub

UNSURE = (Kind.UNAVAILABLE, Kind.RATE_LIMITED)


class GrpcVenue:
    """Sends intents and reads orders. Unknown when the answer did not come, or nobody could give one."""

    def __init__(self, network: Network) -> None:
        self._orders = OrderServiceStub(network.channel("order-service"))

    async def send(self, intent: Intent) -> Told:
        submit = trading_pb2.SubmitRequest(user_id=intent.user_id, requests=[_request(intent)])
        try:
            (result,) = (await self._orders.Submit(submit)).results
        except Refused as refused:
            raise Unknown(str(refused)) if refused.kind in UNSURE else refused from None
        if result.refused and Kind(result.refused_kind) in UNSURE:
            raise Unknown(result.refused)
        if result.refused and not result.position.position:
            return Told(result.refused)
        assert result.command_id == intent.command_id, "the command id is derived as the contract says"
        order = result.order
        status = types_pb2.OrderStatus.Name(order.status).removeprefix("ORDER_STATUS_") if order.id else ""
        numbers = (order.quantity, order.cum_quantity, order.leaves_quantity, order.version)
        return Told(result.refused, order.id, status, *numbers, result.position.position)

    async def find(self, user_id: str, account_id: str, order_id: str, client_order_id: str, at_least: int) -> Seen:
        """Refused if there is no such order."""
        asked = trading_pb2.FindOrderRequest(
            user_id=user_id, order_id=order_id, client_order_id=client_order_id, account_id=account_id
        )
        if at_least:
            asked.at_least.CopyFrom(types_pb2.LogPosition(log="main", position=at_least))
        try:
            return _seen((await self._orders.FindOrder(asked)).order)
        except Refused as refused:
            raise Unknown(str(refused)) if refused.kind in UNSURE else refused from None

    async def list_all(self, user_id: str, at_least: int) -> list[Seen]:
        asked = trading_pb2.ListOrdersRequest(user_id=user_id, limit=500)
        if at_least:
            asked.at_least.CopyFrom(types_pb2.LogPosition(log="main", position=at_least))
        try:
            return [_seen(order) for order in (await self._orders.ListOrders(asked)).orders]
        except Refused as refused:
            raise Unknown(str(refused)) if refused.kind in UNSURE else refused from None


def _request(intent: Intent) -> trading_pb2.OrderRequest:
    match intent.kind:
        case "place":
            place = engine_pb2.PlaceOrder(
                account_id=intent.account_id,
                symbol=intent.symbol,
                side=types_pb2.Side.Value(f"SIDE_{intent.side}"),
                type=types_pb2.OrderType.Value(f"ORDER_TYPE_{intent.type}"),
                time_in_force=types_pb2.TimeInForce.Value(f"TIME_IN_FORCE_{intent.time_in_force}"),
                quantity=intent.quantity,
                price=intent.price,
                client_order_id=intent.key,
            )
            return trading_pb2.OrderRequest(place=place)
        case "cancel":
            cancel = trading_pb2.CancelRequest(
                account_id=intent.account_id, order_id=intent.order_id, client_order_id=intent.client_order_id
            )
            return trading_pb2.OrderRequest(idempotency_key=intent.key, cancel=cancel)
        case "replace":
            replace = trading_pb2.ReplaceRequest(
                account_id=intent.account_id,
                order_id=intent.order_id,
                client_order_id=intent.client_order_id,
                quantity=intent.quantity,
                price=intent.price,
                new_client_order_id=intent.key if intent.renamed else "",
            )
            return trading_pb2.OrderRequest(idempotency_key="" if intent.renamed else intent.key, replace=replace)
        case unknown:
            raise AssertionError(unknown)


def _seen(order: types_pb2.Order) -> Seen:
    status = types_pb2.OrderStatus.Name(order.status).removeprefix("ORDER_STATUS_")
    return Seen(order.id, order.client_order_id, status, order.cum_quantity, order.version)
