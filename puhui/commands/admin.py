"""`puhui admin`: the machine's owner makes the first organisations and staff, and what partners need."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from backend.identity import Role
    from backend.kit.settings import Settings

T = TypeVar("T")

Json = Annotated[bool, typer.Option("--json", help="输出 JSON · print JSON")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True)
    group.command("organisation", help="新建机构 · create an organisation")(organisation)
    group.command("staff", help="新建人员并显示一次 TOTP 密钥 · create a member of staff")(staff)
    group.command("suspend", help="停用人员 · keep a member of staff out")(suspend)
    group.command("programme", help="按规则包运行计划 · let a programme run by a pack")(programme)
    group.command("source", help="登记数据来源 · register a partner's feed")(source)
    group.command("link-code", help="生成绑定码 · make the code that proves holding a number")(link_code)
    app.add_typer(
        group,
        name="admin",
        help="管理机构、人员与数据来源 · organisations, staff and sources",
    )


def organisation(
    code: Annotated[str, typer.Argument(help="机构代码 · lower-case letters, digits, hyphens")],
    *,
    zh: Annotated[str, typer.Option(help="中文名 · the name in Chinese")],
    en: Annotated[str, typer.Option(help="英文名 · the name in English")],
    role: Annotated[
        list[str],
        typer.Option(
            help="角色，可重复 · operator, merchant, verification_body, authority, enterprise, partner"
        ),
    ],
    as_json: Json = False,
) -> None:
    """Create an organisation. Over HTTP the same takes two people; this command is for whoever owns the machine."""
    from backend.identity import organisations

    roles = _roles(role)

    async def work(session: AsyncSession, _settings: Settings) -> organisations.Organisation:
        return await organisations.create_organisation(
            session, code=code, name_zh=zh, name_en=en, roles=roles
        )

    made = _run(work)
    _told({"id": made.id, "code": made.code, "roles": sorted(made.roles)}, as_json=as_json)


def staff(
    login: Annotated[str, typer.Argument(help="登录名 · the login")],
    *,
    organisation: Annotated[str, typer.Option(help="机构代码 · the organisation's code")],
    role: Annotated[list[str], typer.Option(help="角色，可重复 · some of the organisation's roles")],
    as_json: Json = False,
) -> None:
    """Create a member of staff. The password is asked for, or read as one line from a pipe; the TOTP secret is
    shown once.
    """
    from backend.identity import staff as people

    roles, password = _roles(role), _password()

    async def work(session: AsyncSession, settings: Settings) -> people.NewStaff:
        return await people.create_staff(
            session,
            settings.keys,
            organisation_code=organisation,
            login=login,
            password=password,
            roles=roles,
            issuer=settings.issuer,
        )

    made = _run(work)
    _told({"id": made.staff.id, "login": made.staff.login, "totp_uri": made.totp_uri}, as_json=as_json)


def suspend(
    login: Annotated[str, typer.Argument(help="登录名 · the login")], *, as_json: Json = False
) -> None:
    """Keep a member of staff out from the next request on, and end their sessions."""
    from backend.identity import staff as people
    from backend.identity import tokens

    async def work(session: AsyncSession, _settings: Settings) -> people.Staff:
        found = await people.staff_by_login(session, login=login)
        await people.set_active(session, staff_id=found.id, active=False)
        await tokens.end_sessions_of(session, subject=found.id, because="suspended")
        return found

    _told({"login": _run(work).login, "active": False}, as_json=as_json)


def programme(
    pack: Annotated[
        str, typer.Argument(help="计划规则包，编号或文件 · the programme's pack, by id or as a file")
    ],
    *,
    overlay: Annotated[
        list[str] | None,
        typer.Option(
            help="叠加包，编号或文件，可重复；不写则保留现行的 · overlays; those it runs by stay where left out"
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Let a programme run by a pack and its overlays, from now on; tell which figures are still unknown."""
    from backend import programmes
    from puhui.commands.packs_simulate import find

    found = find(pack)
    overlays = None if overlay is None else [find(name) for name in overlay]

    async def work(session: AsyncSession, _settings: Settings) -> programmes.Registered:
        return await programmes.register(session, pack=found, overlays=overlays)

    made = _run(work)
    told: dict[str, object] = {
        "code": made.code,
        "operator": made.operator_code,
        "pack_sha256": made.pack.sha256,
        "set_by_overlay": dict(made.pack.features.overlays),
        "unknown": list(made.unknown),
    }
    _told(told, as_json=as_json)


