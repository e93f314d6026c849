"""Staff of organisations.

Holds    logins, password hashes (argon2), sealed TOTP secrets, and roles, which are some of the organisation's.
Promises a one-time code is good once; five bad attempts lock a login for 15 minutes; an unknown login, a locked
         one and a wrong password look alike.
Ignores  tokens and sessions.
"""

from backend.identity.staff.errors import (
    LoginMisnamed,
    LoginTaken,
    PasswordWeak,
    RoleNotOfOrganisation,
    SignInRefused,
    StaffUnknown,
)
from backend.identity.staff.service import (
    change_password,
    check_new,
    confirm,
    count_sign_in,
    create_staff,
    rests_on,
    seal_totp_again,
    set_active,
    sign_in,
    staff_by_login,
    staff_list,
    staff_member,
)
from backend.identity.staff.tables import NewStaff, Staff

__all__ = [
    "LoginMisnamed",
    "LoginTaken",
    "NewStaff",
    "PasswordWeak",
    "RoleNotOfOrganisation",
    "SignInRefused",
    "Staff",
    "StaffUnknown",
    "change_password",
    "check_new",
    "confirm",
    "count_sign_in",
    "create_staff",
    "rests_on",
    "seal_totp_again",
    "set_active",
    "sign_in",
    "staff_by_login",
    "staff_list",
    "staff_member",
]
