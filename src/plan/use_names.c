/* SPDX-License-Identifier: Apache-2.0 */
/*
 * use_names.c - the special use of folders that have no attribute for it
 * (RFC 6154), by the names that programs and servers give them.
 *
 * Names are compared by their letters and digits only, without case and
 * accents: one row stands for "Junk E-mail", "junk-email" and "JunkEMail".
 * To add a language, add rows; the order does not matter. A name must not
 * be one that people give to folders of their own.
 */
#include "mailhaul/plan.h"

#include <string.h>
#include <strings.h>

#include "plan/folder_map.h"
#include "util/utf8.h"

/* Octets of a name in which accents count: "Koš" is a bin, Kos an island. */
#define SHORT_NAME 6

static const char *const sent[] = {
	/* English, Outlook, Apple */
	"Sent", "Sent Items", "Sent Messages", "Sent Mail", "Sent Email",
	"Sent Objects",
	/* German */
	"Gesendet", "Gesendete", "Gesendete Elemente", "Gesendete Objekte",
	"Gesendete Nachrichten", "Gesendete Mails", "Gesendete E-Mails",
	"Gesendete Post", "Versendet",
	/* French */
	"Envoyé", "Envoyés", "Éléments envoyés", "Objets envoyés",
	"Messages envoyés", "Courrier envoyé", "E-mails envoyés",
	"Mails envoyés", "Courriels envoyés",
	/* Spanish, Catalan */
	"Enviado", "Enviados", "Elementos enviados", "Mensajes enviados",
	"Correo enviado", "Correos enviados", "Enviats", "Elements enviats",
	/* Portuguese */
	"Enviada", "Enviadas", "Itens enviados", "Mensagens enviadas",
	"E-mails enviados", "Correio enviado",
	/* Italian */
	"Inviata", "Inviati", "Posta inviata", "Elementi inviati",
	"Messaggi inviati",
	/* Dutch */
	"Verzonden", "Verzonden items", "Verzonden berichten",
	"Verzonden e-mail", "Verzonden objecten", "Verzonden post", "Verstuurd",
	/* Danish, Norwegian, Swedish, Finnish */
	"Sendt", "Sendt post", "Sendt mail", "Sendt e-post", "Sendte elementer",
	"Sendte beskeder", "Sendte meddelelser", "Sendte meldinger", "Sendte",
	"Skickat", "Skickade", "Skickade objekt", "Skickade meddelanden",
	"Skickad e-post", "Lähetetyt", "Lähetetyt viestit", "Lähetetyt kohteet",
	"Lähetetyt sähköpostit",
	/* Polish, Czech, Slovak */
	"Wysłane", "Elementy wysłane", "Wysłane wiadomości", "Poczta wysłana",
	"Odeslané", "Odeslaná pošta", "Odeslané zprávy", "Odeslané položky",
	"Odoslané", "Odoslaná pošta", "Odoslané správy", "Odoslané položky",
	/* Slovene, Croatian, Bosnian, Serbian, Bulgarian */
	"Poslano", "Poslane stavke", "Poslani elementi", "Poslato", "Послато",
	"Изпратени",
	/* Hungarian, Romanian */
	"Elküldött", "Elküldött elemek", "Elküldött üzenetek",
	"Elküldött levelek", "Trimise", "Elemente trimise", "Mesaje trimise",
	/* Greek, Turkish */
	"Απεσταλμένα", "Απεσταλμένα στοιχεία", "Απεσταλμένα μηνύματα",
	"Gönderilmiş Öğeler", "Gönderilmiş Postalar", "Gönderilenler",
	"Gönderilen Öğeler", "Gönderilen Postalar", "Gönderilmiş",
	/* Russian, Ukrainian */
	"Отправленные", "Отправленные элементы", "Отправленные письма",
	"Надіслані", "Надіслані елементи", "Надіслані листи", "Відправлені",
	/* Japanese, Chinese, Korean */
	"送信済み", "送信済みアイテム", "送信済みメール", "送信済みメッセージ",
	"送信済みトレイ", "已发送", "已发送邮件", "已发邮件", "已发送的邮件",
	"已发送消息", "寄件備份", "寄件備份匣", "已傳送", "已傳送的郵件",
	"已傳送郵件", "보낸 편지함", "보낸 메일함", "보낸 항목", "보낸 메시지",
	/* Hebrew, Arabic */
	"פריטים שנשלחו", "דואר שנשלח", "العناصر المرسلة", "الرسائل المرسلة",
	"البريد المرسل", NULL
};