def source(
    code: Annotated[str, typer.Argument(help="来源代码 · the source's code")],
    *,
    programme: Annotated[str, typer.Option(help="计划代码 · the programme's code")],
    partner: Annotated[str, typer.Option(help="合作方机构代码 · the partner's code")],
    region: Annotated[str, typer.Option(help="地区 · for example CN-GD-SZ")],
    mapping: Annotated[str, typer.Option(help="映射规则包 · the id of the mapping pack")],
    evidence: Annotated[
        str, typer.Option(help="证据等级 · operator_feed, receipt_upload or self_report")
    ] = "operator_feed",
    overlay: Annotated[list[str] | None, typer.Option(help="叠加包，可重复 · overlay packs")] = None,
    covered_boundary: Annotated[
        bool, typer.Option("--covered-boundary", help="位于碳市场覆盖边界内 · inside a covered boundary")
    ] = False,
    as_json: Json = False,
) -> None:
    """Register a feed of a partner into a programme. The same facts again change nothing."""
    from backend import intake, packs, programmes
    from backend.identity import organisations

    overlays = tuple(overlay or ())
    library = packs.load_all()
    for name in (mapping, *overlays):
        library.find(name)
    feed = intake.Source(
        code=code,
        programme=programme,
        partner=partner,
        region=region,
        evidence=evidence,
        mapping=mapping,
        overlays=overlays,
        covered_boundary=covered_boundary,
    )

    async def work(session: AsyncSession, _settings: Settings) -> intake.Source:
        await organisations.organisation_by_code(session, code=partner)
        running = await programmes.programme_of(session, code=programme)
        return await intake.register_source(session, feed, programme_id=running.id)

    made = _run(work)
    _told({"code": made.code, "programme": made.programme, "partner": made.partner}, as_json=as_json)


def link_code(
    number: Annotated[str, typer.Argument(help="卡号或账户号 · the number")],
    *,
    operator: Annotated[str, typer.Option(help="运营方机构代码 · the operator's code")],
    kind: Annotated[str, typer.Option(help="种类 · card, bike_account, meter …")] = "card",
    as_json: Json = False,
) -> None:
    """Make the 8 digits by which the holder of a number can link it, today and tomorrow (Asia/Shanghai)."""
    from backend.identity import means
    from backend.kit import clock
    from puhui import runtime

    day = clock.today()
    code = means.link_code(runtime.load_settings().keys, kind=kind, operator=operator, number=number, day=day)
    _told({"code": code, "day": day}, as_json=as_json)


def _run(work: Callable[[AsyncSession, Settings], Awaitable[T]]) -> T:
    """Do the work in one transaction of the platform that the settings point at."""
    from puhui import runtime

    async def in_transaction(settings: Settings) -> T:
        async with runtime.database(settings) as db, db.transaction() as session:
            return await work(session, settings)

    with runtime.platform() as settings:
        return runtime.run(in_transaction(settings))


def _roles(names: list[str]) -> list[Role]:
    from backend.identity import Role

    known = {role.value for role in Role}
    for name in names:
        if name not in known:
            raise typer.BadParameter(f"{name}: {', '.join(sorted(known))}", param_hint="--role")
    return [Role(name) for name in names]


def _password() -> str:
    if sys.stdin.isatty():
        asked: str = typer.prompt("密码 · password", hide_input=True, confirmation_prompt=True)
        return asked
    return sys.stdin.readline().rstrip("\r\n")


def _told(facts: dict[str, object], *, as_json: bool) -> None:
    from puhui import console

    if as_json:
        console.print_json(facts)
        return
    for name, value in facts.items():
        shown = ", ".join(value) if isinstance(value, list) else value
        console.out.print(f"{name}: {shown}", markup=False, soft_wrap=True)
