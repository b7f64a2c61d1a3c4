/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Thousands of functions that are rarely called, each with one replica or
 * none: a fixed keep-alive against one that learns.
 */

#ifndef FAAS_SIM_KEEP_H
#define FAAS_SIM_KEEP_H

#include <stdint.h>


/*
 * Prints a table and figures.
 */
void keep_run(uint64_t seeds);


#endif /* FAAS_SIM_KEEP_H */
