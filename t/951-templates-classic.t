#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Handlers that were written for OpenFaaS' classic templates, unchanged, and
# what they require.  If this fails, they have to be rewritten, or a build asks
# the network for packages that are there already.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Template;
use Faas::Test;
use File::Path qw(make_path);
use Test::More;

# a package index and a registry that nobody is at
my %offline = (
    PIP_INDEX_URL       => 'http://127.0.0.1:9/',
    PIP_RETRIES         => 0,
    npm_config_registry => 'http://127.0.0.1:9/',
    npm_config_fetch_retries => 0,
);

my $t = Faas::Test->new(need => [qw(nginx redis-server module scaler watchdog
    ./faas node python3)]);
my $handlers = $t->dir . '/handlers';

sub build {
    my ($lang, $name, $handler, %env) = @_;

    return Faas::Template::build($t, $lang, $name, $handler,
        env => { %offline, %env });
}

# A handler's folder of the test's own.
sub handler {
    my ($name, %files) = @_;

    for my $file (sort keys %files) {
        my ($folder) = "$handlers/$name/$file" =~ m{(.*)/};

        make_path($folder);
        $t->spew("$handlers/$name/$file", $files{$file});
    }

    return "$handlers/$name";
}

# A package that pip finds in a folder.
sub wheel {
    my ($dir) = @_;

    make_path($dir);
    my $res = $t->run('python3', '-c', <<'END', $dir);
import sys
import zipfile

info = "greeting-1.2.dist-info/"

with zipfile.ZipFile(sys.argv[1] + "/greeting-1.2-py3-none-any.whl",
                     "w") as wheel:
    wheel.writestr("greeting.py", "TEXT = 'Good morning'\n")
    wheel.writestr(info + "METADATA",
                   "Metadata-Version: 2.1\nName: greeting\nVersion: 1.2\n")
    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\n"
                   "Root-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(info + "RECORD", "")
END

    die "wheel: $res->{output}\n" if $res->{status};

    return $dir;
}

my $given = $t->root . '/t/templates';

build('python3', 'requests', "$given/requests");
build('node', 'callback', "$given/node-callback");
build('node', 'context', "$given/node-context");

build('python3', 'wheel', handler('wheel',
    'requirements.txt' => "# ours\ngreeting >= 1.1  # the newest\n",
    'handler.py' => <<'END'), PIP_NO_INDEX => 1,
import greeting


def handle(req):
    return greeting.TEXT
END
    PIP_FIND_LINKS => wheel($t->dir . '/wheels'));

build('node', 'package', handler('package',
    'package.json' => '{"dependencies": {"greeting": "^1.0.0"}}',
    'node_modules/greeting/package.json' => '{"name": "greeting"}',
    'node_modules/greeting/index.js' => 'module.exports = "Good evening";',
    'handler.js' => 'module.exports = async () => require("greeting");'));

build('node', 'module', handler('module', 'handler.mjs' =>
    'export default async (event, context) => ({ path: event.path });'));

# what a build says

for my $case (
    ['python3', 'pip', 'requirements.txt' => "requests == 0.0.1\n"],
    ['python3', 'SyntaxError', 'handler.py' => "def handle(req)\n"],
    ['node', 'npm', 'package.json' => '{"dependencies": {"nobody": "1"}}'],
    ['bash', 'syntax error', 'handler.sh' => "if true\n"],
    ['perl', 'syntax error', 'Handler.pm' => "package Handler; sub {\n"],
) {
    my ($lang, $said, $file, $text) = @$case;
    my $name = "bad-$lang-$file" =~ tr/A-Z./a-z-/r;

    ok(!eval { build($lang, $name, handler($name, $file => $text)); 1 },
        "$lang: a bad $file ends the build");
    like($@, qr/\Q$said\E/, "$lang: which says why");
}

$t->start_stack(scaler => { functions => Faas::Template::functions($t) });

Faas::Template::deploy($t, $_)
    for qw(requests callback context wheel package module);

my $url = 'http://' . $t->addr . '/healthz';

is($t->post('/function/requests', $url)->{body}, "$url => 200\n",
    'Python: what handle(req) prints is the answer');

my $res = $t->post('/function/callback', 'hello');

is($res->{body}, '{"message":"You said: hello"}',
    'node: (callback, context), an object is JSON');
like($res->{headers}{'content-type'}, qr{^application/json},
    'node: and has its type');

is($t->post('/function/context?a=b', 'hello')->{body},
    '{"status":"done","context":"hello","query":"a=b"}',
    'node: (context, callback), called back later');
is($t->post('/function/context', 'fail')->{status}, 500,
    'node: (context, callback), an error');

is($t->get('/function/wheel')->{body}, "Good morning\n",
    'Python: a package that pip has installed');
is($t->get('/function/package')->{body}, 'Good evening',
    'node: a package that the handler has brought');
is_deeply(json_of($t->get('/function/module/a%20b')), { path => '/a b' },
    'node: a handler that is a module');

$t->finish;
