/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, a function's settings are misread: it runs another command,
 * in another mode, or with other limits than it was deployed with.
 *
 * uses: watchdog/config.c
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "watchdog/config.h"


/* NAME=VALUE ..., ends in NULL */
static const char *const  *fake;


static char *
fake_getenv(const char *name)
{
    size_t  i, len;

    len = strlen(name);

    for (i = 0; fake[i] != NULL; i++) {
        if (strncmp(fake[i], name, len) == 0 && fake[i][len] == '=') {
            return (char *) (uintptr_t) (fake[i] + len + 1);
        }
    }

    return NULL;
}


static void
defaults(void **state)
{
    struct faas_err   err;
    struct wd_config  cfg;

    static const char *const  vars[] = { "fprocess=cat", "port=", NULL };

    (void) state;
    fake = vars;
    assert_int_equal(wd_config_init(&cfg, fake_getenv, &err), 0);

    assert_int_equal(cfg.mode, WD_MODE_CLASSIC);
    assert_int_equal(cfg.port, 8080);
    assert_int_equal(cfg.metrics_port, 8081);
    assert_int_equal(cfg.read_timeout, 30000);
    assert_int_equal(cfg.write_timeout, 30000);
    assert_int_equal(cfg.exec_timeout, 0);
    assert_int_equal(cfg.healthcheck_interval, 30000);
    assert_int_equal(cfg.idle_timeout, 75000);
    assert_int_equal(cfg.max_inflight, 0);
    assert_int_equal(cfg.is_health_given, 0);
    assert_int_equal(cfg.has_log_prefix, 1);
    assert_int_equal(cfg.is_combined, 1);
    assert_null(cfg.content_type);
    assert_string_equal(cfg.tmp_dir, "/tmp");

    wd_config_done(&cfg);
}


static void
newer_defaults(void **state)
{
    struct faas_err   err;
    struct wd_config  cfg;

    static const char *const  vars[] = {
        "fprocess=cat", "mode=streaming", NULL
    };

    (void) state;
    fake = vars;
    assert_int_equal(wd_config_init(&cfg, fake_getenv, &err), 0);

    assert_int_equal(cfg.exec_timeout, 30000);
    assert_int_equal(cfg.is_combined, 0);
    assert_string_equal(cfg.content_type, "application/octet-stream");

    wd_config_done(&cfg);
}


static void
all_given(void **state)
{
    struct faas_err   err;
    struct wd_config  cfg;

    static const char *const  vars[] = {
        "fprocess=ignored", "function_process=sh -c  x", "mode=http",
        "upstream_url=http://127.0.0.1:3000", "write_timeout=1m30s",
        "exec_timeout=0", "read_timeout=500ms", "port=1234",
        "max_inflight=7", "prefix_logs=false", "TMPDIR=/run",
        "content_type=text/plain", NULL
    };

    (void) state;
    fake = vars;
    assert_int_equal(wd_config_init(&cfg, fake_getenv, &err), 0);

    assert_int_equal(cfg.mode, WD_MODE_HTTP);
    assert_string_equal(cfg.process, "sh -c  x");
    assert_string_equal(cfg.argv[0], "sh");
    assert_string_equal(cfg.argv[1], "-c");
    assert_string_equal(cfg.argv[2], "");
    assert_string_equal(cfg.argv[3], "x");
    assert_null(cfg.argv[4]);
    assert_int_equal(cfg.write_timeout, 90000);
    assert_int_equal(cfg.healthcheck_interval, 90000);
    assert_int_equal(cfg.exec_timeout, 0);
    assert_int_equal(cfg.read_timeout, 500);
    assert_int_equal(cfg.port, 1234);
    assert_int_equal(cfg.max_inflight, 7);
    assert_int_equal(cfg.has_log_prefix, 0);
    assert_string_equal(cfg.tmp_dir, "/run");
    assert_int_equal(cfg.upstream.sa.ss_family, AF_INET);

    wd_config_done(&cfg);
}


static void
wrong_names_the_variable(void **state)
{
    size_t            i;
    struct faas_err   err;
    struct wd_config  cfg;
    const char       *vars[3];

    static const char *const  wrong[] = {
        "mode=serial", "port=0", "port=80a", "read_timeout=x",
        "write_timeout=0", "exec_timeout=-1", "idle_timeout=0",
        "healthcheck_interval=soon", "max_inflight=1.5",
        "max_connections=0", "max_head_size=1", "buffer_size=99999",
        "log_buffer_size=1", "content_type=a\nb",
    };

    (void) state;
    fake = vars;
    vars[0] = "fprocess=cat";
    vars[2] = NULL;

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        vars[1] = wrong[i];
        err.text[0] = '\0';

        if (wd_config_init(&cfg, fake_getenv, &err) == 0) {
            fail_msg("accepted: %s", wrong[i]);
        }

        if (strncmp(err.text, wrong[i], strcspn(wrong[i], "=")) != 0) {
            fail_msg("%s is not named: %s", wrong[i], err.text);
        }

        wd_config_done(&cfg);
    }

    vars[0] = "mode=http";
    vars[1] = NULL;
    assert_int_equal(wd_config_init(&cfg, fake_getenv, &err), -1);
    assert_non_null(strstr(err.text, "fprocess"));
    wd_config_done(&cfg);
}


static void
upstreams(void **state)
{
    size_t                     i;
    struct faas_addr           addr;
    const struct sockaddr_in  *sin;

    static const char *const  wrong[] = {
        "", "127.0.0.1:80", "https://127.0.0.1", "http://example.com:80",
        "http://127.0.0.1:80/path", "http://127.0.0.1:0", "unix:relative",
        "http://localhost.evil:80", "http://",
        "http://1111111111111111111111111111111111111111111111111111111:80",
    };

    (void) state;
    sin = (const struct sockaddr_in *) &addr.sa;

    assert_int_equal(wd_config_upstream("http://127.0.0.1:3000", &addr), 0);
    assert_int_equal(ntohs(sin->sin_port), 3000);
    assert_int_equal(wd_config_upstream("http://localhost:81/", &addr), 0);
    assert_int_equal(ntohs(sin->sin_port), 81);
    assert_int_equal(ntohl(sin->sin_addr.s_addr), 0x7f000001);
    assert_int_equal(wd_config_upstream("http://127.0.0.1", &addr), 0);
    assert_int_equal(ntohs(sin->sin_port), 80);
    assert_int_equal(wd_config_upstream("http://[::1]:5", &addr), 0);
    assert_int_equal(addr.sa.ss_family, AF_INET6);
    assert_int_equal(wd_config_upstream("unix:/run/x.sock", &addr), 0);
    assert_int_equal(addr.sa.ss_family, AF_UNIX);

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (wd_config_upstream(wrong[i], &addr) == 0) {
            fail_msg("accepted: %s", wrong[i]);
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(newer_defaults),
        cmocka_unit_test(all_given),
        cmocka_unit_test(wrong_names_the_variable),
        cmocka_unit_test(upstreams),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
