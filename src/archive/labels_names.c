/* SPDX-License-Identifier: Apache-2.0 */
/*
 * labels_names.c - see labels_names.h. Names are in lower case. Where a
 * language is missing, its labels are taken for a person's own: then the
 * folder has Gmail's name for it, and the plan knows most of those.
 */
#include "archive/labels_names.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/buf.h"
#include "util/utf8.h"

static const char *const inbox[] = { "inbox",
	                             "posteingang",
	                             "boîte de réception",
	                             "recibidos",
	                             "bandeja de entrada",
	                             "posta in arrivo",
	                             "postvak in",
	                             "caixa de entrada",
	                             "odebrane",
	                             "indbakke",
	                             "skrzynka odbiorcza",
	                             "inkorg",
	                             "inkorgen",
	                             "innboks",
	                             "postilaatikko",
	                             "saapuneet",
	                             "doručená pošta",
	                             "doručené",
	                             "входящие",
	                             "受信トレイ",
	                             NULL };

static const char *const sent[] = { "sent",
	                            "sent mail",
	                            "gesendet",
	                            "envoyé",
	                            "envoyés",
	                            "messages envoyés",
	                            "enviado",
	                            "enviados",
	                            "enviada",
	                            "enviadas",
	                            "e-mails enviados",
	                            "correio enviado",
	                            "inviata",
	                            "inviati",
	                            "posta inviata",
	                            "verzonden",
	                            "verzonden berichten",
	                            "wysłane",
	                            "sendt",
	                            "sendte",
	                            "sendte mails",
	                            "skickat",
	                            "skickade",
	                            "lähetetty",
	                            "lähetetyt",
	                            "odeslané",
	                            "odeslaná pošta",
	                            "отправленные",
	                            "送信済み",
	                            "送信済みメール",
	                            NULL };

static const char *const drafts[] = {
	"draft",          "drafts",     "entwurf",  "entwürfe",
	"brouillon",      "brouillons", "borrador", "borradores",
	"bozza",          "bozze",      "rascunho", "rascunhos",
	"concept",        "concepten",  "robocze",  "wersja robocza",
	"wersje robocze", "kladde",     "kladder",  "utkast",
	"luonnos",        "luonnokset", "koncept",  "koncepty",
	"черновики",      "下書き",     NULL
};

static const char *const trash[] = {
	"trash",       "bin",         "papierkorb",      "corbeille",
	"papelera",    "cestino",     "lixeira",         "lixo",
	"prullenbak",  "kosz",        "caixote do lixo", "papirkurv",
	"papirkurven", "papperskorg", "papperskorgen",   "roskakori",
	"koš",         "корзина",     "ゴミ箱",          NULL
};

static const char *const spam[] = {
	"spam",       "junk", "skräppost",  "søppelpost", "correo no deseado",
	"roskaposti", "спам", "迷惑メール", NULL
};

static const char *const unread[] = { "unread",
	                              "ungelesen",
	                              "non lu",
	                              "non lus",
	                              "no leído",
	                              "no leídos",
	                              "sin leer",
	                              "messages non lus",
	                              "non letto",
	                              "non letti",
	                              "non letta",
	                              "da leggere",
	                              "não lido",
	                              "não lidos",
	                              "não lida",
	                              "não lidas",
	                              "ongelezen",
	                              "ulæst",
	                              "nieprzeczytane",
	                              "ulæste",
	                              "oläst",
	                              "olästa",
	                              "ulest",
	                              "uleste",
	                              "lukematon",
	                              "lukemattomat",
	                              "nepřečtené",
	                              "nepřečteno",
	                              "непрочитанные",
	                              "未読",
	                              NULL };

