"""What must always hold. Importing this imports every noun, so that all sealed tables are registered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from backend import certification, log
from backend.certification import checks as batches
from backend.certification import recounted, stated
from backend.certification.shortfalls import checks as shortfalls
from backend.engagement import spent
from backend.engagement.campaigns import checks as campaigns
from backend.engagement.causes import checks as causes
from backend.engagement.circle import checks as circle
from backend.engagement.collecting import checks as collecting
from backend.engagement.events import checks as events
from backend.engagement.feed import checks as feed
from backend.engagement.following import checks as followed
from backend.engagement.lotteries import checks as lotteries
from backend.engagement.news import checks as news
from backend.engagement.planting import checks as trees
from backend.engagement.referrals import checks as referrals
from backend.engagement.rewards import checks as rewards
from backend.engagement.tasks import checks as tasks
from backend.engagement.teams import checks as teams
from backend.footprint import checks as footprints
from backend.identity import admission, partners
from backend.identity.approvals import checks as approvals
from backend.identity.means import checks as means
from backend.identity.members import checks as members
from backend.identity.partners import checks as signing
from backend.intake import capped, funded, home_checks, posted, recomputed, retention
from backend.intake import checks as intake
from backend.intake.fingerprints import checks as fingerprints
from backend.intake.holding import checks as holding
from backend.intake.releasing import checks as leaving_pools
from backend.intake.uploads import checks as sent
from backend.kit.checks import Checked
from backend.kit.settings import Settings
from backend.ledger import checks as ledger
from backend.ledger import serial_checks
from backend.methodologies import FILING
from backend.methodologies import checks as methodologies
from backend.packs import checks as packs
from backend.programmes import awarded, closed_checks, joined_checks, money_checks, part_checks
from backend.programmes import checks as programmes
from backend.programmes.payouts import PAYOUT
from backend.transparency import checks as transparency
from merchant import onboarding, settlement
from merchant.budgets import checks as budgets_of_offers
from merchant.catalogue import checks as offers
from merchant.contracts import CONTRACT
from merchant.contracts import checks as contracts
from merchant.coupons import checks as coupons
from merchant.images import checks as images
from merchant.onboarding import checks as applications
from merchant.redemption import checks as redemptions
from merchant.settlement import checks as settled
from merchant.shops import checks as shops
from merchant.suspension import checks as suspensions
from merchant.vouchers import checks as vouchers
from offset_bridge import registry, surrender
from offset_bridge.bridge import checks as bridge
from offset_bridge.cash import checks as cash
from offset_bridge.credits import checks as credits_
from offset_bridge.market import checks as market
from offset_bridge.registry import checks as registered
from offset_bridge.surrender import checks as surrendered
from puhui.audit import runs

ACT_KINDS = (
    FILING,
    *certification.KINDS,
    *admission.KINDS,
    *partners.KINDS,
    *registry.KINDS,
    *surrender.KINDS,
    PAYOUT,
    CONTRACT,
    onboarding.ADMISSION,
    *settlement.KINDS,
)


@dataclass(frozen=True)
class Invariant:
    """One thing that must hold: its name, what it says in both languages, and how it is asked."""

    name: str
    zh: str
    en: str
    check: Callable[[AsyncSession, Settings], Awaitable[Checked]]


def _rows(
    check: Callable[[AsyncSession], Awaitable[Checked]],
) -> Callable[[AsyncSession, Settings], Awaitable[Checked]]:
    async def asked(session: AsyncSession, _settings: Settings) -> Checked:
        return await check(session)

    return asked


async def _acts_of_two(session: AsyncSession, _settings: Settings) -> Checked:
    return await approvals.acts(session, kinds=ACT_KINDS)


async def _log(session: AsyncSession, settings: Settings) -> Checked:
    checked = Checked(rows=await log.size(session))
    checked.add(await log.verify_log(session, settings=settings))
    return checked


async def _seals(session: AsyncSession, _settings: Settings) -> Checked:
    checked = Checked(rows=sum(part.sealed for part in await log.coverage(session)))
    checked.add(await log.verify_seals(session))
    return checked


async def _coverage(session: AsyncSession, _settings: Settings) -> Checked:
    checked = Checked(rows=len(log.registered()))
    checked.add(await log.verify_coverage(session))
    return checked


INVARIANTS: tuple[Invariant, ...] = (
    Invariant("ledger.balances", "借贷相等，余额等于划转之和且不越限", "Debits equal credits; balances are the sums of their transfers, within their guards", _rows(ledger.balances)),
    Invariant("ledger.checkpoints", "检查点等于其前划转之和", "Checkpoints are the sums before them", _rows(ledger.checkpoints)),
    Invariant("ledger.transfers", "每笔划转有两个同单位账户，且为科目表所许", "Each transfer names two accounts of its unit, as the chart allows", _rows(ledger.transfers)),
    Invariant("ledger.resolutions", "冲正为原记账的镜像且仅一次，扣款为冻结的全部且仅一次", "Reversals mirror, captures take the whole hold; each happens once", _rows(ledger.resolutions)),
    Invariant("ledger.accounts", "账户种类、单位、限制与到期日同其代码", "Accounts are what their codes say", _rows(ledger.accounts)),
    Invariant("ledger.serials", "每个编号恰有一个持有者，即其历次移动所至", "Every serial number has one holder, where its movements led", _rows(serial_checks.serials)),
    Invariant("ledger.chart", "所存科目表即程序所附", "The stored chart of accounts is the shipped one", _rows(ledger.chart_tables)),
    Invariant("actions.once", "一次行为全平台只认领一次，键合其日", "An act is accepted once, under a key of its day", _rows(intake.claims)),
    Invariant("actions.holders", "记入者当时持有介质；入池者当时已委托权益", "Who is credited held the means; pooled grams had the right assigned", _rows(intake.holders)),
    Invariant("actions.recomputed", "克数与积分按所记方法与计划重算一致", "Grams and points are what method and programme yield again", _rows(recomputed.grams_and_points)),
    Invariant("caps.kept", "积分不超过计划的每日、每月上限；只在达到上限时扣减", "Points stay within the caps of the programme; what caps took, they had to take", _rows(capped.caps)),
    Invariant("budgets.kept", "发放不超过计划预算减去底限；只在余额不足时少发", "No more is given than budgets allow; what acts went without was not there", _rows(funded.budgets)),
    Invariant("benefits.accounted", "每一分补贴都有着落；支付批次经两人放行，与过账一致", "Every fen of benefits is somewhere; payouts are what two people signed and what was posted", _rows(money_checks.money)),
    Invariant("chunks.add_up", "数据块的各项计数与其行为一致", "Chunks count what they brought", _rows(intake.chunks)),
    Invariant("places.forgotten", "起终点与设备在保留期后删除", "Places are gone once their retention is over", _rows(retention.places)),
    Invariant("home.kept", "首页留存的合计与行为一致", "Sums that the first page keeps are what the acts come to", _rows(home_checks.kept)),
    Invariant("held.decided", "待处理数据各在其数据块中，至多决定一次，合于规则或出自运营方，并成为该行为", "Held rows are decided once at most, as the rule says or by the operator, and become what they said", _rows(holding.decided)),
    Invariant("acts.withdrawn", "行为因更正、决定或申诉而撤销，积分与克数如数收回", "Acts are withdrawn for a correction, decision or appeal, and their points and grams went back", _rows(holding.withdrawn)),
    Invariant("rights.taken_back", "收回权益后，未冻结的克数如数出池，批次不再取走", "Grams whose right was taken back before a batch took them left their pool, to the gram", _rows(leaving_pools.released)),
    Invariant("programmes.left", "退出计划期间没有计入本人的行为", "Whoever left a programme has no act of the time when they were out of it", _rows(part_checks.parts)),
    Invariant("acts.revised", "每个认领至多一条有效记录，修订之键合其序号", "One act at most stands for a claim; revisions stand under their own keys", holding.revised),
    Invariant("appeals.answered", "申诉为本人行为而提，由运营方答复，支持者成为该行为", "Appeals are about one's own acts; the operator answers, and what is upheld became that act", _rows(holding.appealed)),
    Invariant("exchanges.noted", "与其他平台的比对记录其外部申报，由运营方人员决定，判归他方者不再计入", "Comparisons noted the external claims they say; the operator decides, and what is theirs counts no more", _rows(fingerprints.exchanges)),
    Invariant("points.posted", "过账积分等于各人行为的积分", "Points posted are those of each participant's actions", _rows(posted.points)),
    Invariant("grams.posted", "计量克数等于入池与不入池之和；非演示池均有备案", "Grams measured are pooled or uncredited; pools rest on filed methodologies", _rows(posted.grams)),
    Invariant("points.identity", "发放积分各有去处，应付等于扣款减退款与结算", "Every point issued is somewhere; merchants are owed what was captured", _rows(programmes.points)),
    Invariant("offers.own", "商品、补货与下架均出自本商户人员", "Offers, restocks and withdrawals come from staff of their merchant", _rows(offers.offers)),
    Invariant("offers.reviewed", "商品由本商户起草，由他人审核上架；条款与门店合规", "Offers are drafted by their merchant and published by somebody else; their terms and shops are sound", _rows(offers.reviewed)),
    Invariant("budgets.kept", "兑换预算的已用数等于各兑换所占，且不超预算", "What is used of a budget of offers is what redemptions took, and no more than it has", _rows(budgets_of_offers.kept)),
    Invariant("vouchers.used", "代金券按商品所定发放，至多使用一次，且不会既用又退", "A voucher is what its offer said, is used at most once by its merchant, and never used and given back", _rows(vouchers.used)),
    Invariant("coupons.given", "一个券码至多发给一笔兑换，每笔已核销的券码兑换有一个券码", "A code is given to one redemption at most, and each captured redemption of a coupon has one", _rows(coupons.coupons)),
    Invariant("offers.images", "图片与其摘要相符，由本商户人员在提交审核前增删", "Pictures are what their names say; staff of the offer's merchant change them while it is a draft", _rows(images.images)),
    Invariant("merchants.admitted", "商户入驻均经两人同意其所交材料，一码一户", "Merchants were admitted by two people on what they handed in, one for each credit code", _rows(applications.admitted)),
    Invariant("shops.own", "门店属于商户，其信息逐版出自本商户人员", "Shops are a merchant's, and what is said of them comes from its staff", _rows(shops.shops)),
    Invariant("merchants.suspended", "暂停与恢复由运营方不同的人作出，暂停期间无核销", "Suspensions come from the operator, another person lets go on, and nothing is captured meanwhile", _rows(suspensions.suspended)),
    Invariant("redemptions.held", "兑换按商品价格冻结积分，此外无冻结", "Redemptions hold their offer's price from the citizen's lots; nothing else is held", _rows(redemptions.held)),
    Invariant("redemptions.ended", "兑换只结束一次，与账本、兑换码及商户一致", "Redemptions end once, as ledger, codes and merchant have it", _rows(redemptions.ends)),
    Invariant("redemptions.asked", "收银台只询问须确认者，答复及时，确认即核销", "Tills ask about what has to be confirmed; answers are in time, and a yes is the capture", _rows(redemptions.asked)),
    Invariant("redemptions.parts", "部分退还合计不超过核销，退回原批次", "Parts are within what was captured and go to the lots that were drawn", _rows(redemptions.parts)),
    Invariant("redemptions.codes", "兑换存续至其最后的码；每人限兑次数有效", "Redemptions stand as long as their last code; limits per citizen hold", _rows(redemptions.codes)),
    Invariant("contracts.agreed", "合同版本即两人所同意，前后相接", "Contracts are what two people agreed to, edition by edition", _rows(contracts.agreed)),
    Invariant("captures.worth", "每笔核销与退还的价值及出资按当时合同版本确定", "Captures are worth what the edition in force says; refunds take back their part of it", _rows(settled.values)),
    Invariant("statements.closed", "结算单经两人关账，每笔核销与退还恰入一期，合计与各行相符", "Statements are what two people closed, have each capture and refund once, and are the sum of their lines", _rows(settled.closed)),
    Invariant("statements.paid", "付款经两人放行，每单至多付一次，与过账一致", "Payouts are what two people let go; the ledger settled what was paid, and nothing else", _rows(settled.paid)),
    Invariant("statements.owed", "应付积分等于未付结算单与未结明细之和", "What is owed in points is the sum of the statements not paid and of what is open", _rows(settled.owed)),
    Invariant("offers.stock", "余量等于上货减去冻结与核销", "What is left is what was put up less what is held and captured", _rows(redemptions.stock)),
    Invariant("means.ended", "挂失或更换的载体不再被持有,更换者为同一持有人的另一载体", "What was lost or replaced is held no more; what took its place is another one of the same holder", _rows(means.ended)),
    Invariant("means.takeovers", "转移在异议期满且无异议,或经裁定后完成,前一持有随之终止", "What was taken over passed after the week without objection, or as a person decided, and its holder's holding ended", _rows(means.takeovers)),
    Invariant("members.acts", "代家庭与企业行事者为当时有权变更的成员", "What was done for a household or a firm was done by a member of that time who may do more than see", _rows(members.acted)),
    Invariant("members.firms", "企业代码由当时的管理成员申报,核对在后,每家企业一个账户", "Firms were said by a manager of that time and checked later; one firm has one account", _rows(members.firms)),
    Invariant("members.let_in", "家庭与企业的成员由当时的管理成员准入,每人一次;代为行事者均为成员", "Members of households and firms were let in by a manager, once; who acts for one is in it", _rows(members.membership)),
    Invariant("accounts.joined", "并入他户的账户不能再登录或持有价值,其所有逐项转入同一人的账户", "An account that ended in another has no way in and holds nothing; what it had went to the same lots there", _rows(joined_checks.accounts)),
    Invariant("accounts.closed", "已注销账户不再持有价值，也不再指向任何人", "A closed account holds nothing and leads to nobody; what it had was given up", _rows(closed_checks.accounts)),
    Invariant("programmes.apart", "积分与克数不跨计划", "No point or gram passes between programmes", _rows(programmes.within_programmes)),
    Invariant("programmes.redeeming", "兑换规则即规则包与叠加包所载", "What verbs are told of redeeming is what pack and overlays say", _rows(programmes.redeeming_rows)),
    Invariant("programmes.packs", "计划按自己的规则包运行", "Programmes run by packs of their own", _rows(programmes.packs_used)),
    Invariant("packs.texts", "用过的规则包全文按指纹存档", "Each used pack is stored whole by its fingerprint", _rows(packs.texts)),
    Invariant("methods.recoverable", "所记方法均可由存档重建", "Each recorded method can be built again", _rows(methodologies.methods)),
    Invariant("batches.acts", "每次行为至多在一个批次中，且入的是该批次的池", "An act is in one batch at most, of the pool that its grams went to", _rows(batches.acts)),
    Invariant("batches.grams", "批次的克数与吨数按其所载过账，此外无过账", "Batches moved grams and tonnes as they say, and nothing else did", _rows(batches.grams)),
    Invariant("batches.trees", "摘要、两棵树的根与合计、所存节点均可由行为与核查发现重新得出", "Digests, both roots, sums and stored nodes follow from acts and findings", recounted.trees_again),
    Invariant("batches.reports", "监测报告即批次所成，经运营方两人确认", "Monitoring reports are what their batches give; two people of the operator certified them", _rows(stated.reports)),
    Invariant("batches.verified", "抽样、核查发现与声明出自被指派的独立机构，且可重新得出", "Samples, findings and statements are by the assigned, independent body, and come out again", _rows(stated.verification)),
    Invariant("batches.issued", "签发经主管部门两名独立人员同意，吨数与结转相合，依据已备案的方法学或为演示", "Two independent people of the authority agreed to each issuance; it adds up and rests on filings, or is a demonstration", _rows(stated.issuances)),
    Invariant("batches.logged", "冻结、确认、核查与签发均如实载入日志", "Freezing, certification, verification and issuance are in the log as they are", _rows(stated.logged)),
    Invariant("withdrawn.made_good", "已核证后撤回的每一克均有记录，只补足一次，否则仍为欠量", "Each gram withdrawn after it was certified is noted, and made good once or still owed", _rows(shortfalls.made_good)),
    Invariant("withdrawn.cancelled", "强制注销与所欠的整吨数、过账及日志一致", "Compulsory cancellations are what was owed in whole tonnes, as posted and logged", _rows(shortfalls.cancellations)),
    Invariant("circle.profiles", "展示同意前后相承，离开者不再展示", "People say one thing after another about being shown; nobody who left is shown", _rows(circle.profiles)),
    Invariant("circle.friends", "好友由邀请而成，双方当时均同意展示，由其一结束", "Friends became so by an invitation, both shown then; one of them ended it", _rows(circle.friends)),
    Invariant("teams.membership", "队伍成员前后相承，一人同时只在一队", "People join, lead and leave one team at a time, in order", _rows(teams.membership)),
    Invariant("feed.posts", "动态与点赞出自已同意展示者，隐藏者为运营方且说明理由", "Posts and likes are of people who were shown; the operator hides for a reason", _rows(feed.posts)),
    Invariant("news.published", "资讯由该计划运营方发布与撤回", "News is published and withdrawn by the programme's operator", _rows(news.published)),
    Invariant("bridge.steps", "过桥的每一步接续前一步，记账与日志与之一致", "Bridge transfers go step by step, each posted and logged as it is", _rows(bridge.steps)),
    Invariant("credits.across", "每吨减排量在签发簿与各市场簿中恰计一次", "Every credit counts once, over the book that issued it and the markets' books", _rows(bridge.across)),
    Invariant("credits.holders", "减排量的转让与注销与记账、日志一致", "Credits pass on and are cancelled as recorded and logged", _rows(credits_.passed_on_and_given_up)),
    Invariant("market.sales", "协议转让的单位与资金与记录一致，预留即未了结的要约", "Agreed sales move units and money as recorded; what is set aside is on offer", _rows(market.sales)),
    Invariant("registry.agreed", "登记簿的性质、核定数据、规则与发放即两人所批准，且已入日志", "A registry's mode, figures, rules and grants are what two people agreed to, and are in the log", _rows(registered.agreed)),
    Invariant("registry.accounts", "市场账户属于其机构，无账户者不持有单位", "Accounts in a market are of their organisations; nobody else holds units there", _rows(registered.accounts)),
    Invariant("units.lots", "市场簿中每个编号所指唯一", "Every number in a market's book is of exactly one lot", _rows(registered.lots)),
    Invariant("surrender.decided", "每次提交、清缴与重新计算可再次得出，且不越上限、总量与应清缴量", "Each pledge, surrender and recount comes out the same again, within cap, pool and obligation", _rows(surrendered.decisions)),
    Invariant("surrender.moved", "单位按提交、撤回、清缴与注销移动，清缴或注销后不再移动", "Units move as pledged, released, surrendered and cancelled, and never again after the last two", _rows(surrendered.moves)),
    Invariant("cash.recorded", "资金进出与记录一致", "Money comes and goes as recorded", _rows(cash.recorded)),
    Invariant("acts.two_people", "双人事项由不同的两人提出与决定", "Two different people stand behind each two-person act", _acts_of_two),
    Invariant("uploads.jobs", "合作方文件出自其来源与密钥，至多由一个任务接入，步骤前后相承", "Partners' files come from their senders; one job at most takes each in, step by step to what it names", _rows(sent.uploads)),
    Invariant("partners.keys", "合作方密钥即其两人所同意，前后相承，同时至多两个有效", "Partners' keys are what two of their people agreed to, follow each other, and are never good three at once", _rows(signing.keys)),
    Invariant("filings.as_agreed", "备案即两人所批准，且已入日志", "Filings are what two people agreed to, and are in the log", _rows(methodologies.filings)),
    Invariant("seals.rows", "已封存的行未被更改", "Sealed rows are as they were written", _seals),
    Invariant("seals.tables", "应封存的表均已登记", "Every table that should be sealed is", _coverage),
    Invariant("audits.recorded", "审计记录均为平台所写", "Recorded audits are as the platform wrote them", runs.genuine),
    Invariant("log.consistent", "日志条目、节点、树头与签名一致", "The log's entries, nodes, heads and signatures agree", _log),
    Invariant("footprints.recomputed", "个人足迹可按所存规则包重算，更正与撤回均属本人", "Footprints come out the same again; what corrects or takes back is of one's own", _rows(footprints.recomputed)),
    Invariant("footprints.apart", "个人足迹不入账本、减排量池、行为与批次", "Nothing of a footprint is in the ledger, a pool, an act or a batch", _rows(footprints.apart)),
    Invariant("points.spent", "支用的积分各有所归:领取、参加或报名,应退者如数退回", "Points are spent on grants, entries and sign-ups as they say, and go back where those ended so", _rows(spent.points)),
    Invariant("points.waiting", "待收取的积分只在成熟后、最后收取日前由本人或有记录的好友收取,其后过期", "Points that wait are collected in their time, by their owner or a friend of whom a row tells, and lapse after it", _rows(collecting.waiting)),
    Invariant("collecting.taken", "好友收取之数与账本一致,不超过份额与上限", "What friends took is in the ledger, within the share and their limits", _rows(collecting.taken)),
    Invariant("causes.handed", "公益移交由运营方登记，更正与原记录相符，且不超过受赠积分", "Hand-overs to causes come from the operator, are taken back exactly, and are no more than was given", _rows(causes.handed)),
    Invariant("rewards.granted", "奖励按当时的规则包计价、编号,不超过库存与每人次数", "Grants are numbered, at the price of the pack of that moment, within stock and limit", _rows(rewards.granted)),
    Invariant("lotteries.drawn", "抽奖依次承诺、参加、截止、公开,开奖可由日志重算", "Lotteries are committed, entered, closed and revealed in order, and drawn as the log gives it again", _rows(lotteries.drawn)),
    Invariant("trees.planted", "植树订单只移交一次、种植一次,实体树均由所指合作方报告", "Orders of trees are handed over and planted once, really only where their partner reported it", _rows(trees.planted)),
    Invariant("events.attended", "席位依报名次序,每人一席,签到码为当时所示,所得即活动所定", "Seats go in the order of signing up, once a person; checking in had a good code and earned the award", _rows(events.attended)),
    Invariant("acts.followed", "逐日汇总与有效行为一致", "Days are what the acts that stand amount to, as far as they were followed", _rows(followed.days)),
    Invariant("awards.given", "奖励按所述过账,各有所因,收回不超过所给", "Awards are posted as they say, for something, and no more is taken back than was given", _rows(awarded.awards)),
    Invariant("tasks.finished", "任务按当时条件由有效行为完成,每期奖励一次,行为撤销则收回", "Finished tasks are done by the terms of their time; what acts no longer carry is undone and taken back", _rows(tasks.finished)),
    Invariant("campaigns.granted", "活动加赠合于倍数与行为次序,预算分毫不超,撤销则退回", "Campaigns give what multiplier and order of acts say, never more than their budget, and get back what is withdrawn", _rows(campaigns.granted)),
    Invariant("referrals.rewarded", "邀请非自邀互邀,新用户确有行为方予奖励,不超次数", "Referrals are of others, rewarded while the newcomer's acts stand, at most so often", _rows(referrals.rewarded)),
    Invariant("transparency.follows", "公开的即日志所载，日志所述之事均可能发生", "What is told to the public is what the log says, and the log tells what can be", _rows(transparency.as_the_log_says)),
)  # fmt: skip
