"""Staff of the authority and of operators, made as in the tests of identity."""

from tests.identity.conftest import hire

__all__ = ["hire"]
