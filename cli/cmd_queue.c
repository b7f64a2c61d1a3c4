/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * queue: asynchronous calls that wait, run, or were given up.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "api.h"
#include "cmd.h"
#include "codec.h"
#include "http.h"
#include "out.h"


#define PAGE        100             /* calls that are asked for at a time */
#define SHOWN_BODY  4096            /* bytes */
#define TIME_TEXT   32


static json_t *read_calls(struct api *api, uint64_t limit);
static void print_calls(struct cli *cli, const json_t *calls);
static const char *text_of(struct cli *cli, const json_t *object,
    const char *name);
static const char *time_of(struct cli *cli, json_int_t msec);
static void print_call(struct cli *cli, const json_t *call);
static void print_headers(struct cli *cli, const json_t *headers);
static void print_body(struct cli *cli, const json_t *call);
static int for_each(struct cli *cli, const char *method, const char *format,
    const char *suffix, const char *done);
static int for_all(struct cli *cli, const char *method, const char *path,
    const char *member, const char *done);
static int is_all(struct cli *cli);


int
cmd_queue_list(struct cli *cli)
{
    json_t      *calls;
    struct api   api;

    if (api_connect(&api, cli) != 0) {
        return -1;
    }

    calls = read_calls(&api, args_number(&cli->args, "limit"));

    if (calls == NULL) {
        return -1;
    }

    if (out_is_json(cli)) {
        (void) out_json(cli, calls);

    } else {
        print_calls(cli, calls);
    }

    json_decref(calls);

    return 0;
}


int
cmd_queue_show(struct cli *cli)
{
    json_t      *call;
    const char  *id;
    struct api   api;

    id = http_escape(&cli->pool, args_word(&cli->args, 0));

    if (api_connect(&api, cli) != 0) {
        return -1;
    }

    call = api_get_json(&api, pool_printf(&cli->pool,
                                          "/system/async/calls/%s", id));

    /* one that is not given up is known to the gateway itself */

    if (call == NULL && cli->err.code == 404) {
        call = api_get_json(&api, pool_printf(&cli->pool,
                                              "/async-function/%s", id));
    }

    if (call == NULL) {
        return cli->err.code == 404
               ? cli_fail(cli, "no such call: %.80s; it may be done", id)
               : -1;
    }

    cli->err.text[0] = '\0';

    if (out_is_json(cli)) {
        (void) out_json(cli, call);

    } else {
        print_call(cli, call);
    }

    json_decref(call);

    return 0;
}


int
cmd_queue_retry(struct cli *cli)
{
    return is_all(cli)
           ? for_all(cli, "POST", "/system/async/dead/retry", "retried",
                     "queued again")
           : for_each(cli, "POST", "/system/async/calls/%s%s", "/retry",
                      "is queued again");
}


int
cmd_queue_purge(struct cli *cli)
{
    return is_all(cli)
           ? for_all(cli, "DELETE", "/system/async/dead", "purged", "removed")
           : for_each(cli, "DELETE", "/system/async/calls/%s%s", "",
                      "is removed");
}


int
cmd_queue_cancel(struct cli *cli)
{
    return for_each(cli, "DELETE", "/async-function/%s%s", "",
                    "is cancelled");
}


/*
 * Page after page, until there are enough.
 */
