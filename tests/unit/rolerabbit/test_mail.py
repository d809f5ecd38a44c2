"""Letters as they go over the wire: in any language, and no header that somebody else wrote."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default

import pytest

from rolerabbit.mail import Letter, message, written

SUBJECTS = (
    "Your data",
    "Verletzung des Schutzes Ihrer Daten in großem Umfang, über die wir Sie unterrichten",
    "データ",
)
BODY = "Guten Tag,\n\nauf Daten hat jemand zugegriffen.\n.\nÀ qui vous adresser : privé@example.com\n"


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_letter_is_read_as_it_was_written(subject: str) -> None:
    raw = written(Letter(7, "ann@example.com", subject, BODY))
    assert raw is not None and raw.isascii()
    read = message_from_bytes(raw, policy=default)
    assert (read["Subject"], read["To"], read["Message-ID"]) == (
        subject,
        "ann@example.com",
        "<outbox-7@rolerabbit.test>",
    )
    assert read.get_content().replace("\r\n", "\n") == BODY


@pytest.mark.parametrize(
    ("recipient", "subject"),
    [
        ("eve@example.com\r\nBcc: all@example.com", "Your data"),
        ("eve@example.com\nRCPT TO:<all@example.com>", "Your data"),
        ("ann@example.com", "Your data\r\nBcc: all@example.com"),
        ("ann@example.com", "Your data\nBcc: all@example.com"),
    ],
)
def test_a_line_s_end_in_a_header_makes_no_letter(recipient: str, subject: str) -> None:
    letter = Letter(7, recipient, subject, BODY)
    with pytest.raises(ValueError, match="linefeed"):
        if written(letter) is None:
            message(letter)