static const char *const starred[] = { "starred",
	                               "markiert",
	                               "suivi",
	                               "suivis",
	                               "messages suivis",
	                               "favoris",
	                               "destacado",
	                               "destacados",
	                               "speciale",
	                               "speciali",
	                               "con estrella",
	                               "com estrela",
	                               "marcado com estrela",
	                               "marcados com estrela",
	                               "met ster",
	                               "z gwiazdką",
	                               "oznaczone gwiazdką",
	                               "stjernemarkeret",
	                               "stjernemarkerede",
	                               "stjärnmärkt",
	                               "stjärnmärkta",
	                               "stjernemerket",
	                               "stjernemerkede",
	                               "tähdellä merkitty",
	                               "tähdellä merkityt",
	                               "s hvězdičkou",
	                               "označené hvězdičkou",
	                               "помеченные",
	                               "スター付き",
	                               NULL };

static const char *const important[] = {
	"important",  "importants", "wichtig",  "importante", "importantes",
	"importanti", "belangrijk", "ważne",    "vigtig",     "vigtige",
	"vigtigt",    "viktig",     "viktigt",  "viktiga",    "viktige",
	"tärkeä",     "tärkeät",    "důležité", "důležitá",   "важные",
	"重要",       NULL
};

static const char *const sorting[] = {
	/* Opened */
	"opened", "geöffnet", "ouvert", "ouverts", "abierto", "abiertos",
	"aperto", "aperti", "aperta", "aberto", "abertos", "aberta", "abertas",
	"geopend", "otwarte", "åbnet", "åbnede", "öppnad", "öppnade", "öppnat",
	"åpnet", "åpnede", "avattu", "avatut", "otevřené", "otevřeno",
	"открытые", "開封済み",
	/* Archived */
	"archived", "archiviert", "archivé", "archivés", "messages archivés",
	"archivado", "archivados", "archiviato", "archiviati", "arquivado",
	"arquivados", "arquivada", "arquivadas", "gearchiveerd",
	"zarchiwizowane", "arkiveret", "arkiverede", "arkiverad", "arkiverade",
	"arkiverat", "arkivert", "arkiverte", "arkistoitu", "arkistoidut",
	"archivované", "archivováno", "архивированные", "アーカイブ済み",
	/* Muted */
	"muted", "ignoriert", "ignorés", "silenciado", "silenciados",
	"silenziati", "genegeerd", "wyciszone", "zignorowane",
	/* Categories */
	"category personal", "category social", "category promotions",
	"category updates", "category forums", "category purchases",
	"category travel", "category reservations", NULL
};

/* Other languages have a colon: "Catégorie : Réseaux sociaux". */
static const char *const category[] = { "category",  "kategorie", "catégorie",
	                                "categoría", "categoria", "categorie",
	                                "kategoria", "kategori",  "luokka",
	                                NULL };

static const struct {
	enum label_role role;
	const char *const *names;
} roles[] = {
	{ LABEL_INBOX, inbox },         { LABEL_SENT, sent },
	{ LABEL_UNREAD, unread },       { LABEL_SORTING, sorting },
	{ LABEL_IMPORTANT, important }, { LABEL_STARRED, starred },
	{ LABEL_DRAFTS, drafts },       { LABEL_TRASH, trash },
	{ LABEL_SPAM, spam },
};

static bool is_category(const char *name)
{
	for (size_t i = 0; category[i]; i++) {
		size_t n = strlen(category[i]);

		if (strncmp(name, category[i], n) != 0)
			continue;
		if (name[n + strspn(name + n, " ")] == ':')
			return true;
	}
	return false;
}

enum label_role label_role(const char *label)
{
	char *name CLEANUP(free_p) = utf8_folded(label);

	if (strncmp(label, "IMAP_", LABEL_KEYWORD_PREFIX) == 0 &&
	    label[LABEL_KEYWORD_PREFIX])
		return LABEL_KEYWORD;
	if (!name)
		return LABEL_OWN;
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		for (const char *const *n = roles[i].names; *n; n++)
			if (strcmp(*n, name) == 0)
				return roles[i].role;
	return is_category(name) ? LABEL_SORTING : LABEL_OWN;
}
