
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The directives of the gateway module, and its place in nginx.
 */


#include "ngx_http_faas_async.h"

#include "lib/faas_num.h"

#if (__GLIBC__)
#include <malloc.h>
#endif


#define NGX_HTTP_FAAS_ZONE_MIN       (1024 * 1024)   /* bytes */
#define NGX_HTTP_FAAS_TRIM_MAX       (1024 * 1024 * 1024)


static ngx_int_t ngx_http_faas_preconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_faas_postconfiguration(ngx_conf_t *cf);
static void *ngx_http_faas_create_main_conf(ngx_conf_t *cf);
static char *ngx_http_faas_init_main_conf(ngx_conf_t *cf, void *conf);
static void *ngx_http_faas_create_loc_conf(ngx_conf_t *cf);

static char *ngx_http_faas_zone(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_faas_state(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_faas_queue(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_faas_function(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_http_faas_function_name(ngx_conf_t *cf,
    ngx_http_faas_loc_conf_t *flcf, ngx_str_t *param);
static char *ngx_http_faas_content(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

static ngx_int_t ngx_http_faas_init_process(ngx_cycle_t *cycle);
static void ngx_http_faas_keep_heap(size_t size);
static void ngx_http_faas_exit_process(ngx_cycle_t *cycle);


static ngx_conf_num_bounds_t  ngx_http_faas_feed_bounds = {
    ngx_conf_check_num_bounds, 1, 10000
};


static ngx_command_t  ngx_http_faas_commands[] = {

    { ngx_string("faas_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE2,
      ngx_http_faas_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("faas_redis"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_faas_redis,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("faas_state"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_faas_state,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("faas_queue"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_faas_queue,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("faas_park_timeout"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_faas_main_conf_t, park),
      NULL },

    { ngx_string("faas_malloc_trim_threshold"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_faas_main_conf_t, trim),
      NULL },

    { ngx_string("faas"),
      NGX_HTTP_UPS_CONF|NGX_CONF_ANY,
      ngx_http_faas_upstream,
      NGX_HTTP_SRV_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("faas_function"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS|NGX_CONF_TAKE12,
      ngx_http_faas_function,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("faas_async"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS|NGX_CONF_TAKE1,
      ngx_http_faas_async,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("faas_async_max_body"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_faas_async_max_body,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("faas_async_queue"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_faas_async_queue,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("faas_async_window"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_faas_main_conf_t, async.window),
      NULL },

    { ngx_string("faas_metrics"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_faas_content,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      ngx_http_faas_metrics_handler },

    { ngx_string("faas_feed"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_faas_content,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      ngx_http_faas_feed_handler },

    { ngx_string("faas_feed_viewers"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_faas_main_conf_t, feed_viewers),
      &ngx_http_faas_feed_bounds },

    { ngx_string("faas_health"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_faas_content,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      ngx_http_faas_health_handler },

    { ngx_string("faas_error"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_faas_content,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      ngx_http_faas_error_handler },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_faas_module_ctx = {
    ngx_http_faas_preconfiguration,        /* preconfiguration */
    ngx_http_faas_postconfiguration,       /* postconfiguration */

    ngx_http_faas_create_main_conf,        /* create main configuration */
    ngx_http_faas_init_main_conf,          /* init main configuration */

    ngx_http_faas_create_upstream_conf,    /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_faas_create_loc_conf,         /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_faas_module = {
    NGX_MODULE_V1,
    &ngx_http_faas_module_ctx,             /* module context */
    ngx_http_faas_commands,                /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_http_faas_init_process,            /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_faas_exit_process,            /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_http_faas_preconfiguration(ngx_conf_t *cf)
{
    return ngx_http_faas_add_variables(cf);
}


static ngx_int_t
ngx_http_faas_postconfiguration(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PRECONTENT_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_faas_admit_handler;

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_LOG_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_faas_log_handler;

    ngx_http_faas_headers_init();

    return NGX_OK;
}


static void *
ngx_http_faas_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_faas_main_conf_t  *fmcf;

    /* all else is set by ngx_pcalloc() */

    fmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_faas_main_conf_t));
    if (fmcf == NULL) {
        return NULL;
    }

    fmcf->queue = NGX_CONF_UNSET_UINT;
    fmcf->queue_total = NGX_CONF_UNSET_UINT;
    fmcf->park = NGX_CONF_UNSET_MSEC;
    fmcf->trim = NGX_CONF_UNSET_SIZE;
    fmcf->feed_viewers = NGX_CONF_UNSET_UINT;
    fmcf->async.calls = NGX_CONF_UNSET_UINT;
    fmcf->async.bytes = NGX_CONF_UNSET;
    fmcf->async.window = NGX_CONF_UNSET_MSEC;

    return fmcf;
}


static char *
ngx_http_faas_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_faas_main_conf_t *fmcf = conf;

    ngx_conf_init_uint_value(fmcf->queue, 1000);
    ngx_conf_init_uint_value(fmcf->queue_total, 10000);
    ngx_conf_init_msec_value(fmcf->park, 30000);
    ngx_conf_init_size_value(fmcf->trim, 16 * 1024 * 1024);
    ngx_conf_init_uint_value(fmcf->feed_viewers, 64);

    if (ngx_http_faas_async_init_conf(cf, fmcf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (fmcf->park > FAAS_MSEC_MAX) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"faas_park_timeout\" is over a day");
        return NGX_CONF_ERROR;
    }

    if (fmcf->trim > NGX_HTTP_FAAS_TRIM_MAX) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"faas_malloc_trim_threshold\" is over 1024m");
        return NGX_CONF_ERROR;
    }

    if (fmcf->state.len != 0 && fmcf->zone != NULL) {
        fmcf->zone->state = fmcf->state;
    }

    if (ngx_http_faas_name_init(cf, &fmcf->redis) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (!fmcf->is_used) {
        return NGX_CONF_OK;
    }

    if (fmcf->shm_zone == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "faas is used, but there is no \"faas_zone\": add "
                      "\"faas_zone faas 32m;\" to http in %V",
                      &cf->cycle->conf_file);
        return NGX_CONF_ERROR;
    }

    if (fmcf->redis.addr.len == 0) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "faas is used, but there is no \"faas_redis\": add "
                      "\"faas_redis 127.0.0.1:6379;\" to http in %V",
                      &cf->cycle->conf_file);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static void *
ngx_http_faas_create_loc_conf(ngx_conf_t *cf)
{
    /*
     * Set by ngx_pcalloc(), and never merged: like a content handler,
     * faas_function holds for the location it stands in, not for those
     * within.
     */

    return ngx_pcalloc(cf->pool, sizeof(ngx_http_faas_loc_conf_t));
}


static char *
ngx_http_faas_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_faas_main_conf_t *fmcf = conf;

    ssize_t     size;
    ngx_str_t  *value;

    if (fmcf->shm_zone != NULL) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (value[1].len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid zone name \"%V\"",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    size = ngx_parse_size(&value[2]);

    if (size == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid zone size \"%V\"",
                           &value[2]);
        return NGX_CONF_ERROR;
    }

    if (size < NGX_HTTP_FAAS_ZONE_MIN) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "zone size \"%V\" is too small, at least 1m is "
                           "needed", &value[2]);
        return NGX_CONF_ERROR;
    }

    fmcf->zone = ngx_pcalloc(cf->pool, sizeof(ngx_http_faas_zone_t));
    if (fmcf->zone == NULL) {
        return NGX_CONF_ERROR;
    }

    fmcf->zone->cycle = cf->cycle;
    fmcf->zone->name = value[1];
    fmcf->zone->size = ngx_align(size, ngx_pagesize);

    /*
     * nginx's own zone is there for its name, and tells us what the last
     * configuration had; see ngx_http_faas_shm.h
     */

    fmcf->shm_zone = ngx_shared_memory_add(cf, &value[1], 8 * ngx_pagesize,
                                           &ngx_http_faas_module);
    if (fmcf->shm_zone == NULL) {
        return NGX_CONF_ERROR;
    }

    fmcf->shm_zone->init = ngx_http_faas_zone_init;
    fmcf->shm_zone->data = fmcf->zone;

    return NGX_CONF_OK;
}


static char *
ngx_http_faas_function(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_faas_loc_conf_t *flcf = conf;

    ngx_str_t                  *value;
    ngx_uint_t                  i;
    ngx_http_faas_main_conf_t  *fmcf;

    if (flcf->function) {
        return "is duplicate";
    }

    flcf->function = 1;

    fmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_faas_module);
    fmcf->is_used = 1;

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strcmp(value[i].data, "internal") == 0) {
            flcf->internal = 1;
            continue;
        }

        if (flcf->name != NULL || value[i].len <= 5
            || ngx_strncmp(value[i].data, "name=", 5) != 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\", expected \"name=\" "
                               "or \"internal\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        if (ngx_http_faas_function_name(cf, flcf, &value[i]) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return flcf->name == NULL ? ngx_http_faas_function_prefix(cf, fmcf, 0)
                              : NGX_CONF_OK;
}


static ngx_int_t
ngx_http_faas_function_name(ngx_conf_t *cf, ngx_http_faas_loc_conf_t *flcf,
    ngx_str_t *param)
{
    ngx_str_t                         name;
    ngx_http_compile_complex_value_t  ccv;

    name.data = param->data + 5;
    name.len = param->len - 5;

    flcf->name = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (flcf->name == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = &name;
    ccv.complex_value = flcf->name;

    return ngx_http_compile_complex_value(&ccv);
}


/*
 * Without "name=" the name is what follows the location.
 */

char *
ngx_http_faas_function_prefix(ngx_conf_t *cf, ngx_http_faas_main_conf_t *fmcf,
    ngx_uint_t is_async)
{
    ngx_http_faas_prefix_t    *prefix;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

#if (NGX_PCRE)
    if (clcf->regex != NULL) {
        return is_async ? "cannot be in a location given by a regular "
                          "expression"
               : "needs \"name=\" in a location given by a regular expression";
    }
#endif

    if (clcf->exact_match || clcf->named || clcf->noname
        || clcf->name.len == 0 || clcf->name.data[clcf->name.len - 1] != '/')
    {
        return "takes the name from what follows the location: that must be a "
               "prefix with a slash at its end, as \"/function/\"";
    }

    /* errors before admission look the function's name up by these */

    if (fmcf->prefixes == NULL) {
        fmcf->prefixes = ngx_array_create(cf->pool, 4,
                                          sizeof(ngx_http_faas_prefix_t));
    }

    prefix = fmcf->prefixes != NULL ? ngx_array_push(fmcf->prefixes) : NULL;

    if (prefix == NULL) {
        return NGX_CONF_ERROR;
    }

    prefix->name = clcf->name;
    prefix->is_async = is_async;

    return NGX_CONF_OK;
}


/*
 * faas_metrics, faas_feed, faas_health, faas_error: cmd->post is the content
 * handler.
 */

static char *
ngx_http_faas_content(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_core_loc_conf_t   *clcf;
    ngx_http_faas_main_conf_t  *fmcf;

    fmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_faas_module);
    fmcf->is_used = 1;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = (ngx_http_handler_pt) cmd->post;

    return NGX_CONF_OK;
}


static char *
ngx_http_faas_state(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_faas_main_conf_t *fmcf = conf;

    ngx_str_t  *value;

    if (fmcf->state.len != 0) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (value[1].len == 0) {
        return "needs a file";
    }

    fmcf->state = value[1];

    if (ngx_conf_full_name(cf->cycle, &fmcf->state, 0) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/*
 * faas_queue NUMBER [total=NUMBER];
 */

static char *
ngx_http_faas_queue(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_faas_main_conf_t *fmcf = conf;

    size_t       skip;
    uint64_t     n;
    ngx_str_t   *value;
    ngx_uint_t   i;

    if (fmcf->queue != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        skip = 0;

        if (i == 2) {
            if (value[2].len < 6
                || ngx_strncmp(value[2].data, "total=", 6) != 0)
            {
                goto invalid;
            }

            skip = 6;
        }

        if (faas_parse_uint((char *) value[i].data + skip,
                            value[i].len - skip, 0, FAAS_QUEUE_MAX, &n)
            != 0)
        {
            goto invalid;
        }

        if (i == 1) {
            fmcf->queue = (ngx_uint_t) n;

        } else {
            fmcf->queue_total = (ngx_uint_t) n;
        }
    }

    return NGX_CONF_OK;

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\", expected a number of "
                       "requests up to %d, and \"total=\" with another",
                       &value[i], FAAS_QUEUE_MAX);

    return NGX_CONF_ERROR;
}


static ngx_int_t
ngx_http_faas_init_process(ngx_cycle_t *cycle)
{
    ngx_http_faas_main_conf_t  *fmcf;

    /* the cache's manager and loader come by here too */

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    fmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_faas_module);

    if (fmcf == NULL || fmcf->zone == NULL || fmcf->redis.addr.len == 0) {
        return NGX_OK;
    }

    if (faas_random_seed(&fmcf->random) != 0) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                      "getrandom() failed");
        return NGX_ERROR;
    }

    ngx_http_faas_keep_heap(fmcf->trim);
    ngx_http_faas_lane_claim(fmcf->zone, cycle->log);
    ngx_http_faas_lost_init(fmcf->zone);
    ngx_http_faas_hold_init(fmcf);

    if (ngx_http_faas_wait_init(cycle, fmcf) != NGX_OK
        || ngx_http_faas_signal_init(cycle, fmcf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_faas_async_init(fmcf);

    return ngx_http_faas_leader_init(cycle, fmcf);
}


/*
 * By default glibc gives memory back to the kernel when 128 KiB at the end of
 * the heap are free.  The buffers of a few uploads are more than that: each
 * would be given back, and paid for by page faults again a moment later.
 */

static void
ngx_http_faas_keep_heap(size_t size)
{
#if (__GLIBC__)

    if (size != 0) {
        (void) mallopt(M_TRIM_THRESHOLD, (int) size);
    }

#endif
}


static void
ngx_http_faas_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_faas_main_conf_t  *fmcf;

    fmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_faas_module);

    if (fmcf == NULL || fmcf->zone == NULL || fmcf->redis.addr.len == 0
        || fmcf->zone->sh == NULL)
    {
        return;
    }

    ngx_http_faas_async_exit();
    ngx_http_faas_leader_resign();
    ngx_http_faas_lane_release(fmcf->zone);
}
