"""The providers that a deployment's settings name."""

from __future__ import annotations

from collections.abc import Mapping

from backend.identity.doors.alipay import Alipay
from backend.identity.doors.providers import Exchange, Provider
from backend.identity.doors.wechat import WeChat
from backend.kit.settings import Settings


def default_exchanges(settings: Settings) -> Mapping[Provider, Exchange]:
    """An exchange for each provider that is set up whole; the others are closed."""
    found: dict[Provider, Exchange] = {}
    if settings.wechat_app_id and settings.wechat_secret:
        found[Provider.WECHAT] = WeChat(
            app_id=settings.wechat_app_id,
            secret=settings.wechat_secret.get_secret_value(),
            address=settings.wechat_address,
        )
    if settings.alipay_app_id and settings.alipay_key_file and settings.alipay_public_key_file:
        found[Provider.ALIPAY] = Alipay(
            app_id=settings.alipay_app_id,
            private_pem=settings.alipay_key_file.read_bytes(),
            provider_pem=settings.alipay_public_key_file.read_bytes(),
            address=settings.alipay_address,
        )
    return found
