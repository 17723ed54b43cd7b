"""The rules that no ready linter knows; tests/test_tidy.py runs them over the project and over planted violations."""
