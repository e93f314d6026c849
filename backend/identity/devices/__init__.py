"""The installations of clients that a citizen signs in with.

Holds    devices by the keyed digest of a secret that each made at random; their names, sealed under the person's key.
Promises one secret is one device of one account; revoking a device ends its sessions, and it never comes back.
Ignores  what sort of device it is, and whether it can be trusted: a name is what its owner calls it.
"""

from backend.identity.devices.errors import DeviceUnknown
from backend.identity.devices.service import Device, SeenDevice, devices_of, revoke, revoke_all, seen, shown

__all__ = [
    "Device",
    "DeviceUnknown",
    "SeenDevice",
    "devices_of",
    "revoke",
    "revoke_all",
    "seen",
    "shown",
]
