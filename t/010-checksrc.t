#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# tools/checksrc.  If this fails, faults of style, wrong includes and banned
# functions get into the source unseen, or good code is refused.  That the
# tree is clean is what "make lint" checks.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Test;
use File::Path qw(make_path remove_tree);
use Test::More;


my $t = Faas::Test->new;
my $tree = $t->dir . '/tree';
my $head = "/*\n * SPDX-License-Identifier: BSD-2-Clause\n *\n"
    . " * A file to check.\n */\n\n";

# Runs checksrc over one file of a tree that has also lib/faas_x.h.
sub checksrc {
    my ($name, $text) = @_;

    remove_tree($tree);

    for my $file (["lib/faas_x.h", ''], [$name, $text]) {
        my ($path) = "$tree/$file->[0]" =~ m{(.*)/};

        make_path($path);
        $t->spew("$tree/$file->[0]", $file->[1]);
    }

    return $t->run('perl', $t->root . '/tools/checksrc', '-C', $tree,
        "$tree/$name");
}


# A fault: rule and line are found, and nothing else is.
sub finds {
    my ($what, $name, $text, $line, $rule) = @_;

    my $res = checksrc($name, $text);
    my @faults = $res->{output} =~ /^(\S+:\d+): .*\[(\w+)\]$/mg;

    is_deeply(\@faults, ["$name:$line", $rule], "finds $what")
        or diag($res->{output});
    is($res->{status}, 1, 'and fails');

    return;
}


sub accepts {
    my ($what, $name, $text) = @_;

    my $res = checksrc($name, $text);

    is($res->{output}, '', "accepts $what");
    is($res->{status}, 0, 'and passes');

    return;
}


# A function with this body, in a file that is right but for that.
sub body {
    return "${head}int\nfn(void)\n{\n" . join('', @_) . "}\n";
}

# the line of the first line of such a body
my $first = 10;

accepts('good code', 'scaler/x.c', <<"END");
$head#include <event2/event.h>
#include <stdio.h>

#include "lib/faas_x.h"


static int fn(int n, int (*callback)(int a, int b, int c, int d));


/*
 * A word of "sprintf(" in a comment; // there as well.
 */
static int
fn(int n, int (*callback)(int a, int b, int c, int d))
{
    const char  *s;

    s = "sprintf(x); // if (x) return; { { { {";

    if (n == 1
        && s != NULL)
    {
        return 1;

    } else if (n == 2) {
        do {
            n++;
        } while (n < 10);
    }

    for (n = 0; n < 3; n++) {
        while (callback(1, 2, (3), 4)) {
            snprintf(NULL, 0, "x");
        }
    }

    return 0;
}


int
main(void)
{
    return fn(1, NULL);
}
END

finds('a tab', 'lib/a.c', body("\treturn 0;\n"), $first, 'tab');
finds('trailing blanks', 'lib/a.c', body("    return 0; \n"), $first,
    'blank');
finds('a carriage return', 'scripts/a', "#!/bin/sh\n"
    . "# SPDX-License-Identifier: BSD-2-Clause\n#\n# A script.\n\necho\rx\n",
    6, 'crlf');
finds('a long line', 'lib/a.c', body('    x = ' . '1' x 80 . ";\n"), $first,
    'width');
finds('what is not ASCII', 'lib/a.c', body("    /* \xc3\xa9 */\n"), $first,
    'ascii');
finds('a missing newline', 'lib/a.c', "${head}int  x;", 7, 'end');
finds('three blank lines', 'lib/a.c', body("    x();\n\n\n\n    y();\n"),
    $first + 3, 'blank');
finds('a TODO', 'lib/a.c', body("    /* TODO: this */\n"), $first, 'todo');
accepts('one with an issue', 'lib/a.c', body("    /* TODO #12: this */\n"));

my $res = checksrc('lib/a.c', "/*\n * A file.\n */\n\nint x;\n");
like($res->{output}, qr/^lib\/a\.c:1: .*\[spdx\]$/m, 'finds a missing licence');
finds('a missing purpose', 'lib/a.c',
    "/* SPDX-License-Identifier: BSD-2-Clause */\n\nint x;\n", 1, 'purpose');

for my $code ("if (x) y();", "if (x)\n        y();", "while (x) y();",
    "for (;;) y();", "if (x) {\n    } else y();",
    "do y(); while (x);", "if (x\n        && (y))\n        z();")
{
    my $res = checksrc('lib/a.c', body("    $code\n"));

    like($res->{output}, qr/^lib\/a\.c:1[01]: no brace after/m,
        'finds a missing brace: ' . $code =~ s/\s+/ /gr);
}

accepts('60 lines', 'lib/a.c', body("    x();\n" x 60));
finds('61 lines', 'lib/a.c', body("    x();\n" x 61), 8, 'body');
accepts('61 lines with a reason', 'lib/a.c',
    body("    x();\n" x 61)
    =~ s{^int\n}{/* checksrc: allow body, x */\nint\n}mr);
