/* SPDX-License-Identifier: Apache-2.0 */
/* add_csv.h - mailhaul add FILE.csv */
#ifndef MAILHAUL_CLI_ADD_CSV_H
#define MAILHAUL_CLI_ADD_CSV_H

#include "cli/cli.h"

/* o: options of the command line, which those of a row replace. The exit
 * code. */
int add_csv(struct cli *c, const struct options *o);

#endif
