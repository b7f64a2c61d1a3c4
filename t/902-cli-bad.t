#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# If this fails, a user who made a mistake is not told what, where, and what
# to do: each mistake ends with status 1 and one line that says so.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Cli;
use Faas::Test;
use Test::More;


my $t = Faas::Test->new(need => [qw(module nginx redis-server scaler watchdog
    faas)]);

mkdir $t->dir . '/functions';
$t->start_stack(scaler => { functions => $t->dir . '/functions' });

my $cli = Faas::Cli->new($t);

$cli->login;
$cli->template('up');
$cli->file('a/x', "x\n");


sub is_error {
    my ($what, $pattern, @args) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $res = $cli->run(@args);

    is($res->{status}, 1, "$what: status 1");
    is($res->{signal}, 0, "$what: no crash");
    like($res->{err}, $pattern, "$what: the reason, and what to do");

    return;
}


sub stack {
    my ($text) = @_;

    $cli->file('s.yml', $text);

    return ('-f', 's.yml');
}


subtest 'no gateway' => sub {
    my $port = $t->free_port;

    is_error("@$_", qr{no\ gateway\ answers\ at\ http://127.0.0.1:$port:\ start
        \ it,\ or\ name\ it\ with\ --gateway\ or\ OPENFAAS_URL$}mx, @$_,
        '-g', "127.0.0.1:$port")
        for ['list'], ['describe', 'a'], ['invoke', 'a'], ['logs', 'a'],
            ['deploy', '--image', 'a', '--name', 'a'], ['scale', 'a', '1'],
            ['secret', 'list'], ['namespace'], ['queue', 'list'],
            ['login', '-p', 'x'], ['version', '--server'];
    is_error('remove', qr/no gateway answers/, 'remove', 'a', '-g',
        "127.0.0.1:$port");
    is_error('ready', qr/is not ready after 2 attempts: no gateway answers/,
        'ready', '-g', "127.0.0.1:$port", '--attempts', 2, '--interval',
        '1ms');
    is_error('another scheme', qr{expected http://HOST}, 'list', '-g',
        'ftp://h');
    is_error('what is no gateway', qr/answers with no JSON.*is it a gateway/,
        'list', '-g', 'http://127.0.0.1:' . other_server());
};

subtest 'a gateway that is none' => sub {
    my $port = other_server();
    my $url = "http://127.0.0.1:$port";

    is_error("no list: @$_", qr/answers with no list; is it a gateway/, @$_,
        '-g', "$url/headers")
        for ['list'], ['secret', 'list'], ['namespace'];
    is_error('a slow one', qr/gives no answer in time/, 'list', '-g',
        "$url/delay/20000", '--timeout', '200ms');
    is_error('one without an end', qr/gives no answer in time/, 'list', '-g',
        "$url/chunked/1000/100", '--timeout', '500ms');
    is_error('too much', qr/answers with more than 67108864 bytes$/m, 'list',
        '-g', "$url/size/68000000");
    is_error('half an answer', qr{error: \Q$url\E/die-body/system/functions: },
        'list', '-g', "$url/die-body");
};

subtest 'wrong password' => sub {
    is_error('login', qr/either username or password is incorrect/, 'login',
        '-p', 'wrong');
    is_error('a token', qr/unauthorized access, run "faas login"/, 'list',
        '-k', 'abc');
    like($cli->run('list', '-k', 'abc')->{err},
        qr/^warning: other users .* --token, "faas login" saves one$/m,
        'which others can see');
    is_error('a password with a zero byte', qr/has a zero byte/,
        { in => "a\0b" }, 'login', '-s');
    is_error('a token of two lines', qr/more than one line/, 'list', '-k',
        "a\nb");
};

subtest 'unknown function' => sub {
    is_error("@$_", qr/no such function|No existing function/, @$_)
        for ['describe', 'nope'], ['invoke', 'nope'],
            ['logs', 'nope', '--tail=false'], ['scale', 'nope', '1'],
            ['remove', 'nope'];
    is_error('in the stack file', qr/s\.yml has no function "nope"/, 'deploy',
        'nope', stack("functions:\n  a:\n    image: a\n"));
};

subtest 'broken YAML' => sub {
    is_error('a list that does not end', qr/error: s\.yml:\d+: /, 'deploy',
        stack("functions: [a\n"));
    is_error('a field of another kind',
        qr/s\.yml:3: functions\.a\.environment: expected a map/, 'deploy',
        stack("functions:\n  a:\n    environment: [x]\n"));
    is_error('another provider', qr/s\.yml:2: provider\.name: "openfaas" is/,
        'deploy', stack("provider:\n  name: faas\n"));
    like($cli->run('deploy', stack("functions:\n  a:\n    image: a\n"
        . "    enviroment: {a: b}\n"))->{err},
        qr/^warning: s\.yml:4: functions\.a\.enviroment means nothing, did/m,
        'a slip of the pen is told');
};

subtest 'a tab in YAML' => sub {
    is_error('a tab', qr/s\.yml:2: there is a tab where the line is indented/,
        'deploy', stack("functions:\n\ta:\n"));
};

subtest 'missing handler folder' => sub {
    is_error('no folder', qr/functions\.a\.handler: there is no folder \.\/b/,
        'build', stack("functions:\n  a:\n    lang: up\n    image: a\n"
            . "    handler: ./b\n"));
    is_error('no handler', qr/functions\.a\.handler: it is missing/, 'build',
        stack("functions:\n  a:\n    lang: up\n    image: a\n"));
    is_error('no image', qr/functions\.a\.image: it is missing/, 'build',
        stack("functions:\n  a:\n    lang: up\n    handler: ./a\n"));
};

subtest 'unknown template' => sub {
    is_error('build', qr/functions\.a\.lang: there is no template "nope"/,
        'build', stack("functions:\n  a:\n    lang: nope\n    image: a\n"
            . "    handler: ./a\n"));
    is_error('a path', qr/is no name of a template/, 'build', '--lang',
        '../up', '--handler', './a', '--name', 'a', '--image', 'a');
    is_error('new', qr/there is no template "nope", .*template pull URL/s,
        { env => { OPENFAAS_TEMPLATE_STORE_URL => '/dev/null' } }, 'new',
        'x', '--lang', 'nope');
    $cli->file('template/odd/template.yml', "process:\n  fproces: x\n");
    is_error('a slip in template.yml',
        qr{template/odd/template\.yml:2: process\.fproces means nothing},
        'build', '--lang', 'odd', '--handler', './a', '--name', 'a',
        '--image', 'a');
};

subtest 'unset variable' => sub {
    my $res = $cli->run({ env => { NO_SUCH => undef } }, 'generate',
        stack("functions:\n  a:\n    image: a\n    fprocess: x\${NO_SUCH}\n"));

    is($res->{status}, 0, 'is empty, as in faas-cli');
    like($res->{err}, qr/^warning: s\.yml:4: NO_SUCH is not set, nothing is/m,
        'with a warning that has the line');
    is_error('one that is all of a field',
        qr/functions\.a\.image: it is missing/, 'generate',
        stack("functions:\n  a:\n    image: \${NO_SUCH}\n"));
    is_error('one without an end', qr/s\.yml:3: \$\{ has no closing brace/,
        'generate', stack("functions:\n  a:\n    image: \${NO\n"));
    is($cli->run('generate', '--envsubst=false',
        stack("functions:\n  a:\n    image: \${NO\n"))->{status}, 0,
        'nothing is looked at with --envsubst=false');
};

subtest 'unreadable file' => sub {
    is_error('a file that is not there', qr/nope\.yml cannot be read: No such/,
        'deploy', '-f', 'nope.yml');
    is_error('a folder', qr/a cannot be read: Is a directory/, 'deploy', '-f',
        'a');
    is_error('no stack file', qr/there is no stack\.yaml or stack\.yml here/,
        'deploy');
    is_error('an environment_file',
        qr/functions\.a\.environment_file: no\.yml cannot be read: No such/,
        'deploy', stack("functions:\n  a:\n    image: a\n"
            . "    environment_file: [no.yml]\n"));
    is_error('a secret', qr/no cannot be read: No such/, 'secret', 'create',
        'x', '--from-file', 'no');
    is_error('passwords', qr/config\.yml cannot be read: Not a directory/,
        { env => { OPENFAAS_CONFIG => $cli->dir . '/a/x' } }, 'list');
    $cli->file('c/config.yml', "auths:\n- gateway: " . $cli->gateway
        . "\n  token: \"a\\nb\"\n", 0600);
    is_error('a saved token', qr/^warning: .*the token of .* cannot be read/m,
        { env => { OPENFAAS_CONFIG => $cli->dir . '/c' } }, 'list');
    is($cli->run({ env => { OPENFAAS_CONFIG => $cli->dir . '/c' },
        in => 'test-password' }, 'login', '-s')->{status}, 0,
        'which login mends');
    is_error('too large', qr/s\.yml: over 1048576 bytes/, 'deploy',
        stack('#' x 1_048_577));
};

subtest 'full disk' => sub {
    is_error('output', qr/the output cannot be written: No space left/,
        { out => '/dev/full' }, 'version');
    is_error('closed output', qr/the output cannot be written: Bad file/,
        { program => '/bin/sh' }, '-c', 'exec "$0" version >&-',
        $cli->program);
    is_error('an answer', qr/the output cannot be written: No space left/,
        { out => '/dev/full' }, 'list');

    plan(skip_all => 'needs root') if $> != 0;

    my $dir = $t->dir . '/full';

    mkdir $dir;
    my $res = $t->run(qw(mount -t tmpfs -o size=64k tmpfs), $dir);

    plan(skip_all => 'nothing can be mounted') if $res->{status};

    $t->run('sh', '-c', "cat /dev/zero > $dir/fill 2> /dev/null");

    is_error('passwords', qr/config\.yml.* cannot be (?:written|read).*space/,
        { env => { OPENFAAS_CONFIG => $dir }, in => 'test-password' },
        'login', '-s');
    is_error('an image', qr/cannot be (?:written|made): No space left/,
        'build', '--lang', 'up', '--handler', './a', '--name', 'a',
        '--image', 'a', '--functions-dir', $dir);
    ok(!-e "$dir/a/\@latest", 'of which nothing is left');

    $t->run('umount', $dir);
};

subtest 'hostile' => sub {
    is_error('a folder that is linked to', qr/is a link that leads out of/,
        'build', '--lang', 'up', '--handler', linked(), '--name', 'a',
        '--image', 'a', '--functions-dir', $t->dir . '/functions');
    is_error('by way of another link', qr/is a link that leads out of/,
        'build', '--lang', 'up', '--handler', chained(), '--name', 'a',
        '--image', 'a', '--functions-dir', $t->dir . '/functions');
    is_error('a template above the folder', qr/is no name of a template/,
        'template', 'pull', 'stack', stack("configuration:\n  templates:\n"
            . "    - name: ../a\n      source: " . $t->dir . "\n"));
    ok(-e $cli->dir . '/a/x', 'is not removed');
    is_error('--tag and a digest', qr/has a digest: --tag digest cannot/,
        'build', '--lang', 'up', '--handler', './a', '--name', 'a',
        '--image', 'a@sha256:' . '0' x 64, '--tag', 'digest');
    is_error('aliases that stand for much', qr/s\.yml:\d+: too many values/,
        'deploy', stack(join '', "a0: &a0 {x: 1}\n", map { my $n = $_ - 1;
            "a$_: &a$_ [*a$n, *a$n, *a$n, *a$n]\n" } 1 .. 30));
    is_error('an image above the folder', qr/is no name of an image/, 'build',
        '--lang', 'up', '--handler', './a', '--name', 'a', '--image',
        '../../x', '--functions-dir', $t->dir . '/functions');
    is_error('an escape sequence', qr/\?\[31m/, 'describe', "\e[31m");
    is_error('a header of two lines', qr/is not of the form/, 'invoke', 'a',
        '-H', "A: b\r\nC: d");
    is_error('lists within lists', qr/s\.yml:\d+: .* too deep/, 'deploy',
        stack('[' x 1000));
    is_error('copy above the folder', qr/is no folder below this one/,
        'build', '--lang', 'up', '--handler', './a', '--name', 'a',
        '--image', 'a', '--copy-extra', '..');
};

subtest 'what is there stays' => sub {
    $cli->file('mine/x', "x\n");
    symlink '../mine', $cli->dir . '/template/bash';
    $cli->must({ env => { FAAS_TEMPLATES => $t->root . '/templates' } },
        'template', 'pull', '--overwrite');
    ok(-e $cli->dir . '/mine/x', 'what a template was a link to');
    ok(!-l $cli->dir . '/template/bash', 'the link is a template now');

    my $file = $cli->file('t.yml', "functions:\n    a:\n        image: a\n",
        0640);

    is_error('no place for it', qr/nothing can be added at its end/, 'new',
        'x', '--lang', 'up', '-a', 't.yml');
    ok(!-e $cli->dir . '/x', 'no folder is left: it can be tried again');

    $t->spew($file, "functions:\n  a:\n    image: a\n", 0640);
    $cli->must('new', 'x', '--lang', 'up', '-a', 't.yml');
    is((stat $file)[2] & 0777, 0640, 'the mode of a stack file');
};

$t->finish;


# Each link by itself leads to the folder or into it; "b/up/.." is above it.
sub chained {
    mkdir $cli->dir . '/chained';
    $cli->file('chained/b/x', "x\n");
    symlink '..', $cli->dir . '/chained/b/up';
    symlink 'b/up/..', $cli->dir . '/chained/out';

    return './chained';
}


sub linked {
    $cli->file('linked/x', "x\n");
    symlink '/etc/passwd', $cli->dir . '/linked/y';

    return './linked';
}


# A server that answers as no gateway does.
sub other_server {
    my $port = $t->free_port;

    $t->start_backend(name => 'other', addr => "127.0.0.1:$port");

    return $port;
}
