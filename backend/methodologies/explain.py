"""How the grams of one action were computed, for the person who did it: every figure with its source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from backend.methodologies.model import Activity, Edition, Input, Methodology, Parameter, concerns
from backend.packs.figures import UNKNOWN
from backend.packs.overlays import Overlay

_CONFIDENCE_ZH = {"high": "高", "medium": "中", "low": "低"}


@dataclass(frozen=True, slots=True)
class Factor:
    """One figure of the formula."""

    id: str
    name_zh: str
    name_en: str
    value: str
    unit: str
    source_title: str
    source_url: str
    source_date: str
    confidence: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Methodology, edition, figures, formula, inputs and result of one action."""

    methodology: str
    version: str
    sha256: str
    title_zh: str
    title_en: str
    official: bool
    edition: str
    validity_known: bool
    activity_zh: str
    activity_en: str
    formula: str
    factors: tuple[Factor, ...]
    inputs: Mapping[str, str]
    overlays: tuple[str, ...]
    grams: int
    zh: str
    en: str
    baseline_zh: (
        str | None
    )  # what would have happened otherwise, as the methodology says; None where it says nothing
    baseline_en: str | None
    baseline_source: str | None

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, ready for JSON."""
        return asdict(self)


def explain(
    methodology: Methodology,
    activity: Activity,
    edition: Edition,
    *,
    parameters: Sequence[Parameter],
    overlays: Sequence[Overlay],
    used: Sequence[Input],
    inputs: Mapping[str, object],
    grams: int,
) -> Explanation:
    """Put one result into figures and sentences.

    Only inputs that grams depend on (`used`) are shown, never an identity; their values are as an action keeps them.
    """
    shown = {item.id: _shown(item, inputs[item.id]) for item in used if inputs.get(item.id) is not None}
    zh, en = _sentences(
        methodology, activity, edition, parameters=parameters, overlays=overlays, shown=shown, grams=grams
    )
    baseline = methodology.data.get("baseline", {})
    return Explanation(
        methodology=methodology.id,
        version=methodology.version,
        sha256=methodology.sha256,
        title_zh=methodology.title_zh,
        title_en=methodology.title_en,
        official=methodology.official,
        edition=edition.id,
        validity_known=edition.valid_from != UNKNOWN,
        activity_zh=activity.name_zh,
        activity_en=activity.name_en,
        formula=activity.formula.text,
        factors=tuple(_factor(parameter) for parameter in parameters),
        inputs=shown,
        overlays=tuple(overlay.id for overlay in overlays),
        grams=grams,
        zh=zh,
        en=en,
        baseline_zh=baseline.get("zh"),
        baseline_en=baseline.get("en"),
        baseline_source=baseline.get("source"),
    )


def _shown(item: Input, held: object) -> str:
    written = item.show(held) if type(held) is int else str(held)
    return f"{written} {item.unit.text}" if item.unit else written


def _factor(parameter: Parameter) -> Factor:
    return Factor(
        id=parameter.id,
        name_zh=parameter.name_zh,
        name_en=parameter.name_en,
        value=parameter.written,
        unit=parameter.unit.text,
        source_title=parameter.source_title,
        source_url=parameter.source_url,
        source_date=str(parameter.source_date),
        confidence=parameter.confidence,
    )


def _sentences(
    methodology: Methodology,
    activity: Activity,
    edition: Edition,
    *,
    parameters: Sequence[Parameter],
    overlays: Sequence[Overlay],
    shown: Mapping[str, str],
    grams: int,
) -> tuple[str, str]:
    given = ", ".join(f"{name} = {value}" for name, value in shown.items())
    zh = [f"按《{methodology.title_zh}》计算{activity.name_zh}：{activity.formula.text}"]
    en = [f"{activity.name_en} by “{methodology.title_en}”: {activity.formula.text}"]
    if given:
        zh.append(f"其中 {given}")
        en.append(f"with {given}")
    for parameter in parameters:
        unit = "" if parameter.unit.text == "1" else f" {parameter.unit.text}"
        figure = f"{parameter.id} = {parameter.written}{unit}"
        confidence = _CONFIDENCE_ZH.get(parameter.confidence, parameter.confidence)
        zh.append(f"{figure}（来源：{parameter.source_title}，可信度{confidence}）")
        en.append(f"{figure} (source: {parameter.source_title}, confidence {parameter.confidence})")
    for deduction in edition.deductions:
        if concerns(deduction, activity.id):
            zh.append(f"取整前扣减 {deduction.figure.id}（{deduction.figure.name_zh}）")
            en.append(f"less {deduction.figure.id} ({deduction.figure.name_en}) before rounding")
    for cap in edition.caps:
        if cap.per == "act" and concerns(cap, activity.id):
            zh.append(f"每次至多 {cap.limit} gCO2e（{cap.name_zh}）")
            en.append(f"at most {cap.limit} gCO2e per act ({cap.name_en})")
    zh.append(f"结果向下取整为 {grams} gCO2e。")
    en.append(f"rounded down to {grams} gCO2e.")
    zh_notes = "" if methodology.official else "这些数值并非官方备案的方法学。"
    en_notes = "" if methodology.official else " These figures are not an officially filed methodology."
    for overlay in overlays:
        zh_notes += f"叠加包 {overlay.id}：{overlay.reason_zh}"
        en_notes += f" Overlay {overlay.id}: {overlay.reason_en}"
    return "；".join(zh) + zh_notes, "; ".join(en) + en_notes
