#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One calendar of many .ics files, for programs that import one at a time:

    join-calendar.py ann-items/Calendar >calendar.ics

Folders are searched for .ics files. Appointments and tasks are as they were;
each time zone is told once.
"""
import re
import sys
from pathlib import Path

ZONE = re.compile(rb'(DTSTART|DTEND|DUE|EXDATE|RECURRENCE-ID);TZID='
                  rb'("?)([^":;]+|(?<=")[^"]+)\2')
HEAD = (b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//mailhaul//joined//EN\r\n"
        b"CALSCALE:GREGORIAN\r\n")


def folded(line):
    """At most 75 octets a line, broken between characters (RFC 5545 3.1)."""
    out, at, room = [], 0, 75
    while len(line) - at > room:
        n = at + room
        while n > at + 70 and line[n] & 0xc0 == 0x80:
            n -= 1
        out.append(line[at:n])
        at, room = n, 74
    out.append(line[at:])
    return b"\r\n ".join(out) + b"\r\n"


def components(octets):
    """Each VEVENT, VTODO, VTIMEZONE as its lines, unfolded."""
    depth, part = 0, []
    for line in re.sub(rb"\r?\n[ \t]", b"", octets).splitlines():
        depth += line.upper().startswith(b"BEGIN:")
        if depth > 1:
            part.append(line)
        depth -= line.upper().startswith(b"END:")
        if depth == 1 and part:
            yield part
            part = []


def zone_name(zone):
    name, = [line[5:] for line in zone if line.startswith(b"TZID:")]
    return re.sub(rb"\\([\\;,])", rb"\1", name)


def joined(files, out):
    zones, names = {}, set()
    out.write(HEAD)
    for file in files:
        here = {}
        for part in components(file.read_bytes()):
            if part[0] == b"BEGIN:VTIMEZONE":
                # The same name may stand for the rules of another year.
                key, name = tuple(part), zone_name(part)
                new, i = zones.get(key, name), 1
                while key not in zones and new in names:
                    i += 1
                    new = name + b" %d" % i
                here[name] = new
                if key in zones:
                    continue
                zones[key] = new
                names.add(new)
                if new != name:
                    part = [re.sub(rb"^(TZID:.*)", rb"\1 %d" % i, line)
                            for line in part]
            for line in part:
                m = ZONE.match(line)
                name = m and here.get(m[3])
                if name:
                    line = b"%s;TZID=%s%s%s%s" % (
                        m[1], m[2], name, m[2], line[m.end():])
                out.write(folded(line))
    out.write(b"END:VCALENDAR\r\n")


def main():
    files = []
    for arg in map(Path, sys.argv[1:]):
        files += sorted(arg.rglob("*.ics")) if arg.is_dir() else [arg]
    if not files:
        sys.exit(__doc__.rstrip())
    joined(files, sys.stdout.buffer)


if __name__ == "__main__":
    main()
