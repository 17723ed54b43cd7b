"""The platform from one seed: docs/concepts/simulation.md says how it works."""