static const char *const drafts[] = { "Drafts",
	                              "Draft",
	                              "Draft Messages",
	                              "Entwürfe",
	                              "Entwurf",
	                              "Brouillon",
	                              "Brouillons",
	                              "Borrador",
	                              "Borradores",
	                              "Esborranys",
	                              "Rascunho",
	                              "Rascunhos",
	                              "Bozza",
	                              "Bozze",
	                              "Concepten",
	                              "Kladder",
	                              "Kladde",
	                              "Kladd",
	                              "Udkast",
	                              "Utkast",
	                              "Luonnokset",
	                              "Szkice",
	                              "Kopie robocze",
	                              "Wersje robocze",
	                              "Robocze",
	                              "Koncepty",
	                              "Rozepsané",
	                              "Rozepsané zprávy",
	                              "Rozpísané",
	                              "Osnutki",

	                              "Чернови",
	                              "Piszkozatok",
	                              "Vázlatok",
	                              "Ciorne",
	                              "Schițe",
	                              "Πρόχειρα",
	                              "Taslaklar",
	                              "Taslak",
	                              "Черновики",
	                              "Чернетки",
	                              "下書き",
	                              "下書きトレイ",
	                              "草稿",
	                              "草稿箱",
	                              "草稿匣",
	                              "草稿夹",
	                              "임시 보관함",
	                              "임시 저장",
	                              "임시보관 메일함",
	                              "טיוטות",
	                              "المسودات",
	                              "مسودات",
	                              NULL };

