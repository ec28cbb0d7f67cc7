# SPDX-License-Identifier: Apache-2.0
"""A certificate authority of the tenant's own, new with every start."""
import datetime
import ipaddress
import os
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PEM = serialization.Encoding.PEM


def _write(path, data, mode):
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "wb") as f:
        f.write(data)
    return path


def _builder(subject, issuer, key):
    now = datetime.datetime.utcnow()
    day = datetime.timedelta(days=1)
    return (x509.CertificateBuilder()
            .subject_name(subject).issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - day).not_valid_after(now + 365 * day))


def _named(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def make(folder):
    """Writes ca.pem, server.crt and server.key; (ca, crt, key) paths."""
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca_name = _named("practice tenant authority")
    ca = (_builder(ca_name, ca_name, ca_key)
          .add_extension(x509.BasicConstraints(True, 0), critical=True)
          .add_extension(x509.KeyUsage(
              digital_signature=True, key_cert_sign=True, crl_sign=True,
              content_commitment=False, key_encipherment=False,
              data_encipherment=False, key_agreement=False,
              encipher_only=False, decipher_only=False), critical=True)
          .sign(ca_key, hashes.SHA256()))
    key = ec.generate_private_key(ec.SECP256R1())
    server = (_builder(_named("localhost"), ca_name, key)
              .add_extension(x509.BasicConstraints(False, None), True)
              .add_extension(x509.ExtendedKeyUsage(
                  [ExtendedKeyUsageOID.SERVER_AUTH]), False)
              .add_extension(x509.SubjectAlternativeName(
                  [x509.DNSName("localhost"), x509.IPAddress(
                      ipaddress.ip_address("127.0.0.1"))]), False)
              .sign(ca_key, hashes.SHA256()))
    return (
        _write(os.path.join(folder, "ca.pem"), ca.public_bytes(PEM), 0o644),
        _write(os.path.join(folder, "server.crt"),
               server.public_bytes(PEM), 0o644),
        _write(os.path.join(folder, "server.key"), key.private_bytes(
            PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()), 0o600))


def context(crt, key, alpn=()):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.minimum_version = ssl.TLSVersion.TLSv1_2
    tls.load_cert_chain(crt, key)
    if alpn:
        tls.set_alpn_protocols(list(alpn))
    return tls
