"""A programme of format 2 in one text, with some figures unknown, and an overlay that sets them."""

from __future__ import annotations

from backend import packs
from backend.packs import Pack

PROGRAMME = """
kind   = "programme"
format = 2

[pack]
id           = "two-nine"
version      = "1.0.0"
title_zh     = "格式二的例子"
title_en     = "An example of format 2"
jurisdiction = "CN-GD"
operator     = "two-nine-operator"
sample       = true
status       = "demo"
official     = false

[acts]
from   = 2024-01-01
until  = 2026-12-31
source = "programme policy"

[certification]
project = "two-nine"
source  = "programme policy"

[switches]
earning      = true
levels       = true
tasks        = true
achievements = true
campaigns    = true
referral     = true
planting     = true
collecting   = true
leaderboards = true
lotteries    = true
news         = true

[points]
unit_zh    = "分"
unit_en    = "point"
expiry     = "calendar"
expires_on = "12-31"
years      = 1
source     = "programme policy"

[[evidence]]
tier   = "operator_feed"
weight = "1"
source = "programme policy"

[[evidence]]
tier   = "self_report"
weight = "unknown"
source = "programme policy"

[[season]]
id       = "spring"
title_zh = "春季"
title_en = "Spring"
first    = 2024-03-01
last     = 2024-05-31

[[earn]]
id          = "bike"
methodology = "cn-shared-bike-km"
activity    = "cycling"
per         = "gram"
points      = "1/10"
seasons     = ["spring"]
source      = "programme policy"

[[earn]]
id          = "bus"
methodology = "bj-bus-act"
activity    = "bus"
per         = "act"
points      = "unknown"
source      = "programme policy"

[[earn]]
id          = "steps"
methodology = "wh-walking-step"
activity    = "walking"
per         = "tier"
input       = "steps"
tiers       = [{ at_least = "5000", points = "1" }, { at_least = "10000", points = "2" }]
source      = "programme policy"

[budget]
amount = "1000000"
floor  = 1000
per    = "year"
source = "programme policy"

[claim]
ripens_after_days    = 1
collect_within_hours = 72
by                   = "citizen"
source               = "programme policy"

[sharing]
share           = "unknown"
most_per_friend = "3"
most_per_day    = "10"
source          = "programme policy"

[[level]]
id       = "leaf"
title_zh = "叶"
title_en = "Leaf"
of       = "points"
count    = "10"
source   = "programme policy"

[[level]]
id       = "tree"
title_zh = "树"
title_en = "Tree"
of       = "leaf"
count    = "4"
source   = "programme policy"

[[level]]
id       = "forest"
title_zh = "林"
title_en = "Forest"
of       = "tree"
count    = "unknown"
source   = "programme policy"

[[task]]
id         = "five-rides"
title_zh   = "骑行五次"
title_en   = "Five rides"
measure    = "acts"
count      = "5"
period     = "week"
activities = ["cycling"]
points     = "20"
source     = "programme policy"

[[achievement]]
id       = "first-act"
title_zh = "第一次"
title_en = "The first act"
measure  = "acts"
count    = "1"
source   = "programme policy"

[referral]
after_acts  = 3
within_days = 30
to_referrer = "10"
to_referred = "5"
most        = 10
source      = "programme policy"

[[campaign]]
id         = "double-may"
title_zh   = "五月双倍"
title_en   = "Double May"
first      = 2024-05-01
last       = 2024-05-31
multiplier = "2"
budget     = "10000"
source     = "programme policy"

[[merchant]]
id      = "teahouse"
name_zh = "茶馆"
name_en = "Teahouse"

[[reward]]
id       = "tea"
kind     = "goods"
title_zh = "一杯茶"
title_en = "A cup of tea"
price    = "30"
merchant = "teahouse"
source   = "programme policy"

[[reward]]
id       = "draw"
kind     = "lottery"
title_zh = "抽奖"
title_en = "Draw"
price    = "5"
prizes   = [{ id = "bike", title_zh = "单车", title_en = "Bike", count = 1 }]
source   = "programme policy"

[[reward]]
id         = "pine"
kind       = "planting"
title_zh   = "种树"
title_en   = "Plant a tree"
price      = "1000"
partner    = "green-foundation"
species_zh = "樟子松"
species_en = "Mongolian pine"
region     = "CN-GD"
source     = "programme policy"

[[reward]]
id             = "shield"
kind           = "prop"
title_zh       = "保护罩"
title_en       = "Shield"
price          = "8"
protects_hours = "unknown"
source         = "programme policy"

[[news]]
id       = "begun"
on       = 2024-01-01
title_zh = "开始了"
title_en = "It has begun"
body_zh  = "计划开始。"
body_en  = "The programme has begun."

[[board]]
id       = "riders"
title_zh = "骑行榜"
title_en = "Riders"
measure  = "grams"
by       = "person"
period   = "season"

[redeem]
matures_after_days   = "14"
confirm_above_points = "100"
step_up_above_points = "300"
source               = "programme policy"

[groups]
smallest = 7

[[example]]
why = "487 g in spring"
in  = { earn = "bike", evidence = "operator_feed", grams = 487, on = 2024-03-01 }
out = { points = 48 }

[[example]]
why = "the day after the season"
in  = { earn = "bike", evidence = "operator_feed", grams = 487, on = 2024-06-01 }
out = { points = 0 }

[[example]]
why = "what a bus trip earns is not published"
in  = { earn = "bus", evidence = "operator_feed" }
out = { error = "packs.unknown_parameter", parameter = "earn.bus.points" }

[[example]]
why = "how much a self-report weighs is not published"
in  = { earn = "bike", evidence = "self_report", grams = 487, on = 2024-03-01 }
out = { error = "packs.unknown_parameter", parameter = "evidence.self_report.weight" }

[[example]]
why = "one step below the tier"
in  = { earn = "steps", evidence = "operator_feed", steps = 4999 }
out = { points = 0 }

[[example]]
why = "only the highest tier counts"
in  = { earn = "steps", evidence = "operator_feed", steps = 10000 }
out = { points = 2 }

[[example]]
why = "ripe on the next day, for three days"
in  = { earned_on = 2024-03-01 }
out = { ripe_on = 2024-03-02, collect_until = 2024-03-04 }

[[example]]
why = "points last to the end of the following year"
in  = { collected_on = 2024-03-04 }
out = { expires_on = 2025-12-31 }

[[example]]
why = "160 points are 16 leaves and 4 trees"
in  = { level = "tree", points = 160 }
out = { count = 4 }

[[example]]
why = "how many trees make a forest is not published"
in  = { points = 160 }
out = { error = "packs.unknown_parameter", parameter = "level.forest.count" }

[[example]]
why = "twice as much in May"
in  = { campaign = "double-may", points = 48, on = 2024-05-31 }
out = { points = 96, extra = 48 }

[[example]]
why = "and no more in June"
in  = { campaign = "double-may", points = 48, on = 2024-06-01 }
out = { points = 48, extra = 0 }

[[example]]
why = "the fifth ride finishes the task"
in  = { task = "five-rides", done = 5 }
out = { reached = true, points = 20 }

[[example]]
why = "nobody has the badge without an act"
in  = { achievement = "first-act", done = 0 }
out = { reached = false }
"""

OVERLAY = """
kind   = "overlay"
format = 1

[pack]
id        = "two-nine-demo"
version   = "1.0.0"
title_zh  = "例子的叠加包"
title_en  = "The example's overlay"
status    = "demo"
demo      = true
reason_zh = "只用于演示。"
reason_en = "Demo only."

[[set]]
pack      = "two-nine"
parameter = "earn.bus.points"
value     = "8"

[[set]]
pack      = "two-nine"
parameter = "evidence.self_report.weight"
value     = "0"

[[set]]
pack      = "two-nine"
parameter = "level.forest.count"
value     = "4"

[[set]]
pack      = "two-nine"
parameter = "sharing.share"
value     = "0.3"

[[set]]
pack      = "two-nine"
parameter = "reward.shield.protects_hours"
value     = "24"
"""


def edited(text: str, *changes: tuple[str, str]) -> Pack:
    """A text with some of it replaced, read as a pack."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return packs.parse(text.encode(), "ninth.toml")
