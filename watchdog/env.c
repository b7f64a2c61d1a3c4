/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Environments of function processes.
 */

#include "env.h"

#include <llhttp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define NUMBER_MAX  24          /* bytes of a number as text */


static int is_listen(const char *var);
static void start_var(struct wd_env *env);
static int put(struct wd_env *env, const char *s, size_t len);
static int end_var(struct wd_env *env);
static int add_str(struct wd_env *env, const char *name, struct wd_str value);
static int add_header(struct wd_env *env, const struct wd_head *head,
    size_t i);
static const char *add_target(struct wd_env *env, const struct wd_head *head);
static int add_path(struct wd_env *env, struct wd_str path);


static const char  no_room[] = "request too large for an environment";


int
wd_env_init(struct wd_env *env, char *const *environment, size_t text_size)
{
    size_t  i, n;

    memset(env, 0, sizeof(*env));

    for (n = 0; environment[n] != NULL; n++) {
        /* void */
    }

    env->vars = calloc(n + WD_ENV_EXTRA + 1, sizeof(*env->vars));
    env->text = malloc(text_size);

    if (env->vars == NULL || env->text == NULL) {
        wd_env_done(env);
        return -1;
    }

    env->size = text_size;

    for (i = 0; i < n; i++) {
        if (!is_listen(environment[i])) {
            env->vars[env->n_base++] = environment[i];
        }
    }

    env->n = env->n_base;

    return 0;
}


void
wd_env_done(struct wd_env *env)
{
    free(env->vars);
    free(env->text);
    memset(env, 0, sizeof(*env));
}


void
wd_env_reset(struct wd_env *env)
{
    env->n = env->n_base;
    env->vars[env->n] = NULL;
    env->len = 0;
}


char *
wd_env_add(struct wd_env *env, const char *name, const char *value)
{
    struct wd_str  str;

    str.s = value;
    str.len = strlen(value);

    if (add_str(env, name, str) != 0) {
        return NULL;
    }

    return env->vars[env->n - 1] + strlen(name) + 1;
}


const char *
wd_env_request(struct wd_env *env, const struct wd_head *head)
{
    char         number[NUMBER_MAX];
    size_t       i;
    const char  *error, *method;

    wd_env_reset(env);

    if (!env->has_cgi) {
        return NULL;
    }

    method = llhttp_method_name((llhttp_method_t) head->method);

    if (head->is_chunked) {
        (void) snprintf(number, sizeof(number), "-1");

    } else {
        (void) snprintf(number, sizeof(number), "%llu",
                        (unsigned long long) head->content_length);
    }

    error = add_target(env, head);
    if (error != NULL) {
        return error;
    }

    if (wd_env_add(env, "Http_Method", method) == NULL
        || wd_env_add(env, "Http_Content_Length", number) == NULL
        || (head->is_chunked
            && wd_env_add(env, "Http_Transfer_Encoding", "chunked") == NULL)
        || (env->is_classic
            && wd_env_add(env, "Http_ContentLength", number) == NULL)
        || (env->is_classic && head->host.s != NULL
            && add_str(env, "Http_Host", head->host) != 0))
    {
        return no_room;
    }

    for (i = 0; i < head->n_headers; i++) {
        if (add_header(env, head, i) != 0) {
            return no_room;
        }
    }

    return NULL;
}


static int
is_listen(const char *var)
{
    return strncmp(var, "LISTEN_FDS=", 11) == 0
           || strncmp(var, "LISTEN_PID=", 11) == 0
           || strncmp(var, "LISTEN_FDNAMES=", 15) == 0;
}


static void
start_var(struct wd_env *env)
{
    env->vars[env->n] = env->text + env->len;
}


static int
put(struct wd_env *env, const char *s, size_t len)
{
    if (len > env->size - env->len) {
        return -1;
    }

    if (len != 0) {
        memcpy(env->text + env->len, s, len);
        env->len += len;
    }

    return 0;
}


static int
end_var(struct wd_env *env)
{
    if (env->n == env->n_base + WD_ENV_EXTRA || put(env, "", 1) != 0) {
        return -1;
    }

    env->vars[++env->n] = NULL;

    return 0;
}


static int
add_str(struct wd_env *env, const char *name, struct wd_str value)
{
    start_var(env);

    if (put(env, name, strlen(name)) != 0
        || put(env, "=", 1) != 0
        || put(env, value.s, value.len) != 0)
    {
        return -1;
    }

    return end_var(env);
}


static int
add_header(struct wd_env *env, const struct wd_head *head, size_t i)
{
    char                     c;
    size_t                   j;
    int                      is_first;
    const struct wd_header  *header;

    static const char *const  own[] = {
        "Host", "Content-Length", "Transfer-Encoding", "Proxy",
        "Method", "Path", "Query"
    };

    header = &head->headers[i];

    for (j = 0; j < sizeof(own) / sizeof(own[0]); j++) {
        if (wd_str_is(header->name, own[j])) {
            return 0;
        }
    }

    for (j = 0; j < i; j++) {
        if (head->headers[j].name.len == header->name.len
            && wd_list_has(head->headers[j].name, header->name))
        {
            return 0;
        }
    }

    start_var(env);

    if (put(env, "Http_", 5) != 0) {
        return -1;
    }

    /* X-FOO-bar becomes X_Foo_Bar */

    is_first = 1;

    for (j = 0; j < header->name.len; j++) {
        c = header->name.s[j];

        if (is_first && c >= 'a' && c <= 'z') {
            c = (char) (c - 'a' + 'A');

        } else if (!is_first && c >= 'A' && c <= 'Z') {
            c = (char) (c - 'A' + 'a');
        }

        is_first = c == '-';

        if (put(env, is_first ? "_" : &c, 1) != 0) {
            return -1;
        }
    }

    if (put(env, "=", 1) != 0
        || put(env, header->value.s, header->value.len) != 0)
    {
        return -1;
    }

    return end_var(env);
}


static const char *
add_target(struct wd_env *env, const struct wd_head *head)
{
    const char     *mark;
    struct wd_str   path, query;

    path = wd_head_target(head);
    mark = memchr(path.s, '?', path.len);

    if (mark != NULL) {
        query.s = mark + 1;
        query.len = path.len - (size_t) (query.s - path.s);
        path.len = (size_t) (mark - path.s);

        if (query.len != 0 && add_str(env, "Http_Query", query) != 0) {
            return no_room;
        }
    }

    if (add_path(env, path) != 0) {
        return "the path is not rightly encoded";
    }

    return NULL;
}


static int
add_path(struct wd_env *env, struct wd_str path)
{
    int     byte;
    char    c;
    size_t  i;

    start_var(env);

    if (put(env, "Http_Path=", 10) != 0
        || (path.len == 0 && put(env, "/", 1) != 0))
    {
        return -1;
    }

    for (i = 0; i < path.len; i++) {
        c = path.s[i];

        if (c == '%') {
            byte = wd_unescape(path.s + i, path.len - i);

            if (byte < 0) {
                return -1;
            }

            c = (char) byte;
            i += 2;
        }

        if (put(env, &c, 1) != 0) {
            return -1;
        }
    }

    return end_var(env);
}
