"""The text of a delivery: small, and with a declared encoding that may be missing or wrong.

Files, which declare none and may be larger than memory, are another matter: see `file_encodings`.
"""

import codecs
import re

_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.I)


def decode(body: bytes, content_type: str = "") -> tuple[str, tuple[str, ...]]:
    r"""The text of `body`, and what was wrong with it: by its mark, as UTF-8, as declared, else as cp1251.

    >>> decode("дорого".encode("cp1251"))[0], decode("дорого".encode()[:-1])
    ('дорого', ('дорог\ufffd', ('1 broken character of UTF-8',)))
    """
    encoding = detect(body, content_type)
    text = body.decode(encoding, "replace")
    broken = text.count("\ufffd")
    if not broken or encoding not in ("utf-8", "utf-8-sig"):
        return text, ()
    return text, (f"{broken} broken character{'s' * (broken > 1)} of UTF-8",)


def detect(body: bytes, content_type: str = "") -> str:
    """The encoding of `body`; broken UTF-8 is UTF-8 still while most of its letters are whole."""
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return encoding
    if _decodes(body, "utf-8"):
        return "utf-8"
    declared = _CHARSET.search(content_type)
    if declared and declared[1].lower() not in ("utf-8", "utf8") and _decodes(body, declared[1]):
        return declared[1]
    text = body.decode("utf-8", "replace")
    whole = sum(character > "\x7f" for character in text) - text.count("\ufffd")
    return "utf-8" if whole >= text.count("\ufffd") else "cp1251"


def _decodes(body: bytes, encoding: str) -> bool:
    try:
        body.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return False
    return True
