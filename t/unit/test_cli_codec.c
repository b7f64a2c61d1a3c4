/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, a signature is refused, a password is another one, a tag is
 * not that of faas-cli, or a process lacks what its Dockerfile says.
 *
 * uses: cli/codec.c cli/pool.c cli/dockerfile.c cli/pairs.c cli/similar.c
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/codec.h"
#include "cli/dockerfile.h"
#include "cli/pairs.h"
#include "cli/similar.h"


static struct pool  pool;


/* what pairs.c asks of the arguments; there are none */

struct texts
args_list(const struct args *args, struct pool *p, const char *name)
{
    struct texts  none = { NULL, 0, 0 };

    (void) args;
    (void) p;
    (void) name;

    return none;
}


static void
base64_goes_both_ways(void **state)
{
    static const char *const  texts[][2] = {
        { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
        { "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" },
        { "foobar", "Zm9vYmFy" }
    };
    char                     *data;
    size_t                    i, len;

    (void) state;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_string_equal(codec_base64(&pool, texts[i][0],
                                         strlen(texts[i][0])), texts[i][1]);
        data = codec_unbase64(&pool, texts[i][1], &len);
        assert_non_null(data);
        assert_int_equal(len, strlen(texts[i][0]));
        assert_string_equal(data, texts[i][0]);
    }

    assert_null(codec_unbase64(&pool, "a", &len));
    assert_null(codec_unbase64(&pool, "ab c", &len));
}


/* RFC 4231, cases 1, 2 and 6 */
static void
hmac_is_that_of_the_standard(void **state)
{
    char           key[131];
    unsigned char  digest[CODEC_SHA256];

    (void) state;

    memset(key, 0x0b, 20);
    codec_hmac(key, 20, "Hi There", 8, digest);
    assert_string_equal(codec_hex(&pool, digest, CODEC_SHA256),
                        "b0344c61d8db38535ca8afceaf0bf12b"
                        "881dc200c9833da726e9376c2e32cff7");

    codec_hmac("Jefe", 4, "what do ya want for nothing?", 28, digest);
    assert_string_equal(codec_hex(&pool, digest, CODEC_SHA256),
                        "5bdcc146bf60754e6a042426089575c7"
                        "5a003f089d2739839dec58b964ec3843");

    memset(key, 0xaa, sizeof(key));
    codec_hmac(key, sizeof(key), "Test Using Larger Than Block-Size Key - "
               "Hash Key First", 54, digest);
    assert_string_equal(codec_hex(&pool, digest, CODEC_SHA256),
                        "60e431591ee0b67f0d8a26aacbf5b77f"
                        "8e0bc6213728c5140546040f0ee37f54");
}


/* RFC 1321, A.5; lengths around a block's */
static void
md5_is_that_of_the_standard(void **state)
{
    static const char *const  texts[][2] = {
        { "", "d41d8cd98f00b204e9800998ecf8427e" },
        { "abc", "900150983cd24fb0d6963f7d28e17f72" },
        { "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
          "d174ab98d277d9f5a5611c2c9f419d9f" },
        { "1234567890123456789012345678901234567890123456789012345678901234"
          "5678901234567890", "57edf4a22be3c955ac49da2e2107b67a" }
    };
    size_t                    i;
    unsigned char             digest[CODEC_MD5];

    (void) state;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        codec_md5(texts[i][0], strlen(texts[i][0]), digest);
        assert_string_equal(codec_hex(&pool, digest, CODEC_MD5),
                            texts[i][1]);
    }
}


static void
quotes_hold(void **state)
{
    (void) state;

    assert_string_equal(codec_quote(&pool, "a \"b\" \\ \n"),
                        "\"a \\\"b\\\" \\\\ \\u000a\"");
}


static void
a_dockerfile_has_an_environment(void **state)
{
    struct pairs       env = { NULL, 0, 0 };
    static const char  text[] =
        "FROM a AS b\nENV LOST=1\nFROM c\n# ENV NO=1\n"
        "ENV fprocess=\"python index.py\" mode='http'\n"
        "env upstream_url http://127.0.0.1:5000 \n"
        "ENV A=1 \\\n    B=two\\ words C=$HOME\n"
        "ENV\nENVX=1\nRUN echo ENV=1\n";

    (void) state;

    dockerfile_env(&pool, text, sizeof(text) - 1, &env);

    assert_null(pairs_get(&env, "LOST"));
    assert_null(pairs_get(&env, "NO"));
    assert_string_equal(pairs_get(&env, "fprocess"), "python index.py");
    assert_string_equal(pairs_get(&env, "mode"), "http");
    assert_string_equal(pairs_get(&env, "upstream_url"),
                        "http://127.0.0.1:5000");
    assert_string_equal(pairs_get(&env, "A"), "1");
    assert_string_equal(pairs_get(&env, "B"), "two words");
    assert_null(pairs_get(&env, "C"));
    assert_int_equal(env.n, 5);
}


/* 64 KiB, of short lines and of many pairs in one */
static void
a_large_dockerfile_needs_little_memory(void **state)
{
    size_t               i, total;
    char                 text[65536];
    struct pairs         env = { NULL, 0, 0 };
    static const char    pair[] = "N=\"\" ";

    (void) state;

    total = pool.total;
    memset(text, '\n', sizeof(text));
    dockerfile_env(&pool, text, sizeof(text), &env);

    memcpy(text, "ENV ", 4);

    for (i = 4; i + sizeof(pair) <= sizeof(text); i += sizeof(pair) - 1) {
        memcpy(text + i, pair, sizeof(pair) - 1);
    }

    dockerfile_env(&pool, text, sizeof(text), &env);
    assert_int_equal(env.n, 1);
    assert_string_equal(pairs_get(&env, "N"), "");
    assert_true(pool.total - total < 2 << 20);
}


static void
what_was_meant_is_found(void **state)
{
    struct similar  s;

    (void) state;

    similar_init(&s, "delpoy", 6);
    similar_try(&s, "describe");
    similar_try(&s, "deploy");
    similar_try(&s, "delete");
    assert_string_equal(s.best, "deploy");

    similar_init(&s, "xyz", 3);
    similar_try(&s, "list");
    assert_null(s.best);
}


int
main(void)
{
    int                       rc;
    const struct CMUnitTest   tests[] = {
        cmocka_unit_test(base64_goes_both_ways),
        cmocka_unit_test(hmac_is_that_of_the_standard),
        cmocka_unit_test(md5_is_that_of_the_standard),
        cmocka_unit_test(quotes_hold),
        cmocka_unit_test(a_dockerfile_has_an_environment),
        cmocka_unit_test(a_large_dockerfile_needs_little_memory),
        cmocka_unit_test(what_was_meant_is_found),
    };

    rc = cmocka_run_group_tests(tests, NULL, NULL);
    pool_done(&pool);

    return rc;
}
