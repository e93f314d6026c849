"""How often one address may ask each surface. Where several prefixes fit, the longest counts.

Citizens share addresses behind the networks of mobile carriers, and a shop's tills share one too, so their quotas are
wide: what an account, a phone number or a code may do is limited where it is known, by the nouns themselves.
"""

from __future__ import annotations

from backend.kit.limiting import Policy

POLICIES: dict[str, Policy | None] = {
    "/healthz": None,  # asked by load balancers, and metrics by Prometheus
    "/readyz": None,
    "/metrics": None,
    "/public/v1": Policy("public", quota=600),
    "/public/v1/acts": Policy("receipts", quota=300),
    "/public/v1/serials.csv": Policy("downloads", quota=20),
    "/mobile/v1": Policy("mobile", quota=6000),
    "/mobile/v1/sign-in": Policy("sign-in", quota=600),
    "/merchant/v1": Policy("merchant", quota=6000),
    "/merchant/v1/applications": Policy(
        "applications", quota=60, window_s=3600
    ),  # nobody is signed in, files are kept
    "/operator/v1": Policy("staff", quota=3000),
    "/partner/v1": Policy("partners", quota=6000),  # before a signature is read; each partner has its own
    "/verifier/v1": Policy("staff", quota=3000),
    "/registry/v1": Policy("staff", quota=3000),
    "/market/v1": Policy("staff", quota=3000),
    "": Policy("other", quota=600),
}
