/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, images of private registries cannot be pulled, or somebody's
 * password is sent to another registry.
 *
 * uses: scaler/registry_auth.c scaler/base64.c
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "scaler/base64.h"
#include "scaler/registry_auth.h"


#define HUB  "https://index.docker.io/v1/"


static char *
header_of(const char *plain, const char *image, struct faas_err *err)
{
    char  *auth, *header;

    auth = base64_encode(plain, strlen(plain));
    assert_non_null(auth);
    header = registry_auth_header(auth, image, err);
    free(auth);

    return header;
}


/* what Docker reads: base64 for URLs, of JSON */
static json_t *
read_header(const char *plain, const char *image)
{
    char             *header, *text, *c;
    size_t            len;
    json_t           *value;
    struct faas_err   err;

    header = header_of(plain, image, &err);
    assert_non_null(header);
    assert_null(strpbrk(header, "+/\r\n "));

    for (c = header; *c != '\0'; c++) {
        *c = *c == '-' ? '+' : *c == '_' ? '/' : *c;
    }

    text = base64_decode(header, strlen(header), &len);
    assert_non_null(text);
    value = json_loadb(text, len, 0, NULL);
    assert_non_null(value);
    free(header);
    free(text);

    return value;
}


static const char *
text_of(const json_t *value, const char *member)
{
    return json_string_value(json_object_get(value, member));
}


static void
user_and_password_are_told_apart(void **state)
{
    size_t   i;
    json_t  *value;

    static const struct {
        const char  *plain;
        const char  *user;
        const char  *password;
    } cases[] = {
        { "user:password", "user", "password" },
        { "user:pass:word", "user", "pass:word" },
        { "user:", "user", "" },
        { ":token", "", "token" },
        { "u\xc3\xa4\xc3\xb6:\"\\?>?>?>~~~", "u\xc3\xa4\xc3\xb6",
          "\"\\?>?>?>~~~" },
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        value = read_header(cases[i].plain, "image");
        assert_string_equal(text_of(value, "username"), cases[i].user);
        assert_string_equal(text_of(value, "password"), cases[i].password);
        json_decref(value);
    }
}


static void
the_registry_is_that_of_the_image(void **state)
{
    size_t   i;
    json_t  *value;

    static const char *const  cases[][2] = {
        { "image", HUB },
        { "image:1.0", HUB },
        { "user/image", HUB },
        { "user/image:1.0", HUB },
        { "docker.io/user/image", HUB },
        { "ghcr.io/user/image:1", "ghcr.io" },
        { "localhost/image", "localhost" },
        { "localhost:5000/image", "localhost:5000" },
        { "127.0.0.1:5000/a/b/c:1", "127.0.0.1:5000" },
        { "registry:5000/image@sha256:00", "registry:5000" },
        { "user.name/image", "user.name" },
        { "", HUB },
        { "/image", HUB },
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        value = read_header("user:password", cases[i][0]);
        assert_string_equal(text_of(value, "serveraddress"), cases[i][1]);
        assert_int_equal(registry_is_named(cases[i][0]),
                         strcmp(cases[i][1], HUB) != 0);
        json_decref(value);
    }
}


static void
what_is_none_is_refused(void **state)
{
    size_t            i;
    struct faas_err   err;

    static const char *const  bad[] = {
        "*", "dXNlcjpwYXNzd29yZA", "dXNlcjpwYXNzd29yZA=", "user:password", "",
        "=",
    };

    (void) state;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {

        if (registry_auth_header(bad[i], "image", &err) == NULL) {
            assert_int_equal(err.code, 400);
            assert_non_null(strstr(err.text, "registryAuth"));
            assert_null(strstr(err.text, "dXNl"));
            continue;
        }

        fail_msg("\"%s\" is taken", bad[i]);
    }

    assert_null(header_of("no colon", "image", &err));
    assert_int_equal(err.code, 400);
    assert_null(strstr(err.text, "no colon"));

    /* not UTF-8, which JSON cannot have */
    assert_null(header_of("user:\xff", "image", &err));
    assert_int_equal(err.code, 400);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(user_and_password_are_told_apart),
        cmocka_unit_test(the_registry_is_that_of_the_image),
        cmocka_unit_test(what_is_none_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
