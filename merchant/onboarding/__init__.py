"""Onboarding 商户入驻: how somebody becomes a merchant, with documents and by two people of the operator.

Holds    applications and their documents while they are written, what was submitted, and how each submission ended.
Promises what two people agree to is what was submitted, to the byte of its documents; one merchant for each unified social
         credit code, one application of it waits; nobody but the writer sees the first manager's password; contact and documents are kept sealed.
Ignores  contracts, shops, and what is offered.
"""

from backend import log
from merchant.onboarding.errors import (
    AnotherWaits,
    ApplicationStands,
    ApplicationUnknown,
    CreditCodeTaken,
    CreditCodeUnsound,
    DocumentMissing,
    DocumentTooLarge,
    DocumentUnknown,
    DocumentUnreadable,
    ManagerMadeAlready,
    TooManyDocuments,
)
from merchant.onboarding.service import (
    ADMISSION,
    Application,
    Document,
    DocumentKind,
    Particulars,
    Stands,
    add_document,
    application_of,
    apply,
    approve,
    change,
    document_content,
    forget,
    make_manager,
    propose,
    reject,
    remove_document,
    send_back,
    submit,
    waiting,
)

log.register(
    log.Sealed("application_submission", key=("id",)), log.Sealed("application_end", key=("submission_id",))
)

__all__ = [
    "ADMISSION",
    "AnotherWaits",
    "Application",
    "ApplicationStands",
    "ApplicationUnknown",
    "CreditCodeTaken",
    "CreditCodeUnsound",
    "Document",
    "DocumentKind",
    "DocumentMissing",
    "DocumentTooLarge",
    "DocumentUnknown",
    "DocumentUnreadable",
    "ManagerMadeAlready",
    "Particulars",
    "Stands",
    "TooManyDocuments",
    "add_document",
    "application_of",
    "apply",
    "approve",
    "change",
    "document_content",
    "forget",
    "make_manager",
    "propose",
    "reject",
    "remove_document",
    "send_back",
    "submit",
    "waiting",
]
