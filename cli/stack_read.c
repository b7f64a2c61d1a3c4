/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A stack file's fields.
 */

#include "stack_read.h"

#include <stddef.h>
#include <string.h>

#include "lib/faas_name.h"

#include "file.h"
#include "out.h"
#include "similar.h"


#define WHERE_MAX  200              /* bytes of a field's path in a message */
#define N_FIELDS   (sizeof(fields) / sizeof(fields[0]))
#define FIELD(name)  offsetof(struct function, name)


enum field_kind {
    FIELD_TEXT,
    FIELD_SWITCH,
    FIELD_TEXTS,
    FIELD_PAIRS
};

struct field {
    const char       *name;
    enum field_kind   kind;
    size_t            offset;
};


static int read_provider(struct cli *cli, struct stack *stack,
    const struct ynode *node);
static int read_functions(struct cli *cli, struct stack *stack,
    const struct ynode *node);
static int read_function(struct cli *cli, struct stack *stack,
    const struct ynode *node, struct function *fn);
static int read_field(struct cli *cli, struct stack *stack,
    const struct field *field, const struct ynode *node,
    struct function *fn);
static int check_function(struct cli *cli, struct stack *stack,
    struct function *fn);
static int check_resources(struct cli *cli, struct stack *stack,
    const struct function *fn, const struct pairs *pairs,
    const char *name);
static int read_configuration(struct cli *cli, struct stack *stack,
    const struct ynode *node);
static int read_template(struct cli *cli, struct stack *stack,
    const struct ynode *node);
static const struct field *find_field(const char *name);
static void warn_unknown(struct cli *cli, const struct stack *stack,
    size_t line, const char *where, const char *name);
static void warn_all(struct cli *cli, const struct stack *stack,
    const struct ynode *node, const char *where, const char *const *names);
static int fault(struct cli *cli, const char *file, size_t line,
    const char *where, const char *text);


static const struct field  fields[] = {
    { "lang", FIELD_TEXT, FIELD(lang) },
    { "handler", FIELD_TEXT, FIELD(handler) },
    { "image", FIELD_TEXT, FIELD(image) },
    { "fprocess", FIELD_TEXT, FIELD(fprocess) },
    { "namespace", FIELD_TEXT, FIELD(ns) },
    { "platforms", FIELD_TEXT, FIELD(platforms) },
    { "environment", FIELD_PAIRS, FIELD(environment) },
    { "environment_file", FIELD_TEXTS, FIELD(environment_file) },
    { "secrets", FIELD_TEXTS, FIELD(secrets) },
    { "constraints", FIELD_TEXTS, FIELD(constraints) },
    { "build_options", FIELD_TEXTS, FIELD(build_options) },
    { "labels", FIELD_PAIRS, FIELD(labels) },
    { "annotations", FIELD_PAIRS, FIELD(annotations) },
    { "build_args", FIELD_PAIRS, FIELD(build_args) },
    { "build_secrets", FIELD_PAIRS, FIELD(build_secrets) },
    { "limits", FIELD_PAIRS, FIELD(limits) },
    { "requests", FIELD_PAIRS, FIELD(requests) },
    { "readonly_root_filesystem", FIELD_SWITCH, FIELD(is_readonly) },
    { "skip_build", FIELD_SWITCH, FIELD(is_not_built) },
};


int
stack_read(struct cli *cli, struct stack *stack, const struct ynode *root)
{
    static const char *const  names[] = {
        "version", "provider", "functions", "configuration", NULL
    };
    const char                *version;
    const struct ynode        *node;

    if (root->kind != YNODE_MAP) {
        return fault(cli, stack->file, root->line, "", "expected a map with "
                     "version, provider and functions");
    }

    node = yaml_get(root, "version");

    if (node != NULL) {
        version = stack_read_text(cli, stack->file, "version", node);

        if (version == NULL) {
            return -1;
        }

        if (version[0] != '\0' && strcmp(version, "1.0") != 0) {
            return fault(cli, stack->file, node->line, "version",
                         "only 1.0 is known");
        }
    }

    warn_all(cli, stack, root, "", names);

    if (read_provider(cli, stack, yaml_get(root, "provider")) != 0
        || read_configuration(cli, stack, yaml_get(root, "configuration"))
           != 0)
    {
        return -1;
    }

    return read_functions(cli, stack, yaml_get(root, "functions"));
}


