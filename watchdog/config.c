/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The watchdog's settings.
 */

#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/faas_num.h"


#define MSEC_MAX   (365ULL * 24 * 3600 * 1000)
#define SIZE_MIN   4096ULL
#define CHUNK_MAX  65536ULL         /* four digits of a chunk's size, + 1 */
#define HOST_MAX   64               /* bytes of an address and a port */


struct setting {
    const char  *name;
    size_t       offset;
    uint64_t     preset;
    uint64_t     min;
    uint64_t     max;
};


struct flag {
    const char  *name;
    size_t       offset;
    int          preset;
};


static int read_process(struct wd_config *cfg, wd_getenv get,
    struct faas_err *err);
static int split(struct wd_config *cfg, struct faas_err *err);
static int read_mode(struct wd_config *cfg, wd_getenv get,
    struct faas_err *err);
static int read_upstream(struct wd_config *cfg, wd_getenv get,
    struct faas_err *err);
static int read_durations(struct wd_config *cfg, wd_getenv get,
    struct faas_err *err);
static int read_listen(struct wd_config *cfg, wd_getenv get,
    struct faas_err *err);
static int read_log_size(struct wd_config *cfg, wd_getenv get,
    struct faas_err *err);
static int check_unsupported(wd_getenv get, struct faas_err *err);
static void read_flags(struct wd_config *cfg, wd_getenv get);
static int is_any_set(wd_getenv get, const char *const *names);
static int read_numbers(struct wd_config *cfg, wd_getenv get,
    struct faas_err *err);
static int read_texts(struct wd_config *cfg, wd_getenv get,
    struct faas_err *err);
static const char *either(wd_getenv get, const char *first,
    const char *second);


static const struct setting  durations[] = {
    { "read_timeout", offsetof(struct wd_config, read_timeout),
      30000, 1, MSEC_MAX },
    { "write_timeout", offsetof(struct wd_config, write_timeout),
      30000, 1, MSEC_MAX },
    { "exec_timeout", offsetof(struct wd_config, exec_timeout),
      30000, 0, MSEC_MAX },
    { "idle_timeout", offsetof(struct wd_config, idle_timeout),
      75000, 1, MSEC_MAX },
    { "kill_grace", offsetof(struct wd_config, kill_grace),
      1000, 1, MSEC_MAX },
};

static const struct setting  numbers[] = {
    { "metrics_port", offsetof(struct wd_config, metrics_port),
      8081, 0, 65535 },
    { "max_inflight", offsetof(struct wd_config, max_inflight),
      0, 0, UINT32_MAX },
    { "max_connections", offsetof(struct wd_config, max_connections),
      1024, 1, 65536 },
    { "max_head_size", offsetof(struct wd_config, max_head_size),
      32768, 1024, CHUNK_MAX / 2 },
    { "max_body_size", offsetof(struct wd_config, max_body_size),
      0, 0, INT64_MAX },
    { "max_held_output", offsetof(struct wd_config, max_held_output),
      4 * 1024 * 1024, 0, 1024 * 1024 * 1024 },
    { "max_held_body", offsetof(struct wd_config, max_held_body),
      64 * 1024 * 1024, 0, 1024 * 1024 * 1024 },
    { "buffer_size", offsetof(struct wd_config, buffer_size),
      65536, SIZE_MIN, CHUNK_MAX },
};

static const struct flag  flags[] = {
    { "access_log", offsetof(struct wd_config, has_access_log), 1 },
    { "buffer_http", offsetof(struct wd_config, is_body_buffered), 0 },
    { "http_buffer_req_body", offsetof(struct wd_config, is_body_buffered),
      0 },
    { "cgi_headers", offsetof(struct wd_config, has_cgi), 1 },
    { "combine_output", offsetof(struct wd_config, is_combined), 1 },
    { "debug_headers", offsetof(struct wd_config, are_headers_logged), 0 },
    { "log_callid", offsetof(struct wd_config, has_call_id), 0 },
    { "marshal_request", offsetof(struct wd_config, is_marshaled), 0 },
    { "prefix_logs", offsetof(struct wd_config, has_log_prefix), 1 },
    { "write_debug", offsetof(struct wd_config, is_debugged), 0 },
};

/* what only one of the two watchdogs of OpenFaaS knows */

static const char *const  classic_names[] = {
    "cgi_headers", "combine_output", "debug_headers", "marshal_request",
    "write_debug", NULL
};

