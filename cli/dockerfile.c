/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a Dockerfile says of the environment.
 */

#include "dockerfile.h"

#include <string.h>
#include <strings.h>


static const char *next_line(char *line, const char *p, const char *end);
static int is_instruction(const char *line, const char *name);
static void read_env(struct pool *pool, char *line, struct pairs *env);
static char *read_value(char *p, int *has_variable);


void
dockerfile_env(struct pool *pool, const char *text, size_t len,
    struct pairs *env)
{
    char        *line, *room;
    const char  *p;

    room = pool_alloc(pool, len + 1);

    for (p = text; p < text + len; /* void */ ) {
        p = next_line(room, p, text + len);
        line = room + strspn(room, " \t");

        if (is_instruction(line, "FROM")) {
            env->n = 0;

        } else if (is_instruction(line, "ENV")) {
            read_env(pool, line + 3, env);
        }
    }
}


/*
 * Copies a line, with those that follow a backslash.  Returns where the next
 * one begins.
 */
static const char *
next_line(char *line, const char *p, const char *end)
{
    char        *out;
    size_t       len;
    const char  *from, *stop;

    out = line;

    while (p < end) {
        from = p;
        stop = memchr(from, '\n', (size_t) (end - from));
        len = (size_t) ((stop != NULL ? stop : end) - from);
        p = stop != NULL ? stop + 1 : end;

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

    return p;
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
read_env(struct pool *pool, char *line, struct pairs *env)
{
    int      has_variable;
    char    *name, *value, *p;
    size_t   len;

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
        value = p + len + 1;
        p = read_value(value, &has_variable);

        if (!has_variable) {
            pairs_set(pool, env, name, pool_text(pool, value));
        }

        p += strspn(p, " \t");
        len = strcspn(p, " \t=");
    }
}


/*
 * Up to a blank outside of quotes.  Quotes are taken off in place, where what
 * is left always has room, and a zero follows it.  Returns where it ended.
 */
static char *
read_value(char *p, int *has_variable)
{
    char  quote, *out;

    *has_variable = 0;
    out = p;
    quote = 0;

    for ( /* void */ ; *p != '\0' && (quote || (*p != ' ' && *p != '\t'));
          p++)
    {
        if (*p == '$' && quote != '\'') {
            *has_variable = 1;
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

    if (*p != '\0') {
        p++;
    }

    *out = '\0';

    return p;
}
