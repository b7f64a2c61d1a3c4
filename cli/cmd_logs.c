/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * logs: what a function prints, a line of JSON for each of its lines.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/faas_buf.h"
#include "lib/faas_num.h"

#include "api.h"
#include "cmd.h"
#include "http.h"
#include "out.h"


#define LINE_MAX_BYTES  (2 << 20)   /* of one line of the answer */
#define LINES_MAX       1000000000
#define TIME_TEXT       256         /* bytes of a formatted time */


/* the form of the output, and what has come of a line */
struct logs {
    struct cli       *cli;
    const char       *form;
    const char       *time_format;      /* NULL: as the gateway sends it */
    int               has_name;
    int               has_instance;
    struct faas_buf   line;
};


static const char *logs_path(struct cli *cli, const struct api *api);
static const char *since(struct cli *cli);
static int on_data(void *data, const char *bytes, size_t len);
static void print_line(struct logs *logs, const char *text, size_t len);
static void print_plain(struct logs *logs, const json_t *message);
static void print_field(const char *before, const json_t *message,
    const char *name);
static const char *time_of(struct logs *logs, const json_t *message,
    char *text);
static int read_time(const char *stamp, struct tm *tm);
static const char *field(const json_t *message, const char *name);


int
cmd_logs(struct cli *cli)
{
    int                    rc;
    struct api             api;
    struct logs            logs = { .cli = cli };
    struct http_request    req;
    struct http_response   res;

    if (api_connect(&api, cli) != 0) {
        return -1;
    }

    logs.form = args_bool(&cli->args, "json") ? "json"
                : args_text(&cli->args, "output");
    logs.time_format = args_text(&cli->args, "time-format");
    logs.has_name = args_bool(&cli->args, "name");
    logs.has_instance = args_bool(&cli->args, "instance");
    faas_buf_init(&logs.line, LINE_MAX_BYTES);

    http_request_init(&req, "GET", logs_path(cli, &api));

    if (req.url == NULL) {
        return -1;
    }

    req.is_insecure = api.is_insecure;
    req.on_data = on_data;
    req.data = &logs;
    texts_add(&cli->pool, &req.headers, "User-Agent: faas/" FAAS_VERSION);

    if (api.authorization != NULL) {
        texts_add(&cli->pool, &req.headers, api.authorization);
    }

    rc = http_send(cli, &req, &res);

    if (rc == 0) {
        rc = res.status == 200 ? 0
             : res.status == 404 ? cli_fail(cli, "no such function: %.120s",
                                            args_word(&cli->args, 0))
             : api_fail(&api, &res);
        http_response_done(&res);

    } else {
        (void) api_fail_send(&api);
    }

    print_line(&logs, logs.line.data, logs.line.len);
    faas_buf_done(&logs.line);

    return rc;
}


static const char *
logs_path(struct cli *cli, const struct api *api)
{
    int          is_followed;
    uint64_t     n;
    const char  *lines, *from;

    lines = args_text(&cli->args, "lines");

    if (strcmp(lines, "-1") != 0
        && faas_parse_uint(lines, strlen(lines), 0, LINES_MAX, &n) != 0)
    {
        (void) cli_fail(cli, "--lines: \"%.40s\" is neither a number nor -1",
                        lines);
        return NULL;
    }

    is_followed = args_bool(&cli->args, "tail")
                  && args_bool(&cli->args, "follow");
    from = since(cli);

    return api_path((struct api *) api,
                    pool_printf(&cli->pool, "%s/system/logs?name=%s&tail=%s"
                                "&follow=%s%s%s", api->gateway,
                                http_escape(&cli->pool,
                                            args_word(&cli->args, 0)), lines,
                                is_followed ? "true" : "false",
                                from != NULL ? "&since=" : "",
                                from != NULL ? http_escape(&cli->pool, from)
                                : ""), api->ns);
}


