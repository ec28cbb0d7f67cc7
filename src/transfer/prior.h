/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prior.h - where each source folder went before: in an earlier pass, or
 * as the folder of another source of the same destination.
 */
#ifndef MAILHAUL_TRANSFER_PRIOR_H
#define MAILHAUL_TRANSFER_PRIOR_H

#include "mailhaul/store.h"

/*
 * prior[i] (for plan_folders_again) becomes the path at the destination of
 * src->v[i], borrowed from dest, or NULL. known: this mailbox's folders of
 * an earlier pass; dest: those of its destination. A folder that is new
 * takes the place of another source's with its path (else in another case,
 * else with its special use), and no two of them the same one's.
 */
int prior_paths(struct store *s, const struct mailbox *mailbox,
                const struct folder_list *src,
                const struct source_folder *known, size_t known_n,
                const struct dest_folder *dest, size_t dest_n,
                const char **prior, struct err *e);

#endif
