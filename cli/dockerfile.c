/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a Dockerfile says of the environment.
 */

#include "dockerfile.h"

#include <string.h>
#include <strings.h>


static char *next_line(struct pool *pool, const char **p, const char *end);
static int is_instruction(const char *line, const char *name);
static void read_env(struct pool *pool, const char *line,
    struct pairs *env);
static const char *read_value(struct pool *pool, const char *p,
    char **value);


void
dockerfile_env(struct pool *pool, const char *text, size_t len,
    struct pairs *env)
{
    char        *line;
    const char  *p;

    for (p = text; p < text + len; /* void */ ) {
        line = next_line(pool, &p, text + len);
        line += strspn(line, " \t");

        if (is_instruction(line, "FROM")) {
            env->n = 0;

        } else if (is_instruction(line, "ENV")) {
            read_env(pool, line + 3, env);
        }
    }
}


/*
 * With the lines that follow a backslash.
 */
static char *
next_line(struct pool *pool, const char **p, const char *end)
{
    char        *line, *out;
    size_t       len;
    const char  *from, *stop;

    line = pool_alloc(pool, (size_t) (end - *p) + 1);
    out = line;

    while (*p < end) {
        from = *p;
        stop = memchr(from, '\n', (size_t) (end - from));
        len = (size_t) ((stop != NULL ? stop : end) - from);
        *p = stop != NULL ? stop + 1 : end;

        while (len > 0 && (from[len - 1] == '\r' || from[len - 1] == ' '
                           || from[len - 1] == '\t'))
        {
            len--;
        }

        memcpy(out, from, len);
        out += len;

        if (len == 0 || out[-1] != '\\') {
            break;
        }

        out[-1] = ' ';
    }

    *out = '\0';

    return line;
}


static int
is_instruction(const char *line, const char *name)
{
    size_t  len;

    len = strlen(name);

    return strncasecmp(line, name, len) == 0
           && (line[len] == ' ' || line[len] == '\t');
}


/*
 * "ENV NAME=VALUE NAME=VALUE", or "ENV NAME VALUE", to the end of the line.
 */
static void
read_env(struct pool *pool, const char *line, struct pairs *env)
{
    char        *name, *value;
    size_t       len;
    const char  *p;

    p = line + strspn(line, " \t");
    len = strcspn(p, " \t=");

    if (len != 0 && p[len] != '=') {
        name = pool_copy(pool, p, len);
        p += len + strspn(p + len, " \t");

        if (strchr(p, '$') == NULL) {
            pairs_set(pool, env, name, pool_text(pool, p));
        }

        return;
    }

    while (len != 0 && p[len] == '=') {
        name = pool_copy(pool, p, len);
        p = read_value(pool, p + len + 1, &value);

        if (value != NULL) {
            pairs_set(pool, env, name, value);
        }

        p += strspn(p, " \t");
        len = strcspn(p, " \t=");
    }
}


/*
 * Up to a blank outside of quotes.  *value is NULL where a variable is in it.
 */
static const char *
read_value(struct pool *pool, const char *p, char **value)
{
    char  quote, *out;

    *value = pool_alloc(pool, strlen(p) + 1);
    out = *value;
    quote = 0;

    for ( /* void */ ; *p != '\0' && (quote || (*p != ' ' && *p != '\t'));
          p++)
    {
        if (*p == '$' && quote != '\'') {
            *value = NULL;
        }

        if (quote == 0 && (*p == '"' || *p == '\'')) {
            quote = *p;

        } else if (*p == quote) {
            quote = 0;

        } else if (*p == '\\' && quote != '\'' && p[1] != '\0') {
            *out++ = *++p;

        } else {
            *out++ = *p;
        }
    }

    return p;
}
