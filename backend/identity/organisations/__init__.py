"""Organisations and what each of them is on this platform.

Holds    organisations by code, with their roles: operator, merchant, verification body, authority, enterprise, partner.
Promises a code is one organisation for good.
Ignores  what they do in these roles, and who works for them.
"""

from backend import log
from backend.identity.organisations.errors import (
    OrganisationCodeTaken,
    OrganisationMisnamed,
    OrganisationUnknown,
)
from backend.identity.organisations.service import (
    check_names,
    create_organisation,
    organisation,
    organisation_by_code,
    organisations,
)
from backend.identity.organisations.tables import Organisation, Role

log.register(log.Sealed("organisation", key=("id",)))

__all__ = [
    "Organisation",
    "OrganisationCodeTaken",
    "OrganisationMisnamed",
    "OrganisationUnknown",
    "Role",
    "check_names",
    "create_organisation",
    "organisation",
    "organisation_by_code",
    "organisations",
]
