/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * YAML as a tree.
 */

#include "yaml.h"

#include <string.h>
#include <yaml.h>


struct anchor {
    const char     *name;
    struct ynode   *node;
    size_t          nodes;          /* it and what is in it */
    struct anchor  *next;           /* the one before: the last one counts */
};

struct builder {
    struct pool      *pool;
    const char       *name;
    const char       *text;
    size_t            len;
    yaml_parser_t     parser;
    yaml_event_t      event;        /* the last one that was read */
    int               has_event;
    struct anchor    *anchors;
    size_t            nodes;
    size_t            depth;
    struct faas_err  *err;
};


static int next(struct builder *b);
static int syntax_error(struct builder *b);
static int has_tab(const struct builder *b, size_t line);
static struct ynode *document(struct builder *b);
static struct ynode *read_node(struct builder *b);
static struct ynode *read_scalar(struct builder *b);
static struct ynode *read_alias(struct builder *b);
static struct ynode *read_list(struct builder *b);
static struct ynode *read_map(struct builder *b);
static int read_pair(struct builder *b, struct ynode *map,
    struct ynode *merges);
static int put(struct builder *b, struct ynode *map, const char *name,
    size_t line, struct ynode *value);
static int merge(struct builder *b, struct ynode *map,
    const struct ynode *other);
static int merge_all(struct builder *b, struct ynode *map,
    const struct ynode *merges);
static void append(struct pool *pool, struct ynode *node,
    struct ynode *item);
static struct ynode *new_node(struct builder *b, enum ynode_kind kind);
static int count(struct builder *b, size_t nodes, size_t line);
static void remember(struct builder *b, const char *name,
    struct ynode *node, size_t before);
static int fault(struct builder *b, size_t line, const char *text,
    const char *what);
static size_t line_of(const struct builder *b);


struct ynode *
yaml_parse(struct pool *pool, const char *name, const char *text, size_t len,
    struct faas_err *err)
{
    struct ynode    *root;
    struct builder   b = { .pool = pool, .name = name, .text = text,
                           .len = len, .err = err };

    if (len > YAML_TEXT_MAX) {
        (void) faas_err_set(err, 0, "%.160s: over %d bytes", name,
                            YAML_TEXT_MAX);
        return NULL;
    }

    if (yaml_parser_initialize(&b.parser) == 0) {
        (void) faas_err_set(err, 0, "%.160s: no memory", name);
        return NULL;
    }

    yaml_parser_set_input_string(&b.parser, (const unsigned char *) text,
                                 len);

    root = document(&b);

    if (b.has_event) {
        yaml_event_delete(&b.event);
    }

    yaml_parser_delete(&b.parser);

    return root;
}


struct ynode *
yaml_get(const struct ynode *node, const char *name)
{
    size_t  i;

    if (node == NULL || node->kind != YNODE_MAP) {
        return NULL;
    }

    for (i = 0; i < node->n; i++) {
        if (strcmp(node->names[i], name) == 0) {
            return node->items[i];
        }
    }

    return NULL;
}


int
yaml_is_null(const struct ynode *node)
{
    return node->kind == YNODE_SCALAR && node->is_plain
           && (node->text[0] == '\0' || strcmp(node->text, "~") == 0
               || strcmp(node->text, "null") == 0
               || strcmp(node->text, "Null") == 0
               || strcmp(node->text, "NULL") == 0);
}


int
yaml_bool(const struct ynode *node, int *value)
{
    static const char *const  yes[] = {
        "true", "True", "TRUE", "yes", "on", NULL
    };
    static const char *const  no[] = {
        "false", "False", "FALSE", "no", "off", NULL
    };

    if (node->kind != YNODE_SCALAR) {
        return -1;
    }

    *value = texts_is_one(yes, node->text);

    return *value || texts_is_one(no, node->text) ? 0 : -1;
}


/*
 * Reads the next event in the place of the last one.
 */
static int
next(struct builder *b)
{
    if (b->has_event) {
        yaml_event_delete(&b->event);
        b->has_event = 0;
    }

    if (yaml_parser_parse(&b->parser, &b->event) == 0) {
        return syntax_error(b);
    }

    b->has_event = 1;

    return 0;
}


static int
syntax_error(struct builder *b)
{
    size_t       line;
    const char  *problem;

    line = b->parser.problem_mark.line + 1;
    problem = b->parser.problem != NULL ? b->parser.problem
              : "it cannot be read";

    if (b->parser.error == YAML_READER_ERROR) {
        return fault(b, 1, problem, "; it has to be UTF-8");
    }

    if (has_tab(b, line)) {
        return fault(b, line, "there is a tab where the line is indented; "
                     "YAML wants blanks", "");
    }

    return fault(b, line, problem,
                 b->parser.context != NULL ? "; look at the indentation, "
                 "colons and quotes there and in the lines before" : "");
}


