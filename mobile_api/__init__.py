"""Citizens' HTTP interface, `/mobile/v1`: translation only, owns no table."""
