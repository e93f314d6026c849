"""Staff's HTTP interface, `/operator/v1`: translation only, owns no table."""
