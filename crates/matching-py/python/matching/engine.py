"""The engine: commands in, encoded events out.

All prices count an instrument's price unit, quantities its lot unit, amounts an asset's ledger unit; ids are u64.
"""

from matching._native import CANCELS_PER_COMMAND_MAX, STATE_SCHEMA, Asset, Batch, Engine, Instrument

__all__ = ["CANCELS_PER_COMMAND_MAX", "STATE_SCHEMA", "Asset", "Batch", "Engine", "Instrument"]
