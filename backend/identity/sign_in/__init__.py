"""Citizens' sign-in by a code sent to the phone.

Holds    requested codes as keyed digests, and the ways to send them.
Promises a code is good once, for ten minutes, five attempts, for the number and request it was made for;
         the limits per number and address hold against parallel requests.
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
    exchange_code,
    forget_old_codes,
    request_code,
    spend_attempt,
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
    "default_sender",
    "exchange_code",
    "forget_old_codes",
    "request_code",
    "spend_attempt",
]
