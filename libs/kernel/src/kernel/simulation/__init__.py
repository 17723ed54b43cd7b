"""The simulated form of the runtime: one seed drives a whole platform, its crashes and its faults."""
