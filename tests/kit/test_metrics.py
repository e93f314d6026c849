"""Figures of several web processes are one page."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

COUNT = """
from backend.kit import metrics
metrics.observe_request(method="GET", route="/a", status=200, seconds=0.01)
metrics.observe_request(method="QWERTY", route="/a", status=405, seconds=0.01)
"""
SHOW = "from backend.kit import metrics; print(metrics.page().decode())"


def test_whichever_process_is_asked_answers_for_all(tmp_path: Path) -> None:
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for _ in range(3):
        subprocess.run([sys.executable, "-c", COUNT], env=environment, check=True)
    shown = subprocess.run(
        [sys.executable, "-c", SHOW], env=environment, check=True, capture_output=True, text=True
    )
    assert 'puhui_http_requests_total{method="GET",route="/a",status="200"} 3.0' in shown.stdout
    assert 'puhui_http_requests_total{method="OTHER",route="/a",status="405"} 3.0' in shown.stdout
