"""A fault of a pack file: where it is, which key, what is the case, in Chinese and in English."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Path = tuple[str | int, ...]

_TEXTS: dict[str, tuple[str, str]] = {
    "unreadable": ("文件无法读取：{why}", "the file cannot be read: {why}"),
    "too_large": ("文件超过 {limit} 字节", "the file is larger than {limit} bytes"),
    "not_utf8": ("不是 UTF-8 编码", "the bytes are not UTF-8"),
    "syntax": ("TOML 语法错误：{why}", "not valid TOML: {why}"),
    "float": (
        '不允许浮点数；请把数字写成字符串，例如 "48.7"',
        'a float is not allowed; write the figure as a string, such as "48.7"',
    ),
    "unknown_kind": (
        "没有这种规则包：{found}；可用 {known}",
        "no such kind of pack: {found}; known are {known}",
    ),
    "unknown_key": ("未知的键；此处可用 {known}", "unknown key; known here are {known}"),
    "missing_key": ("缺少键", "the key is missing"),
    "wrong_type": ("应为{expected_zh}，却是{found}", "expected {expected}, found {found}"),
    "not_allowed": ("值 {found} 不在可用值之内：{known}", "{found} is not one of {known}"),
    "out_of_range": ("{found} 超出 {low} 至 {high} 的范围", "{found} is outside {low} to {high}"),
    "not_whole": ("{found} 不是整数", "{found} is not a whole number"),
    "not_count": ("应为不小于零的整数", "expected a whole number of at least zero"),
    "inconsistent": ("{why_zh}", "{why}"),
    "span_overlap": ("{first} 与 {second} 的日期重叠", "the days of {first} and {second} overlap"),
    "no_section": ("缺少所需的 {name}", "this needs {name}, which the pack does not have"),
    "not_fit": ("规则包不能取这个值：{why_zh}", "the pack does not hold with this value: {why}"),
    "empty": ("不能为空", "must not be empty"),
    "bad_pattern": ("{found} 不符合格式 {expected}", "{found} does not have the form {expected}"),
    "bad_date": ("应为日期，例如 2022-09-23", "expected a date such as 2022-09-23"),
    "bad_figure": (
        '应为写成字符串的数字，例如 "48.7"、"1/3" 或 "unknown"',
        'expected a figure in a string, such as "48.7", "1/3" or "unknown"',
    ),
    "bad_unit": ("单位不成立：{why_zh}", "not a unit: {why}"),
    "bad_formula": ("公式不成立：{why_zh}", "not a formula: {why}"),
    "unit_mismatch": ("单位不能归约：{why_zh}", "the units do not reduce: {why}"),
    "to_fill": ("尚待填写：{what}", "to be filled in: {what}"),
    "not_conservative": ("舍入不保守：{why_zh}", "the rounding is not conservative: {why}"),
    "bad_decimal": (
        '应为写成字符串、至多 {places} 位小数的数字，例如 "0.5"',
        'expected a figure in a string with at most {places} places, such as "0.5"',
    ),
    "bad_cell": (
        "应为文本或整数，用来选定这一格",
        "expected a text or a whole number, by which the cell is picked",
    ),
    "bad_pick": (
        "{name} 不是使用该表的行为的 choice、region 或 year 输入",
        "{name} is no choice, region or year input of an activity that uses this table",
    ),
    "name_cycle": ("名字循环定义：{cycle}", "the names are defined in a cycle: {cycle}"),
    "unknown_name": ("公式用了未声明的名字 {name}", "the formula uses the undeclared name {name}"),
    "duplicate": ("{name} 重复出现", "{name} appears more than once"),
    "bad_reference": ("所指的 {name} 不存在", "{name}, which this refers to, does not exist"),
    "missing_input": (
        "缺少输入 {name}，没有它无法分辨不同的行为",
        "the input {name} is missing, without which different acts cannot be told apart",
    ),
    "bad_order": ("{why_zh}", "{why}"),
    "edition_overlap": ("版本 {first} 与 {second} 的有效期重叠", "the editions {first} and {second} overlap"),
    "validity_unknown": (
        "有效期未知的版本只能是非官方规则包中的唯一版本",
        "an edition of unknown validity must be the only one, in a pack that is not official",
    ),
    "example_failed": (
        "示例不成立：应为 {expected}，算得 {found}",
        "the example fails: expected {expected}, computed {found}",
    ),
    "no_example": ("没有示例说明 {name}", "no example shows {name}"),
    "figure_known": ("{name} 已有取值，叠加包不能更改", "{name} is known, and an overlay may not change it"),
    "figure_differs": (
        "{name} 的数值与所抄录的 {other} 不同",
        "the figure of {name} is not that of {other}, from which it was copied",
    ),
    "duplicate_pack": ("编号 {name} 已在 {other} 中使用", "the id {name} is already used in {other}"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of one file. `line` counts from 1; `key` is dotted, with [n] for places in lists."""

    file: str
    line: int
    key: str
    code: str
    message_zh: str
    message_en: str

    def text(self, language: Literal["zh", "en"] = "en") -> str:
        """`file:line key: reason` in one language."""
        message = self.message_zh if language == "zh" else self.message_en
        return (
            f"{self.file}:{self.line} {self.key}: {message}"
            if self.key
            else f"{self.file}:{self.line} {message}"
        )

    def __str__(self) -> str:
        return self.text("en")


class Faults:
    """Collects every fault of one file and finds the line of each."""

    def __init__(self, file: str, lines: Mapping[Path, int] | None = None) -> None:
        self.file = file
        self.lines: Mapping[Path, int] = lines or {}
        self.found: list[Fault] = []
        self._paths: set[Path] = set()

    def add(self, path: Path, code: str, *, line: int | None = None, **facts: object) -> None:
        """Note a fault at `path`; a path without a line of its own takes that of its nearest parent."""
        zh, en = _TEXTS[code]
        self._paths.add(path)
        shown = {name: shorten(value) for name, value in facts.items()}
        self.found.append(
            Fault(
                self.file,
                self.line_of(path) if line is None else line,
                dotted(path),
                code,
                zh.format(**shown),
                en.format(**shown),
            )
        )

    def drop(self, path: Path) -> None:
        """Forget what was noted at exactly this path."""
        key = dotted(path)
        self.found = [fault for fault in self.found if fault.key != key]

    def line_of(self, path: Path) -> int:
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def touches(self, path: Path) -> bool:
        """True when a fault lies at `path` or below it."""
        return any(known[: len(path)] == path for known in self._paths)

    def sorted(self) -> tuple[Fault, ...]:
        return tuple(sorted(self.found, key=lambda fault: (fault.line, fault.key, fault.code)))


def dotted(path: Path) -> str:
    """`edition[0].parameter[1].value`"""
    shown = ""
    for part in path:
        shown += f"[{part}]" if isinstance(part, int) else (f".{part}" if shown else part)
    return shown


def shorten(value: object, limit: int = 120) -> str:
    """A value as text that fits a line."""
    shown = str(value)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"
