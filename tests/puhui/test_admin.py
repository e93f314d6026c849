"""`puhui admin` gives a new deployment its first organisations, staff, programme and source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyotp
import pytest
from typer.testing import CliRunner, Result

from backend.identity import means, staff
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings
from puhui import runtime
from puhui.cli import app

PASSWORD = "correct horse battery"
OPERATOR = ["organisation", "gd-operator", "--zh", "运营方", "--en", "Operator", "--role", "operator"]
PARTNER = ["organisation", "gz-bikes", "--zh", "单车", "--en", "Bikes", "--role", "partner"]
STAFF = ["staff", "olivia", "--organisation", "gd-operator", "--role", "operator"]
SOURCE = [
    *["source", "bikes", "--programme", "gd-green-travel", "--partner", "gz-bikes"],
    *["--region", "CN-GD-GZ", "--mapping", "bike-share-distance"],
]


def admin(settings: Settings, *arguments: str, given: str = "") -> Result:
    environment = runtime.child_environment(settings)
    return CliRunner().invoke(app, ["admin", *arguments], env=environment, input=given)


def told(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, (result.output, result.exception)
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def test_from_nothing_to_a_source_whose_trips_can_be_taken_in(settings: Settings) -> None:
    assert told(admin(settings, *OPERATOR, "--json"))["roles"] == ["operator"]
    told(admin(settings, *PARTNER, "--json"))
    made = told(admin(settings, *STAFF, "--json", given=PASSWORD + "\n"))
    assert told(admin(settings, "programme", "gd-green-travel", "--json"))["operator"] == "gd-operator"
    ninth = Path(__file__).parents[1] / "programmes" / "ninth.toml"
    bare = told(admin(settings, "programme", str(ninth), "--json"))
    assert bare["unknown"] == ["earn.ride.tiers.1.points", "level.bush.count"]
    demo = str(ninth.with_name("ninth-demo.toml"))
    settled = told(admin(settings, "programme", str(ninth), "--overlay", demo, "--json"))
    assert settled["unknown"] == []
    assert settled["set_by_overlay"]["level.bush.count"] == "zs-green-way-demo"
    first = told(admin(settings, *SOURCE, "--json"))
    assert told(admin(settings, *SOURCE, "--json")) == first

    async def sign_in() -> staff.Staff:
        totp = pyotp.parse_uri(made["totp_uri"])
        assert isinstance(totp, pyotp.TOTP)
        db = Database(settings)
        try:
            async with db.transaction() as session:
                return await staff.sign_in(
                    session, settings.keys, login="olivia", password=PASSWORD, totp=totp.at(clock.now())
                )
        finally:
            await db.close()

    assert runtime.run(sign_in()).login == "olivia"
    assert told(admin(settings, "suspend", "olivia", "--json")) == {"login": "olivia", "active": False}
    with pytest.raises(staff.SignInRefused):
        runtime.run(sign_in())


def test_a_link_code_is_the_one_that_linking_takes(settings: Settings) -> None:
    made = told(
        admin(settings, "link-code", "42", "--operator", "gz-bikes", "--kind", "bike_account", "--json")
    )
    day = clock.today()
    right = means.link_code(settings.keys, kind="bike_account", operator="gz-bikes", number="42", day=day)
    assert made == {"code": right, "day": day.isoformat()}


@pytest.mark.parametrize(
    ("arguments", "given", "code"),
    [
        (OPERATOR, "", "identity.organisation_code_taken"),
        (["staff", "otto", *STAFF[2:]], "short\n", "identity.password_weak"),
        (["staff", "otto", *STAFF[2:-1], "authority"], PASSWORD, "identity.role_not_of_organisation"),
        ([*SOURCE[:5], "nobody", *SOURCE[6:]], "", "identity.organisation_unknown"),
        (["programme", "no-such-pack"], "", "packs.not_found"),
        (["suspend", "nobody"], "", "identity.staff_unknown"),
    ],
)
def test_refusals_have_their_code(settings: Settings, arguments: list[str], given: str, code: str) -> None:
    admin(settings, *OPERATOR)  # whichever test runs first
    refused = admin(settings, *arguments, given=given)
    assert getattr(refused.exception, "code", None) == code, refused.output
    assert PASSWORD not in refused.output


def test_a_role_that_does_not_exist_is_named_with_those_that_do(settings: Settings) -> None:
    refused = admin(settings, *OPERATOR[:-1], "king")
    assert refused.exit_code == 2
    assert "operator" in refused.output
