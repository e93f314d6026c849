"""The JSON documents of proofs: what they hold, how they are written, and a strict reader that names every fault.

Pure. A document is UTF-8 JSON without floats, with no key twice and none that is unknown, because nothing would vouch
for it. Hashes, keys and salts are base64 (RFC 4648 with padding); a node is its hash and its sum (u64, big-endian)
together. The bytes of a log entry stand in a string as they were hashed. docs/proofs.md lays all of this out.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar, cast

from backend.certification.sumtree import DIGEST_BYTES, MAX_SUM, Leaf, Node, Opening
from backend.kit.errors import DomainError, Kind, Language

FORMAT = "puhui-proof-1"
MAX_BYTES = 1 << 20
MAX_DEPTH = 24
MAX_HASHES = 128  # twice the height of the tallest tree
MAX_LINKS = 64
SALT_BYTES = 16

T = TypeVar("T")

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(eq=False)
class ProofUnreadable(DomainError):
    """The document cannot be read as a proof."""

    code = "certification.proof_unreadable"
    kind = Kind.INVALID
    title_zh = "无法把该文件读作一份证明。"

    field: str  # a path such as $.opening.nodes[3]; never a value
    why_zh: str
    why_en: str

    def message(self, language: Language = "en") -> str:
        """The place and what is expected there."""
        if language == "zh":
            return f"无法把该文件读作一份证明：{self.field} {self.why_zh}。"
        return f"The document cannot be read as a proof: {self.field} {self.why_en}."

    def facts(self) -> dict[str, Any]:
        """The place only; what is expected stands in the messages."""
        return {"field": self.field}


@dataclass(frozen=True, slots=True)
class LogKey:
    """The log's name and Ed25519 public key, as enclosed: by itself it proves nothing."""

    name: str
    public_key: bytes


