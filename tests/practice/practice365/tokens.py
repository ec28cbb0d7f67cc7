# SPDX-License-Identifier: Apache-2.0
"""Tokens: ours are made and checked, clients' assertions are verified."""
import base64
import binascii
import hashlib
import hmac
import json

from cryptography import exceptions
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa


class Malformed(Exception):
    """Not a token."""


def encode(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decode(text):
    try:
        return base64.b64decode(
            text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", True)
    except (binascii.Error, ValueError):
        raise Malformed() from None


def parts(token):
    """header, claims, what was signed, signature."""
    pieces = token.split(".")
    if len(pieces) != 3:
        raise Malformed()
    try:
        header = json.loads(decode(pieces[0]))
        claims = json.loads(decode(pieces[1]))
    except ValueError:
        raise Malformed() from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise Malformed()
    return (header, claims, f"{pieces[0]}.{pieces[1]}".encode(),
            decode(pieces[2]))


def sign(key, claims):
    head = {"typ": "JWT", "alg": "HS256", "kid": "practice"}
    text = ".".join(encode(json.dumps(p, separators=(",", ":")).encode())
                    for p in (head, claims))
    mark = hmac.new(key, text.encode(), hashlib.sha256).digest()
    return f"{text}.{encode(mark)}"


def check(key, token):
    """The claims; None when the signature is not ours."""
    _, claims, text, mark = parts(token)
    if hmac.compare_digest(
            hmac.new(key, text, hashlib.sha256).digest(), mark):
        return claims
    return None


# --- Certificate assertions (m365.md A.4) --------------------------------

# alg -> header with the thumbprint, its hash
FORMS = {"PS256": ("x5t#S256", hashlib.sha256),
         "RS256": ("x5t", hashlib.sha1)}


def certificate_of(header, certificates):
    """The registered certificate that the header names; None."""
    name, digest = FORMS[header["alg"]]
    for cert in certificates:
        der = cert.public_bytes(serialization.Encoding.DER)
        if header.get(name) == encode(digest(der).digest()):
            return cert
    return None


def signature_right(header, text, mark, cert):
    key = cert.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    how = padding.PKCS1v15()
    if header["alg"] == "PS256":
        how = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    try:
        key.verify(mark, text, how, hashes.SHA256())
    except exceptions.InvalidSignature:
        return False
    return True
