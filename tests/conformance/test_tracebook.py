"""Tracebook's whole suite, and its generated campaigns, through the order book of the `matching` package."""

import pytest
from tracebook.conformance import (
    BUNDLED_SUITE_VERSIONS,
    campaign_profile_names,
    copy_bundled_conformance_suite,
    run_campaign,
    run_conformance_suite,
)

from tests.conformance.tracebook_adapter import Adapter


@pytest.mark.parametrize(("version", "cases"), [("v1", 8), ("v2", 9)])
def test_every_case_of_the_suite_conforms(tmp_path, version, cases):
    assert version in BUNDLED_SUITE_VERSIONS
    suite = copy_bundled_conformance_suite(tmp_path / version, suite_version=version)
    report = run_conformance_suite(suite, Adapter)
    differing = {
        case["name"]: case["report"]["divergence"] for case in report["cases"] if not case["report"]["conformant"]
    }
    assert (differing, report["conformant_cases"]) == ({}, cases)


@pytest.mark.parametrize("profile", campaign_profile_names())
def test_a_campaign_finds_no_difference(profile):
    result = run_campaign(Adapter, profile=profile, seed=42, traces=25, events_per_trace=200)
    assert result.failure is None, result.failure
    assert len(result.traces) == 25
    coverage = result.semantic_coverage
    assert set(coverage.covered_capabilities) == set(coverage.expected_capabilities)


class LastComesFirst(Adapter):
    """An engine with a fault: a reduced order loses its place."""

    def _do(self, book, event):
        left = book.order(event.order_id) if event.op == "reduce" else None
        reports = super()._do(book, event)
        if left and event.order_id in book:
            book.replace(event.order_id)
        return reports


def test_a_campaign_finds_a_fault_that_is_there():
    result = run_campaign(LastComesFirst, profile="fifo-limit-v1", seed=42, traces=5, events_per_trace=100)
    assert result.failure is not None
