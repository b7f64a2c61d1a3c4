
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The directive faas_redis: where Redis is, and how to talk to it.
 */


#include "ngx_http_faas.h"

#include "lib/faas_num.h"


#define NGX_HTTP_FAAS_PASSWORD_MAX   512             /* bytes */


static ngx_int_t ngx_http_faas_redis_addr(ngx_http_faas_redis_conf_t *redis);
static char *ngx_http_faas_redis_param(ngx_conf_t *cf,
    ngx_http_faas_redis_conf_t *redis, ngx_str_t *param);
static ngx_int_t ngx_http_faas_redis_msec(ngx_str_t *value, ngx_int_t most,
    ngx_msec_t *msec);
static char *ngx_http_faas_redis_password(ngx_conf_t *cf, ngx_str_t *file,
    ngx_str_t *password);
static ngx_int_t ngx_http_faas_redis_keys(ngx_http_faas_redis_conf_t *redis);


char *
ngx_http_faas_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_faas_main_conf_t *fmcf = conf;

    char                        *rv;
    ngx_str_t                   *value;
    ngx_uint_t                   i;
    ngx_http_faas_redis_conf_t  *redis;

    redis = &fmcf->redis;

    if (redis->addr.len != 0) {
        return "is duplicate";
    }

    value = cf->args->elts;

    redis->addr = value[1];
    ngx_str_set(&redis->prefix, FAAS_PREFIX_DEFAULT);
    redis->timeout = 2000;
    redis->flush = 250;

    if (ngx_http_faas_redis_addr(redis) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid address \"%V\", expected IP:PORT, "
                           "[IPv6]:PORT, HOST:PORT or unix:/path", &value[1]);
        return NGX_CONF_ERROR;
    }

    for (i = 2; i < cf->args->nelts; i++) {
        rv = ngx_http_faas_redis_param(cf, redis, &value[i]);

        if (rv != NGX_CONF_OK) {
            if (rv != NGX_CONF_ERROR) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "invalid parameter \"%V\": %s",
                                   &value[i], rv);
            }

            return NGX_CONF_ERROR;
        }
    }

    if (ngx_http_faas_redis_keys(redis) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "prefix \"%V\" is longer than %d bytes",
                           &redis->prefix, FAAS_PREFIX_MAX);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_faas_redis_addr(ngx_http_faas_redis_conf_t *redis)
{
    char      *addr;
    size_t     len;
    uint16_t   port;

    addr = (char *) redis->addr.data;

    if (faas_addr_parse(addr, redis->addr.len, &redis->parsed) == 0) {
        return NGX_OK;
    }

    if (faas_addr_parse_host(addr, redis->addr.len, &len, &port) != 0) {
        return NGX_ERROR;
    }

    redis->host.data = redis->addr.data;
    redis->host.len = len;
    redis->port = port;

    /* as the resolver would do */

    ngx_strlow(redis->host.data, redis->host.data, len);

    return NGX_OK;
}


/*
 * Returns NGX_CONF_OK, NGX_CONF_ERROR after having said what is wrong, or
 * what was expected.
 */

static char *
ngx_http_faas_redis_param(ngx_conf_t *cf, ngx_http_faas_redis_conf_t *redis,
    ngx_str_t *param)
{
    uint64_t   db;
    ngx_str_t  value;

#define ngx_http_faas_is(name)                                               \
    (param->len >= sizeof(name) - 1                                          \
     && ngx_strncmp(param->data, name, sizeof(name) - 1) == 0                \
     && (value.data = param->data + sizeof(name) - 1,                        \
         value.len = param->len - (sizeof(name) - 1), 1))

    if (ngx_http_faas_is("password_file=")) {
        return ngx_http_faas_redis_password(cf, &value, &redis->password);
    }

    if (ngx_http_faas_is("db=")) {

        if (faas_parse_uint((char *) value.data, value.len, 0, 65535, &db)
            != 0)
        {
            return "expected a number from 0 to 65535";
        }

        redis->db = (ngx_int_t) db;

        return NGX_CONF_OK;
    }

    if (ngx_http_faas_is("prefix=")) {

        if (value.len == 0) {
            return "expected at least one character";
        }

        redis->prefix = value;

        return NGX_CONF_OK;
    }

    if (ngx_http_faas_is("timeout=")) {
        return ngx_http_faas_redis_msec(&value, 60000, &redis->timeout)
               == NGX_OK ? NGX_CONF_OK : "expected a time from 10ms to 60s";
    }

    if (ngx_http_faas_is("flush=")) {
        return ngx_http_faas_redis_msec(&value, FAAS_REPORT_MAX,
                                        &redis->flush)
               == NGX_OK ? NGX_CONF_OK : "expected a time from 10ms to 2s";
    }

#undef ngx_http_faas_is

    return "expected password_file=, db=, prefix=, timeout= or flush=";
}


static ngx_int_t
ngx_http_faas_redis_msec(ngx_str_t *value, ngx_int_t most, ngx_msec_t *msec)
{
    ngx_int_t  n;

    n = ngx_parse_time(value, 0);

    if (n == NGX_ERROR || n < 10 || n > most) {
        return NGX_ERROR;
    }

    *msec = (ngx_msec_t) n;

    return NGX_OK;
}


/*
 * The first line of a file: a password in a directive would show up in
 * "nginx -T".
 */

static char *
ngx_http_faas_redis_password(ngx_conf_t *cf, ngx_str_t *file,
    ngx_str_t *password)
{
    u_char   *buf, *end;
    ssize_t   n;
    ngx_fd_t  fd;

    if (ngx_conf_full_name(cf->cycle, file, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    fd = ngx_open_file(file->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" failed", file);
        return NGX_CONF_ERROR;
    }

    buf = ngx_pnalloc(cf->pool, NGX_HTTP_FAAS_PASSWORD_MAX + 1);
    n = (buf != NULL) ? ngx_read_fd(fd, buf, NGX_HTTP_FAAS_PASSWORD_MAX + 1)
                      : -1;

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_file_n " \"%V\" failed", file);
    }

    if (n < 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_read_fd_n " \"%V\" failed", file);
        return NGX_CONF_ERROR;
    }

    end = ngx_strlchr(buf, buf + n, LF);
    n = (end != NULL) ? end - buf : n;

    if (n > 0 && buf[n - 1] == CR) {
        n--;
    }

    if (n == 0 || n > NGX_HTTP_FAAS_PASSWORD_MAX) {
        return "expected a file with the password, of 1 to 512 bytes, in its "
               "first line";
    }

    password->data = buf;
    password->len = n;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_faas_redis_keys(ngx_http_faas_redis_conf_t *redis)
{
    char  prefix[FAAS_PREFIX_MAX + 1];

    if (redis->prefix.len > FAAS_PREFIX_MAX) {
        return NGX_ERROR;
    }

    ngx_cpystrn((u_char *) prefix, redis->prefix.data, redis->prefix.len + 1);

    if (faas_proto_key((char *) redis->routes, prefix, FAAS_ROUTES, NULL)
        || faas_proto_key((char *) redis->changes, prefix, FAAS_CHANGES, NULL)
        || faas_proto_key((char *) redis->epoch, prefix, FAAS_EPOCH, NULL)
        || faas_proto_key((char *) redis->gateways, prefix, FAAS_GATEWAYS,
                          NULL)
        || faas_proto_key((char *) redis->wake, prefix, FAAS_WAKE, NULL)
        || faas_proto_key((char *) redis->load, prefix, FAAS_LOAD, NULL)
        || faas_proto_key((char *) redis->active, prefix, FAAS_ACTIVE, NULL))
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}
