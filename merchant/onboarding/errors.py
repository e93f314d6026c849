"""What applications of merchants refuse."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class ApplicationUnknown(DomainError):
    """There is no such application, or the secret is another one's."""

    code = "merchant.application_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有此入驻申请，或申请密钥不符。"


@dataclass(eq=False)
class CreditCodeUnsound(DomainError):
    """The unified social credit code does not have eighteen characters that its last one checks (GB 32100-2015)."""

    code = "merchant.credit_code_unsound"
    kind = Kind.INVALID
    title_zh = "统一社会信用代码须为十八位，且校验位正确（GB 32100-2015）。"

    field: str = "credit_code"


@dataclass(eq=False)
class CreditCodeTaken(DomainError):
    """A merchant with this unified social credit code was admitted already."""

    code = "merchant.credit_code_taken"
    kind = Kind.CONFLICT
    title_zh = "该统一社会信用代码的商户已入驻。"


@dataclass(eq=False)
class AnotherWaits(DomainError):
    """Another application with this unified social credit code waits for the operator."""

    code = "merchant.another_application_waits"
    kind = Kind.CONFLICT
    title_zh = "该统一社会信用代码另有申请正在等待审核。"


@dataclass(eq=False)
class DocumentUnreadable(DomainError):
    """A document is a whole PDF, PNG, JPEG or WebP file."""

    code = "merchant.document_unreadable"
    kind = Kind.INVALID
    title_zh = "材料须为完整的 PDF、PNG、JPEG 或 WebP 文件。"

    field: str = "content"


@dataclass(eq=False)
class DocumentTooLarge(DomainError):
    """The document has more bytes than one may have."""

    code = "merchant.document_too_large"
    kind = Kind.TOO_LARGE
    title_zh = "单份材料超过大小上限。"

    most_bytes: int


@dataclass(eq=False)
class TooManyDocuments(DomainError):
    """An application has so many documents at most."""

    code = "merchant.too_many_documents"
    kind = Kind.CONFLICT
    title_zh = "材料份数已达上限。"

    most: int


@dataclass(eq=False)
class DocumentMissing(DomainError):
    """A business licence has to be among the documents."""

    code = "merchant.document_missing"
    kind = Kind.CONFLICT
    title_zh = "材料中须有营业执照。"

    missing: str


@dataclass(eq=False)
class DocumentUnknown(DomainError):
    """There is no such document in this application."""

    code = "merchant.document_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "该申请中没有此材料。"


@dataclass(eq=False)
class ApplicationStands(DomainError):
    """This cannot be done with the application as it stands."""

    code = "merchant.application_stands"
    kind = Kind.CONFLICT
    title_zh = "该申请当前状态不允许此操作。"

    stands: str


@dataclass(eq=False)
class ManagerMadeAlready(DomainError):
    """The first manager's password was told already; ask the operator to admit another person."""

    code = "merchant.manager_made_already"
    kind = Kind.CONFLICT
    title_zh = "首位管理员已创建，初始密码不再显示；请联系运营方。"