static const char *const  newer_names[] = {
    "buffer_http", "function_process", "http_buffer_req_body",
    "http_upstream_url", "log_buffer_size", "log_callid", "prefix_logs",
    "ready_path", "static_path", "upstream_url", NULL
};

static const struct {
    const char         *name;
    enum wd_mode_kind   kind;
} modes[] = {
    { "streaming", WD_MODE_STREAMING },
    { "serializing", WD_MODE_SERIALIZING },
    { "http", WD_MODE_HTTP },
    { "static", WD_MODE_STATIC },
    { "classic", WD_MODE_CLASSIC },
};


int
wd_config_init(struct wd_config *cfg, wd_getenv get, struct faas_err *err)
{
    memset(cfg, 0, sizeof(*cfg));

    if (read_mode(cfg, get, err) != 0
        || (cfg->mode != WD_MODE_STATIC && read_process(cfg, get, err) != 0)
        || read_durations(cfg, get, err) != 0
        || read_listen(cfg, get, err) != 0
        || read_numbers(cfg, get, err) != 0
        || read_log_size(cfg, get, err) != 0
        || read_texts(cfg, get, err) != 0
        || check_unsupported(get, err) != 0)
    {
        return -1;
    }

    read_flags(cfg, get);

    return 0;
}


const char *
wd_config_tmp(wd_getenv get)
{
    const char  *dir;

    dir = get("TMPDIR");

    return dir != NULL && dir[0] != '\0' ? dir : "/tmp";
}


void
wd_config_done(struct wd_config *cfg)
{
    free(cfg->process);
    free(cfg->argv);
    free(cfg->words);
    memset(cfg, 0, sizeof(*cfg));
}


int
wd_config_upstream(const char *url, struct faas_addr *addr)
{
    char         host[HOST_MAX];
    int          n;
    size_t       len;
    const char  *rest;

    if (strncmp(url, "unix:", 5) == 0) {
        return faas_addr_parse(url, strlen(url), addr);
    }

    if (strncmp(url, "http://", 7) != 0) {
        return -1;
    }

    url += 7;
    len = strcspn(url, "/");
    rest = url + len;

    /* a path here would have to be put before each request's own */

    if (strcmp(rest, "") != 0 && strcmp(rest, "/") != 0) {
        return -1;
    }

    if (strncmp(url, "localhost", 9) == 0 && (len == 9 || url[9] == ':')) {
        n = snprintf(host, sizeof(host), "127.0.0.1%.*s", (int) (len - 9),
                     url + 9);

    } else {
        n = snprintf(host, sizeof(host), "%.*s", (int) len, url);
    }

    if (n < 0 || (size_t) n > sizeof(host) - 4) {
        return -1;
    }

    if (faas_addr_parse(host, (size_t) n, addr) == 0) {
        return 0;
    }

    memcpy(host + n, ":80", 4);

    return faas_addr_parse(host, (size_t) n + 3, addr);
}


static int
read_process(struct wd_config *cfg, wd_getenv get, struct faas_err *err)
{
    const char  *process;

    process = either(get, "function_process", "fprocess");

    if (process == NULL) {
        return faas_err_set(err, 1, "provide a \"function_process\" or "
                            "\"fprocess\" environment variable for your "
                            "function");
    }

    cfg->process = strdup(process);
    cfg->words = strdup(process);

    if (cfg->process == NULL || cfg->words == NULL) {
        return faas_err_set(err, 1, "no memory for fprocess");
    }

    return split(cfg, err);
}


/*
 * Words are what is between single spaces: no quoting, and two spaces have
 * an empty word between them, as images in use have come to rely on.
 */
static int
split(struct wd_config *cfg, struct faas_err *err)
{
    char    *s;
    size_t   i, n;

    n = 1;

    for (s = cfg->words; *s != '\0'; s++) {
        n += *s == ' ';
    }

    if (n > WD_ARGS_MAX) {
        return faas_err_set(err, 1, "fprocess: over %d words", WD_ARGS_MAX);
    }

    cfg->argv = calloc(n + 1, sizeof(*cfg->argv));
    if (cfg->argv == NULL) {
        return faas_err_set(err, 1, "no memory for fprocess");
    }

    s = cfg->words;

    for (i = 0; i < n; i++) {
        cfg->argv[i] = s;
        s += strcspn(s, " ");
        *s++ = '\0';
    }

    if (cfg->argv[0][0] == '\0') {
        return faas_err_set(err, 1, "fprocess: begins with a space");
    }

    return 0;
}


