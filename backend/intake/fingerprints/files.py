"""Files of fingerprints: NDJSON, one header line and one line of hexadecimal digits per fingerprint; or Parquet.

The header is the same in both; Parquet keeps it in the schema's metadata under `fingerprints`.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from backend.intake.fingerprints.agreement import Agreement, ExchangeKey
from backend.intake.fingerprints.errors import (
    FingerprintsUnreadable,
    OtherAgreement,
    OtherKey,
    OwnFingerprints,
)
from backend.intake.fingerprints.prints import Prints

FORMAT = "puhui-fingerprints/1"
MOST = 200_000_000
_LONGEST_HEADER = 4_096
_METADATA = b"fingerprints"


@dataclass(frozen=True, slots=True)
class Received:
    """A file of the other platform: its distinct fingerprints, ascending, and the SHA-256 of the file."""

    prints: Prints
    sha256: str


def header(agreement: Agreement, key: ExchangeKey, count: int) -> dict[str, object]:
    """What a file says of itself: nothing about persons, and nothing about the key but a short digest."""
    return {
        "format": FORMAT,
        "exchange": agreement.exchange,
        "platform": agreement.own,
        "agreement_sha256": agreement.sha256,
        "key_id": key.id_under(agreement),
        "bits": agreement.bits,
        "count": count,
    }


def write(path: Path, agreement: Agreement, key: ExchangeKey, prints: Prints) -> str:
    """Write a file, whole or not at all; answers its SHA-256."""
    told = json.dumps(header(agreement, key, len(prints)), ensure_ascii=False)
    draft = path.with_name(f".{path.name}.draft")
    if path.suffix == ".parquet":
        table = pa.table({"fingerprint": pa.array(prints, pa.uint64())}).replace_schema_metadata(
            {_METADATA: told.encode()}
        )
        pq.write_table(table, draft)
    else:
        width = digits(agreement)
        with draft.open("w", encoding="ascii") as file:
            file.write(told + "\n")
            file.writelines(f'"{value:0{width}x}"\n' for value in prints.tolist())
    draft.replace(path)
    return _sha256(path)


def digits(agreement: Agreement) -> int:
    """Hexadecimal digits of one fingerprint."""
    return -(-agreement.bits // 4)


def read(path: Path, agreement: Agreement, key: ExchangeKey) -> Received:
    """The other platform's fingerprints. Raises FingerprintsUnreadable, OtherAgreement, OtherKey, OwnFingerprints."""
    try:
        sha256 = _sha256(path)
        told, prints = _parquet(path) if path.suffix == ".parquet" else _ndjson(path, agreement, key)
    except (OSError, pa.ArrowException):
        raise FingerprintsUnreadable(line=0, expected="a readable file") from None
    if path.suffix == ".parquet":
        require(told, agreement, key)
    distinct = np.unique(prints)
    if len(distinct) != len(prints) or len(prints) != told.get("count"):
        raise FingerprintsUnreadable(line=1, expected="count different fingerprints")
    if len(distinct) and int(distinct[-1]) >> agreement.bits:
        raise FingerprintsUnreadable(line=0, expected=f"{agreement.bits} bits")
    return Received(distinct, sha256)


def require(told: dict[str, Any], agreement: Agreement, key: ExchangeKey) -> None:
    """Refuse what was not made for us: by another agreement or key, or by ourselves."""
    if told.get("format") != FORMAT:
        raise FingerprintsUnreadable(line=1, expected=FORMAT)
    if told.get("agreement_sha256") != agreement.sha256 or told.get("bits") != agreement.bits:
        raise OtherAgreement
    if told.get("key_id") != key.id_under(agreement):
        raise OtherKey
    if told.get("platform") != agreement.other:
        raise OwnFingerprints


def _ndjson(path: Path, agreement: Agreement, key: ExchangeKey) -> tuple[dict[str, Any], Prints]:
    form = re.compile(rb'"[0-9a-f]{%d}"\r?\n?' % digits(agreement))
    with path.open("rb") as file:
        told = _header(file.readline(_LONGEST_HEADER))
        require(told, agreement, key)
        values = []
        for line, text in enumerate(iter(lambda: file.readline(_LONGEST_HEADER), b""), start=2):
            if not form.fullmatch(text) or line > MOST:
                raise FingerprintsUnreadable(line=line, expected=f"{digits(agreement)} hexadecimal digits")
            values.append(int(text.strip()[1:-1], 16))
    return told, np.array(values, dtype=np.uint64)


def _parquet(path: Path) -> tuple[dict[str, Any], Prints]:
    file = pq.ParquetFile(path)
    schema = file.schema_arrow
    if (
        schema.names != ["fingerprint"]
        or schema.field(0).type != pa.uint64()
        or file.metadata.num_rows > MOST
    ):
        raise FingerprintsUnreadable(line=0, expected="one column fingerprint, uint64")
    column = file.read().column("fingerprint")
    if column.null_count:
        raise FingerprintsUnreadable(line=0, expected="a fingerprint in every row")
    return _header((schema.metadata or {}).get(_METADATA, b"")), column.to_numpy()


def _header(text: bytes) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise FingerprintsUnreadable(line=1, expected="a header in JSON")
    return told


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
