"""Checking a stopped platform: everything that it holds must follow from its log."""
