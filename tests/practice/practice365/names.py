# SPDX-License-Identifier: Apache-2.0
"""The default folders of a mailbox, and their names by language."""

# well-known name, class, hidden, parent; the names by language below.
DEFAULTS = (
    ("inbox", "IPF.Note", False, None),
    ("drafts", "IPF.Note", False, None),
    ("sentitems", "IPF.Note", False, None),
    ("deleteditems", "IPF.Note", False, None),
    ("junkemail", "IPF.Note", False, None),
    ("archive", "IPF.Note", False, None),
    ("outbox", "IPF.Note", False, None),
    ("conversationhistory", "IPF.Note", False, None),
    ("calendar", "IPF.Appointment", False, None),
    ("contacts", "IPF.Contact", False, None),
    ("journal", "IPF.Journal", False, None),
    ("notes", "IPF.StickyNote", False, None),
    ("tasks", "IPF.Task", False, None),
    ("syncissues", "IPF.Note", True, None),
    ("conflicts", "IPF.Note", True, "syncissues"),
    ("localfailures", "IPF.Note", True, "syncissues"),
    ("serverfailures", "IPF.Note", True, "syncissues"),
)

# Outside of the visible tree.
APART = (("recoverableitemsdeletions", "Deletions"),
         ("searchfolders", "Finder"), ("scheduled", "Scheduled"))

ENGLISH = {
    "msgfolderroot": "Top of Information Store", "inbox": "Inbox",
    "drafts": "Drafts", "sentitems": "Sent Items",
    "deleteditems": "Deleted Items", "junkemail": "Junk Email",
    "archive": "Archive", "outbox": "Outbox",
    "conversationhistory": "Conversation History", "calendar": "Calendar",
    "contacts": "Contacts", "journal": "Journal", "notes": "Notes",
    "tasks": "Tasks", "syncissues": "Sync Issues",
    "conflicts": "Conflicts", "localfailures": "Local Failures",
    "serverfailures": "Server Failures"}
NAMES = {
    "en-US": ENGLISH,
    "de-DE": {**ENGLISH, "msgfolderroot": "Oberste Ebene des "
              "Informationsspeichers",
              "inbox": "Posteingang", "drafts": "Entwürfe",
              "sentitems": "Gesendete Elemente",
              "deleteditems": "Gelöschte Elemente",
              "junkemail": "Junk-E-Mail", "archive": "Archiv",
              "outbox": "Postausgang",
              "conversationhistory": "Aufgezeichnete Unterhaltungen",
              "calendar": "Kalender", "contacts": "Kontakte",
              "notes": "Notizen", "tasks": "Aufgaben",
              "syncissues": "Synchronisierungsprobleme",
              "conflicts": "Konflikte", "localfailures": "Lokale Fehler",
              "serverfailures": "Serverfehler"},
    "fr-FR": {**ENGLISH, "msgfolderroot": "Partie supérieure de la banque "
              "d'informations", "inbox": "Boîte de réception",
              "drafts": "Brouillons", "sentitems": "Éléments envoyés",
              "deleteditems": "Éléments supprimés",
              "junkemail": "Courrier indésirable", "archive": "Archive",
              "outbox": "Boîte d'envoi",
              "conversationhistory": "Historique des conversations",
              "calendar": "Calendrier", "notes": "Notes",
              "tasks": "Tâches", "syncissues": "Problèmes de "
              "synchronisation", "conflicts": "Conflits",
              "localfailures": "Défaillances locales",
              "serverfailures": "Défaillances du serveur"},
    "ja-JP": {**ENGLISH, "msgfolderroot": "インフォメーション ストアの先頭",
              "inbox": "受信トレイ", "drafts": "下書き",
              "sentitems": "送信済みアイテム",
              "deleteditems": "削除済みアイテム",
              "junkemail": "迷惑メール", "archive": "アーカイブ",
              "outbox": "送信トレイ", "conversationhistory": "会話の履歴",
              "calendar": "予定表", "contacts": "連絡先",
              "journal": "履歴", "notes": "メモ", "tasks": "タスク",
              "syncissues": "同期の失敗", "conflicts": "競合",
              "localfailures": "ローカル エラー",
              "serverfailures": "サーバー エラー"},
}
