"""How staff come in over HTTP.

Holds    the endpoints of signing in and of oneself, and what a surface's `app.state.authenticate` is for staff.
Promises one kind of token for staff of every organisation, whose roles are looked up anew for each request.
Ignores  what staff may do: each surface asks for the roles that it needs.
"""

from backend.identity.staff_http.access import authenticate
from backend.identity.staff_http.endpoints import router

__all__ = ["authenticate", "router"]
