
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What differs between the versions of nginx that the module builds with,
 * 1.22 to today's, and of hiredis, 0.14 to today's.  No other file asks for
 * a version.
 */


#ifndef _NGX_HTTP_FAAS_COMPAT_H_INCLUDED_
#define _NGX_HTTP_FAAS_COMPAT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <hiredis/hiredis.h>


/* since 1.23.0 headers of one name are linked, and nothing sets the link */

#if (nginx_version >= 1023000)

#define ngx_http_faas_header_init(h)                                         \
    (h)->next = NULL

#else

#define ngx_http_faas_header_init(h)

#endif


/* hiredis 1.0 counts the elements of an array in size_t */

#if (HIREDIS_MAJOR >= 1)

typedef size_t  ngx_http_faas_elements_t;

#else

typedef int  ngx_http_faas_elements_t;

#endif


#endif /* _NGX_HTTP_FAAS_COMPAT_H_INCLUDED_ */