/*
 * Whether the line, or the one before it, has a tab among its first blanks.
 */
static int
has_tab(const struct builder *b, size_t line)
{
    size_t       n;
    const char  *p, *end;

    p = b->text;
    end = b->text + b->len;

    for (n = 1; n <= line && p < end; n++) {

        if (n + 1 >= line) {
            const char  *q = p;

            while (q < end && *q == ' ') {
                q++;
            }

            if (q < end && *q == '\t') {
                return 1;
            }
        }

        p = memchr(p, '\n', (size_t) (end - p));

        if (p == NULL) {
            break;
        }

        p++;
    }

    return 0;
}


static struct ynode *
document(struct builder *b)
{
    struct ynode  *root;

    do {

        if (next(b) != 0) {
            return NULL;
        }

    } while (b->event.type == YAML_STREAM_START_EVENT
             || b->event.type == YAML_DOCUMENT_START_EVENT);

    if (b->event.type == YAML_STREAM_END_EVENT) {
        return new_node(b, YNODE_MAP);
    }

    root = read_node(b);

    if (root != NULL && yaml_is_null(root)) {
        root->kind = YNODE_MAP;
    }

    return root;
}


/*
 * The node that begins with the last event.
 */
static struct ynode *
read_node(struct builder *b)
{
    struct ynode  *node;

    if (++b->depth > YAML_DEPTH_MAX) {
        (void) fault(b, line_of(b), "maps and lists within one another, too "
                     "deep", "");
        return NULL;
    }

    node = NULL;

    switch (b->event.type) {

    case YAML_SCALAR_EVENT:
        node = read_scalar(b);
        break;

    case YAML_ALIAS_EVENT:
        node = read_alias(b);
        break;

    case YAML_SEQUENCE_START_EVENT:
        node = read_list(b);
        break;

    case YAML_MAPPING_START_EVENT:
        node = read_map(b);
        break;

    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        (void) fault(b, line_of(b), "it ends where something is expected",
                     "");
        break;
    }

    b->depth--;

    return node;
}


static struct ynode *
read_scalar(struct builder *b)
{
    size_t         before;
    struct ynode  *node;

    before = b->nodes;
    node = new_node(b, YNODE_SCALAR);

    if (node == NULL) {
        return NULL;
    }

    if (memchr(b->event.data.scalar.value, '\0',
               b->event.data.scalar.length) != NULL)
    {
        (void) fault(b, node->line, "a zero byte", "");
        return NULL;
    }

    node->text = pool_copy(b->pool, (char *) b->event.data.scalar.value,
                           b->event.data.scalar.length);
    node->is_plain = b->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    remember(b, (char *) b->event.data.scalar.anchor, node, before);

    return node;
}


/*
 * A node's name is known when it is read to its end: none can hold itself.
 */
static struct ynode *
read_alias(struct builder *b)
{
    struct anchor  *anchor;

    for (anchor = b->anchors; anchor != NULL; anchor = anchor->next) {
        if (strcmp(anchor->name, (char *) b->event.data.alias.anchor) == 0) {
            return count(b, anchor->nodes, line_of(b)) == 0 ? anchor->node
                   : NULL;
        }
    }

    (void) fault(b, line_of(b), "no anchor before it has this name: *",
                 (char *) b->event.data.alias.anchor);

    return NULL;
}


static struct ynode *
read_list(struct builder *b)
{
    char          *name;
    size_t         before;
    struct ynode  *node, *item;

    before = b->nodes;
    node = new_node(b, YNODE_LIST);
    name = b->event.data.sequence_start.anchor != NULL
           ? pool_text(b->pool, (char *) b->event.data.sequence_start.anchor)
           : NULL;

    while (node != NULL) {

        if (next(b) != 0) {
            return NULL;
        }

        if (b->event.type == YAML_SEQUENCE_END_EVENT) {
            break;
        }

        item = read_node(b);

        if (item == NULL) {
            return NULL;
        }

        append(b->pool, node, item);
    }

    remember(b, name, node, before);

    return node;
}