int
stack_read_environment(struct cli *cli, const struct stack *stack,
    struct function *fn)
{
    char          *text;
    size_t         i, len;
    const char    *file;
    struct ynode  *root, *node;

    for (i = 0; i < fn->environment_file.n; i++) {
        file = fn->environment_file.at[i];
        text = file_read(&cli->pool, file, STACK_ENV_MAX, &len, &cli->err);

        if (text == NULL) {
            return faas_err_prefix(&cli->err, "%.80s: functions.%.63s."
                                   "environment_file", stack->file, fn->name);
        }

        root = yaml_parse(&cli->pool, file, text, len, &cli->err);

        if (root == NULL) {
            return -1;
        }

        node = yaml_get(root, "environment");

        if (node == NULL) {
            return fault(cli, file, root->line, "environment",
                         "it is missing; a map of variables is expected");
        }

        if (stack_read_pairs(cli, file, "environment", node,
                             &fn->environment) != 0)
        {
            return -1;
        }
    }

    return 0;
}


int
stack_read_pairs(struct cli *cli, const char *file, const char *where,
    const struct ynode *node, struct pairs *pairs)
{
    size_t       i;
    const char  *value;

    if (yaml_is_null(node)) {
        return 0;
    }

    if (node->kind != YNODE_MAP) {
        return fault(cli, file, node->line, where, "expected a map, NAME: "
                     "VALUE in each line");
    }

    for (i = 0; i < node->n; i++) {
        value = stack_read_text(cli, file,
                                pool_printf(&cli->pool, "%s.%s", where,
                                            node->names[i]), node->items[i]);

        if (value == NULL) {
            return -1;
        }

        pairs_set(&cli->pool, pairs, node->names[i], value);
    }

    return 0;
}


int
stack_read_texts(struct cli *cli, const char *file, const char *where,
    const struct ynode *node, struct texts *texts)
{
    size_t       i;
    const char  *value;

    if (yaml_is_null(node)) {
        return 0;
    }

    if (node->kind != YNODE_LIST) {
        return fault(cli, file, node->line, where, "expected a list, \"- "
                     "VALUE\" in each line");
    }

    for (i = 0; i < node->n; i++) {
        value = stack_read_text(cli, file,
                                pool_printf(&cli->pool, "%s[%zu]", where, i),
                                node->items[i]);

        if (value == NULL) {
            return -1;
        }

        texts_add(&cli->pool, texts, value);
    }

    return 0;
}


const char *
stack_read_text(struct cli *cli, const char *file, const char *where,
    const struct ynode *node)
{
    if (node->kind != YNODE_SCALAR) {
        (void) fault(cli, file, node->line, where,
                     node->kind == YNODE_LIST
                     ? "expected a text, this is a list"
                     : "expected a text, this is a map; look at how the "
                     "lines below it are indented");
        return NULL;
    }

    return yaml_is_null(node) ? "" : node->text;
}


static int
read_provider(struct cli *cli, struct stack *stack, const struct ynode *node)
{
    static const char *const  names[] = { "name", "gateway", "network", NULL };
    const char               *name;
    const struct ynode       *field;

    if (node == NULL || yaml_is_null(node)) {
        return 0;
    }

    if (node->kind != YNODE_MAP) {
        return fault(cli, stack->file, node->line, "provider", "expected a "
                     "map with name and gateway");
    }

    warn_all(cli, stack, node, "provider", names);
    field = yaml_get(node, "name");

    if (field != NULL) {
        name = stack_read_text(cli, stack->file, "provider.name", field);

        if (name == NULL) {
            return -1;
        }

        if (strcmp(name, "openfaas") != 0) {
            return fault(cli, stack->file, field->line, "provider.name",
                         pool_printf(&cli->pool, "\"openfaas\" is expected, "
                                     "not \"%.40s\"", name));
        }
    }

    field = yaml_get(node, "gateway");

    if (field != NULL) {
        stack->gateway = stack_read_text(cli, stack->file,
                                         "provider.gateway", field);

        if (stack->gateway == NULL) {
            return -1;
        }
    }

    return 0;
}


