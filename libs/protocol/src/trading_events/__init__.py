"""The events of the log as Python types: a stored event is a contract for ever."""
