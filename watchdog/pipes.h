/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The two pipes between the watchdog and a process.
 */

#ifndef FAAS_WD_PIPES_H
#define FAAS_WD_PIPES_H

#include "watchdog.h"


struct wd_pipes {
    int  in;            /* we write to it; -1: the input is /dev/null */
    int  out;           /* we read from it */
    int  fn_in;         /* the function's ends */
    int  fn_out;
};


/*
 * Opens them; with has_input unset the function reads /dev/null.  Ours do not
 * block, the function's do, as it expects.  Returns 0, or -1 with err.
 */
int wd_pipes_open(struct wd *wd, struct wd_pipes *pipes, int has_input,
    struct faas_err *err);

/*
 * The process has its ends, or there is none: closes our copies of them.
 */
void wd_pipes_hand_over(struct wd *wd, struct wd_pipes *pipes);


#endif /* FAAS_WD_PIPES_H */
