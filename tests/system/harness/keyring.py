#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A desktop's keyring: as much of org.freedesktop.secrets as libsecret
needs, on the bus of the session, for tests.

    keyring.py FILE [--locked]

It prints "ready", and writes what it holds to FILE as JSON whenever that
changes: a list of {"label", "attributes", "secret"}. Sessions are plain.
"""
import json
import sys

import dbus
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

BASE = "/org/freedesktop/secrets"
NAME = "org.freedesktop.Secret."
PROPERTIES = "org.freedesktop.DBus.Properties"
NONE = dbus.ObjectPath("/")


class NotSupported(dbus.DBusException):
    _dbus_error_name = "org.freedesktop.DBus.Error.NotSupported"


class Thing(dbus.service.Object):
    """An object whose properties can be read."""

    def properties(self):
        return {}

    @dbus.service.method(PROPERTIES, in_signature="ss", out_signature="v")
    def Get(self, interface, name):
        return self.properties()[name]

    @dbus.service.method(PROPERTIES, in_signature="s",
                         out_signature="a{sv}")
    def GetAll(self, interface):
        return dbus.Dictionary(self.properties(), signature="sv")

    @dbus.service.method(PROPERTIES, in_signature="ssv")
    def Set(self, interface, name, value):
        pass


class Item(Thing):
    def __init__(self, keyring, number, label, attributes, secret):
        self.path = f"{BASE}/collection/login/{number}"
        super().__init__(keyring.bus, self.path)
        self.keyring = keyring
        self.label, self.attributes, self.secret = label, attributes, secret

    def properties(self):
        return {"Locked": dbus.Boolean(self.keyring.locked),
                "Label": self.label,
                "Attributes": dbus.Dictionary(self.attributes,
                                              signature="ss"),
                "Created": dbus.UInt64(1), "Modified": dbus.UInt64(1)}

    def given(self, session):
        return dbus.Struct((dbus.ObjectPath(session), dbus.ByteArray(b""),
                            dbus.ByteArray(self.secret), "text/plain"),
                           signature="oayays")

    @dbus.service.method(NAME + "Item", in_signature="o",
                         out_signature="(oayays)")
    def GetSecret(self, session):
        return self.given(session)

    @dbus.service.method(NAME + "Item", out_signature="o")
    def Delete(self):
        self.remove_from_connection()
        self.keyring.items.remove(self)
        self.keyring.save()
        return NONE


class Collection(Thing):
    def __init__(self, keyring, path):
        super().__init__(keyring.bus, path)
        self.keyring = keyring

    def properties(self):
        return {"Locked": dbus.Boolean(self.keyring.locked),
                "Label": "Login", "Items": self.keyring.paths(),
                "Created": dbus.UInt64(1), "Modified": dbus.UInt64(1)}

    @dbus.service.method(NAME + "Collection",
                         in_signature="a{sv}(oayays)b", out_signature="oo",
                         byte_arrays=True)
    def CreateItem(self, properties, secret, replace):
        label = str(properties[NAME + "Item.Label"])
        attributes = {str(k): str(v) for k, v in
                      properties[NAME + "Item.Attributes"].items()}
        item = self.keyring.store(label, attributes, bytes(secret[2]),
                                  replace)
        return dbus.ObjectPath(item.path), NONE


class Session(Thing):
    @dbus.service.method(NAME + "Session")
    def Close(self):
        pass


class Keyring(Thing):
    def __init__(self, bus, file, locked):
        self.bus, self.file, self.locked = bus, file, locked
        self.items, self.made = [], 0
        super().__init__(bus, BASE)
        Session(bus, BASE + "/session/1")
        for path in ("/collection/login", "/aliases/default"):
            Collection(self, BASE + path)

    def paths(self):
        return dbus.Array([dbus.ObjectPath(i.path) for i in self.items],
                          signature="o")

    def properties(self):
        return {"Collections": dbus.Array(
            [dbus.ObjectPath(BASE + "/collection/login")], signature="o")}

    def find(self, attributes):
        return [i for i in self.items if all(
            i.attributes.get(k) == v for k, v in attributes.items())]

    def store(self, label, attributes, secret, replace):
        same = self.find(attributes) if replace else []
        if same:
            same[0].secret = secret
            item = same[0]
        else:
            self.made += 1
            item = Item(self, self.made, label, attributes, secret)
            self.items.append(item)
        self.save()
        return item

    def save(self):
        with open(self.file, "w", encoding="utf-8") as f:
            json.dump([{"label": i.label, "attributes": i.attributes,
                        "secret": i.secret.decode()} for i in self.items],
                      f)

    @dbus.service.method(NAME + "Service", in_signature="sv",
                         out_signature="vo")
    def OpenSession(self, algorithm, given):
        if algorithm != "plain":
            raise NotSupported("plain only")
        return dbus.String("", variant_level=1), dbus.ObjectPath(
            BASE + "/session/1")

    @dbus.service.method(NAME + "Service", in_signature="a{ss}",
                         out_signature="aoao")
    def SearchItems(self, attributes):
        found = dbus.Array([dbus.ObjectPath(i.path) for i in
                            self.find({str(k): str(v) for k, v in
                                       attributes.items()})],
                           signature="o")
        empty = dbus.Array([], signature="o")
        return (empty, found) if self.locked else (found, empty)

    @dbus.service.method(NAME + "Service", in_signature="aoo",
                         out_signature="a{o(oayays)}")
    def GetSecrets(self, paths, session):
        return dbus.Dictionary(
            {dbus.ObjectPath(i.path): i.given(session) for i in self.items
             if i.path in paths}, signature="o(oayays)")

    @dbus.service.method(NAME + "Service", in_signature="ao",
                         out_signature="aoo")
    def Unlock(self, paths):
        return paths, NONE

    @dbus.service.method(NAME + "Service", in_signature="s",
                         out_signature="o")
    def ReadAlias(self, name):
        return dbus.ObjectPath(BASE + "/collection/login") \
            if name == "default" else NONE


def main():
    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    bus = dbus.SessionBus()
    keyring = Keyring(bus, sys.argv[1], "--locked" in sys.argv[2:])
    name = dbus.service.BusName("org.freedesktop.secrets", bus)
    keyring.save()
    print("ready", flush=True)
    loop = GLib.MainLoop()
    loop.run()
    del name


if __name__ == "__main__":
    main()
