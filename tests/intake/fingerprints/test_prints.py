"""Planted double claims are found, chance is as large as computed, and nothing made otherwise is compared."""

from __future__ import annotations

import hashlib
import hmac
import json
import math
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.identity.people.exchanging import number_digest, phone_digest
from backend.intake.fingerprints import (
    Agreement,
    AgreementFaulty,
    ExchangeKey,
    ExchangeKeyFaulty,
    FingerprintsUnreadable,
    OtherAgreement,
    OtherKey,
    OwnFingerprints,
    Rates,
    files,
    read_key,
)
from backend.intake.fingerprints.prints import (
    Act,
    bucket_of,
    collisions,
    fingerprint,
    own_prints,
    probes_of,
)
from tests.intake.fingerprints.support import NOON, SECRET, acts, agreement, key


@pytest.fixture
def agreed(tmp_path: Path) -> Agreement:
    return agreement(tmp_path)


@pytest.fixture
def secret(tmp_path: Path) -> ExchangeKey:
    return key(tmp_path)


def theirs(agreed: Agreement) -> Agreement:
    return replace(agreed, own=agreed.other)


# --- what a fingerprint is ----------------------------------------------------------------------------------------


def test_a_fingerprint_is_what_the_documentation_says(agreed: Agreement, secret: ExchangeKey) -> None:
    """The same by nothing but the standard library, as another platform would write it."""
    fields = {
        "exchange": "gd-bj-2026-10", "between": ["other-city", "puhui-gd"], "from": "2026-10-01",
        "until": "2026-10-31", "subject": "phone", "bits": 40, "bucket_s": 600, "tolerance_s": 60,
        "modes": ["bike", "rail"],
    }  # fmt: skip
    told = json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
    under = hmac.digest(SECRET, b"agreement\x1f" + hashlib.sha256(told).hexdigest().encode(), "sha256")
    subject = hmac.digest(under, b"phone\x1f+8613800000000", "sha256")
    whole = hmac.digest(subject, f"bike\x1f{int(NOON) // 600}".encode(), "sha256")
    assert phone_digest(secret.under(agreed), "138 0000 0000") == subject
    assert fingerprint(agreed, subject, "bike", bucket_of(agreed, NOON)) == int.from_bytes(whole[:5])


def test_one_person_is_somebody_else_in_every_exchange_mode_and_bucket(
    agreed: Agreement, secret: ExchangeKey
) -> None:
    november = replace(agreed, exchange="gd-bj-2026-11")
    one = phone_digest(secret.under(agreed), "13800000000")
    assert one != phone_digest(secret.under(november), "13800000000")
    assert one != number_digest(secret.under(agreed), kind="card", operator="x", number="13800000000")
    bucket = bucket_of(agreed, NOON)
    prints = {fingerprint(agreed, one, mode, at) for mode in ("bike", "rail") for at in (bucket, bucket + 1)}
    assert len(prints) == 4


@pytest.mark.parametrize("bits", [16, 17, 40, 63, 64])
def test_a_fingerprint_has_no_more_bits_than_agreed(tmp_path: Path, secret: ExchangeKey, bits: int) -> None:
    few = agreement(tmp_path, bits=str(bits))
    prints = own_prints(few, acts(few, secret, Random(bits), 400))
    assert int(prints[-1]) < 2**bits
    assert int(prints[-1]) >= 2 ** (bits - 1)  # and no fewer: of 400, one lies in the upper half


