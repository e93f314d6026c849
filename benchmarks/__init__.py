"""Benchmarks: our rate beside a reference's on the same server, alternating, told as a ratio.

Holds    the harness (rounds, medians, pgbench) and one file per benchmark that `puhui bench` names.
Promises the reference runs in the same minutes on the same machine; what is stored before is the same for both.
Ignores  absolute speed: machines are shared and noisy.
"""
