"""Access tokens and the sessions they belong to.

Holds    sessions, and the digests of their refresh tokens; access tokens are signed and not stored.
Promises a token is good for one surface; a refresh token gives one next pair, and using it twice, or from another
         device than the session's, ends the session;
         an ended session refuses its access tokens where `check_session` is asked.
Ignores  how someone showed who they are, and what they may do.
"""

from backend.identity.tokens.access import ACCESS_LASTS, Audience, Bearer, sign_access, verify_access
from backend.identity.tokens.errors import TokenRefused
from backend.identity.tokens.service import (
    Session,
    TokenPair,
    check_session,
    check_session_hot,
    end_acting,
    end_session,
    end_sessions_of,
    end_sessions_on,
    forget_ended,
    refresh,
    sessions_of,
    start_session,
)

__all__ = [
    "ACCESS_LASTS",
    "Audience",
    "Bearer",
    "Session",
    "TokenPair",
    "TokenRefused",
    "check_session",
    "check_session_hot",
    "end_acting",
    "end_session",
    "end_sessions_of",
    "end_sessions_on",
    "forget_ended",
    "refresh",
    "sessions_of",
    "sign_access",
    "start_session",
    "verify_access",
]
