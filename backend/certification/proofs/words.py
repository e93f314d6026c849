"""What each check of a proof says when it holds and when it does not, in Chinese and in English."""

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    """The sentences of one check."""

    holds_zh: str
    holds_en: str
    fails_zh: str
    fails_en: str


WORDS = {
    "head.genuine": Words(
        "日志的树头由该公钥签署",
        "the log's tree head is signed by this key",
        "日志的树头不是由该公钥签署",
        "the log's tree head is not signed by this key",
    ),
    "entry.included": Words(
        "条目位于已签署日志中所述的位置",
        "the entry stands in the signed log at its index",
        "条目不在已签署日志中所述的位置",
        "the entry does not stand in the signed log at its index",
    ),
    "entry.readable": Words(
        "条目写法规范，所需各项齐全",
        "the entry is in canonical form and says all that is needed",
        "条目写法不规范，或缺少所需的项",
        "the entry is not in canonical form, or does not say all that is needed",
    ),
    "entry.kind": Words(
        "条目种类与证明相符",
        "the entry is of the kind that this proof rests on",
        "条目种类与证明不符",
        "the entry is not of the kind that this proof rests on",
    ),
    "entry.sums": Words(
        "签发吨数与余量相加等于核定克数",
        "the tonnes issued and the grams carried on add up to the certified grams",
        "签发吨数与余量相加不等于核定克数",
        "the tonnes issued and the grams carried on do not add up to the certified grams",
    ),
    "entry.runs": Words(
        "按日期与地区的分段相加等于整棵树",
        "the runs by day and region add up to the whole tree",
        "按日期与地区的分段相加不等于整棵树",
        "the runs by day and region do not add up to the whole tree",
    ),
    "serial.issued": Words(
        "该序列号属于此次签发的号段",
        "the serial number belongs to the block of this issuance",
        "该序列号不属于此次签发的号段",
        "the serial number does not belong to the block of this issuance",
    ),
    "tree.opens": Words(
        "求和树的证明推出日志所载的树根与克数",
        "the opening leads to the root and the sum that the log states",
        "求和树的证明推不出日志所载的树根与克数",
        "the opening does not lead to the root and the sum that the log states",
    ),
    "tree.covers": Words(
        "所打开的叶子恰好是这些克的首尾",
        "the opened leaves are the first and the last of exactly these grams",
        "所打开的叶子不是这些克的首尾",
        "the opened leaves are not the first and the last of these grams",
    ),
    "carry.agrees": Words(
        "结转叶子的克数与条目所述一致",
        "the carried leaf has the grams that the entry says were carried in",
        "结转叶子的克数与条目所述不一致",
        "the carried leaf does not have the grams that the entry says were carried in",
    ),
    "carry.names": Words(
        "结转叶子指明上一批的树根，且恰为其整吨之外的余量",
        "the carried leaf names the earlier batch's tree and is exactly what its whole tonnes left over",
        "结转叶子未指明上一批的树根，或不是其整吨之外的余量",
        "the carried leaf does not name the earlier batch's tree, or is not what its whole tonnes left over",
    ),
    "carry.series": Words(
        "两批属于同一项目、方法学与年份",
        "both batches are of one project, methodology and vintage",
        "两批不属于同一项目、方法学与年份",
        "the batches are not of one project, methodology and vintage",
    ),
    "carry.wanted": Words(
        "确有结转的克数需要追溯",
        "there are carried grams to follow",
        "没有结转的克数需要追溯，却附有另一批次",
        "another batch is enclosed although no carried grams lead there",
    ),
    "act.digest": Words(
        "行为的内容与盐值得出叶子的摘要",
        "the act's facts and salt give the leaf's digest",
        "行为的内容与盐值得不出叶子的摘要",
        "the act's facts and salt do not give the leaf's digest",
    ),
    "act.grams": Words(
        "叶子的克数不多于该行为的克数",
        "the leaf has no more grams than the act",
        "叶子的克数与该行为的克数不符",
        "the leaf's grams do not agree with the act's",
    ),
}

# Why, in the words of `SumNotProven` and `HeadNotGenuine`; another detail is a path in the document.
WHY = {
    "leaves": ("叶子的数目或位置不对", "the number or place of the leaves is wrong"),
    "nodes": ("节点的数目或写法不对", "the number or form of the nodes is wrong"),
    "overflow": ("克数之和溢出", "the grams overflow"),
    "sum": ("克数之和不符", "the sum differs"),
    "root": ("树根不符", "the root differs"),
    "not a checkpoint of this log": ("不是该日志的树头", "it is no checkpoint of this log"),
    "not signed by this key": ("没有该公钥的签名", "it has no signature by this key"),
    "the signature does not hold": ("签名不成立", "the signature does not hold"),
    "a signature line cannot be read": ("签名行无法读取", "a signature line cannot be read"),
    "the size, the root or the time cannot be read": (
        "大小、树根或时间无法读取",
        "the size, the root or the time cannot be read",
    ),
    "range": ("克数范围不符", "the range of grams differs"),
}
