"""Benchmarks as commands: what the platform does on this machine, measured from outside of its process."""