static int
read_mode(struct wd_config *cfg, wd_getenv get, struct faas_err *err)
{
    size_t       i;
    const char  *mode;

    mode = get("mode");

    if (mode == NULL || mode[0] == '\0') {
        cfg->mode = is_any_set(get, newer_names)
                    && !is_any_set(get, classic_names)
                    ? WD_MODE_STREAMING : WD_MODE_CLASSIC;
        return 0;
    }

    for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (strcmp(mode, modes[i].name) == 0) {
            cfg->mode = modes[i].kind;
            return cfg->mode == WD_MODE_HTTP ? read_upstream(cfg, get, err)
                                             : 0;
        }
    }

    return faas_err_set(err, 1, "mode: \"%.64s\" is none of streaming, "
                        "serializing, http, static and classic", mode);
}


static int
is_any_set(wd_getenv get, const char *const *names)
{
    const char  *text;

    for ( /* void */ ; *names != NULL; names++) {
        text = get(*names);

        if (text != NULL && text[0] != '\0') {
            return 1;
        }
    }

    return 0;
}


static int
read_upstream(struct wd_config *cfg, wd_getenv get, struct faas_err *err)
{
    const char  *url;

    url = either(get, "http_upstream_url", "upstream_url");

    if (url != NULL && wd_config_upstream(url, &cfg->upstream) != 0) {
        return faas_err_set(err, 1, "upstream_url: \"%.96s\" is neither "
                            "http://IP:PORT nor unix:/path; names other "
                            "than localhost are not looked up", url);
    }

    return 0;
}


static int
read_durations(struct wd_config *cfg, wd_getenv get, struct faas_err *err)
{
    size_t                 i;
    uint64_t              *value;
    const char            *text;
    const struct setting  *set;

    for (i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
        set = &durations[i];
        value = (uint64_t *) (void *) ((char *) cfg + set->offset);
        *value = set->preset;
        text = get(set->name);

        if (text == NULL || text[0] == '\0') {
            continue;
        }

        if (faas_parse_duration(text, strlen(text), set->max, value) != 0
            || *value < set->min)
        {
            return faas_err_set(err, 1, "%s: \"%.64s\" is not a duration of "
                                "at least %llums, such as 30, 30s or 1m30s",
                                set->name, text,
                                (unsigned long long) set->min);
        }
    }

    text = get("exec_timeout");

    if (cfg->mode == WD_MODE_CLASSIC && (text == NULL || text[0] == '\0')) {
        cfg->exec_timeout = 0;
    }

    cfg->healthcheck_interval = cfg->write_timeout;
    text = get("healthcheck_interval");

    if (text != NULL && text[0] != '\0') {
        cfg->is_health_given = 1;

        if (faas_parse_duration(text, strlen(text), MSEC_MAX,
                                &cfg->healthcheck_interval) != 0)
        {
            return faas_err_set(err, 1, "healthcheck_interval: \"%.64s\" is "
                                "not a duration such as 5 or 5s", text);
        }
    }

    return 0;
}


static int
read_numbers(struct wd_config *cfg, wd_getenv get, struct faas_err *err)
{
    size_t                 i;
    uint64_t              *value;
    const char            *text;
    const struct setting  *set;

    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        set = &numbers[i];
        value = (uint64_t *) (void *) ((char *) cfg + set->offset);
        *value = set->preset;
        text = get(set->name);

        if (text != NULL && text[0] != '\0'
            && faas_parse_uint(text, strlen(text), set->min, set->max, value)
               != 0)
        {
            return faas_err_set(err, 1, "%s: \"%.64s\" is not a number from "
                                "%llu to %llu", set->name, text,
                                (unsigned long long) set->min,
                                (unsigned long long) set->max);
        }
    }

    text = get("metrics_port");
    cfg->is_metrics_given = text != NULL && text[0] != '\0';

    /* an answer's head with what is added to it, and its first chunk */

    if (cfg->buffer_size < cfg->max_head_size + SIZE_MIN) {
        return faas_err_set(err, 1, "buffer_size: %llu is not max_head_size "
                            "(%llu) and %llu bytes more",
                            (unsigned long long) cfg->buffer_size,
                            (unsigned long long) cfg->max_head_size, SIZE_MIN);
    }

    return 0;
}


