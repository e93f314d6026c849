"""The formula language: names, whole numbers, `+ - * /`, parentheses, `min max floor when`; nothing else.

    floor(net_factor * distance_m)
    floor(max(0, baseline - project) * distance_m)
    floor(when(distance_m >= 3 * one_km, far, near) * distance_m)

`when(a >= b, x, y)` is the only place for a comparison (`< <= > >= ==`). There is no ceiling, no power, no text, and
nothing is ever handed to Python to evaluate.

Every value is held in base units (metres, seconds, grams of CO2e), so a factor in g/km times a distance in m needs no
1000 in the formula. `floor` rounds towards minus infinity:

* the whole formula must be one `floor(…)`; it rounds to whole grams of CO2e, once per action;
* a `floor` inside it may only round a plain number, such as `floor(steps / steps_per_point)`, because rounding a
  quantity would depend on the unit one has in mind.

A whole number is dimensionless; a literal 0 fits any unit, so that `max(0, a - b)` can be written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from backend.packs.units import CO2E, NUMBER, Dimension, over, show, times

MAX_LENGTH = 1000
MAX_DEPTH = 30
MAX_NODES = 200
_MAX_LITERAL = 10**12

Operator = Literal["+", "-", "*", "/"]
Comparison = Literal["<", "<=", ">", ">=", "=="]


@dataclass(frozen=True, slots=True)
class Number:
    value: int


@dataclass(frozen=True, slots=True)
class Name:
    id: str


@dataclass(frozen=True, slots=True)
class Binary:
    operator: Operator
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Negative:
    inner: Node


@dataclass(frozen=True, slots=True)
class Floor:
    inner: Node


@dataclass(frozen=True, slots=True)
class Extreme:
    which: Literal["min", "max"]
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class When:
    comparison: Comparison
    left: Node
    right: Node
    then: Node
    otherwise: Node


Node = Number | Name | Binary | Negative | Floor | Extreme | When


class FormulaError(ValueError):
    """The text is not a formula of this language, or its units do not reduce; says why in both languages."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.zh = zh


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula as written, its tree, and the names that it uses."""

    text: str
    tree: Node
    names: frozenset[str]


_TOKEN = re.compile(r"\s*(?:(?P<number>\d+)|(?P<name>[a-z][a-z0-9_]*)|(?P<sign><=|>=|==|[-+*/(),<>]))")
_FUNCTIONS = ("min", "max", "floor", "when")
_COMPARISONS = ("<", "<=", ">", ">=", "==")


def parse_formula(text: str) -> Formula:
    """Read a formula; `FormulaError` says what is wrong and where."""
    if len(text) > MAX_LENGTH:
        raise FormulaError(f"longer than {MAX_LENGTH} characters", f"超过 {MAX_LENGTH} 个字符")
    parser = _Parser(_tokens(text))
    tree = parser.sum(0)
    parser.expect("")
    return Formula(text, tree, frozenset(parser.names))


def _tokens(text: str) -> list[tuple[str, int]]:
    tokens, at, end = list[tuple[str, int]](), 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None or not found.group().isascii():
            piece = text[at : at + 12].strip()
            raise FormulaError(
                f"cannot read {piece!r} at column {at + 1}", f"第 {at + 1} 列的 {piece!r} 无法读懂"
            )
        tokens.append((found.group().strip(), found.start(found.lastgroup or 0) + 1))
        at = found.end()
    tokens.append(("", end + 1))
    return tokens


class _Parser:
    def __init__(self, tokens: list[tuple[str, int]]) -> None:
        self.tokens, self.at, self.nodes = tokens, 0, 0
        self.names: set[str] = set()

    @property
    def word(self) -> str:
        return self.tokens[self.at][0]

    def take(self) -> str:
        word = self.word
        self.at = min(self.at + 1, len(self.tokens) - 1)
        return word

    def refuse(self, en: str, zh: str) -> FormulaError:
        word, column = self.tokens[self.at]
        if not word:
            return FormulaError(f"{en} at its end", f"末尾{zh}")
        return FormulaError(f"{en} at column {column}, before {word!r}", f"第 {column} 列 {word!r} 处{zh}")

    def expect(self, word: str) -> None:
        if self.word != word:
            raise self.refuse(
                f"expected {word!r}" if word else "nothing more was expected",
                f"应为 {word!r}" if word else "此处应已结束",
            )
        self.take()

    def count(self, depth: int) -> None:
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            if depth > MAX_DEPTH:
                raise FormulaError("nested too deeply", "嵌套过深")
            raise FormulaError("too long", "过长")

    def sum(self, depth: int) -> Node:
        left = self.product(depth)
        while self.word in ("+", "-"):
            self.count(depth)
            operator: Operator = "+" if self.take() == "+" else "-"
            left = Binary(operator, left, self.product(depth))
        return left

    def product(self, depth: int) -> Node:
        left = self.signed(depth)
        while self.word in ("*", "/"):
            self.count(depth)
            operator: Operator = "*" if self.take() == "*" else "/"
            left = Binary(operator, left, self.signed(depth))
        return left

    def signed(self, depth: int) -> Node:
        self.count(depth)
        if self.word == "-":
            self.take()
            return Negative(self.signed(depth + 1))
        return self.atom(depth)

    def atom(self, depth: int) -> Node:
        word = self.word
        if word.isdigit():
            self.take()
            if len(word) > len(str(_MAX_LITERAL)) or int(word) > _MAX_LITERAL:
                raise FormulaError(f"the number {word[:20]} is too large", f"数字 {word[:20]} 过大")
            return Number(int(word))
        if word == "(":
            self.take()
            inner = self.sum(depth + 1)
            self.expect(")")
            return inner
        if word in _FUNCTIONS:
            self.take()
            return self.call(word, depth + 1)
        if word and (word[0].isalpha()):
            self.take()
            self.names.add(word)
            return Name(word)
        raise self.refuse("expected a name, a number or a parenthesis", "应为名字、整数或括号")

    def call(self, function: str, depth: int) -> Node:
        self.expect("(")
        if function == "when":
            return self.when(depth)
        parts = [self.sum(depth)]
        while self.word == ",":
            self.take()
            parts.append(self.sum(depth))
        self.expect(")")
        if function == "floor":
            if len(parts) != 1:
                raise FormulaError("floor takes one value", "floor 只取一个值")
            return Floor(parts[0])
        if len(parts) < 2:
            raise FormulaError(f"{function} takes two values or more", f"{function} 至少取两个值")
        return Extreme("min" if function == "min" else "max", tuple(parts))

    def when(self, depth: int) -> Node:
        left = self.sum(depth)
        if self.word not in _COMPARISONS:
            raise self.refuse("expected a comparison", "应为比较")
        comparison: Comparison = self.take()  # type: ignore[assignment] # one of _COMPARISONS
        right = self.sum(depth)
        self.expect(",")
        then = self.sum(depth)
        self.expect(",")
        otherwise = self.sum(depth)
        self.expect(")")
        return When(comparison, left, right, then, otherwise)


def check_units(formula: Formula, dimensions: Mapping[str, Dimension], *, per: str | None = None) -> None:
    """Refuse unless the formula is one `floor` of grams of CO2e, or of grams per one `per` (such as a trip)."""
    if not isinstance(formula.tree, Floor):
        raise FormulaError(
            "the whole formula must be one floor(…): grams are floored once per action",
            "整个公式应为一个 floor(…)：每次行为只向下取整一次",
        )
    found = _dimension(formula.tree.inner, dimensions)
    wanted = [CO2E] if per is None else [CO2E, over(CO2E, ((per, 1),))]
    if found not in wanted:
        unit, expected = show(found or NUMBER), [show(one) for one in wanted]
        raise FormulaError(
            f"{formula.text} is in {unit}, not in {' or '.join(expected)}",
            f"{formula.text} 的单位是 {unit}，而不是 {' 或 '.join(expected)}",
        )


def check_dimension(
    formula: Formula, dimensions: Mapping[str, Dimension], *, wanted: Dimension, unit: str
) -> None:
    """Refuse unless the formula, which need not be a `floor`, is of the wanted dimension."""
    found = _dimension(formula.tree, dimensions)
    if found is not None and found != wanted:
        raise FormulaError(
            f"{formula.text} is in {show(found)}, not in {unit}",
            f"{formula.text} 的单位是 {show(found)}，而不是 {unit}",
        )


def check_conservative(formula: Formula) -> None:
    """Refuse an inner `floor` where a smaller number makes the reduction larger: behind a minus or below a division."""
    if isinstance(formula.tree, Floor):
        _conservative(formula.tree.inner, grows=True)


def _conservative(node: Node, *, grows: bool) -> None:
    match node:
        case Floor(inner):
            if not grows:
                raise FormulaError(
                    "an inner floor behind a minus or below a division would round the reduction up",
                    "减号之后或除号之下的内层 floor 会使减排量向上取整",
                )
            _conservative(inner, grows=grows)
        case Negative(inner):
            _conservative(inner, grows=not grows)
        case Binary("-" | "/", left, right):
            _conservative(left, grows=grows)
            _conservative(right, grows=not grows)
        case Binary(_, left, right):
            _conservative(left, grows=grows)
            _conservative(right, grows=grows)
        case Extreme(_, parts):
            for part in parts:
                _conservative(part, grows=grows)
        case When(_, _, _, then, otherwise):
            _conservative(then, grows=grows)
            _conservative(otherwise, grows=grows)


def _dimension(  # noqa: C901, PLR0911 - one case per node
    node: Node, known: Mapping[str, Dimension]
) -> Dimension | None:
    """The dimension of a node; None for the literal 0, which fits any."""
    match node:
        case Number(value):
            return None if value == 0 else NUMBER
        case Name(id=name):
            return known[name]
        case Negative(inner):
            return _dimension(inner, known)
        case Floor(inner):
            if _dimension(inner, known) not in (NUMBER, None):
                raise FormulaError(
                    "an inner floor may only round a plain number; divide by a unit first",
                    "内层的 floor 只能用于无量纲数；请先除以一个单位",
                )
            return NUMBER
        case Binary("+" | "-" as operator, left, right):
            return _same([_dimension(left, known), _dimension(right, known)], operator)
        case Binary("*", left, right):
            return times(_dimension(left, known) or NUMBER, _dimension(right, known) or NUMBER)
        case Binary("/", left, right):
            if isinstance(right, Number) and right.value == 0:
                raise FormulaError("it divides by zero", "除数为零")
            return over(_dimension(left, known) or NUMBER, _dimension(right, known) or NUMBER)
        case Extreme(which, parts):
            return _same([_dimension(part, known) for part in parts], which)
        case When(comparison, left, right, then, otherwise):
            _same([_dimension(left, known), _dimension(right, known)], comparison)
            return _same([_dimension(then, known), _dimension(otherwise, known)], "when")
    raise AssertionError(node)


def _same(found: list[Dimension | None], what: str) -> Dimension | None:
    distinct = {one for one in found if one is not None}
    if len(distinct) > 1:
        raise FormulaError(
            f"{what} joins {' and '.join(sorted(map(show, distinct)))}",
            f"{what} 两侧的单位不同：{'、'.join(sorted(map(show, distinct)))}",
        )
    return distinct.pop() if distinct else None