static int
read_functions(struct cli *cli, struct stack *stack, const struct ynode *node)
{
    size_t            i;
    struct function  *fn;

    if (node == NULL || yaml_is_null(node)) {
        return 0;
    }

    if (node->kind != YNODE_MAP) {
        return fault(cli, stack->file, node->line, "functions", "expected a "
                     "map, a function's name for each");
    }

    stack->functions = pool_alloc(&cli->pool,
                                  (node->n + 1) * sizeof(struct function));
    stack->size = node->n;

    for (i = 0; i < node->n; i++) {
        fn = &stack->functions[i];
        fn->name = node->names[i];
        fn->line = node->lines[i];

        if (read_function(cli, stack, node->items[i], fn) != 0
            || check_function(cli, stack, fn) != 0)
        {
            return -1;
        }

        stack->n++;
    }

    return 0;
}


static int
read_function(struct cli *cli, struct stack *stack, const struct ynode *node,
    struct function *fn)
{
    char                *where;
    size_t               i;
    const struct field  *field;

    where = pool_printf(&cli->pool, "functions.%.63s", fn->name);

    if (node->kind != YNODE_MAP) {
        return fault(cli, stack->file, fn->line, where, "expected a map with "
                     "lang, handler and image");
    }

    for (i = 0; i < node->n; i++) {
        field = find_field(node->names[i]);

        if (field == NULL) {
            warn_unknown(cli, stack, node->lines[i], where, node->names[i]);

        } else if (read_field(cli, stack, field, node->items[i], fn) != 0) {
            return -1;
        }
    }

    return 0;
}


static int
read_field(struct cli *cli, struct stack *stack, const struct field *field,
    const struct ynode *node, struct function *fn)
{
    void         *place;
    const char  **text;
    const char   *where;

    place = (char *) fn + field->offset;
    where = pool_printf(&cli->pool, "functions.%.63s.%s", fn->name,
                        field->name);

    switch (field->kind) {

    case FIELD_TEXT:
        text = place;
        *text = stack_read_text(cli, stack->file, where, node);
        return *text != NULL ? 0 : -1;

    case FIELD_SWITCH:
        return yaml_is_null(node) || yaml_bool(node, place) == 0
               ? 0 : fault(cli, stack->file, node->line, where,
                           "expected true or false");

    case FIELD_TEXTS:
        return stack_read_texts(cli, stack->file, where, node, place);

    case FIELD_PAIRS:
        return stack_read_pairs(cli, stack->file, where, node, place);
    }

    return -1;
}


static int
check_function(struct cli *cli, struct stack *stack, struct function *fn)
{
    char  *where;

    where = pool_printf(&cli->pool, "functions.%.63s", fn->name);

    if (!faas_name_is_dns_label(fn->name, strlen(fn->name))) {
        return fault(cli, stack->file, fn->line, where, "a function's name "
                     "has 1 to 63 of a-z, 0-9 and -, and begins and ends "
                     "with a letter or a digit");
    }

    if (fn->ns != NULL && fn->ns[0] != '\0'
        && !faas_name_is_dns_label(fn->ns, strlen(fn->ns)))
    {
        return fault(cli, stack->file, fn->line,
                     pool_printf(&cli->pool, "%s.namespace", where),
                     "a namespace has 1 to 63 of a-z, 0-9 and -");
    }

    return check_resources(cli, stack, fn, &fn->limits, "limits") == 0
           ? check_resources(cli, stack, fn, &fn->requests, "requests") : -1;
}