finds('a long file', 'lib/a.c', $head . "int  x;\n" x 795, 801, 'file');
accepts('four levels', 'lib/a.c', body('    ' . '{' x 4 . '}' x 4 . "\n"));
finds('five levels', 'lib/a.c', body('    ' . '{' x 5 . '}' x 5 . "\n"), 8,
    'nesting');
accepts('six parameters', 'lib/a.c',
    "${head}int\nfn(int a, int b, int c,\n    int d, int e, int f)\n{\n}\n");
finds('seven parameters', 'lib/a.c',
    "${head}int\nfn(int a, int b, int c,\n    int d, int e, int f, int g)\n"
    . "{\n}\n", 8, 'params');
finds('a type on the line of the name', 'lib/a.c',
    "${head}int fn(void)\n{\n}\n", 7, 'layout');
finds('a brace at the end of the line', 'lib/a.c',
    "${head}int\nfn(void) {\n}\n", 8, 'layout');
finds('functions too close', 'lib/a.c',
    "${head}int\nfn(void)\n{\n}\n\nint\ngn(void)\n{\n}\n", 10, 'layout');

for my $name (qw(sprintf strcpy strcat strncpy strtok gets atoi atol scanf
    alloca system popen tmpnam signal))
{
    finds("$name()", 'watchdog/a.c', body("    $name(x);\n"), $first,
        'banned');
}

accepts('names that only look so', 'lib/a.c',
    body("    ngx_sprintf(x);\n    snprintf(x);\n    p->signal(x);\n"));
accepts('one with a reason', 'lib/a.c',
    body("    /* checksrc: allow banned, as the kernel wants it */\n"
    . "    signal(x);\n"));
finds('a // comment', 'lib/a.c', body("    // this\n"), $first, 'comment');
finds('exit() outside main.c', 'scaler/a.c', body("    exit(1);\n"), $first,
    'exit');
accepts('exit() in main.c', 'scaler/main.c', body("    exit(1);\n"));
accepts('_exit() anywhere', 'scaler/a.c', body("    _exit(1);\n"));

finds("another program's header", 'scaler/a.c',
    "$head#include \"watchdog/wd.h\"\n", 7, 'include');
finds("another's by a relative path", 'scaler/a.c',
    "$head#include \"../watchdog/wd.h\"\n", 7, 'include');
finds("a program's header in lib/", 'lib/a.c',
    "$head#include \"scaler/scaler.h\"\n", 7, 'include');
finds("a program's header in daemon/", 'daemon/a.c',
    "$head#include \"scaler/scaler.h\"\n", 7, 'include');
finds('an event loop in lib/', 'lib/a.c',
    "$head#include <event2/event.h>\n", 7, 'include');
finds("nginx's header in the scaler", 'scaler/a.c',
    "$head#include <ngx_core.h>\n", 7, 'include');
finds('a header that is not there', 'scaler/a.c',
    "$head#include \"lib/faas_y.h\"\n", 7, 'include');
accepts('what is allowed', 'ngx_faas_module/a.c',
    "$head#include <ngx_core.h>\n#include <hiredis/async.h>\n"
    . "#include \"lib/faas_x.h\"\n");
finds('nginx_version', 'ngx_faas_module/a.c',
    "$head#if (nginx_version >= 1023000)\n#endif\n", 7, 'version');
accepts('it in its place', 'ngx_faas_module/ngx_http_faas_compat.h',
    "$head#ifndef _NGX_HTTP_FAAS_COMPAT_H_INCLUDED_\n"
    . "#define _NGX_HTTP_FAAS_COMPAT_H_INCLUDED_\n"
    . "#if (nginx_version >= 1023000)\n#endif\n#endif /* x */\n");

accepts('a guard', 'lib/faas_a.h',
    "$head#ifndef FAAS_A_H\n#define FAAS_A_H\n\nint  x;\n\n#endif\n");
finds('no guard', 'lib/faas_a.h', "${head}int  x;\n", 1, 'guard');
finds('a guard of another name', 'lib/faas_a.h',
    "$head#ifndef FAAS_B_H\n#define FAAS_B_H\n\nint  x;\n\n#endif\n", 1,
    'guard');
finds('a guard that has no define', 'scaler/a.h',
    "$head#ifndef FAAS_A_H\n#define FAAS_B_H\n\nint  x;\n\n#endif\n", 1,
    'guard');

finds('Perl that is not strict', 't/a.t', "#!/usr/bin/perl\n"
    . "# SPDX-License-Identifier: BSD-2-Clause\n#\n# A test.\n\n"
    . "use warnings;\n", 1, 'perl');

is(checksrc('lib/notes', "anything \n")->{output}, '',
    'what it does not know it leaves alone');

$t->finish;
