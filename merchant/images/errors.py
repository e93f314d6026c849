"""What pictures of offers are refused for."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class ImageUnknown(DomainError):
    """There is no such picture here."""

    code = "merchant.image_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有此图片。"


@dataclass(eq=False)
class ImageUnreadable(DomainError):
    """A picture is a whole PNG, JPEG or WebP file of one frame, and what it is said to be."""

    code = "merchant.image_unreadable"
    kind = Kind.INVALID
    title_zh = "图片须为完整的单帧 PNG、JPEG 或 WebP 文件，且与所述类型一致。"

    field: str
    reason: str


@dataclass(eq=False)
class ImageTooLarge(DomainError):
    """The picture has more bytes, or more pixels on a side, than one may have."""

    code = "merchant.image_too_large"
    kind = Kind.TOO_LARGE
    title_zh = "图片的字节数或边长像素超过上限。"

    most_bytes: int
    most_pixels_a_side: int


@dataclass(eq=False)
class TooManyImages(DomainError):
    """The offer has as many pictures as one may have."""

    code = "merchant.too_many_images"
    kind = Kind.CONFLICT
    title_zh = "该商品的图片数量已达上限。"

    most: int


@dataclass(eq=False)
class ImageThereAlready(DomainError):
    """The offer has this very picture already."""

    code = "merchant.image_there_already"
    kind = Kind.CONFLICT
    title_zh = "该商品已有此图片。"