static json_t *
read_calls(struct api *api, uint64_t limit)
{
    size_t       n;
    json_t      *calls, *page, *list;
    struct cli  *cli;
    const char  *fn, *path, *next;

    cli = api->cli;
    calls = json_array();
    fn = args_text(&cli->args, "function");
    next = NULL;

    do {
        path = pool_printf(&cli->pool, "/system/async/dead?limit=%" PRIu64
                           "%s%s%s%s", limit < PAGE ? limit : PAGE,
                           fn != NULL ? "&function=" : "",
                           fn != NULL ? http_escape(&cli->pool, fn) : "",
                           next != NULL ? "&after=" : "",
                           next != NULL ? http_escape(&cli->pool, next) : "");
        page = api_get_json(api, path);
        list = json_object_get(page, "calls");

        if (!json_is_array(list)) {

            if (page != NULL) {
                (void) cli_fail(cli, "%.120s: no list of calls in the answer",
                                path);
            }

            json_decref(page);
            json_decref(calls);
            return NULL;
        }

        n = json_array_size(list);
        limit -= n < limit ? n : limit;
        (void) json_array_extend(calls, list);
        next = json_string_value(json_object_get(page, "next"));
        next = next != NULL ? pool_text(&cli->pool, next) : NULL;
        json_decref(page);

        /* a page with nothing in it would be the first of endless ones */

    } while (next != NULL && n > 0 && limit > 0);

    return calls;
}


static void
print_calls(struct cli *cli, const json_t *calls)
{
    size_t   i;
    json_t  *call;

    if (json_array_size(calls) == 0) {
        (void) puts("No calls were given up.");
        return;
    }

    (void) printf("%s%-36s\t%-24s\t%-8s\t%-6s\t%-24s\t%s%s\n",
                  out_colour(cli, OUT_BOLD), "ID", "Function", "Attempts",
                  "Status", "Died", "Error", out_colour(cli, OUT_PLAIN));

    json_array_foreach(calls, i, call) {
        (void) printf("%-36s\t%-24s\t%-8s\t%-6s\t%-24s\t%s\n",
                      text_of(cli, call, "id"),
                      text_of(cli, call, "function"),
                      text_of(cli, call, "attempts"),
                      text_of(cli, call, "status"),
                      text_of(cli, call, "died"),
                      text_of(cli, call, "error"));
    }
}


/*
 * Numbers as well; NAME may be NAME_ms, a time in milliseconds since 1970.
 */
static const char *
text_of(struct cli *cli, const json_t *object, const char *name)
{
    const json_t  *value;

    value = json_object_get(object, pool_printf(&cli->pool, "%s_ms", name));

    if (json_is_integer(value)) {
        return time_of(cli, json_integer_value(value));
    }

    value = json_object_get(object, name);

    return json_is_string(value) ? out_safe(cli, json_string_value(value))
           : json_is_integer(value)
           ? pool_printf(&cli->pool, "%" JSON_INTEGER_FORMAT,
                         json_integer_value(value)) : "";
}


static const char *
time_of(struct cli *cli, json_int_t msec)
{
    char       text[TIME_TEXT];
    time_t     when;
    struct tm  tm;

    when = (time_t) (msec / 1000);

    if (msec <= 0 || gmtime_r(&when, &tm) == NULL
        || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
    {
        return "";
    }

    return pool_text(&cli->pool, text);
}


static void
print_call(struct cli *cli, const json_t *call)
{
    static const struct {
        const char  *name;
        const char  *label;
    } lines[] = {
        { "id", "ID:" }, { "function", "Function:" }, { "state", "State:" },
        { "accepted", "Accepted:" }, { "due", "Due:" }, { "ended", "Ended:" },
        { "attempts", "Attempts:" }, { "status", "Status:" },
        { "error", "Error:" }, { "callback_url", "Callback:" },
        { "method", "Method:" }, { "path", "Path:" }, { "query", "Query:" },
        { "size", "Size:" }
    };
    size_t       i;
    const char  *text;

    for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        text = text_of(cli, call, lines[i].name);

        if (text[0] != '\0') {
            (void) printf("%-12s %s\n", lines[i].label, text);
        }
    }

    print_headers(cli, json_object_get(call, "headers"));
    print_body(cli, call);
}


/*
 * An object, of strings or lists of them, or a list of [name, value].
 */
