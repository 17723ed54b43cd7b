"""Commands and reports of an order book as Arrow record batches; PyArrow must be installed.

A column is a field of `COMMAND_FIELDS` or `REPORT_FIELDS` with its unsigned type; `unused` has none.
"""

import sys
from typing import Any, Final

import pyarrow

from matching.order_book import COMMAND_FIELDS, REPORT_FIELDS

if sys.byteorder != "little":
    raise ImportError("matching.arrow copies bytes as they are: it needs a little-endian machine")

_TYPES: Final = {"u1": pyarrow.uint8(), "<u2": pyarrow.uint16(), "<u4": pyarrow.uint32(), "<u8": pyarrow.uint64()}


def commands(batch: Any) -> bytes:
    """The commands of a record batch, for `OrderBook.apply`; ValueError for a column that is missing, of another type
    or has nulls."""
    record_bytes, fields = _layout(COMMAND_FIELDS)
    out = bytearray(record_bytes * batch.num_rows)
    for name, offset, width, kind in fields:
        at = batch.schema.get_field_index(name)
        column = batch.column(at) if at >= 0 else None
        if column is None or column.type != kind or column.null_count:
            found = "none" if column is None else f"{column.type} with {column.null_count} nulls"
            raise ValueError(f"column {name}: expected {kind} without nulls, got {found}")
        start = column.offset * width
        data = memoryview(column.buffers()[1]).cast("B")[start : start + len(column) * width]
        for byte in range(width):
            out[offset + byte :: record_bytes] = data[byte::width]
    return bytes(out)


def reports(data: bytes) -> Any:
    """The record batch of what `OrderBook.apply` returned."""
    record_bytes, fields = _layout(REPORT_FIELDS)
    rows = len(data) // record_bytes
    columns = {}
    for name, offset, width, kind in fields:
        values = bytearray(rows * width)
        for byte in range(width):
            values[byte::width] = data[offset + byte :: record_bytes]
        columns[name] = pyarrow.Array.from_buffers(kind, rows, [None, pyarrow.py_buffer(bytes(values))])
    return pyarrow.RecordBatch.from_pydict(columns)


def _layout(fields: list[tuple[str, str]]) -> tuple[int, list[tuple[str, int, int, Any]]]:
    """Bytes of a record, and (name, offset, width, type) of each field that is used."""
    offset, used = 0, []
    for name, code in fields:
        width = int(code[-1])
        if name != "unused":
            used.append((name, offset, width, _TYPES[code]))
        offset += width
    return offset, used
