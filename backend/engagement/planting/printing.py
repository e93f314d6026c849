"""Certificates as PDF (A4, lying) and SVG (as wide as a phone), set by typst with the fonts that its wheel's neighbour ships.

Whatever is printed is handed over as data, never as markup. Drawing takes a processor for some tenths of a second, so it
runs on a thread.
"""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path
from typing import Any, Literal

import pylopdf_fonts_zh_cn
import qrcode
import typst
from qrcode.image.svg import SvgPathImage

from backend.engagement.planting.model import Certificate

_TEMPLATE = Path(__file__).with_name("certificate.typ")
_FONTS = Path(pylopdf_fonts_zh_cn.__file__).parent


async def as_pdf(certificate: Certificate, *, address: str, name: str | None, printed_on: str) -> bytes:
    """The certificate for the printer. `address` is where its number can be checked; `name` is what its holder chose
    to have printed, None for no name.
    """
    return await asyncio.to_thread(_compiled, _told(certificate, address, name, printed_on, "page"), "pdf")


async def as_svg(certificate: Certificate, *, address: str, name: str | None, printed_on: str) -> bytes:
    """The same for a phone: 360 points wide, all letters drawn as shapes."""
    return await asyncio.to_thread(_compiled, _told(certificate, address, name, printed_on, "phone"), "svg")


def _compiled(told: dict[str, Any], form: Literal["pdf", "svg"]) -> bytes:
    inputs = {"told": json.dumps(told, ensure_ascii=False)}
    made = typst.compile(
        _TEMPLATE, font_paths=[_FONTS], ignore_system_fonts=True, format=form, sys_inputs=inputs
    )
    assert isinstance(made, bytes)
    return made


def _told(
    certificate: Certificate, address: str, name: str | None, printed_on: str, layout: str
) -> dict[str, Any]:
    """Everything that the template shows, as text; what is None is left out there."""
    what = (
        ("实体植树", "A tree that was planted")
        if certificate.real
        else ("线上种植(虚拟)", "Grown on screen only")
    )
    if certificate.kind == "adoption":
        what = (
            ("实体认养", "A tree that was adopted")
            if certificate.real
            else ("线上认养(虚拟)", "Adopted on screen only")
        )
    species = certificate.species
    return {
        "layout": layout,
        "number": certificate.number,
        "address": address,
        "qr": _qr(address),
        "name": name,
        "real": certificate.real,
        "adoption": certificate.kind == "adoption",
        "what_zh": what[0],
        "what_en": what[1],
        "title_zh": certificate.title.zh,
        "title_en": certificate.title.en,
        "species_zh": species.zh if species else None,
        "species_en": species.en if species else None,
        "partner": certificate.partner,
        "reference": certificate.reference,
        "place": certificate.place,
        "planted_on": certificate.planted_on.isoformat(),
        "stands_until": certificate.stands_until.isoformat() if certificate.stands_until else None,
        "programme_zh": certificate.programme_title.zh,
        "programme_en": certificate.programme_title.en,
        "points": str(certificate.points),
        "printed_on": printed_on,
    }


def _qr(address: str) -> str:
    drawn = qrcode.QRCode(
        error_correction=qrcode.constants.ERROR_CORRECT_M, border=0, image_factory=SvgPathImage
    )
    drawn.add_data(address, optimize=0)
    drawn.make(fit=True)
    file = io.BytesIO()
    drawn.make_image().save(file)
    return file.getvalue().decode()
