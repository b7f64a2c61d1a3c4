/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What somebody may have meant: of several names the one that is fewest
 * letters away.
 */

#ifndef FAAS_CLI_SIMILAR_H
#define FAAS_CLI_SIMILAR_H

#include <stddef.h>


#define SIMILAR_MAX  64             /* bytes of a name; longer ones have none */


struct similar {
    const char  *name;
    size_t       len;
    const char  *best;              /* NULL: none is near */
    size_t       distance;
};


/*
 * Begins with the name as it was given.
 */
void similar_init(struct similar *s, const char *name, size_t len);

/*
 * Keeps the candidate, which is not copied, where it is the nearest so far,
 * and near enough: a third of its letters may be wrong.
 */
void similar_try(struct similar *s, const char *candidate);


#endif /* FAAS_CLI_SIMILAR_H */
