
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The directives of asynchronous calls.
 */


#include "ngx_http_faas_async.h"

#include "lib/faas_num.h"


#define NGX_HTTP_FAAS_ASYNC_BODY     (1024 * 1024)
#define NGX_HTTP_FAAS_ASYNC_CALLS    100000000
#define NGX_HTTP_FAAS_WINDOW_MAX     ((ngx_msec_t) 30 * 86400 * 1000)


static void ngx_http_faas_async_hold(ngx_conf_t *cf, size_t size);


/*
 * faas_async [internal];
 */

char *
ngx_http_faas_async(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_faas_loc_conf_t *flcf = conf;

    char                       *rv;
    ngx_str_t                  *value;
    ngx_http_core_loc_conf_t   *clcf;
    ngx_http_faas_main_conf_t  *fmcf;

    if (flcf->async) {
        return "is duplicate";
    }

    flcf->async = 1;

    value = cf->args->elts;

    if (cf->args->nelts == 2) {

        if (ngx_strcmp(value[1].data, "internal") != 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\", expected "
                               "\"internal\"", &value[1]);
            return NGX_CONF_ERROR;
        }

        flcf->internal = 1;
    }

    fmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_faas_module);
    fmcf->is_used = 1;
    fmcf->async.is_used = 1;

    rv = ngx_http_faas_function_prefix(cf, fmcf, 1);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (flcf->async_max_body == 0) {
        flcf->async_max_body = NGX_HTTP_FAAS_ASYNC_BODY;
        ngx_http_faas_async_hold(cf, flcf->async_max_body);
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_faas_async_handler;

    return NGX_CONF_OK;
}


char *
ngx_http_faas_async_max_body(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_faas_loc_conf_t *flcf = conf;

    ssize_t     size;
    ngx_str_t  *value;

    value = cf->args->elts;
    size = ngx_parse_size(&value[1]);

    if (size == NGX_ERROR || size == 0 || size > FAAS_ASYNC_BODY_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid size \"%V\", expected 1 to 511m",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    flcf->async_max_body = size;
    ngx_http_faas_async_hold(cf, size);

    return NGX_CONF_OK;
}


/*
 * A body that is taken is held in memory: Redis is given it in one piece.
 */

static void
ngx_http_faas_async_hold(ngx_conf_t *cf, size_t size)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    clcf->client_max_body_size = (off_t) size;
    clcf->client_body_buffer_size = size;
}


/*
 * faas_async_queue NUMBER [bytes=SIZE];
 */

char *
ngx_http_faas_async_queue(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_faas_main_conf_t *fmcf = conf;

    off_t       size;
    uint64_t    n;
    ngx_str_t  *value, bytes;

    if (fmcf->async.calls != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (faas_parse_uint((char *) value[1].data, value[1].len, 0,
                        NGX_HTTP_FAAS_ASYNC_CALLS, &n)
        != 0)
    {
        return "needs a number of calls up to 100000000";
    }

    fmcf->async.calls = (ngx_uint_t) n;

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    bytes = value[2];
    size = NGX_ERROR;

    if (bytes.len > 6 && ngx_strncmp(bytes.data, "bytes=", 6) == 0) {
        bytes.data += 6;
        bytes.len -= 6;
        size = ngx_parse_offset(&bytes);
    }

    if (size == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\", expected \"bytes=\" "
                           "with a size", &value[2]);
        return NGX_CONF_ERROR;
    }

    fmcf->async.bytes = size;

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_faas_async_init_conf(ngx_conf_t *cf, ngx_http_faas_main_conf_t *fmcf)
{
    ngx_conf_init_uint_value(fmcf->async.calls, 100000);
    ngx_conf_init_value(fmcf->async.bytes, 1024 * 1024 * 1024);
    ngx_conf_init_msec_value(fmcf->async.window, 24 * 3600 * 1000);

    if (fmcf->async.window == 0
        || fmcf->async.window > NGX_HTTP_FAAS_WINDOW_MAX)
    {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"faas_async_window\" is not 1ms to 30d");
        return NGX_ERROR;
    }

    return NGX_OK;
}
