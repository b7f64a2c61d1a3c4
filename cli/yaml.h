/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * YAML as a tree, each node with its line, so that what is wrong can be said
 * with the place.  Anchors, aliases and merge keys ("<<") are resolved; a name
 * that is twice in a map is an error; tags are not looked at.
 *
 * The text is somebody else's: its size, its depth and the number of nodes
 * have bounds.  Aliases share nodes, but those who read the tree go through
 * them each time: they are counted as what they stand for.
 */

#ifndef FAAS_CLI_YAML_H
#define FAAS_CLI_YAML_H

#include <stddef.h>

#include "lib/faas_err.h"

#include "pool.h"


#define YAML_TEXT_MAX   4194304     /* bytes */
#define YAML_DEPTH_MAX  64          /* maps and lists within one another */
#define YAML_NODES_MAX  200000      /* with what aliases stand for */


enum ynode_kind {
    YNODE_SCALAR,
    YNODE_LIST,
    YNODE_MAP
};

struct ynode {
    enum ynode_kind    kind;
    size_t             line;        /* from 1 */
    const char        *text;        /* scalar: as it is written */
    int                is_plain;    /* scalar: without quotes */
    size_t             n;           /* elements, or pairs */
    size_t             size;        /* room, of both arrays */
    struct ynode     **items;       /* list: elements; map: values */
    const char       **names;       /* map */
    size_t            *lines;       /* map: of the names */
    size_t             lines_size;
    size_t             names_size;
};


/*
 * Reads the first document; an empty one is an empty map.  name is the file's,
 * for messages.  Returns the root, or NULL with "NAME:LINE: ..." in err.
 */
struct ynode *yaml_parse(struct pool *pool, const char *name,
    const char *text, size_t len, struct faas_err *err);

/*
 * The value of a name in a map; NULL where it has none, or node is no map.
 */
struct ynode *yaml_get(const struct ynode *node, const char *name);

/*
 * Whether it is null: nothing, "~" or "null" without quotes.
 */
int yaml_is_null(const struct ynode *node);

/*
 * Sets *value to true or false.  Returns 0, or -1 where it is neither.
 */
int yaml_bool(const struct ynode *node, int *value);


#endif /* FAAS_CLI_YAML_H */
