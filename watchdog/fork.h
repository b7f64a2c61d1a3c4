/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Modes with a process a request: streaming, serializing, classic.
 */

#ifndef FAAS_WD_FORK_H
#define FAAS_WD_FORK_H

#include <stddef.h>
#include <stdint.h>

#include "conn.h"
#include "lib/faas_buf.h"
#include "marshal.h"
#include "proc.h"


struct wd_call {
    struct wd_list     link;        /* in the mode's free list */
    struct wd_conn    *conn;
    struct wd_proc    *proc;
    struct wd_event    in;          /* its standard input */
    struct wd_event    out;         /* its standard output */
    struct wd_marshal  marshal;     /* where is_marshaled */
    struct faas_buf    held;        /* output, as long as is_holding */
    uint64_t           n_output;    /* bytes that it has written */
    int                can_write;
    int                can_read;
    int                is_marshaled;    /* all of the body is in marshal */
    int                is_holding;  /* output is held until it has ended */
    int                status;      /* of wait(2) */
    int                is_ended;
    char               type[WD_CONTENT_TYPE_MAX + 1];   /* "": by output */
};


/*
 * Body to standard input, standard output to the answer (call_io.c).  Return
 * whether something has moved.
 */
int wd_call_feed(struct wd_call *call);
int wd_call_drain(struct wd_call *call);

/*
 * Answers (outcome.c).  Each is given once for a call.
 *
 * The process has ended well and its output is complete; it has ended badly;
 * it has not ended in time; more has come than can be held.
 */
void wd_outcome_good(struct wd_call *call);
void wd_outcome_bad(struct wd_call *call);
void wd_outcome_late(struct wd_call *call);
void wd_outcome_open(struct wd_call *call);

/*
 * The type of an answer by its first bytes, as browsers and Go guess it.
 */
const char *wd_sniff(const char *data, size_t len);


#endif /* FAAS_WD_FORK_H */
