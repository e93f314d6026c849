"""Citizens of the app, with which footprints are tried."""

from tests.mobile_api.conftest import alice, app, bob, client, phones, wechat

__all__ = ["alice", "app", "bob", "client", "phones", "wechat"]
