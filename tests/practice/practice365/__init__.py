# SPDX-License-Identifier: Apache-2.0
"""The practice tenant: a Microsoft 365 tenant in one process on loopback.

core      one object that every part gets: tenant, clock, limits, faults
model     tenant, users, apps, mailboxes, folders, messages
names     the default folders and their names by language
mime      messages between MIME and Graph's JSON fields
clock     the scaled clock            limits   what Exchange allows
faults    errors on demand            web      HTTPS, HTTP/1.1 and HTTP/2
signin    Entra ID's token endpoints  directory  users, domains, reports
graph     Graph's mail part           imap     Exchange's IMAP
control   the JSON API for tests      export   the state as Maildir and JSON
certs     a certificate authority for one run
aadsts    Entra ID's errors          tokens   JWTs, made and verified
"""
