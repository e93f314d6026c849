"""What can be refused about citizens' sign-in."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class SignInCodeWrong(DomainError):
    """The code is wrong, used, expired, or was tried too often; ask for a new one."""

    code = "identity.sign_in_code_wrong"
    kind = Kind.UNAUTHENTICATED
    title_zh = "验证码错误、已使用、已过期或尝试次数过多，请重新获取。"


@dataclass(eq=False)
class SignInCodeTooSoon(DomainError):
    """A code was sent a moment ago; wait before asking for another."""

    code = "identity.sign_in_code_too_soon"
    kind = Kind.RATE_LIMITED
    title_zh = "刚刚发送过验证码，请稍候再试。"

    retry_after_s: int


@dataclass(eq=False)
class TooManySignInCodes(DomainError):
    """Too many codes were asked for today; try again tomorrow."""

    code = "identity.too_many_sign_in_codes"
    kind = Kind.RATE_LIMITED
    title_zh = "今天获取验证码的次数过多，请明天再试。"


@dataclass(eq=False)
class NoSenderConfigured(DomainError):
    """This deployment has no way to send codes to phones yet."""

    code = "identity.no_sender_configured"
    kind = Kind.UNAVAILABLE
    title_zh = "本部署尚未配置短信发送。"
