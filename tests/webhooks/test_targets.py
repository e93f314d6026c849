"""Where webhooks may lead, and how long they are tried."""

from __future__ import annotations

import datetime as dt

import pytest

from backend.kit.settings import Settings
from backend.webhooks import TargetRefused, targets
from backend.webhooks.delivering import WAITS, wait_after

OPEN = Settings(embedded=True)
TRIAL = Settings(embedded=True, webhook_networks="127.0.0.0/8, ::1/128")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://example.com/hook", "not_https"),
        ("ftp://example.com/hook", "not_https"),
        ("https://", "unreadable"),
        ("https://exa mple.com/", "unreadable"),
        ("https://example.com:99999/", "unreadable"),
        ("https://[::1/", "unreadable"),
        ("https://例子.com/", "unreadable"),
        ("https://clerk:secret@example.com/", "user_name"),
        ("https://clerk@example.com/", "user_name"),
        ("https://127.0.0.1/", "not_public"),
        ("https://10.1.2.3/", "not_public"),
        ("https://172.16.0.1:8443/", "not_public"),
        ("https://192.168.1.1/", "not_public"),
        ("https://169.254.169.254/latest/meta-data", "not_public"),
        ("https://100.64.0.1/", "not_public"),
        ("https://0.0.0.0/", "not_public"),
        ("https://224.0.0.1/", "not_public"),
        ("https://255.255.255.255/", "not_public"),
        ("https://[::1]/", "not_public"),
        ("https://[fe80::1]/", "not_public"),
        ("https://[fd00::1]/", "not_public"),
        ("https://[::ffff:127.0.0.1]/", "not_public"),
        ("https://[64:ff9b::7f00:1]/", "not_public"),
        ("https://[2002:7f00:1::]/", "not_public"),
    ],
)
def test_an_address_that_is_not_public_https_is_refused(url: str, reason: str) -> None:
    with pytest.raises(TargetRefused) as refused:
        targets.judge(OPEN, url)
    assert refused.value.reason == reason


def test_public_addresses_are_good() -> None:
    assert targets.judge(OPEN, "https://example.com/hook?a=1") == ("example.com", 443)
    assert targets.judge(OPEN, "https://1.1.1.1:8443/") == ("1.1.1.1", 8443)


async def test_a_name_that_leads_into_a_private_network_is_refused() -> None:
    with pytest.raises(TargetRefused) as refused:
        await targets.addresses(OPEN, "localhost", 443, encrypted=True)
    assert refused.value.reason == "not_public"


async def test_a_trial_network_is_let_in_and_no_other() -> None:
    assert targets.judge(TRIAL, "http://127.0.0.1:9000/") == ("127.0.0.1", 9000)
    with pytest.raises(TargetRefused):
        targets.judge(TRIAL, "https://10.0.0.1/")
    with pytest.raises(TargetRefused) as refused:  # in the clear to trial networks only
        targets.judge(TRIAL, "http://1.1.1.1/")
    assert refused.value.reason == "not_https"


def test_a_delivery_is_tried_ten_times_over_three_days() -> None:
    planned = [wait_after(tries, chance=lambda _low, _high: 1.0) for tries in range(1, 12)]
    assert planned[:2] == [dt.timedelta(seconds=5), dt.timedelta(minutes=5)]
    assert planned[9:] == [None, None]
    assert dt.timedelta(days=3) < sum(WAITS, dt.timedelta()) < dt.timedelta(days=4)


def test_waits_differ_by_a_fifth_and_keep_to_what_the_receiver_asks() -> None:
    longest = wait_after(2, chance=lambda _low, high: high)
    assert longest == dt.timedelta(minutes=6)
    assert wait_after(2, chance=lambda low, _high: low) == dt.timedelta(minutes=4)
    assert wait_after(1, asked_s=3600) == dt.timedelta(hours=1)
    assert wait_after(1, asked_s=10**9) == dt.timedelta(days=1)