def test_what_is_sent_is_in_the_order_of_its_values_and_each_once(
    agreed: Agreement, secret: ExchangeKey
) -> None:
    own = acts(agreed, secret, Random(1), 300)
    again = [replace(act, at_s=act.at_s // 600 * 600) for act in own]  # the same buckets
    prints = own_prints(agreed, [*own, *again])
    assert len(prints) == 300
    assert (np.diff(prints.astype(np.int64)) > 0).all()
    order = Random(2)
    order.shuffle(own)
    assert (own_prints(agreed, own) == prints).all()


# --- clocks and buckets -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "other", "found"),
    [
        (300, 300, "same"),
        (0, 599, "same"),
        (599, 0, "same"),
        (570, 600 + 29, "beside"),  # 59 seconds apart, over an edge
        (600 - 60, 600, "beside"),  # the tolerance itself
        (600 - 61, 600, None),  # one second more
        (30, -30, "beside"),
        (60, -1, None),  # 61 seconds before
        (59, -1, "beside"),
        (300, 900, None),  # a trip of its own in the next bucket
        (300, -300, None),
    ],
)
def test_neighbouring_buckets_are_looked_at_within_the_tolerance_of_clocks(
    agreed: Agreement, secret: ExchangeKey, own: int, other: int, found: str | None
) -> None:
    who = phone_digest(secret.under(agreed), "13800000000")
    edge = NOON // 600 * 600
    sent = own_prints(theirs(agreed), [Act(0, who, "bike", edge + other)])
    hits = collisions(probes_of(agreed, [Act(0, who, "bike", edge + own)]), sent)
    assert hits == ({} if found is None else {0: found == "beside"})


@pytest.mark.parametrize("own", [5, 595])
def test_an_act_found_in_its_own_bucket_too_is_not_beside(
    agreed: Agreement, secret: ExchangeKey, own: int
) -> None:
    who = phone_digest(secret.under(agreed), "13800000000")
    edge = NOON // 600 * 600
    noted = [Act(place, who, "bike", edge + at) for place, at in enumerate((-10, 10, 610))]
    sent = own_prints(theirs(agreed), noted)
    assert collisions(probes_of(agreed, [Act(0, who, "bike", edge + own)]), sent) == {0: False}


def test_another_mode_or_person_at_the_same_moment_is_no_double_claim(
    agreed: Agreement, secret: ExchangeKey
) -> None:
    under = secret.under(agreed)
    who, other = phone_digest(under, "13800000000"), phone_digest(under, "13800000001")
    sent = own_prints(theirs(agreed), [Act(0, who, "rail", NOON), Act(1, other, "bike", NOON)])
    assert collisions(probes_of(agreed, [Act(0, who, "bike", NOON)]), sent) == {}


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), planted=st.integers(0, 60), skew=st.integers(0, 60))
def test_every_planted_double_claim_is_found_however_the_clocks_differ(
    agreed_once: Agreement, secret_once: ExchangeKey, seed: int, planted: int, skew: int
) -> None:
    dice = Random(seed)
    own = acts(agreed_once, secret_once, dice, 200)
    doubled = dice.sample(own, planted)
    reported = [replace(act, at_s=act.at_s + dice.uniform(-skew, skew)) for act in doubled]
    others = acts(agreed_once, secret_once, dice, 200, first=50_000)
    sent = own_prints(theirs(agreed_once), [*reported, *others])
    found = collisions(probes_of(agreed_once, own), sent)
    assert found.keys() >= {act.place for act in doubled}
    assert len(found) <= planted + 1  # chance: 200 · 200 / 2^40


@pytest.fixture(scope="module")
def agreed_once(tmp_path_factory: pytest.TempPathFactory) -> Agreement:
    return agreement(tmp_path_factory.mktemp("agreed"))


@pytest.fixture(scope="module")
def secret_once(tmp_path_factory: pytest.TempPathFactory) -> ExchangeKey:
    return key(tmp_path_factory.mktemp("secret"))


# --- chance -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [16, 18, 20])
def test_chance_finds_as_many_as_computed(tmp_path: Path, secret: ExchangeKey, bits: int) -> None:
    """Nobody travels on both platforms, so that every match is one of chance; the sum over seeds is Poisson."""
    few = agreement(tmp_path, bits=str(bits))
    measured, computed = 0, 0.0
    for seed in range(6):
        dice = Random(seed)
        own = acts(few, secret, dice, 1_500, first=seed * 10_000)
        sent = own_prints(theirs(few), acts(few, secret, dice, 1_500, first=10**6 + seed * 10_000))
        probes = probes_of(few, own)
        found = collisions(probes, sent)
        rates = Rates(few.bits, len(own), probes.distinct, len(sent), len(found))
        measured += len(found)
        computed += rates.by_chance
    assert computed > 5
    assert abs(measured - computed) < 4 * math.sqrt(computed), (measured, computed)


