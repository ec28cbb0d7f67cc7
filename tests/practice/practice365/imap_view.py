# SPDX-License-Identifier: Apache-2.0
"""What one session knows of the folder that it has selected.

Message numbers are of what the client was told, not of what is there: mail
that came by another connection or through Graph gets its number when tell()
announces it, at the end of a command or in IDLE (RFC 3501, 5.2 and 7.3).
"""
import bisect

FLAGS = "\\Seen \\Answered \\Flagged \\Deleted \\Draft $MDNSent"


def flags_of(m):
    out = []
    if m.is_read:
        out.append("\\Seen")
    if m.answered:
        out.append("\\Answered")
    if m.imap_flagged or m.flag_status == "flagged":
        out.append("\\Flagged")
    if m.deleted:
        out.append("\\Deleted")
    if m.is_draft:
        out.append("\\Draft")
    if m.mdn_sent:
        out.append("$MDNSent")
    return " ".join(out)


class View:
    def __init__(self, mailbox, folder, readonly):
        self.mailbox, self.folder = mailbox, folder
        self.readonly = readonly
        self.uids = list(folder.messages)
        self._gone, self._changed = [], set()
        self._arrived = False
        self.quiet = False      # while the session itself changes flags
        mailbox.listen(self._hear)

    def close(self):
        self.mailbox.unlisten(self._hear)

    def _hear(self, event, folder, message):
        if folder is not self.folder or message is None:
            return
        if event == "added":
            self._arrived = True
        elif event == "removed":
            self._gone.append(message.uid)
        elif not self.quiet:
            self._changed.add(message.uid)

    # --- Numbers -----------------------------------------------------------

    def number(self, uid):
        """The message number of a uid; 0: not announced."""
        at = bisect.bisect_left(self.uids, uid)
        known = at < len(self.uids) and self.uids[at] == uid
        return at + 1 if known else 0

    @property
    def top(self):
        return self.uids[-1] if self.uids else 0

    def messages(self, uids):
        """(number, message) of those that are still there."""
        there = self.folder.messages
        for uid in uids:
            m, number = there.get(uid), self.number(uid)
            if m is not None and number:
                yield number, m

    # --- News ----------------------------------------------------------------

    def tell(self, session, expunges):
        if self._gone and expunges:
            self._tell_gone(session)
        if self._arrived:
            self._tell_arrived(session)
        if self._changed:
            self._tell_changed(session)

    def _tell_gone(self, session):
        for uid in self._gone:
            number = self.number(uid)
            if number:
                session.untagged(f"{number} EXPUNGE")
                del self.uids[number - 1]
        self._gone.clear()

    def _tell_arrived(self, session):
        self._arrived = False
        last = self.top
        new = []
        for uid in reversed(self.folder.messages):
            if uid <= last:
                break
            new.append(uid)
        if new:
            self.uids.extend(reversed(new))
            session.untagged(f"{len(self.uids)} EXISTS")
            session.untagged("0 RECENT")

    def _tell_changed(self, session):
        changed, self._changed = sorted(self._changed), set()
        for number, m in self.messages(changed):
            session.untagged(
                f"{number} FETCH (UID {m.uid} FLAGS ({flags_of(m)}))")
