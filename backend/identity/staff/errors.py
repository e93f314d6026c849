"""What can be refused about staff."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class SignInRefused(DomainError):
    """Login, password or one-time code do not fit together, or the login is locked for a while."""

    code = "identity.sign_in_refused"
    kind = Kind.UNAUTHENTICATED
    title_zh = "登录名、密码或动态码不正确，或该账号暂时锁定。"


@dataclass(eq=False)
class LoginTaken(DomainError):
    """Another member of staff has this login."""

    code = "identity.login_taken"
    kind = Kind.CONFLICT
    title_zh = "该登录名已被使用。"


@dataclass(eq=False)
class LoginMisnamed(DomainError):
    """A login has 2 to 127 lower-case letters, digits, dots, hyphens, underscores or at signs."""

    code = "identity.login_misnamed"
    kind = Kind.INVALID
    title_zh = "登录名须为 2 至 127 个小写字母、数字、点、连字符、下划线或 @。"


@dataclass(eq=False)
class PasswordWeak(DomainError):
    """A password has at least twelve characters and is not the login."""

    code = "identity.password_weak"
    kind = Kind.INVALID
    title_zh = "密码至少十二个字符，且不得与登录名相同。"


@dataclass(eq=False)
class RoleNotOfOrganisation(DomainError):
    """Staff can only have roles that their organisation has."""

    code = "identity.role_not_of_organisation"
    kind = Kind.INVALID
    title_zh = "人员的角色不得超出所属机构的角色。"


@dataclass(eq=False)
class StaffUnknown(DomainError):
    """There is no such member of staff."""

    code = "identity.staff_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这个人员。"
