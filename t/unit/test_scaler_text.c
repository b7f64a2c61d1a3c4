/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, what one client sent moves another one's terminal, or ends
 * the line of a message in its midst.
 *
 * uses: scaler/text.c
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "scaler/text.h"


static void
check(const char *text, int has_lines, const char *expected)
{
    char  buf[64];

    (void) snprintf(buf, sizeof(buf), "%s", text);
    text_clean(buf, has_lines);

    assert_string_equal(buf, expected);
}


static void
text_stays(void **state)
{
    static const char *const  texts[] = {
        "", "a", " ~", "\xc3\xa9", "\xc2\xa0", "\xe0\xa0\x80",
        "\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf",
    };

    size_t  i;

    (void) state;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        check(texts[i], 0, texts[i]);
    }
}


static void
control_characters_go(void **state)
{
    (void) state;

    check("a\nb\r\tc\x1b[1m\x7f", 0, "a?b??c?[1m?");
    check("a\nb\rc\n", 1, "a\nb?c\n");
    check("\xc2\x9b" "1m", 0, "??1m");
}


static void
what_is_no_utf8_goes(void **state)
{
    (void) state;

    check("\xff" "a\x80", 0, "?a?");
    check("\xc0\xaf", 0, "??");
    check("\xc1\xbf", 0, "??");
    check("\xe0\x9f\xbf", 0, "???");
    check("\xed\xa0\x80", 0, "???");
    check("\xf0\x8f\xbf\xbf", 0, "????");
    check("\xf4\x90\x80\x80", 0, "????");
    check("\xf5\x80\x80\x80", 0, "????");
}


static void
a_character_that_is_cut_goes(void **state)
{
    (void) state;

    check("a\xc3", 0, "a?");
    check("a\xe2\x82", 0, "a??");
    check("a\xf0\x9f\x98", 0, "a???");
    check("a\xf0\x9f\x98" "b", 0, "a???b");
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(text_stays),
        cmocka_unit_test(control_characters_go),
        cmocka_unit_test(what_is_no_utf8_goes),
        cmocka_unit_test(a_character_that_is_cut_goes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