static int
read_texts(struct wd_config *cfg, wd_getenv get, struct faas_err *err)
{
    const char  *s;

    cfg->content_type = either(get, "content_type", "content_type");

    if (cfg->content_type == NULL && cfg->mode != WD_MODE_CLASSIC) {
        cfg->content_type = "application/octet-stream";
    }

    for (s = cfg->content_type; s != NULL && *s != '\0'; s++) {
        if ((unsigned char) *s < ' ' || *s == 127) {
            return faas_err_set(err, 1, "content_type: a control character");
        }
    }

    if (s != NULL && s - cfg->content_type > WD_CONTENT_TYPE_MAX) {
        return faas_err_set(err, 1, "content_type: over %d bytes",
                            WD_CONTENT_TYPE_MAX);
    }

    cfg->tmp_dir = wd_config_tmp(get);
    cfg->static_path = either(get, "static_path", "static_path");
    cfg->ready_path = either(get, "ready_path", "ready_path");

    if (cfg->static_path == NULL) {
        cfg->static_path = "/home/app/public";
    }

    if (cfg->ready_path != NULL && cfg->ready_path[0] != '/') {
        return faas_err_set(err, 1, "ready_path: \"%.64s\" does not begin "
                            "with a slash", cfg->ready_path);
    }

    return 0;
}


/*
 * Where two names stand for one flag, the second is looked at if the first is
 * not set.
 */
/*
 * Its tokens come from OpenFaaS' licensed gateway only.  Who asks for them
 * must not get a function that anybody can call.
 */
static int
check_unsupported(wd_getenv get, struct faas_err *err)
{
    const char  *text;

    text = get("jwt_auth");

    if (text != NULL && faas_parse_bool(text)) {
        return faas_err_set(err, 0, "jwt_auth: tokens are not checked here; "
                            "unset it, and let the gateway do so");
    }

    return 0;
}


static void
read_flags(struct wd_config *cfg, wd_getenv get)
{
    int                 *value;
    size_t               i;
    const char          *text;
    const struct flag   *flag;

    for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        flag = &flags[i];
        value = (int *) (void *) ((char *) cfg + flag->offset);
        text = get(flag->name);

        if (text != NULL && text[0] != '\0') {
            *value = faas_parse_bool(text);

        } else if (i == 0 || flags[i - 1].offset != flag->offset) {
            *value = flag->preset;
        }
    }

    text = get("suppress_lock");
    cfg->has_lock = text == NULL || !faas_parse_bool(text);

    /* of-watchdog's processes are not asked */

    if (cfg->mode != WD_MODE_CLASSIC) {
        cfg->has_cgi = 1;
        cfg->is_combined = 0;
        cfg->is_marshaled = 0;
        cfg->is_debugged = 0;
        cfg->are_headers_logged = 0;
    }
}


/*
 * port: a number, or unix:/path.
 */
static int
read_listen(struct wd_config *cfg, wd_getenv get, struct faas_err *err)
{
    const char  *text;

    cfg->port = 8080;
    text = get("port");

    if (text == NULL || text[0] == '\0') {
        return 0;
    }

    if (strncmp(text, "unix:", 5) == 0) {
        if (faas_addr_parse(text, strlen(text), &cfg->listen) == 0) {
            return 0;
        }

    } else if (faas_parse_uint(text, strlen(text), 1, 65535, &cfg->port)
               == 0)
    {
        return 0;
    }

    return faas_err_set(err, 1, "port: \"%.96s\" is neither a number from 1 "
                        "to 65535 nor unix:/path", text);
}


/*
 * -1 is what OpenFaaS has for "as it comes".
 */
static int
read_log_size(struct wd_config *cfg, wd_getenv get, struct faas_err *err)
{
    const char  *text;

    cfg->log_buffer_size = 65536;
    text = get("log_buffer_size");

    if (text == NULL || text[0] == '\0') {
        return 0;
    }

    if (strcmp(text, "-1") == 0) {
        cfg->log_buffer_size = 0;
        return 0;
    }

    if (faas_parse_uint(text, strlen(text), 64, 1024 * 1024,
                        &cfg->log_buffer_size)
        != 0)
    {
        return faas_err_set(err, 1, "log_buffer_size: \"%.64s\" is neither "
                            "a number from 64 to 1048576 nor -1", text);
    }

    return 0;
}


static const char *
either(wd_getenv get, const char *first, const char *second)
{
    const char  *text;

    text = get(first);

    if (text == NULL || text[0] == '\0') {
        text = get(second);
    }

    if (text != NULL && text[0] == '\0') {
        text = NULL;
    }

    return text;
}
