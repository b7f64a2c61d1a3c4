/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Calls the handler once.  The watchdog has the request in the environment:
 * Http_Method, Http_Path, Http_Query, and Http_X_Name for a header X-Name.
 */

#include "faas.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>


#define PREFIX  "Http_"
#define CHUNK   65536           /* bytes */


extern char **environ;


static const char *value_of(const char *name, const char *missing);
static int is_header(const char *entry, const char *name, size_t len);


int
main(void)
{
    int  ret;

    ret = handle(stdin, stdout);

    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("cannot write the answer");
        ret = 1;
    }

    return ret == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}


const char *
faas_method(void)
{
    return value_of(PREFIX "Method", "GET");
}


const char *
faas_path(void)
{
    return value_of(PREFIX "Path", "/");
}


const char *
faas_query(void)
{
    return value_of(PREFIX "Query", "");
}


const char *
faas_header(const char *name)
{
    char   **entry;
    size_t   len;

    len = strlen(name);

    for (entry = environ; *entry != NULL; entry++) {
        if (is_header(*entry, name, len)) {
            return *entry + sizeof(PREFIX) - 1 + len + 1;
        }
    }

    return NULL;
}


char *
faas_read(FILE *in, size_t max, size_t *len)
{
    char    *text, *more;
    size_t   size;

    text = NULL;
    size = 0;
    *len = 0;

    while (*len <= max) {

        if (size - *len < 2) {
            size += size < CHUNK ? CHUNK : size;
            more = realloc(text, size);

            if (more == NULL) {
                break;
            }

            text = more;
        }

        *len += fread(text + *len, 1, size - *len - 1, in);

        if (ferror(in)) {
            break;
        }

        if (feof(in) && *len <= max) {
            text[*len] = '\0';
            return text;
        }
    }

    free(text);
    return NULL;
}


static const char *
value_of(const char *name, const char *missing)
{
    const char  *value;

    value = getenv(name);

    return value != NULL ? value : missing;
}


/* "Http_X_Name=..." is the header X-Name. */
static int
is_header(const char *entry, const char *name, size_t len)
{
    size_t  i;

    if (strncmp(entry, PREFIX, sizeof(PREFIX) - 1) != 0) {
        return 0;
    }

    entry += sizeof(PREFIX) - 1;

    for (i = 0; i < len; i++) {
        if (entry[i] == '\0' || (name[i] == '-' ? entry[i] != '_'
            : strncasecmp(&entry[i], &name[i], 1) != 0))
        {
            return 0;
        }
    }

    return entry[len] == '=';
}