static int
check_resources(struct cli *cli, struct stack *stack,
    const struct function *fn, const struct pairs *pairs, const char *name)
{
    size_t       i;
    const char  *key;

    for (i = 0; i < pairs->n; i++) {
        key = pairs->at[i].name;

        if (strcmp(key, "memory") != 0 && strcmp(key, "cpu") != 0
            && strstr(key, ".com/gpu") == NULL)
        {
            return fault(cli, stack->file, fn->line,
                         pool_printf(&cli->pool, "functions.%.63s.%s.%.40s",
                                     fn->name, name, key),
                         "memory or cpu is expected");
        }
    }

    return 0;
}


static int
read_configuration(struct cli *cli, struct stack *stack,
    const struct ynode *node)
{
    static const char *const  names[] = { "templates", "copy", NULL };
    size_t                    i;
    const struct ynode       *list;

    if (node == NULL || yaml_is_null(node)) {
        return 0;
    }

    if (node->kind != YNODE_MAP) {
        return fault(cli, stack->file, node->line, "configuration",
                     "expected a map with templates and copy");
    }

    warn_all(cli, stack, node, "configuration", names);
    list = yaml_get(node, "copy");

    if (list != NULL && stack_read_texts(cli, stack->file,
                                         "configuration.copy", list,
                                         &stack->copy) != 0)
    {
        return -1;
    }

    list = yaml_get(node, "templates");

    if (list == NULL || yaml_is_null(list)) {
        return 0;
    }

    if (list->kind != YNODE_LIST) {
        return fault(cli, stack->file, list->line, "configuration.templates",
                     "expected a list of name and source");
    }

    for (i = 0; i < list->n; i++) {
        if (read_template(cli, stack, list->items[i]) != 0) {
            return -1;
        }
    }

    return 0;
}


static int
read_template(struct cli *cli, struct stack *stack, const struct ynode *node)
{
    const char          *name, *source;
    const struct ynode  *field;

    field = yaml_get(node, "name");

    if (field == NULL) {
        return fault(cli, stack->file, node->line,
                     "configuration.templates.name", "it is missing");
    }

    name = stack_read_text(cli, stack->file, "configuration.templates.name",
                           field);
    field = yaml_get(node, "source");
    source = field != NULL
             ? stack_read_text(cli, stack->file,
                               "configuration.templates.source", field) : "";

    if (name == NULL || source == NULL) {
        return -1;
    }

    pairs_set(&cli->pool, &stack->templates, name, source);

    return 0;
}


static const struct field *
find_field(const char *name)
{
    size_t  i;

    for (i = 0; i < N_FIELDS; i++) {
        if (strcmp(fields[i].name, name) == 0) {
            return &fields[i];
        }
    }

    return NULL;
}


/*
 * Names that begin with "x-" are for anchors and notes.
 */
static void
warn_unknown(struct cli *cli, const struct stack *stack, size_t line,
    const char *where, const char *name)
{
    size_t          i;
    struct similar  s;

    if (strncmp(name, "x-", 2) == 0) {
        return;
    }

    similar_init(&s, name, strlen(name));

    for (i = 0; i < N_FIELDS; i++) {
        similar_try(&s, fields[i].name);
    }

    out_warn(cli, "%s:%zu: %s%s%s means nothing%s%s", stack->file, line,
             where, where[0] != '\0' ? "." : "", out_safe(cli, name),
             s.best != NULL ? ", did you mean " : "",
             s.best != NULL ? s.best : "");
}


static void
warn_all(struct cli *cli, const struct stack *stack,
    const struct ynode *node, const char *where, const char *const *names)
{
    size_t  i, j;

    for (i = 0; i < node->n; i++) {

        for (j = 0; names[j] != NULL
                    && strcmp(names[j], node->names[i]) != 0; j++)
        {
            /* void */
        }

        if (names[j] == NULL) {
            warn_unknown(cli, stack, node->lines[i], where, node->names[i]);
        }
    }
}


static int
fault(struct cli *cli, const char *file, size_t line, const char *where,
    const char *text)
{
    return cli_fail(cli, "%.80s:%zu: %.*s%s%s", file, line, WHERE_MAX / 2,
                    where, where[0] != '\0' ? ": " : "", text);
}