static struct ynode *
read_map(struct builder *b)
{
    char          *name;
    size_t         before;
    struct ynode  *node, *merges;

    before = b->nodes;
    node = new_node(b, YNODE_MAP);
    merges = new_node(b, YNODE_LIST);
    name = b->event.data.mapping_start.anchor != NULL
           ? pool_text(b->pool, (char *) b->event.data.mapping_start.anchor)
           : NULL;

    while (node != NULL && merges != NULL) {

        if (next(b) != 0) {
            return NULL;
        }

        if (b->event.type == YAML_MAPPING_END_EVENT) {
            break;
        }

        if (read_pair(b, node, merges) != 0) {
            return NULL;
        }
    }

    if (node == NULL || merges == NULL || merge_all(b, node, merges) != 0) {
        return NULL;
    }

    remember(b, name, node, before);

    return node;
}


static int
read_pair(struct builder *b, struct ynode *map, struct ynode *merges)
{
    struct ynode  *name, *value;

    name = read_node(b);

    if (name == NULL) {
        return -1;
    }

    if (name->kind != YNODE_SCALAR) {
        return fault(b, name->line, "a map or a list in the place of a name",
                     "");
    }

    if (next(b) != 0) {
        return -1;
    }

    value = read_node(b);

    if (value == NULL) {
        return -1;
    }

    if (strcmp(name->text, "<<") == 0 && name->is_plain) {
        append(b->pool, merges, value);
        return 0;
    }

    if (yaml_get(map, name->text) != NULL) {
        return fault(b, name->line, "this name is there already: ",
                     name->text);
    }

    return put(b, map, name->text, name->line, value);
}


static int
put(struct builder *b, struct ynode *map, const char *name, size_t line,
    struct ynode *value)
{
    if (count(b, 1, line) != 0) {
        return -1;
    }

    if (map->n == map->names_size) {
        map->names = pool_grow(b->pool, map->names, map->n, &map->names_size,
                               sizeof(map->names[0]));
    }

    if (map->n == map->lines_size) {
        map->lines = pool_grow(b->pool, map->lines, map->n, &map->lines_size,
                               sizeof(map->lines[0]));
    }

    map->names[map->n] = name;
    map->lines[map->n] = line;
    append(b->pool, map, value);

    return 0;
}


static int
merge_all(struct builder *b, struct ynode *map, const struct ynode *merges)
{
    size_t               i, j;
    const struct ynode  *other;

    for (i = 0; i < merges->n; i++) {
        other = merges->items[i];

        if (other->kind != YNODE_LIST) {

            if (merge(b, map, other) != 0) {
                return -1;
            }

            continue;
        }

        for (j = 0; j < other->n; j++) {
            if (merge(b, map, other->items[j]) != 0) {
                return -1;
            }
        }
    }

    return 0;
}


static int
merge(struct builder *b, struct ynode *map, const struct ynode *other)
{
    size_t  i;

    if (other->kind != YNODE_MAP) {
        return fault(b, other->line, "\"<<\" wants a map, or a list of maps",
                     "");
    }

    for (i = 0; i < other->n; i++) {
        if (yaml_get(map, other->names[i]) == NULL
            && put(b, map, other->names[i], other->lines[i],
                   other->items[i]) != 0)
        {
            return -1;
        }
    }

    return 0;
}


static void
append(struct pool *pool, struct ynode *node, struct ynode *item)
{
    if (node->n == node->size) {
        node->items = pool_grow(pool, node->items, node->n, &node->size,
                                sizeof(struct ynode *));
    }

    node->items[node->n++] = item;
}


static struct ynode *
new_node(struct builder *b, enum ynode_kind kind)
{
    struct ynode  *node;

    if (count(b, 1, line_of(b)) != 0) {
        return NULL;
    }

    node = pool_alloc(b->pool, sizeof(struct ynode));
    node->kind = kind;
    node->line = line_of(b);
    node->text = "";

    return node;
}


static int
count(struct builder *b, size_t nodes, size_t line)
{
    if (nodes > YAML_NODES_MAX - b->nodes) {
        return fault(b, line, "too many values", "");
    }

    b->nodes += nodes;

    return 0;
}


/*
 * before: how many nodes there were before it was read.
 */
static void
remember(struct builder *b, const char *name, struct ynode *node,
    size_t before)
{
    struct anchor  *anchor;

    if (name == NULL || node == NULL) {
        return;
    }

    anchor = pool_alloc(b->pool, sizeof(struct anchor));
    anchor->name = pool_text(b->pool, name);
    anchor->node = node;
    anchor->nodes = b->nodes - before;
    anchor->next = b->anchors;
    b->anchors = anchor;
}


static int
fault(struct builder *b, size_t line, const char *text, const char *what)
{
    return faas_err_set(b->err, 0, "%.120s:%zu: %.100s%.100s", b->name, line,
                        text, what);
}


static size_t
line_of(const struct builder *b)
{
    return b->has_event ? b->event.start_mark.line + 1 : 1;
}
