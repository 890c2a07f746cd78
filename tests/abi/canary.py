"""Canaries: secrets that are found again in whatever form they come out."""

import base64
import json
import secrets
import urllib.parse
from xml.sax.saxutils import escape


class Canary:
    """@text: (optional): else one that looks different in every encoding."""

    def __init__(self, text=None):
        self.text = text or f"c<{secrets.token_hex(12)}&\"'\\/ é%{secrets.token_hex(12)}>"

    def forms(self):
        raw = self.text.encode()
        words = {"as it is": raw, "reversed": raw[::-1], "hexadecimal": raw.hex().encode()}
        words["percent-encoded"] = urllib.parse.quote(self.text, safe="").encode()
        words["XML"] = escape(self.text).encode()
        words["XML attribute"] = escape(self.text, {'"': "&quot;", "'": "&apos;"}).encode()
        words["JSON"] = json.dumps(self.text)[1:-1].encode()
        words["JSON in UTF-8"] = json.dumps(self.text, ensure_ascii=False)[1:-1].encode()
        words["JSON in JSON"] = json.dumps(json.dumps(self.text, ensure_ascii=False),
                                           ensure_ascii=False)[3:-3].encode()
        for skip in range(3):  # where it begins in a longer text
            encoded = base64.b64encode(b"x" * skip + raw)
            words[f"base64 at {skip}"] = encoded[4 * (skip > 0):-4]
        # and each half alone: what was cut is a leak as well
        words["its beginning"], words["its end"] = raw[:20], raw[-20:]
        return words

    def find(self, haystack):
        """The forms that stand in @haystack (bytes)."""
        return [name for name, word in self.forms().items() if word in haystack]
