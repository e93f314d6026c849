"""What the answer says to people, in Chinese and English, with the source of each rule that holds in every market."""

from __future__ import annotations

from dataclasses import dataclass

# A6: refused in every edition; three rules that know nothing of each other say so.
COVERED_SOURCE = (
    "部令第19号(2021)第二十九条; 湖北省政府令第430号(2023); 上海2013—2015年抵消规则; "
    "a tonne inside a covered boundary is counted there already"
)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a lot, or a part of it, may not be used; also the form of a warning."""

    code: str
    message_zh: str
    message_en: str
    source: str

    def answer(self) -> dict[str, str]:
        """The JSON shape."""
        return {
            "code": self.code,
            "message_zh": self.message_zh,
            "message_en": self.message_en,
            "source": self.source,
        }


_FIELDS = {
    "project_region": ("项目所在地区", "the project's region"),
    "project_type": ("项目类型", "the project's type"),
    "gases": ("各温室气体占比", "the parts of each gas"),
    "filed": ("减排量是否已备案", "whether the reductions are filed"),
    "vintage_start": ("减排量产生的起始日", "the first day of the vintage"),
    "commissioned_on": ("投运日期", "the day of commissioning"),
}


def fact_missing(field: str, source: str) -> Reason:
    """A rule asks for a fact that the lot does not give."""
    zh, en = _FIELDS[field]
    return Reason(
        "fact-missing",
        f"未给出{zh}（{field}），无法判断",
        f"{en} ({field}) is not given, and a rule needs it",
        source,
    )


def hydro_size_unknown(source: str) -> Reason:
    """A rule depends on the size of the hydropower and the lot says only that it is hydropower."""
    return Reason(
        "hydro-size-unknown",
        "规则取决于水电规模，而规模未给出",
        "the rule depends on the size of the hydropower, which is not given",
        source,
    )


def cut_by(code: str, source: str) -> Reason:
    """A lot that could be used is not, or not wholly, because a limit or a pool is exhausted."""
    named = {
        "cap": ("抵消比例上限已用满", "the cap on offsets is used up"),
        "obligation": ("未清缴的部分已全部覆盖", "the open obligation is covered"),
    }
    zh, en = named.get(code, ("全省当年可用总量已用满", "the province-wide pool of the year is used up"))
    return Reason(code, zh, en, source)
