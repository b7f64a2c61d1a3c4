/* Greets, and repeats what was said. */

#include "faas.h"

#include <stdlib.h>


#define BODY_MAX  (16 * 1024 * 1024)    /* bytes */


int
handle(FILE *in, FILE *out)
{
    char    *body;
    size_t   len;

    body = faas_read(in, BODY_MAX, &len);

    if (body == NULL) {
        fprintf(stderr, "the body is too large\n");
        return -1;
    }

    fprintf(out, "Hello! You said: ");
    fwrite(body, 1, len, out);
    free(body);

    return 0;
}