static const char *const trash[] = {
	/* English, Outlook, Apple */
	"Trash", "Deleted Items", "Deleted Messages", "Deleted", "Deleted Mail",
	"Deleted Objects", "Wastebasket", "Recycle Bin",
	/* German */
	"Papierkorb", "Gelöscht", "Gelöschte", "Gelöschte Elemente",
	"Gelöschte Objekte", "Gelöschte Nachrichten", "Gelöschte E-Mails",
	"Gelöschte Mails",
	/* French */
	"Corbeille", "Poubelle", "Éléments supprimés", "Messages supprimés",
	"Supprimés", "Objets supprimés",
	/* Spanish, Catalan */
	"Papelera", "Papelera de reciclaje", "Elementos eliminados",
	"Mensajes eliminados", "Correo eliminado", "Eliminados",
	"Elementos borrados", "Borrados", "Paperera", "Elements suprimits",
	/* Portuguese */
	"Lixeira", "Lixo", "Caixote do lixo", "Itens excluídos",
	"Itens eliminados", "Mensagens excluídas", "Mensagens eliminadas",
	"Excluídos", "Excluídas",
	/* Italian */
	"Cestino", "Posta eliminata", "Elementi eliminati",
	"Messaggi eliminati", "Eliminati", "Eliminata",
	/* Dutch */
	"Prullenbak", "Prullenmand", "Verwijderd", "Verwijderde items",
	"Verwijderde berichten", "Verwijderde objecten", "Verwijderde e-mail",
	/* Danish, Norwegian, Swedish, Finnish */
	"Papirkurv", "Papirkurven", "Slettet", "Slettet post",
	"Slettede elementer", "Slettede", "Slettede meddelelser",
	"Slettede meldinger", "Papperskorg", "Papperskorgen", "Borttaget",
	"Borttagna", "Borttagna objekt", "Roskakori", "Poistetut",
	"Poistetut kohteet", "Poistetut viestit",
	/* Polish, Czech, Slovak */
	"Kosz", "Usunięte", "Elementy usunięte", "Usunięte elementy", "Koš",
	"Smazané", "Odstraněná pošta", "Odstraněné položky", "Kôš", "Zmazané",
	/* Slovene, Croatian, Bosnian, Serbian, Bulgarian */
	"Smetnjak", "Izbrisano", "Izbrisane stavke", "Smeće", "Отпад", "Кошче",
	"Изтрити",
	/* Hungarian, Romanian */
	"Kuka", "Lomtár", "Törölt", "Törölt elemek", "Törölt üzenetek", "Coș",
	"Coș de gunoi", "Gunoi", "Șterse", "Elemente șterse", "Mesaje șterse",
	/* Greek, Turkish */
	"Κάδος", "Κάδος απορριμμάτων", "Απορρίμματα", "Διαγραμμένα",
	"Διαγραμμένα στοιχεία", "Çöp", "Çöp Kutusu", "Silinmiş Öğeler",
	"Silinenler", "Silinen Öğeler", "Silinmiş",
	/* Russian, Ukrainian */
	"Корзина", "Удалённые", "Удалённые элементы", "Кошик", "Видалені",
	"Видалені елементи",
	/* Japanese, Chinese, Korean */
	"ゴミ箱", "ごみ箱", "削除済み", "削除済みアイテム", "削除済みメール",
	"已删除", "已删除邮件", "已删除的邮件", "已删除消息", "废件箱",
	"废纸篓", "回收站", "垃圾桶", "刪除的郵件", "已刪除", "已刪除的郵件",
	"已刪除郵件", "資源回收筒", "휴지통", "지운 편지함", "지운 편지",
	"삭제된 항목", "삭제한 메일함",
	/* Hebrew, Arabic */
	"אשפה", "פריטים שנמחקו", "דואר שנמחק", "العناصر المحذوفة", "المهملات",
	"سلة المهملات", "الرسائل المحذوفة", NULL
};

static const char *const junk[] = {
	/* Everywhere, English */
	"Spam", "Junk", "Junk Email", "Junk Mail", "Junk Messages", "Bulk Mail",
	"Bulk", "Spam Mail", "Spam Email", "Spambox",
	/* German */
	"Spamverdacht", "Spamordner", "Unerwünscht", "Unerwünschte Werbung",
	"Unerwünschte E-Mails",
	/* French */
	"Indésirable", "Indésirables", "Courrier indésirable",
	"Messages indésirables", "Pourriel", "Pourriels",
	/* Spanish, Catalan */
	"Correo no deseado", "No deseado", "Correo basura",
	"Correo electrónico no deseado", "Correu brossa",
	/* Portuguese */
	"Lixo eletrônico", "Lixo electrónico",
	("Correio eletrónico não "
	 "solicitado"),
	/* Italian */
	"Posta indesiderata", "Indesiderata",
	/* Dutch */
	"Ongewenst", "Ongewenste e-mail", "Ongewenste post",
	"Ongewenste reclame", "Ongewenste berichten",
	/* Danish, Norwegian, Swedish, Finnish */
	"Uønsket", "Uønsket mail", "Uønsket post", "Uønsket e-mail",
	"Uønsket e-post", "Søppelpost", "Søppel-e-post", "Skräppost",
	"Roskaposti", "Roskapostit",
	/* Polish, Czech, Slovak */
	"Wiadomości-śmieci", "Niechciane", "Niechciana poczta",
	"Nevyžádaná pošta", "Nevyžádané", "Nevyžiadaná pošta", "Nevyžiadané",
	"Nevyžiadaný e-mail",
	/* Slovene, Croatian, Serbian, Bulgarian */
	"Neželena pošta", "Neželjena pošta", "Нежељена пошта", "Нежелана поща",
	/* Hungarian, Romanian */
	"Levélszemét", "E-mail nedorit", "Mesaje nedorite", "Poștă nedorită",
	/* Greek, Turkish */
	"Ανεπιθύμητα", "Ανεπιθύμητη αλληλογραφία", "Ανεπιθύμητα μηνύματα",
	"Önemsiz", "Önemsiz E-posta", "Gereksiz", "Gereksiz E-posta",
	"İstenmeyen", "İstenmeyen posta",
	/* Russian, Ukrainian */
	"Спам", "Нежелательная почта", "Небажана пошта",
	"Небажана електронна пошта",
	/* Japanese, Chinese, Korean */
	"迷惑メール", "スパム", "垃圾邮件", "垃圾郵件", "스팸", "스팸함",
	"스팸 메일함", "스팸 메일", "정크 메일", "정크",
	/* Hebrew, Arabic */
	"דואר זבל", "ספאם", "البريد الإلكتروني غير الهام", "البريد غير الهام",
	"بريد مزعج", "البريد المزعج", NULL
};