static const char *
since(struct cli *cli)
{
    char        text[TIME_TEXT];
    time_t      when;
    struct tm   tm;

    if (args_text(&cli->args, "since-time") != NULL) {
        return args_text(&cli->args, "since-time");
    }

    if (args_text(&cli->args, "since") == NULL) {
        return NULL;
    }

    when = time(NULL) - (time_t) (args_msec(&cli->args, "since") / 1000);

    if (gmtime_r(&when, &tm) == NULL
        || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
    {
        return NULL;
    }

    return pool_text(&cli->pool, text);
}


static int
on_data(void *data, const char *bytes, size_t len)
{
    char         *end;
    size_t        n;
    struct logs  *logs;

    logs = data;

    if (faas_buf_add(&logs->line, bytes, len) != 0) {
        return -1;
    }

    while ((end = memchr(logs->line.data, '\n', logs->line.len)) != NULL) {
        n = (size_t) (end - logs->line.data);
        print_line(logs, logs->line.data, n);
        faas_buf_consume(&logs->line, n + 1);
    }

    return fflush(stdout) == 0 ? 0 : -1;
}


/*
 * What cannot be read is shown as it is.
 */
static void
print_line(struct logs *logs, const char *text, size_t len)
{
    json_t  *message;

    if (len == 0 || text == NULL) {
        return;
    }

    message = json_loadb(text, len, 0, NULL);

    if (!json_is_object(message)) {
        out_put_safe(text, len);
        (void) putchar('\n');

    } else if (strcmp(logs->form, "json") == 0) {
        (void) fwrite(text, 1, len, stdout);
        (void) putchar('\n');

    } else if (strcmp(logs->form, "keyvalue") == 0) {
        print_field("timestamp=\"", message, "timestamp");
        print_field("\" name=\"", message, "name");
        print_field("\" instance=\"", message, "instance");
        print_field("\" text=\"", message, "text");
        (void) puts("\"");

    } else {
        print_plain(logs, message);
    }

    json_decref(message);
}


static void
print_plain(struct logs *logs, const json_t *message)
{
    char         text[TIME_TEXT];
    size_t       len;
    const char  *when, *line;

    when = time_of(logs, message, text);
    line = field(message, "text");
    len = strlen(line);

    /* the line's own end is one too many */

    while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r')) {
        len--;
    }

    if (when[0] != '\0') {
        out_put_safe(when, strlen(when));
        (void) putchar(' ');
    }

    if (logs->has_name) {
        print_field("", message, "name");
        (void) putchar(' ');
    }

    if (logs->has_instance) {
        print_field("(", message, "instance");
        (void) fputs(") ", stdout);
    }

    /* colours of a function's own output are its own affair */

    (void) printf("%.*s\n", (int) len, line);
}


/*
 * Nothing is the pool's here: lines may be followed for ever.
 */
static void
print_field(const char *before, const json_t *message, const char *name)
{
    const char  *text;

    text = field(message, name);
    (void) fputs(before, stdout);
    out_put_safe(text, strlen(text));
}


static const char *
time_of(struct logs *logs, const json_t *message, char *text)
{
    const char  *stamp;
    struct tm    tm;

    stamp = field(message, "timestamp");

    if (logs->time_format == NULL) {
        return stamp;
    }

    if (logs->time_format[0] == '\0' || read_time(stamp, &tm) != 0) {
        return "";
    }

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    /* it is the user's own, and its length is bounded */
    text[0] = '\0';
    (void) strftime(text, TIME_TEXT, logs->time_format, &tm);
#pragma GCC diagnostic pop

    return text;
}


/*
 * "2026-01-31T12:34:56", and whatever follows.  strptime() of musl would leave
 * out the day of the week.
 */
static int
read_time(const char *stamp, struct tm *tm)
{
    size_t     i;
    uint64_t   n[6];
    static const struct {
        size_t  at;
        size_t  len;
        char    before;
    }          parts[6] = {
        { 0, 4, 0 }, { 5, 2, '-' }, { 8, 2, '-' }, { 11, 2, 'T' },
        { 14, 2, ':' }, { 17, 2, ':' }
    };

    for (i = 0; i < 6; i++) {
        if ((i != 0 && stamp[parts[i].at - 1] != parts[i].before)
            || faas_parse_uint(stamp + parts[i].at, parts[i].len, 0, 9999,
                               &n[i]) != 0)
        {
            return -1;
        }
    }

    memset(tm, 0, sizeof(*tm));
    tm->tm_year = (int) n[0] - 1900;
    tm->tm_mon = (int) n[1] - 1;
    tm->tm_mday = (int) n[2];
    tm->tm_hour = (int) n[3];
    tm->tm_min = (int) n[4];
    tm->tm_sec = (int) n[5];

    /* sets what follows from these, and makes them those of a calendar */

    return timegm(tm) != -1 ? 0 : -1;
}


static const char *
field(const json_t *message, const char *name)
{
    const char  *text;

    text = json_string_value(json_object_get(message, name));

    return text != NULL ? text : "";
}