@dataclass(frozen=True, slots=True)
class Statement:
    """An entry of the log: its exact bytes, its index, and the hashes that lead from it to the head's root."""

    index: int
    entry: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A neighbouring batch: what the log says of it, and an opening of its certified tree."""

    statement: Statement
    opening: Opening


@dataclass(frozen=True, slots=True)
class Inclusion:
    """An entry is in the log."""

    key: LogKey
    head: str
    statement: Statement


@dataclass(frozen=True, slots=True)
class Serial:
    """A serial number is a tonne of certified grams. `carried` opens earlier batches, the nearest first."""

    key: LogKey
    head: str
    book: str
    serial: int
    statement: Statement
    opening: Opening
    carried: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """An act, known by its facts and salt, is in a batch. `onward` opens later batches that its grams were carried to."""

    key: LogKey
    head: str
    act: Mapping[str, Any]
    salt: bytes
    statement: Statement
    opening: Opening
    onward: tuple[Link, ...] = ()


Proof = Inclusion | Serial | Receipt

KINDS: dict[type, str] = {Inclusion: "inclusion", Serial: "serial", Receipt: "receipt"}


# --- writing -----------------------------------------------------------------------------------------------------


def to_json(proof: Proof) -> dict[str, Any]:
    """The document to serve; give it out as UTF-8 without escaping Chinese, and it stays small."""
    document: dict[str, Any] = {"kind": KINDS[type(proof)], "format": FORMAT}
    document["key"] = {"name": proof.key.name, "public_key": _base64(proof.key.public_key)}
    document["head"] = proof.head
    match proof:
        case Serial():
            document |= {"book": proof.book, "serial": proof.serial}
        case Receipt():
            document |= {"act": dict(proof.act), "salt": _base64(proof.salt)}
    document["statement"] = _statement(proof.statement)
    if isinstance(proof, Serial | Receipt):
        document["opening"] = _opening(proof.opening)
    if isinstance(proof, Serial) and proof.carried:
        document["carried"] = [_link(link) for link in proof.carried]
    if isinstance(proof, Receipt) and proof.onward:
        document["onward"] = [_link(link) for link in proof.onward]
    return document


def to_bytes(proof: Proof) -> bytes:
    """The document as compact UTF-8."""
    return json.dumps(to_json(proof), ensure_ascii=False, separators=(",", ":")).encode()


def _statement(statement: Statement) -> dict[str, Any]:
    path = [_base64(value) for value in statement.path]
    return {"index": statement.index, "entry": statement.entry.decode(), "path": path}


def _opening(opening: Opening) -> dict[str, Any]:
    return {
        "first": opening.first,
        "last": opening.last,
        "leaves": [
            {"digest": _base64(leaf.digest), "from_gram": leaf.from_gram, "grams": leaf.grams}
            for leaf in opening.leaves
        ],
        "nodes": [_base64(node.hash + node.grams.to_bytes(8, "big")) for node in opening.nodes],
    }


def _link(link: Link) -> dict[str, Any]:
    return {"statement": _statement(link.statement), "opening": _opening(link.opening)}


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


# --- reading -----------------------------------------------------------------------------------------------------


def read(raw: bytes) -> Proof:
    """The proof in a file; ProofUnreadable with the path of the first fault."""
    if len(raw) > MAX_BYTES:
        _fault("$", f"超过 {MAX_BYTES} 字节", f"is larger than {MAX_BYTES} bytes")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        _fault("$", "不是 UTF-8 编码", "is not in UTF-8")
    return of_json(parse(text, at="$"))


def parse(text: str, *, at: str) -> Any:
    """The value of a JSON text of documents and entries: no floats, no key twice, no half characters, not deep."""
    try:
        value = json.loads(
            text, parse_float=lambda _: _Odd(), parse_constant=lambda _: _Odd(), object_pairs_hook=_object
        )
    except (ValueError, RecursionError):  # no JSON, a number of thousands of digits, nested too deeply
        _fault(at, "不是合法的 JSON", "is not valid JSON")
    _require_plain(value, at, MAX_DEPTH)
    return value


class _Odd:
    """A number with a point or an exponent, or an object that says one key twice."""


def _object(pairs: list[tuple[str, Any]]) -> Any:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _Odd()


def _require_plain(value: Any, at: str, depth: int) -> None:
    if depth == 0:
        _fault(at, "嵌套过深", "is nested too deeply")
    if isinstance(value, _Odd):
        _fault(at, "含小数或重复的键", "holds a number with a point, or a key twice")
    if isinstance(value, str) and _UNSTORABLE.search(value):
        _fault(at, "含不完整的字符", "holds half a character or a zero byte")
    if isinstance(value, dict):
        for place, (key, item) in enumerate(value.items()):
            _require_plain(key, f"{at}.{place}", 1)
            _require_plain(
                item, f"{at}.{key}" if re.fullmatch(r"\w{1,40}", key) else f"{at}.{place}", depth - 1
            )
    if isinstance(value, list):
        for place, item in enumerate(value):
            _require_plain(item, f"{at}[{place}]", depth - 1)


def of_json(value: Any) -> Proof:
    """The proof in a JSON value that was already parsed; ProofUnreadable with the path of the first fault."""
    form = Form(value, "$")
    kind = form.take("kind", text)
    if kind not in KINDS.values():
        _fault("$.kind", "须为 inclusion、serial 或 receipt", "must be inclusion, serial or receipt")
    if form.take("format", text) != FORMAT:
        _fault("$.format", f"须为 {FORMAT}", f"must be {FORMAT}")
    key, head, statement = (
        form.take("key", _key_of),
        form.take("head", text),
        form.take("statement", _statement_of),
    )
    proof: Proof
    if kind == "inclusion":
        proof = Inclusion(key, head, statement)
    elif kind == "serial":
        proof = Serial(
            key,
            head,
            form.take("book", text),
            form.take("serial", number(1)),
            statement,
            form.take("opening", _opening_of),
            tuple(form.take("carried", many(_link_of, MAX_LINKS), default=[])),
        )
    else:
        proof = Receipt(
            key,
            head,
            form.take("act", _act_of),
            form.take("salt", octets(SALT_BYTES)),
            statement,
            form.take("opening", _opening_of),
            tuple(form.take("onward", many(_link_of, MAX_LINKS), default=[])),
        )
    form.end()
    return proof


def _fault(field: str, why_zh: str, why_en: str) -> NoReturn:
    raise ProofUnreadable(field, why_zh, why_en) from None


Reader = Callable[[Any, str], T]

_NONE = object()


class Form:
    """A JSON object, read key by key; what is left at the end is unknown."""

    def __init__(self, value: Any, at: str) -> None:
        self.at = at
        if not isinstance(value, dict):
            _fault(at, "须为对象", "must be an object")
        self.left = dict(value)

    def take(self, name: str, read: Reader[T], *, default: Any = _NONE) -> T:
        """A field; a fault when it is missing and has no default."""
        if name not in self.left:
            if default is not _NONE:
                return cast("T", default)
            _fault(f"{self.at}.{name}", "缺失", "is missing")
        return read(self.left.pop(name), f"{self.at}.{name}")

    def end(self) -> None:
        """Refuse keys that nobody took."""
        if self.left:
            _fault(self.at, "含有未知的键", "has a key that is not known")


def text(value: Any, at: str) -> str:
    """A string."""
    if not isinstance(value, str):
        _fault(at, "须为字符串", "must be a string")
    return value


def flag(value: Any, at: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        _fault(at, "须为 true 或 false", "must be true or false")
    return value


def number(low: int = 0, high: int = MAX_SUM) -> Reader[int]:
    """A whole number between two others, both included."""

    def read(value: Any, at: str) -> int:
        if type(value) is not int or not low <= value <= high:
            _fault(at, f"须为 {low} 至 {high} 之间的整数", f"must be a whole number from {low} to {high}")
        return value

    return read


def octets(count: int) -> Reader[bytes]:
    """Bytes in base64."""

    def read(value: Any, at: str) -> bytes:
        try:
            found = base64.b64decode(text(value, at), validate=True)
        except (binascii.Error, ValueError):
            found = b""
        if len(found) != count or _base64(found) != value:
            _fault(at, f"须为 {count} 字节的 base64", f"must be {count} bytes in base64")
        return found

    return read


def digest_hex(value: Any, at: str) -> bytes:
    """32 bytes in lower-case hexadecimal, as entries of the log hold them."""
    if not re.fullmatch(r"[0-9a-f]{64}", text(value, at)):
        _fault(at, "须为 64 位小写十六进制", "must be 64 lower-case hexadecimal digits")
    return bytes.fromhex(value)


def many(one: Reader[T], most: int) -> Reader[list[T]]:
    """A list of the same."""

    def read(value: Any, at: str) -> list[T]:
        if not isinstance(value, list) or len(value) > most:
            _fault(at, f"须为至多 {most} 项的列表", f"must be a list of at most {most}")
        return [one(item, f"{at}[{place}]") for place, item in enumerate(value)]

    return read


def _key_of(value: Any, at: str) -> LogKey:
    form = Form(value, at)
    key = LogKey(form.take("name", text), form.take("public_key", octets(32)))
    form.end()
    return key


def _statement_of(value: Any, at: str) -> Statement:
    form = Form(value, at)
    statement = Statement(
        form.take("index", number()),
        form.take("entry", text).encode(),
        tuple(form.take("path", many(octets(DIGEST_BYTES), MAX_HASHES))),
    )
    form.end()
    return statement


def _opening_of(value: Any, at: str) -> Opening:
    form = Form(value, at)
    opening = Opening(
        form.take("first", number()),
        form.take("last", number()),
        tuple(form.take("leaves", many(_leaf_of, 2))),
        tuple(form.take("nodes", many(_node_of, MAX_HASHES))),
    )
    form.end()
    return opening


def _leaf_of(value: Any, at: str) -> Leaf:
    form = Form(value, at)
    leaf = Leaf(
        form.take("digest", octets(DIGEST_BYTES)),
        form.take("from_gram", number()),
        form.take("grams", number(1)),
    )
    form.end()
    return leaf


def _node_of(value: Any, at: str) -> Node:
    found = octets(DIGEST_BYTES + 8)(value, at)
    return Node(found[:DIGEST_BYTES], int.from_bytes(found[DIGEST_BYTES:], "big"))


def _link_of(value: Any, at: str) -> Link:
    form = Form(value, at)
    link = Link(form.take("statement", _statement_of), form.take("opening", _opening_of))
    form.end()
    return link


def _act_of(value: Any, at: str) -> dict[str, Any]:
    Form(value, at).take("grams", number(1))
    return dict(value)
