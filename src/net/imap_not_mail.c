/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imap_not_mail.c - folders of Exchange that hold no mail and stand in its
 * LIST all the same: calendar, contacts, tasks. m365.md B.3 and B.6.
 *
 * Their names are in the mailbox's language. A row counts only as a whole:
 * where its calendar and its contacts are both there, it is this mailbox's
 * language; so a folder of mail that somebody named "Tasks" in a German
 * mailbox stays one.
 */
#include <string.h>

#include "net/imap_int.h"
#include "util/utf8.h"

/* Calendar and contacts, then tasks, notes, journal, outbox, conversation
 * history, sync issues; NULL: not known. */
enum { CALENDAR, CONTACTS, NAMES = 8 };

static const char *const languages[][NAMES] = {
	{ "Calendar", "Contacts", "Tasks", "Notes", "Journal", "Outbox",
	  "Conversation History", "Sync Issues" },
	{ "Kalender", "Kontakte", "Aufgaben", "Notizen", "Journal",
	  "Postausgang", "Aufgezeichnete Unterhaltungen",
	  "Synchronisierungsprobleme" },
	{ "Calendrier", "Contacts", "Tâches", "Notes", "Journal",
	  "Boîte d'envoi", "Historique des conversations",
	  "Problèmes de synchronisation" },
	{ "Calendario", "Contactos", "Tareas", "Notas", "Diario",
	  "Bandeja de salida", "Historial de conversaciones",
	  "Problemas de sincronización" },
	{ "Calendario", "Contatti", "Attività", "Note", "Diario",
	  "Posta in uscita", "Cronologia conversazioni",
	  "Problemi di sincronizzazione" },
	{ "Calendário", "Contatos", "Tarefas", "Anotações", "Diário",
	  "Caixa de Saída", "Histórico de Conversa",
	  "Problemas de Sincronização" },
	{ "Calendário", "Contactos", "Tarefas", "Notas", "Diário", "A Enviar",
	  "Histórico de Conversações", "Problemas de Sincronização" },
	{ "Agenda", "Contactpersonen", "Taken", "Notities", "Logboek",
	  "Postvak UIT", "Gespreksgeschiedenis", "Synchronisatieproblemen" },
	{ "Kalender", "Kontaktpersoner", "Opgaver", "Noter", "Journal",
	  "Udbakke", "Samtalehistorik", "Synkroniseringsproblemer" },
	{ "Kalender", "Kontakter", "Oppgaver", "Notater", "Journal", "Utboks",
	  "Samtalelogg", "Synkroniseringsproblemer" },
	{ "Kalender", "Kontakter", "Uppgifter", "Anteckningar", "Journal",
	  "Utkorgen", "Konversationshistorik", "Synkroniseringsproblem" },
	{ "Kalenteri", "Yhteystiedot", "Tehtävät", "Muistilaput", "Päiväkirja",
	  "Lähtevät", "Keskusteluhistoria", "Synkronointiongelmat" },
	{ "Kalendarz", "Kontakty", "Zadania", "Notatki", "Dziennik",
	  "Skrzynka nadawcza", "Historia konwersacji",
	  "Problemy z synchronizacją" },
	{ "Kalendář", "Kontakty", "Úkoly", "Poznámky", "Deník",
	  "Pošta k odeslání", "Historie konverzací",
	  "Potíže se synchronizací" },
	{ "Takvim", "Kişiler", "Görevler", "Notlar", "Günlük", "Giden Kutusu",
	  "Konuşma Geçmişi", "Eşitleme Sorunları" },
	{ "Календарь", "Контакты", "Задачи", "Заметки", "Дневник", "Исходящие",
	  "История разговоров", "Проблемы синхронизации" },
	{ "予定表", "連絡先", "タスク", "メモ", "履歴", "送信トレイ",
	  "会話の履歴", "同期の失敗" },
	{ "日历", "联系人", "任务", "便笺", "日记", "发件箱", "对话历史记录",
	  "同步问题" },
	{ "行事曆", "連絡人", "工作", "記事", "日誌", "寄件匣", "交談記錄",
	  "同步處理問題" },
	{ "일정", "연락처", "작업", "메모", "업무 일지", "보낼 편지함",
	  "대화 내용", "동기화 문제" },
};
#define LANGUAGES (sizeof languages / sizeof *languages)

static bool same(const char *a, const char *b)
{
	CLEANUP(free_p) char *x = utf8_folded(a);
	CLEANUP(free_p) char *y = utf8_folded(b);

	return x && y && strcmp(x, y) == 0;
}

static bool has_top(const struct folder_list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].depth == 1 && same(l->v[i].comp[0], name))
			return true;
	return false;
}

bool imap_names_no_mail(const char *name)
{
	for (size_t k = 0; k < LANGUAGES; k++)
		for (size_t i = 0; i < NAMES; i++)
			if (same(languages[k][i], name))
				return true;
	return false;
}

/* They and what stands below them. */
static void mark(struct folder_list *l, const char *const *names)
{
	for (size_t i = 0; i < l->n; i++)
		for (size_t k = 0; k < NAMES && l->v[i].depth; k++)
			if (same(names[k], l->v[i].comp[0]))
				l->v[i].noselect = true;
}

void imap_mark_no_mail(struct folder_list *l)
{
	for (size_t k = 0; k < LANGUAGES; k++)
		if (has_top(l, languages[k][CALENDAR]) &&
		    has_top(l, languages[k][CONTACTS]))
			mark(l, languages[k]);
}
