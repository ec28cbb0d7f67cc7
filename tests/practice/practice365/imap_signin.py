# SPDX-License-Identifier: Apache-2.0
"""Who may open which mailbox over IMAP (m365.md B.2, A.7).

    target, token = credentials(base64)         BadCredentials
    session = admit(core, target, token)        BadCredentials

A token that is none, has the wrong audience or lacks the right is refused
at the door: NO AUTHENTICATE failed. With a good token and a mailbox that it
can't have the sign-in succeeds and the session is good for nothing:
Admitted.problem says why, for the log; the client is not told.
"""
import base64
import binascii
import time
from collections import namedtuple

from . import model
from .core import TokenError

SCOPE, ROLE = "IMAP.AccessAsUser.All", "IMAP.AccessAsApp"

# who: the user's name or the app's client id; account: the mailbox whose
# size limit counts; ends: when the token does, real seconds since 1970.
Admitted = namedtuple("Admitted", "who mailbox account ends problem")


class BadCredentials(Exception):
    """NO AUTHENTICATE failed."""


def credentials(text):
    """user=NAME ^A auth=Bearer TOKEN ^A ^A."""
    try:
        octets = base64.b64decode(text, validate=True)
        user, bearer, empty, rest = octets.decode().split("\x01")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise BadCredentials("not XOAUTH2") from None
    key, _, user = user.partition("=")
    word, _, token = bearer.partition(" ")
    if key != "user" or word.lower() != "auth=bearer" or empty or rest \
            or not token:
        raise BadCredentials("not XOAUTH2")
    return user, token


def _right(core, claims):
    """The one who signs in, by scope (a person) or role (an app)."""
    audience = claims.get("aud", "").rstrip("/")
    if claims.get("scp") is not None:
        if SCOPE not in claims["scp"].split():
            raise BadCredentials(f"no scope {SCOPE}")
        return claims.get("upn") or claims.get("preferred_username", "")
    if audience == model.OUTLOOK:
        raise BadCredentials("app-only wants outlook.office365.com")
    if ROLE not in claims.get("roles", []):
        raise BadCredentials(f"no role {ROLE}")
    return claims.get("appid") or claims.get("azp", "")


def _problem(core, who, mailbox):
    """Why the mailbox does not open; None if it does."""
    tenant = core.tenant
    if mailbox is None:
        return "no such mailbox"
    if not mailbox.licensed:
        return "no licence"
    if not mailbox.provisioned:
        return "mailbox not there yet"
    if not mailbox.imap_enabled:
        return "IMAP is disabled"
    app = tenant.apps.get(who)
    if app is not None and not app.service_principal:
        return "app not registered in Exchange"
    if not tenant.may_open(who, mailbox):
        return "no full access"
    return None


def admit(core, target, token):
    try:
        claims = core.check_token(token, model.OUTLOOK)
    except TokenError as e:
        raise BadCredentials(e.reason) from None
    who = _right(core, claims)
    mailbox = core.tenant.mailbox(target)
    account = core.tenant.mailbox(who) or mailbox
    return Admitted(who, mailbox, account, claims["x_ends"],
                    _problem(core, who, mailbox))


def expired(admitted):
    return time.time() >= admitted.ends
