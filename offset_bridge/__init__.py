"""The compliance side: how credits reach a regulated enterprise, and what it may use towards its obligation.

Holds    the rules of offsets read from market packs (`rules`), a market's registry (`registry`), pledges and surrender
         (`surrender`), credits in the hands of their holders (`credits`), the bridge into a market's book (`bridge`), agreed
         sales (`market`) and money (`cash`); the apps of `/registry/v1` and `/market/v1`.
Promises nothing is decided that a pack's edition and the facts handed in do not settle; every tonne counts once over
         all books; units and money change hands together.
Ignores  points, trips and citizens; other markets' registries.
"""
