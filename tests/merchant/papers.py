"""What a PDF says, page by page."""

from __future__ import annotations

import io

from pypdf import PageObject, PdfReader


def pages_of(content: bytes) -> list[str]:
    """The text of each page, in the order in which it is set; what is set apart stands on a line of its own."""
    return ["\n".join(_said(page)) for page in PdfReader(io.BytesIO(content)).pages]


def _said(page: PageObject) -> list[str]:
    words: list[str] = []

    def met(text: str, *_where: object) -> None:
        words.append(text.lstrip("\n ").rstrip("\n"))

    page.extract_text(visitor_text=met)
    return [word for word in words if word]
