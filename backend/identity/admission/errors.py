"""What can be refused about admissions."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class AdmissionNeedsAuthority(DomainError):
    """Only the authority suspends staff with this role."""

    code = "identity.admission_needs_authority"
    kind = Kind.FORBIDDEN
    title_zh = "只有主管部门可以停用具有该角色的人员。"
