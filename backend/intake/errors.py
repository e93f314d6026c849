"""Intake's refusals of whole files, sources and jobs; single rows are refused by code in the reason table."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class FileUnreadable(DomainError):
    """The file cannot be read."""

    code = "intake.file_unreadable"
    kind = Kind.INVALID
    title_zh = "无法读取该文件。"

    reason: str


@dataclass(eq=False)
class HeaderMismatch(DomainError):
    """Line 1 does not hold the columns that the mapping needs."""

    code = "intake.header_mismatch"
    kind = Kind.INVALID
    title_zh = "第 1 行的表头与映射所需的列不符。"

    missing: str
    doubled: str
    found: int


@dataclass(eq=False)
class SheetNeeded(DomainError):
    """The mapping does not name one sheet of the workbook; `[file] sheet` does, and without it there is to be only one."""

    code = "intake.sheet_needed"
    kind = Kind.INVALID
    title_zh = "映射未指明工作簿中的一个工作表；请用 [file] sheet 指定，不指定时工作簿只能有一个工作表。"

    sheet: str
    found: int


@dataclass(eq=False)
class MonthNotOver(DomainError):
    """Only a month that is over can be exported."""

    code = "intake.month_not_over"
    kind = Kind.CONFLICT
    title_zh = "只能导出已经结束的月份。"

    month: str


@dataclass(eq=False)
class MappingNeeded(DomainError):
    """No mapping that comes with the project fits this file; name one with --map."""

    code = "intake.mapping_needed"
    kind = Kind.INVALID
    title_zh = "没有适合该文件的内置映射，请用 --map 指定映射文件。"


@dataclass(eq=False)
class ClaimIncomplete(DomainError):
    """The mapping leaves out fields by which the methodology tells acts apart."""

    code = "intake.claim_incomplete"
    kind = Kind.INVALID
    title_zh = "映射缺少方法学用来区分行为的字段。"

    mapping: str
    activity: str
    missing: str


@dataclass(eq=False)
class SourceUnknown(DomainError):
    """No source of this code is registered."""

    code = "intake.source_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有登记该代码的数据来源。"

    source: str


@dataclass(eq=False)
class SourceDiffers(DomainError):
    """The source is registered with other facts."""

    code = "intake.source_differs"
    kind = Kind.CONFLICT
    title_zh = "该数据来源登记的内容与此不同。"

    source: str
    field: str


@dataclass(eq=False)
class OutsideProgramme(DomainError):
    """The programme does not cover the source's region, and no overlay allows it."""

    code = "intake.outside_programme"
    kind = Kind.INVALID
    title_zh = "该计划不覆盖数据来源所在地区，也没有叠加包允许。"

    programme: str
    region: str


@dataclass(eq=False)
class JobRunning(DomainError):
    """The same file of the same source is being taken in right now."""

    code = "intake.job_running"
    kind = Kind.CONFLICT
    title_zh = "同一来源的同一文件正在接入。"


@dataclass(eq=False)
class ActUnknown(DomainError):
    """There is no such act."""

    code = "intake.act_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这条低碳行为。"


ROW_REASONS: dict[str, tuple[str, str]] = {
    "quoting": ("引号未闭合或位置有误", "a quotation mark is open or misplaced"),
    "columns": ("列数与表头不符", "the number of columns differs from the header"),
    "encoding": ("含有不是所声明编码的字节", "bytes that are not of the declared encoding"),
    "json": ("不是合法的 JSON", "not valid JSON"),
    "not_an_object": ("不是 JSON 对象", "not a JSON object"),
    "not_a_value": ("值不是文本或数字", "the value is neither text nor a number"),
    "formula": ("单元格是公式，请改为数值或文本", "the cell is a formula; write its value"),
    "cell_error": ("单元格是错误值", "the cell holds an error"),
    "digits_lost": (
        "数字超过 15 位，电子表格不保留更多位数；请将该列设为文本",
        "a number of more than 15 digits, which a spreadsheet does not keep; make the column text",
    ),
    "no_rule": ("映射中没有适用于该行的规则", "no rule of the mapping fits the row"),
    "programme_left": ("本人已退出该计划", "the person had left the programme"),
    "consent_withdrawn": ("本人已撤回对该场景的同意", "the person had withdrawn consent to this scenario"),
    "missing": ("缺少该值", "the value is missing"),
    "not_a_time": ("不是时间", "not a time"),
    "not_a_number": ("不是数字", "not a number"),
    "not_a_choice": ("不在可选值之内", "none of the possible values"),
    "unknown_figure": ("方法学对该情形没有已知的数值", "the methodology knows no figure for this case"),
    "not_coordinates": ("不是经纬度", "not a latitude and longitude"),
    "too_long": ("文本过长", "the text is too long"),
    "below_minimum": ("小于允许的最小值", "below the allowed minimum"),
    "above_maximum": ("大于允许的最大值", "above the allowed maximum"),
    "not_after": ("不晚于它应晚于的时间", "not after the time that it must follow"),
    "negative_reduction": ("公式得出负的减排量", "the formula gives a negative reduction"),
    "division_by_zero": ("公式除以零", "the formula divides by zero"),
    "too_large": ("结果过大", "the result is too large"),
    "outside_programme_dates": ("不在计划的起止日期内", "outside the programme's dates"),
    "in_the_future": ("时间在将来", "in the future"),
    "claim": (
        "同一行为已被他人或以不同内容申报",
        "the act is claimed already, elsewhere or with other facts",
    ),
    "overlap": (
        "此人当时另有行程，待裁定",
        "the same person was travelling elsewhere then; it waits for a decision",
    ),
    "early": (
        "早于计划允许的报送时间，待裁定",
        "earlier than the programme takes it; it waits for a decision",
    ),
    "late": ("晚于计划允许的报送时间，待裁定", "later than the programme takes it; it waits for a decision"),
    "conflict": (
        "同一行为已被他人或以不同内容申报",
        "the act is claimed already, elsewhere or with other facts",
    ),
}


def row_reason(code: str, language: str = "en") -> str:
    """A row's reason as a sentence."""
    zh, en = ROW_REASONS.get(code, (code, code))
    return zh if language == "zh" else en
