"""The benchmark of certification runs, and its reports have the shape that is promised."""

from __future__ import annotations

from benchmarks import certify


def test_both_references_are_measured_in_the_same_rounds() -> None:
    reports = certify.run(leaves=3_000, seconds=0.01, rounds=2)
    assert [report.name for report in reports] == ["certify", "certify, by hashes"]
    for report in reports:
        told = report.as_dict()
        assert {
            "name",
            "rate",
            "reference",
            "reference_rate",
            "ratio",
            "p50_ms",
            "p99_ms",
            "rows_before",
        } <= set(told)
        assert told["rounds"] == 2
        assert told["rows_before"] == 3_000
        assert {"ratio_min", "ratio_max"} <= set(told)
        assert told["rate"]
        assert told["p50_ms"] is not None
