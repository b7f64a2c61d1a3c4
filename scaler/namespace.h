/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A namespace: a name with labels and annotations, OpenFaaS'
 * FunctionNamespace.
 */

#ifndef FAAS_SCALER_NAMESPACE_H
#define FAAS_SCALER_NAMESPACE_H

#include <jansson.h>
#include <stddef.h>
#include <sys/queue.h>

#include "lib/faas_err.h"
#include "lib/faas_name.h"


#define NAMESPACE_LABEL        "openfaas"       /* which each must have, */
#define NAMESPACE_LABEL_VALUE  "1"              /* with this value */


struct namespace {
    TAILQ_ENTRY(namespace)  link;               /* its owner's */
    char                    name[FAAS_NAME_MAX + 1];
    json_t                 *body;               /* owned; name, labels,
                                                   annotations; no more */
};

TAILQ_HEAD(namespace_list, namespace);


/*
 * Reads one from LEN bytes of JSON that a client sent to the path of NAME.
 * Returns a new one, or NULL with code 400 in err.
 */
struct namespace *namespace_parse(const char *name, const char *s, size_t len,
    struct faas_err *err);

/*
 * One that nobody has written: with the label that it must have.  NULL without
 * memory.
 */
struct namespace *namespace_new(const char *name);

/*
 * As JSON, which namespace_parse() reads, to be freed with free(); or NULL.
 */
char *namespace_encode(const struct namespace *ns);

/*
 * NULL is allowed.
 */
void namespace_free(struct namespace *ns);


#endif /* FAAS_SCALER_NAMESPACE_H */
