"""What can be refused about devices."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class DeviceUnknown(DomainError):
    """This account has no such device."""

    code = "identity.device_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "此账户没有这台设备。"
