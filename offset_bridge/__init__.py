"""The compliance side: what a regulated enterprise may use towards its obligation.

Holds    so far the rules of offsets (`offset_bridge.rules`), read from market packs.
Promises nothing is decided that a pack's edition and the facts handed in do not settle.
Ignores  points, trips and citizens; HTTP; other markets' books.
"""