static const char *const archive[] = {
	"Archive", "Archives",   "Archiv",        "Archivo", "Archivio",
	"Arxiu",   "Arquivo",    "Arquivo Morto", "Archief", "Arkiv",
	"Arkisto", "Archiwum",   "Arhiv",         "Arhiva",  "Archívum",
	"Αρχείο",  "Αρχειοθήκη", "Arşiv",         "Архив",   "Архива",
	"Архів",   "アーカイブ", "存档",          "归档",    "封存",
	"存檔",    "歸檔",       "보관",          "보관함",  "보관 메일함",
	"ארכיון",  "الأرشيف",    "أرشيف",         NULL
};

/* Only where no folder is called INBOX: programs' names for it in files. */
static const char *const inboxes[] = {
	"Posteingang",      "Boîte de réception",
	"Courrier entrant", "Bandeja de entrada",
	"Recibidos",        "Safata d'entrada",
	"Caixa de entrada", "Posta in arrivo",
	"Postvak IN",       "Inkomende post",
	"Indbakke",         "Innboks",
	"Inkorg",           "Inkorgen",
	"Saapuneet",        "Skrzynka odbiorcza",
	"Odebrane",         "Doručená pošta",
	"Doručené",         "Prejeto",
	"Pristigla pošta",  "Beérkezett üzenetek",
	"Mesaje primite",   "Εισερχόμενα",
	"Gelen Kutusu",     "Входящие",
	"Вхідні",           "Входящи",
	"受信トレイ",       "受信箱",
	"收件箱",           "收件匣",
	"받은 편지함",      "받은 메일함",
	"דואר נכנס",        "البريد الوارد",
	"علبة الوارد",      NULL
};

static const struct {
	enum mail_use use;
	const char *const *names;
} uses[] = {
	{ USE_SENT, sent }, { USE_DRAFTS, drafts },   { USE_TRASH, trash },
	{ USE_JUNK, junk }, { USE_ARCHIVE, archive },
};