def test_the_figures_of_a_comparison_follow_from_sizes_and_bits() -> None:
    rates = Rates(bits=20, acts=900, probes=1_000, theirs=1 << 10, matched=4)
    assert rates.false_rate == 2**-10
    assert rates.by_chance == 1_000 / 1_024
    assert rates.false_share == 1_000 / 1_024 / 4
    assert rates.cover(4_464, 2) == 4_464 * 2 / 1_024
    assert Rates(20, 900, 1_000, 1 << 10, 0).false_share == 0
    assert Rates(16, 900, 10**6, 1 << 15, 3).false_share == 1


# --- files --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["prints.ndjson", "prints.parquet"])
def test_what_one_platform_writes_the_other_reads(
    tmp_path: Path, agreed: Agreement, secret: ExchangeKey, name: str
) -> None:
    prints = own_prints(agreed, acts(agreed, secret, Random(3), 500))
    told = files.write(tmp_path / name, theirs(agreed), secret, prints)
    received = files.read(tmp_path / name, agreed, secret)
    assert (received.prints == prints).all()
    assert received.sha256 == told == hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
    assert {path.name for path in tmp_path.iterdir()} == {"agreement.toml", "exchange.key", name}


def test_a_file_tells_neither_person_nor_key(tmp_path: Path, agreed: Agreement, secret: ExchangeKey) -> None:
    path = tmp_path / "prints.ndjson"
    files.write(path, agreed, secret, own_prints(agreed, acts(agreed, secret, Random(3), 5)))
    head, *lines = path.read_text().splitlines()
    assert json.loads(head).keys() == {
        "format", "exchange", "platform", "agreement_sha256", "key_id", "bits", "count",
    }  # fmt: skip
    assert all(len(json.loads(line)) == 10 for line in lines)
    assert "139000" not in path.read_text()
    assert SECRET.hex() not in path.read_text()


@pytest.mark.parametrize("name", ["prints.ndjson", "prints.parquet"])
def test_what_was_made_otherwise_is_refused(
    tmp_path: Path, agreed: Agreement, secret: ExchangeKey, name: str
) -> None:
    path, prints = tmp_path / name, np.array([1, 2], dtype=np.uint64)
    files.write(path, agreed, secret, prints)
    with pytest.raises(OwnFingerprints):
        files.read(path, agreed, secret)
    files.write(path, theirs(replace(agreed, tolerance_s=59)), secret, prints)
    with pytest.raises(OtherAgreement):
        files.read(path, agreed, secret)
    files.write(path, theirs(agreed), ExchangeKey(b"x" * 32), prints)
    with pytest.raises(OtherKey):
        files.read(path, agreed, secret)
    files.write(path, theirs(agreed), secret, np.array([1, 2**40], dtype=np.uint64))
    with pytest.raises(FingerprintsUnreadable):
        files.read(path, agreed, secret)
    with pytest.raises(FingerprintsUnreadable):
        files.read(tmp_path / ("no-" + name), agreed, secret)


def test_a_file_that_is_not_whole_is_refused_with_its_line(
    tmp_path: Path, agreed: Agreement, secret: ExchangeKey
) -> None:
    path = tmp_path / "prints.ndjson"
    files.write(path, theirs(agreed), secret, own_prints(agreed, acts(agreed, secret, Random(3), 4)))
    whole = path.read_text().splitlines(keepends=True)

    def line_of(text: str) -> int:
        path.write_text(text, encoding="utf-8")
        with pytest.raises(FingerprintsUnreadable) as refused:
            files.read(path, agreed, secret)
        return refused.value.line

    assert line_of("") == 1
    assert line_of("[1]\n") == 1
    assert line_of("[" * 5_000) == 1
    assert line_of("".join(whole[:-1])) == 1  # count says one more
    assert line_of("".join([*whole, whole[-1]])) == 1  # the same twice
    assert line_of("".join([*whole[:2], '"00xz000000"\n', *whole[3:]])) == 3
    assert line_of("".join([*whole[:2], whole[2][:-3]])) == 3  # broken off
    assert line_of("".join([whole[0], '"' + "0" * 100_000])) == 2
    assert line_of(whole[0].replace("puhui-fingerprints/1", "puhui-fingerprints/2")) == 1


