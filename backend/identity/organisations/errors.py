"""What can be refused about organisations."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class OrganisationUnknown(DomainError):
    """There is no such organisation."""

    code = "identity.organisation_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这个机构。"


@dataclass(eq=False)
class OrganisationCodeTaken(DomainError):
    """Another organisation has this code."""

    code = "identity.organisation_code_taken"
    kind = Kind.CONFLICT
    title_zh = "该机构代码已被使用。"


@dataclass(eq=False)
class OrganisationMisnamed(DomainError):
    """An organisation has a code of lower-case letters, digits and hyphens, and a name in Chinese and in English."""

    code = "identity.organisation_misnamed"
    kind = Kind.INVALID
    title_zh = "机构须有由小写字母、数字和连字符组成的代码，以及中文名和英文名。"