/* The letter without its accent, for letters that utf8_fold made small. */
static const struct {
	uint16_t lo, hi;
	uint16_t base;
} accents[] = {
	{ 0xe0, 0xe5, 'a' },     { 0xe7, 0xe7, 'c' },
	{ 0xe8, 0xeb, 'e' },     { 0xec, 0xef, 'i' },
	{ 0xf1, 0xf1, 'n' },     { 0xf2, 0xf6, 'o' },
	{ 0xf8, 0xf8, 'o' },     { 0xf9, 0xfc, 'u' },
	{ 0xfd, 0xfd, 'y' },     { 0xff, 0xff, 'y' },
	{ 0x101, 0x105, 'a' },   { 0x107, 0x10d, 'c' },
	{ 0x10f, 0x111, 'd' },   { 0x113, 0x11b, 'e' },
	{ 0x11d, 0x123, 'g' },   { 0x125, 0x127, 'h' },
	{ 0x129, 0x131, 'i' },   { 0x135, 0x135, 'j' },
	{ 0x137, 0x137, 'k' },   { 0x13a, 0x142, 'l' },
	{ 0x144, 0x148, 'n' },   { 0x14d, 0x151, 'o' },
	{ 0x155, 0x159, 'r' },   { 0x15b, 0x161, 's' },
	{ 0x163, 0x167, 't' },   { 0x169, 0x173, 'u' },
	{ 0x175, 0x175, 'w' },   { 0x177, 0x177, 'y' },
	{ 0x17a, 0x17e, 'z' },   { 0x219, 0x219, 's' },
	{ 0x21b, 0x21b, 't' },   { 0x3ac, 0x3ac, 0x3b1 },
	{ 0x3ad, 0x3ad, 0x3b5 }, { 0x3ae, 0x3ae, 0x3b7 },
	{ 0x3af, 0x3af, 0x3b9 }, { 0x3ca, 0x3ca, 0x3b9 },
	{ 0x3cb, 0x3cb, 0x3c5 }, { 0x3cc, 0x3cc, 0x3bf },
	{ 0x3cd, 0x3cd, 0x3c5 }, { 0x3ce, 0x3ce, 0x3c9 },
	{ 0x439, 0x439, 0x438 }, { 0x450, 0x450, 0x435 },
	{ 0x451, 0x451, 0x435 }, { 0x457, 0x457, 0x456 },
};

static uint32_t plain_letter(uint32_t cp)
{
	cp = utf8_fold(cp);
	for (size_t i = 0; i < sizeof(accents) / sizeof(accents[0]); i++)
		if (cp >= accents[i].lo && cp <= accents[i].hi)
			return accents[i].base;
	return cp;
}

/* Blanks, punctuation and accents that stand behind their letter. */
static bool is_skipped(uint32_t cp)
{
	if (cp < 0x80)
		return !((cp >= '0' && cp <= '9') || (cp >= 'a' && cp <= 'z'));
	return (cp >= 0x80 && cp <= 0xbf) || (cp >= 0x300 && cp <= 0x36f) ||
	       (cp >= 0x2000 && cp <= 0x206f) || cp == 0x3000;
}

/* The next letter that counts; 0 at the end. */
static uint32_t next_letter(const char **s, bool accents_count)
{
	uint32_t cp;

	for (size_t n; (n = utf8_next(*s, &cp)) > 0;) {
		*s += n;
		cp = accents_count ? utf8_fold(cp) : plain_letter(cp);
		if (!is_skipped(cp))
			return cp;
	}
	return 0;
}

static bool same_name(const char *known, const char *name)
{
	bool accents_count = strlen(known) <= SHORT_NAME;
	uint32_t x, y;

	do {
		x = next_letter(&known, accents_count);
		y = next_letter(&name, accents_count);
	} while (x == y && x);
	return x == y;
}

static bool is_one_of(const char *const *names, const char *name)
{
	const char *p = name;

	if (!next_letter(&p, false) || !utf8_valid(name))
		return false;
	for (; *names; names++)
		if (same_name(*names, name))
			return true;
	return false;
}

static enum mail_use use_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
		if (is_one_of(uses[i].names, name))
			return uses[i].use;
	return USE_NONE;
}

bool plan_names_inbox(const char *name)
{
	return is_one_of(inboxes, name);
}

enum mail_use plan_use(const struct folder *f)
{
	if (f->use != USE_NONE || f->depth == 0)
		return f->use;
	if (f->depth == 1 && !strcasecmp(f->comp[0], "INBOX"))
		return USE_INBOX;
	if (f->depth == 1)
		return use_by_name(f->comp[0]);
	if (f->depth == 2 && !strcasecmp(f->comp[0], "INBOX"))
		return use_by_name(f->comp[1]);
	return USE_NONE;
}
