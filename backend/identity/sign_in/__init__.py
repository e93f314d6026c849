"""Codes sent to phones, by which citizens sign in and show once more who they are.

Holds    requested codes as keyed digests, and the ways to send them.
Promises a code is good once, for ten minutes, three attempts, for the number, the request and the use it was made for;
         the limits per number, address and device hold against parallel requests.
Ignores  tokens, and what a citizen may do.
"""

from backend.identity.sign_in.errors import (
    NoSenderConfigured,
    SignInCodeTooSoon,
    SignInCodeWrong,
    TooManySignInCodes,
)
from backend.identity.sign_in.senders import LogSender, NoSender, Sender, default_sender
from backend.identity.sign_in.service import (
    RequestedCode,
    Use,
    exchange_code,
    forget_old_codes,
    request_code,
    spend_attempt,
    use_code,
)

__all__ = [
    "LogSender",
    "NoSender",
    "NoSenderConfigured",
    "RequestedCode",
    "Sender",
    "SignInCodeTooSoon",
    "SignInCodeWrong",
    "TooManySignInCodes",
    "Use",
    "default_sender",
    "exchange_code",
    "forget_old_codes",
    "request_code",
    "spend_attempt",
    "use_code",
]
