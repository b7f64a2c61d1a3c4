/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What t/950-templates.t asks of each template.
 */

#include "faas.h"

#include <stdlib.h>
#include <string.h>


int
handle(FILE *in, FILE *out)
{
    char    *body;
    size_t   len;

    if (strcmp(faas_path(), "/fail") == 0) {
        fprintf(stderr, "deliberate\n");
        return 1;
    }

    if (strcmp(faas_path(), "/request") == 0) {
        fprintf(out, "%s %s %s %s", faas_method(), faas_path(), faas_query(),
                faas_header("x-test"));
        return 0;
    }

    body = faas_read(in, 1 << 24, &len);

    if (body == NULL) {
        return 1;
    }

    fwrite(body, 1, len, out);
    free(body);

    return 0;
}
