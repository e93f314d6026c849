"""Pictures of offers, for everybody."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Response

from backend.kit.http import ReadSession, Router
from backend.kit.problems import problems
from merchant import images
from merchant.images import ImageUnknown

router = Router(prefix="/images", tags=["offers"])

Name = Annotated[
    str, Path(pattern=r"^[0-9a-f]{64}$", description="The picture's name, as its offer tells it.")
]


@router.get(
    "/{name}",
    response_class=Response,
    responses={
        200: {
            "content": {
                kind: {"schema": {"type": "string", "format": "binary"}}
                for kind in ("image/jpeg", "image/png", "image/webp")
            }
        },
        **problems(ImageUnknown),
    },
)
async def get_image(name: Name, session: ReadSession) -> Response:
    """A picture of an offer. Its name is the SHA-256 of its bytes: what was read once never changes."""
    found = await images.image(session, name=name)
    return Response(
        found.content,
        media_type=found.media_type,
        headers={
            "cache-control": "public, max-age=31536000, immutable",
            "x-content-type-options": "nosniff",
            "content-security-policy": "default-src 'none'; sandbox",
            "etag": f'"{name}"',
        },
    )
