"""Merchants: what they offer for points, how it is redeemed at a till, what they are owed."""
