"""Amazon's signature, version 4, checked: a request is from whoever has the secret, and as they sent it. Pure."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping

FORM = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<scope>[^,/]+/[^,]+), ?SignedHeaders=(?P<names>[^,]+), ?Signature=(?P<given>\w+)"
)


def signed_by(secret: str, path: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether a POST without a query is signed with that secret. ``headers`` by their names in lower case."""
    found = FORM.fullmatch(headers.get("authorization", ""))
    if found is None:
        return False
    date, region, service = (str(found["scope"]).split("/")[1:] + [""] * 3)[:3]
    names = found["names"].split(";")
    listed = "".join(f"{name}:{' '.join(headers.get(name, '').split())}\n" for name in names)
    request = "\n".join(["POST", path, "", listed, found["names"], hashlib.sha256(body).hexdigest()])
    scope = f"{date}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", headers.get("x-amz-date", ""), scope, digest])
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.compare_digest(hmac.new(key, text.encode(), hashlib.sha256).hexdigest(), found["given"])
