/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Templates: where they are, and what their template.yml says
 * (docs/templates.md).
 */

#ifndef FAAS_CLI_TEMPLATE_H
#define FAAS_CLI_TEMPLATE_H

#include "cli.h"
#include "stack.h"


#define CLI_TEMPLATE_MAX   65536    /* bytes of template.yml, of a Dockerfile */
#define TEMPLATE_NAME_MAX  128      /* bytes */
#define TEMPLATE_DIR       "template"


struct template {
    const char    *name;
    const char    *dir;             /* ./template/NAME */
    const char    *language;        /* or NULL, as all of the texts */
    const char    *fprocess;
    const char    *welcome;
    const char    *handler_folder;  /* never NULL */
    struct pairs   options;         /* build option: its packages */
    int            has_ssh;
    int            has_process;     /* process: is there */
    struct texts   needs;
    const char    *build;           /* or NULL */
    struct pairs   environment;     /* what image.json has, fprocess among it */
};


/*
 * Whether it is "dockerfile", which needs no template's folder.
 */
int template_is_dockerfile(const char *lang);

/*
 * Whether a name is one folder's: "python3", "python3@v2".  Returns 0, or -1
 * with cli->err.
 */
int template_check_name(struct cli *cli, const char *name);

/*
 * Finds ./template/NAME, copying it from those that are installed where it is
 * not there, and reads its template.yml.  Returns 0, or -1 with cli->err; its
 * code is ENOENT where there is no such template.
 */
int template_load(struct cli *cli, const char *name, struct template *t);

/*
 * The folder of those that are installed; NULL where there is none.
 */
const char *template_installed(struct cli *cli);

/*
 * Names of all, here and installed, in order.
 */
void template_names(struct cli *cli, struct texts *names);

/*
 * Copies an installed template, or all of them (name NULL), to ./template;
 * those that are there are left, unless they are to be overwritten.  *n is how
 * many were copied.  Returns 0, or -1 with cli->err.
 */
int template_copy_installed(struct cli *cli, const char *name,
    int is_overwriting, size_t *n);


#endif /* FAAS_CLI_TEMPLATE_H */