def test_a_parquet_file_of_something_else_is_refused(
    tmp_path: Path, agreed: Agreement, secret: ExchangeKey
) -> None:
    path = tmp_path / "prints.parquet"
    for table in (
        pa.table({"fingerprint": ["a"]}),
        pa.table({"fingerprint": pa.array([1, None], pa.uint64())}),
        pa.table({"fingerprint": pa.array([1], pa.uint64())}),
    ):
        pq.write_table(table, path)
        with pytest.raises(FingerprintsUnreadable):
            files.read(path, agreed, secret)
    path.write_bytes(b"PAR1 not")
    with pytest.raises(FingerprintsUnreadable):
        files.read(path, agreed, secret)


# --- agreements and keys ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"exchange": '"Oktober!"'}, "exchange"),
        ({"between": '["puhui-gd"]'}, "between"),
        ({"between": '["puhui-gd", "puhui-gd"]'}, "between"),
        ({"from": "2026-11-01"}, "until"),
        ({"until": "2028-10-31"}, "until"),
        ({"until": "2026-10-31T08:00:00"}, "until"),
        ({"subject": '"id-card"'}, "subject"),
        ({"bits": "15"}, "bits"),
        ({"bits": "65"}, "bits"),
        ({"bits": "true"}, "bits"),
        ({"bits": "40.0"}, "bits"),
        ({"bucket_s": "59"}, "bucket_s"),
        ({"tolerance_s": "601"}, "tolerance_s"),
        ({"tolerance_s": "-1"}, "tolerance_s"),
        ({"modes": "[]"}, "modes"),
        ({"platform": '"third"'}, "local.platform"),
        ({"activities": "{}"}, "local.activities"),
        ({"activities": '{ cycling = "boat" }'}, "local.activities"),
    ],
)
def test_an_agreement_is_refused_by_the_field_that_is_wrong(
    tmp_path: Path, changed: dict[str, str], field: str
) -> None:
    with pytest.raises(AgreementFaulty) as refused:
        agreement(tmp_path, **changed)
    assert refused.value.field == field
    assert field in refused.value.message("zh")


@pytest.mark.parametrize(("bits", "tolerance"), [("16", "0"), ("64", "600")])
def test_the_bounds_of_an_agreement_themselves_are_allowed(tmp_path: Path, bits: str, tolerance: str) -> None:
    read = agreement(tmp_path, bits=bits, tolerance_s=tolerance)
    assert (read.bits, read.tolerance_s) == (int(bits), int(tolerance))


def test_what_is_local_is_no_part_of_what_is_agreed(tmp_path: Path, agreed: Agreement) -> None:
    other = agreement(tmp_path, platform='"other-city"', activities='{ bicycle = "bike" }')
    assert other.sha256 == agreed.sha256
    assert (agreed.other, other.other) == ("other-city", "puhui-gd")
    assert agreement(tmp_path, between='["other-city", "puhui-gd"]').sha256 == agreed.sha256
    assert agreement(tmp_path, bucket_s="601").sha256 != agreed.sha256


def test_a_key_that_is_short_or_no_base64_is_refused_and_none_is_ever_shown(tmp_path: Path) -> None:
    for content in (b"", b"c2hvcnQ=", b"*" * 60):
        (tmp_path / "bad.key").write_bytes(content)
        with pytest.raises(ExchangeKeyFaulty):
            read_key(tmp_path / "bad.key")
    with pytest.raises(ExchangeKeyFaulty):
        read_key(tmp_path / "none.key")
    assert "\\x" not in repr(key(tmp_path))
