"""The words of events as the enumerations of the service contracts: one table each, for every service that answers."""

from trading.v1 import types_pb2

SIDES = {"BUY": types_pb2.SIDE_BUY, "SELL": types_pb2.SIDE_SELL}
ORDER_TYPES = {"LIMIT": types_pb2.ORDER_TYPE_LIMIT, "MARKET": types_pb2.ORDER_TYPE_MARKET}
TIMES_IN_FORCE = {
    "GTC": types_pb2.TIME_IN_FORCE_GTC,
    "DAY": types_pb2.TIME_IN_FORCE_DAY,
    "IOC": types_pb2.TIME_IN_FORCE_IOC,
}
ORDER_STATUSES = {
    "PENDING": types_pb2.ORDER_STATUS_PENDING,
    "PARTIALLY_EXECUTED": types_pb2.ORDER_STATUS_PARTIALLY_EXECUTED,
    "EXECUTED": types_pb2.ORDER_STATUS_EXECUTED,
    "CANCELED": types_pb2.ORDER_STATUS_CANCELED,
    "EXPIRED": types_pb2.ORDER_STATUS_EXPIRED,
    "REJECTED": types_pb2.ORDER_STATUS_REJECTED,
}
