/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, a stack file is read otherwise than it was meant, or what is
 * wrong with it is said without the place.
 *
 * uses: cli/stack_read.c cli/yaml.c cli/pairs.c cli/pool.c cli/similar.c
 * uses: cli/out.c cli/file.c
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/faas_buf.h"

#include "cli/cli.h"
#include "cli/stack.h"
#include "cli/stack_read.h"
#include "cli/yaml.h"


static struct cli    cli;
static struct stack  stack;


/* what out.c and pairs.c ask of the arguments; there are none */

int
args_bool(const struct args *args, const char *name)
{
    (void) args;
    (void) name;

    return 0;
}


const char *
args_text(const struct args *args, const char *name)
{
    (void) args;
    (void) name;

    return NULL;
}


struct texts
args_list(const struct args *args, struct pool *pool, const char *name)
{
    struct texts  none = { NULL, 0, 0 };

    (void) args;
    (void) pool;
    (void) name;

    return none;
}


static int
read_stack(const char *text)
{
    struct ynode  *root;

    memset(&stack, 0, sizeof(stack));
    stack.file = "s.yml";
    cli.err.text[0] = '\0';
    root = yaml_parse(&cli.pool, "s.yml", text, strlen(text), &cli.err);

    return root != NULL ? stack_read(&cli, &stack, root) : -1;
}


static void
check_fault(const char *text, const char *begin)
{
    assert_int_equal(read_stack(text), -1);

    if (strncmp(cli.err.text, begin, strlen(begin)) != 0) {
        fail_msg("%s\n  is not %s", cli.err.text, begin);
    }
}


static void
every_field_is_read(void **state)
{
    struct function  *fn;

    (void) state;

    assert_int_equal(read_stack(
        "version: 1.0\n"
        "provider:\n  name: openfaas\n  gateway: http://h:1\n"
        "functions:\n"
        "  a:\n"
        "    lang: python3\n    handler: ./a\n    image: r/a:1\n"
        "    fprocess: x y\n    namespace: team\n    platforms: p\n"
        "    environment:\n      T: true\n      N: 5\n      Z: null\n"
        "      E:\n      Q: \"null\"\n"
        "    environment_file: [e.yml]\n"
        "    secrets: [s1, s2]\n    constraints:\n    - c\n"
        "    labels:\n      l: 1.50\n    annotations: {t: yes}\n"
        "    limits: {memory: 1Mi, cpu: 100m}\n    requests: {cpu: 1}\n"
        "    readonly_root_filesystem: true\n    skip_build: true\n"
        "    build_options: [dev]\n    build_args: {K: v}\n"
        "    build_secrets: {id: path}\n"
        "configuration:\n  copy: [common]\n"
        "  templates:\n  - name: t\n    source: u#r\n  - name: v\n"), 0);

    assert_string_equal(stack.gateway, "http://h:1");
    assert_int_equal(stack.n, 1);
    fn = stack.functions;
    assert_string_equal(fn->name, "a");
    assert_int_equal(fn->line, 6);
    assert_string_equal(fn->lang, "python3");
    assert_string_equal(fn->ns, "team");
    assert_string_equal(pairs_get(&fn->environment, "T"), "true");
    assert_string_equal(pairs_get(&fn->environment, "N"), "5");
    assert_string_equal(pairs_get(&fn->environment, "Z"), "");
    assert_string_equal(pairs_get(&fn->environment, "E"), "");
    assert_string_equal(pairs_get(&fn->environment, "Q"), "null");
    assert_string_equal(pairs_get(&fn->labels, "l"), "1.50");
    assert_string_equal(pairs_get(&fn->annotations, "t"), "yes");
    assert_int_equal(fn->secrets.n, 2);
    assert_string_equal(pairs_get(&fn->limits, "cpu"), "100m");
    assert_int_equal(fn->is_readonly, 1);
    assert_int_equal(fn->is_not_built, 1);
    assert_string_equal(pairs_get(&fn->build_secrets, "id"), "path");
    assert_string_equal(stack.copy.at[0], "common");
    assert_string_equal(pairs_get(&stack.templates, "t"), "u#r");
    assert_string_equal(pairs_get(&stack.templates, "v"), "");
}


static void
anchors_and_merges_are_resolved(void **state)
{
    (void) state;

    assert_int_equal(read_stack(
        "x-base: &base\n  lang: node\n  environment: &env {A: 1, B: 2}\n"
        "functions:\n"
        "  a:\n    <<: *base\n    handler: ./a\n    image: a\n"
        "  b:\n    <<: [{lang: c}, *base]\n    image: b\n"
        "    environment:\n      <<: *env\n      B: 3\n"), 0);

    assert_int_equal(stack.n, 2);
    assert_string_equal(stack.functions[0].lang, "node");
    assert_string_equal(pairs_get(&stack.functions[0].environment, "B"),
                        "2");
    assert_string_equal(stack.functions[1].lang, "c");
    assert_string_equal(pairs_get(&stack.functions[1].environment, "A"),
                        "1");
    assert_string_equal(pairs_get(&stack.functions[1].environment, "B"),
                        "3");
}