static void
print_headers(struct cli *cli, const json_t *headers)
{
    size_t       i;
    json_t      *value, *item;
    const char  *name;

    if (json_is_object(headers)) {

        json_object_foreach((json_t *) headers, name, value) {

            if (json_is_string(value)) {
                (void) printf("%-12s %s: %s\n", "Header:",
                              out_safe(cli, name),
                              out_safe(cli, json_string_value(value)));
            }

            json_array_foreach(value, i, item) {
                if (json_is_string(item)) {
                    (void) printf("%-12s %s: %s\n", "Header:",
                                  out_safe(cli, name),
                                  out_safe(cli, json_string_value(item)));
                }
            }
        }

        return;
    }

    json_array_foreach(headers, i, item) {
        name = json_string_value(json_array_get(item, 0));
        value = json_array_get(item, 1);

        if (name != NULL && json_is_string(value)) {
            (void) printf("%-12s %s: %s\n", "Header:", out_safe(cli, name),
                          out_safe(cli, json_string_value(value)));
        }
    }
}


/*
 * What is text is shown, the rest only counted.
 */
static void
print_body(struct cli *cli, const json_t *call)
{
    char        *body;
    size_t       i, len;
    const char  *text;

    text = json_string_value(json_object_get(call, "body"));
    body = text != NULL ? codec_unbase64(&cli->pool, text, &len) : NULL;

    if (body == NULL || len == 0) {
        return;
    }

    for (i = 0; i < len; i++) {
        if ((unsigned char) body[i] < 0x20
            && strchr("\t\r\n", body[i]) == NULL)
        {
            (void) printf("%-12s %zu bytes that are no text, see --json\n",
                          "Body:", len);
            return;
        }
    }

    (void) printf("\n%.*s%s\n", len > SHOWN_BODY ? SHOWN_BODY : (int) len,
                  body, len > SHOWN_BODY ? "..." : "");
}


static int
for_each(struct cli *cli, const char *method, const char *format,
    const char *suffix, const char *done)
{
    size_t       i, failed;
    const char  *id, *path;
    struct api   api;

    if (cli->args.words.n == 0) {
        return cli_fail(cli, "which calls? their ids, or --function NAME, or "
                        "--all");
    }

    if (api_connect(&api, cli) != 0) {
        return -1;
    }

    failed = 0;

    for (i = 0; i < cli->args.words.n; i++) {
        id = cli->args.words.at[i];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        /* one of those above, with two texts */
        path = pool_printf(&cli->pool, format, http_escape(&cli->pool, id),
                           suffix);
#pragma GCC diagnostic pop

        if (api_call(&api, method, path, NULL, NULL, NULL) == 0) {
            (void) printf("%s %s.\n", id, done);
            continue;
        }

        if (cli->err.code == 404) {
            (void) cli_fail(cli, "no such call: %.80s", id);
        }

        out_error(cli, cli->err.text);
        cli->err.text[0] = '\0';
        failed++;
    }

    return failed == 0 ? 0 : -1;
}


static int
for_all(struct cli *cli, const char *method, const char *path,
    const char *member, const char *done)
{
    json_t      *root;
    const char  *fn, *answer;
    struct api   api;

    if (cli->args.words.n != 0) {
        return cli_fail(cli, "calls by their ids, or --function, or --all: "
                        "one of the three");
    }

    fn = args_text(&cli->args, "function");

    if (fn != NULL && args_bool(&cli->args, "all")) {
        return cli_fail(cli, "--function and --all exclude one another");
    }

    if (fn != NULL) {
        path = pool_printf(&cli->pool, "%s?function=%s", path,
                           http_escape(&cli->pool, fn));
    }

    if (api_connect(&api, cli) != 0
        || api_call(&api, method, path, NULL, NULL, &answer) != 0)
    {
        return -1;
    }

    root = json_loads(answer, 0, NULL);
    (void) printf("%" JSON_INTEGER_FORMAT " calls %s.\n",
                  json_integer_value(json_object_get(root, member)), done);
    json_decref(root);

    return 0;
}


static int
is_all(struct cli *cli)
{
    return args_bool(&cli->args, "all")
           || args_text(&cli->args, "function") != NULL;
}
