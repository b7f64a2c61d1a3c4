/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Environment variables in the text of a stack file, before it is read as
 * YAML, in the dialect that faas-cli has:
 *
 *   ${A}  ${A:-d} ${A:=d} ${A=d} ${A:+d} ${A:?d}     d where A is empty
 *   ${A^^} ${A,,} ${A^} ${A,}  ${#A}  ${A:1} ${A:1:2}
 *   ${A/x/y} ${A//x/y} ${A/#x/y} ${A/%x/y}  ${A#p} ${A##p} ${A%p} ${A%%p}
 *   $A is left as it is; $${A} and $$A are ${A} and $A
 */

#ifndef FAAS_CLI_SUBST_H
#define FAAS_CLI_SUBST_H

#include <stddef.h>

#include "lib/faas_buf.h"
#include "lib/faas_err.h"

#include "pool.h"


#define SUBST_NAME_MAX   255        /* bytes of a variable's name */
#define SUBST_DEPTH_MAX  16         /* ${A:-${B:-...}} */
#define SUBST_VALUE_MAX  1048576    /* bytes of a default */


struct subst {
    struct pool      *pool;
    const char       *file;         /* for messages */
    const char     *(*get)(const char *name);   /* as getenv() */
    struct texts      unset;        /* "LINE: NAME": ${NAME} of nothing */
};


/*
 * Appends the text, with variables in their places, to out.  Returns 0, or -1
 * with file and line in err.
 */
int subst_expand(struct subst *s, const char *text, size_t len,
    struct faas_buf *out, struct faas_err *err);


#endif /* FAAS_CLI_SUBST_H */