/*
 * Each level is ten times the one before; a few aliases of something large are
 * no less.
 */
static void
aliases_are_counted_as_what_they_stand_for(void **state)
{
    size_t           i;
    struct faas_buf  text;

    (void) state;

    check_fault("a: &a [x, x, x, x, x, x, x, x, x, x]\n"
                "b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
                "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\n"
                "d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n"
                "e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\n"
                "f: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]\n",
                "s.yml:6: too many values");

    faas_buf_init(&text, 65536);
    (void) faas_buf_puts(&text, "x-a: &a {");

    for (i = 0; i < 1000; i++) {
        (void) faas_buf_printf(&text, "n%zu: 1, ", i);
    }

    (void) faas_buf_puts(&text, "}\nx-b:\n  <<: [");

    for (i = 0; i < 1000; i++) {
        (void) faas_buf_puts(&text, "*a, ");
    }

    (void) faas_buf_puts(&text, "]\n");
    check_fault(text.data, "s.yml:3: too many values");
    faas_buf_done(&text);
}


static void
nothing_is_a_stack_without_functions(void **state)
{
    static const char *const  texts[] = {
        "", "\n", "# only a comment\n", "---\n", "functions:\n",
        "functions: {}\n", "provider:\n"
    };
    size_t                    i;

    (void) state;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(read_stack(texts[i]), 0);
        assert_int_equal(stack.n, 0);
    }
}


static void
faults_have_file_line_and_field(void **state)
{
    (void) state;

    check_fault("a", "s.yml:1: expected a map");
    check_fault("functions:\n  a: 1\n", "s.yml:2: functions.a: expected a map");
    check_fault("functions: [a]\n", "s.yml:1: functions: expected a map");
    check_fault("functions:\n  a:\n    image: [b]\n",
                "s.yml:3: functions.a.image: expected a text");
    check_fault("functions:\n  a:\n    environment:\n      B: {c: d}\n",
                "s.yml:4: functions.a.environment.B: expected a text");
    check_fault("functions:\n  a:\n    secrets: s\n",
                "s.yml:3: functions.a.secrets: expected a list");
    check_fault("functions:\n  a:\n    skip_build: 7\n",
                "s.yml:3: functions.a.skip_build: expected true or false");
    check_fault("functions:\n  A_b:\n    image: b\n",
                "s.yml:2: functions.A_b: a function's name");
    check_fault("functions:\n  a:\n    limits: {disk: 1}\n",
                "s.yml:2: functions.a.limits.disk: memory or cpu");
    check_fault("version: 2\n", "s.yml:1: version: only 1.0");
    check_fault("provider:\n  name: faas\n",
                "s.yml:2: provider.name: \"openfaas\" is expected, not "
                "\"faas\"");
}


static void
broken_yaml_has_its_line(void **state)
{
    (void) state;

    check_fault("a: [b\n", "s.yml:2:");
    check_fault("a:\n  b: 1\n c: 2\n", "s.yml:3:");
    check_fault("a: b: c\n", "s.yml:1:");
    check_fault("a: 1\na: 2\n", "s.yml:2: this name is there already: a");
    check_fault("a: *b\n", "s.yml:1: no anchor before it has this name: *b");
    check_fault("a: &b [*b]\n", "s.yml:1: no anchor before it");
    check_fault("a:\n\tb: 1\n", "s.yml:2: there is a tab");
    check_fault("a:\n  b: 1\n\tc: 1\n", "s.yml:3: there is a tab");
    check_fault("a: \xff\n", "s.yml:1:");
    check_fault("a: \"\\0\"\n", "s.yml:1: a zero byte");
    check_fault("a:\n  <<: 1\n", "s.yml:2: \"<<\" wants a map");
    check_fault("[a]: b\n", "s.yml:1: a map or a list in the place of a name");
}


static void
depth_has_a_bound(void **state)
{
    char  text[201];

    (void) state;

    memset(text, '[', 200);
    text[200] = '\0';
    check_fault(text, "s.yml:1: maps and lists within one another, too deep");
}


int
main(void)
{
    int                       rc;
    const struct CMUnitTest   tests[] = {
        cmocka_unit_test(every_field_is_read),
        cmocka_unit_test(anchors_and_merges_are_resolved),
        cmocka_unit_test(aliases_are_counted_as_what_they_stand_for),
        cmocka_unit_test(nothing_is_a_stack_without_functions),
        cmocka_unit_test(faults_have_file_line_and_field),
        cmocka_unit_test(broken_yaml_has_its_line),
        cmocka_unit_test(depth_has_a_bound),
    };

    rc = cmocka_run_group_tests(tests, NULL, NULL);
    pool_done(&cli.pool);

    return rc;
}
