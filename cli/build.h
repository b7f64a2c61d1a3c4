/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Building a function: ./build/NAME from template and handler, and from that
 * an image (docs/templates.md).
 */

#ifndef FAAS_CLI_BUILD_H
#define FAAS_CLI_BUILD_H

#include <jansson.h>

#include "cli.h"
#include "provider.h"
#include "stack.h"
#include "template.h"


#define BUILD_DIR  "build"


struct build {
    struct cli             *cli;
    const struct stack     *stack;
    struct function        *fn;
    const struct provider  *provider;
    struct template         t;      /* name NULL: it is a Dockerfile's */
    const char             *image;
    const char             *dir;    /* ./build/NAME */
    struct pairs            args;   /* build arguments */
    const char             *packages;
};


/*
 * Assembles and, unless --shrinkwrap, builds.  Returns 0, or -1 with cli->err.
 */
int build_function(struct cli *cli, const struct stack *stack,
    struct function *fn, const struct provider *provider);

/*
 * Assembles ./build/NAME.  Returns 0 with all of b set, or -1 with cli->err.
 */
int build_assemble(struct build *b, struct cli *cli,
    const struct stack *stack, struct function *fn);

/*
 * Runs the template's build command in it, and writes image.json.
 */
int build_process(struct build *b);

/*
 * What is in its image.json, an empty object where there is none; to be freed
 * by json_decref().  NULL with cli->err where it is not of the right form.
 */
json_t *build_image_json(struct build *b);

/*
 * docker build; docker buildx build --push, with the flags of publish.
 */
int build_docker(struct build *b);
int build_publish(struct build *b);

/*
 * Installs ./build/NAME as an image of the process provider; docker push.
 */
int build_install(struct build *b);
int build_push(struct build *b);

/*
 * Whether the output of other programs is to be kept back.
 */
int build_is_quiet(const struct cli *cli);


#endif /* FAAS_CLI_BUILD_H */
