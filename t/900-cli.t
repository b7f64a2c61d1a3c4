#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# If this fails, a command of faas does something else than faas-cli's does,
# or than its help says.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(hmac_sha256_hex);
use Faas::Cli;
use Faas::Test;
use JSON::PP;
use Test::More;
use Time::Piece;


my $t = Faas::Test->new(need => [qw(module nginx redis-server scaler watchdog
    samples faas)]);

mkdir $t->dir . '/functions';
$t->start_stack(scaler => { functions => $t->dir . '/functions' });

my $cli = Faas::Cli->new($t);

subtest 'login' => sub {
    my $res = $cli->run('list');

    is($res->{status}, 1, 'without a password it ends with 1');
    like($res->{err}, qr/^error: unauthorized access, run "faas login"/,
        'and says what to do');

    $res = $cli->run({ in => "wrong\n" }, 'login', '--password-stdin');
    is($res->{status}, 1, 'a wrong password is an error');
    like($res->{err}, qr/unable to login, either username or password is/,
        'with the text of faas-cli');
    ok(!-e $cli->home . '/.openfaas/config.yml', 'and is not saved');

    $res = $cli->run('login', '--password', 'test-password');
    is($res->{status}, 0, 'a right one is accepted');
    like($res->{err}, qr/^warning: other users .* --password-stdin$/m,
        'on the command line with a warning');
    like($res->{out}, qr/^credentials saved for admin http:/m, 'and saved');
    is((stat $cli->home . '/.openfaas/config.yml')[2] & 0777, 0600,
        'in a file for nobody else');
    is((stat $cli->home . '/.openfaas')[2] & 0777, 0700,
        'in a folder for nobody else');

    chmod 0644, $cli->home . '/.openfaas/config.yml';
    like($cli->run('list')->{err}, qr/^warning: others can read the pass/,
        'others being able to read it is told');

    $cli->must('login', '-g', lc $cli->gateway . '/', '-p', 'test-password');
    my $text = slurp($cli->home . '/.openfaas/config.yml');
    is(scalar(() = $text =~ /gateway:/g), 1, 'a gateway has one entry');

    $cli->must('logout');
    is($cli->run('list')->{status}, 1, 'logout forgets it');
    is($cli->run('logout')->{status}, 1, 'a second one is an error');
    is($cli->run('login')->{status}, 1, 'without a terminal it asks nobody');
    $cli->login;
};

subtest 'a function from a template' => sub {
    $cli->template('up');
    like($cli->must('new', '--list'), qr/^- up$/m, 'templates are listed');
    $cli->must('new', 'hello', '--lang', 'up', '--memory-limit', '64Mi');
    is((stat $cli->dir . '/stack.yaml')[2] & 0777, 0600,
        'the stack file is for nobody else');
    like(slurp($cli->dir . '/.gitignore'), qr/^build$/m, 'git ignores builds');
    $cli->must('new', 'second', '--lang', 'up', '--append', 'stack.yaml');

    my $out = $cli->must('up');

    like($out, qr{^Deploying:[ ]hello\.\n\nDeployed\.[ ]202[ ]Accepted\.\nURL:
        [ ]\S+/function/hello\n\nDeploying:[ ]second\.}mx,
        'up builds and deploys, with the output of faas-cli');
    ok(-l $t->dir . '/functions/hello/@latest', 'its image is installed');

    $cli->must('ready', 'hello');
    is($cli->must({ in => 'abc' }, 'invoke', 'hello'), 'ABC',
        'it can be called');
};

subtest 'list and describe' => sub {
    like($cli->must('list'), qr/^Function[ ]{22}\tInvocations[ ]{4}\tReplicas
        \nhello[ ]{25}\t\d+[ ]+\t1[ ]{4}\nsecond[ ]{24}\t/x,
        'columns are those of faas-cli');
    like($cli->must('ls', '-v'), qr/^hello {25}\thello:latest {28}\t/m,
        'with images where asked for');
    is($cli->must('list', '-q'), "hello\nsecond\n", 'names alone');

    my $list = decode_json($cli->must('list', '--json'));
    is_deeply([map { $_->{name} } @$list], [qw(hello second)], 'as JSON');
    is($cli->must('list', '--output', 'json'), $cli->must('list', '-j'),
        'which has two names');

    my $text = $cli->must('describe', 'hello');
    like($text, qr/^Name: +hello\nStatus: +Ready\nReplicas: +1\n/,
        'describe shows what there is');
    like($text, qr/^Limits: +memory: 64Mi$/m, 'limits');
    unlike($text, qr/Secrets/, 'but not what is empty');
    like($cli->must('describe', 'hello', '-v'), qr/^Secrets: +<none>$/m,
        'unless asked for');

    my $fn = decode_json($cli->must('describe', 'hello', '-j'));
    is($fn->{Status}, 'Ready', 'JSON has the fields of faas-cli');
    is($fn->{URL}, $cli->gateway . '/function/hello', 'URLs among them');

    my $res = $cli->run('describe', 'nope');
    is($res->{status}, 1, 'an unknown function is an error');
    like($res->{err}, qr/no such function: nope/, 'that says so');
};

subtest 'invoke' => sub {
    $cli->file('env.yml', "functions:\n  env:\n    image: "
        . $t->build . "/samples/env\n    fprocess: ./handler.sh\n");

    deploy_sample('env', './handler.sh');
    $cli->must('ready', 'env');

    my $out = $cli->must({ in => 'x' }, 'invoke', 'env', '--query', 'a=b c',
        '--query', 'd=1', '-H', 'X-One: 1', '--header', 'X-Two=2', '-m',
        'PUT');

    like($out, qr/^Http_Query=a=b%20c&d=1$/m, 'a query');
    like($out, qr/^Http_X_One=1$/m, 'a header');
    like($out, qr/^Http_X_Two=2$/m, 'and one in the old form');
    like($out, qr/^Http_Method=PUT$/m, 'a method');
    like($out, qr{^Http_Content_Type=text/plain$}m, 'the usual type');
    like($out, qr/^Http_Content_Length=1$/m, 'the length');
    unlike($out, qr/^Http_Authorization=/m, 'and no password');

    like($cli->must({ in => '{}' }, 'invoke', 'env', '-H',
        'Content-Type: application/json'),
        qr{^Http_Content_Type=application/json$}m, 'a type as a header');
    like($cli->must('invoke', 'env', '--auth'), qr/^Http_Authorization=Basic/m,
        'the password where it is asked for');

    my $sum = hmac_sha256_hex('body', 'key');
    like($cli->must({ in => 'body' }, 'invoke', 'env', '--sign', 'X-Sign',
        '--key', 'key'), qr/^Http_X_Sign=sha256=$sum$/m, 'a signature');
    like($cli->run({ in => '' }, 'invoke', 'env', '--sign', 'X-Sign', '--key',
        'key')->{err}, qr/^warning: other users .* with --key$/m,
        'whose key is on the command line, with a warning');

    like($cli->must('invoke', 'env', '-m', 'GET'), qr/^Http_Method=GET$/m,
        'GET without a body');

    my $res = $cli->run('invoke', 'env', '-m', 'BAD');
    is($res->{status}, 1, 'a method that is none is an error');
    like($res->{err}, qr/--method: "BAD" is none of GET\|/, 'that says so');

    deploy_sample('fail', './handler.sh');
    $cli->must('ready', 'fail');
    $res = $cli->run('invoke', 'fail');
    is($res->{status}, 1, 'an answer other than 2xx is an error');
    like($res->{err}, qr/server returned unexpected status code: 500 - /,
        'with its status and text');

    $cli->file('count/handler.sh', "wc -c\n");
    $cli->file('count.yml', "functions:\n  count:\n    lang: up\n"
        . "    handler: ./count\n    image: count\n");
    $cli->must('up', '-f', 'count.yml');
    $cli->must('ready', 'count');
    is($cli->must({ in => 'a' x 3_000_000 }, 'invoke', 'count') + 0, 3e6,
        'a large body is sent as it comes');
    $cli->must('remove', 'count');
};

subtest 'async' => sub {
    my $res = $cli->run({ in => 'x' }, 'invoke', 'hello', '--async');

    is($res->{status}, 0, 'a call is queued');
    like($res->{err}, qr/^Function submitted asynchronously\. Call ID: \S+$/m,
        'and its id is shown');

    my ($id) = $res->{err} =~ /Call ID: (\S+)/;
    like($cli->must('queue', 'show', $id), qr/^ID: +\Q$id\E$/m,
        'what becomes of it can be seen');
    is($cli->must('queue', 'list'), "No calls were given up.\n",
        'none was given up');
    is($cli->must('queue', 'list', '--json'), "[]\n", 'as JSON');
    like($cli->must('queue', 'cancel', $id), qr/is cancelled/,
        'it can be cancelled');
    is($cli->run('queue', 'retry', 'nope')->{status}, 1,
        'a call that is not there is an error');
    is($cli->must('queue', 'retry', '--all'), "0 calls queued again.\n",
        'all of none');
    is($cli->must('queue', 'purge', '--function', 'hello'),
        "0 calls removed.\n", 'all of a function');
};

subtest 'logs' => sub {
    my $out = $cli->must('logs', 'hello', '--tail=false');

    like($out, qr/^\d{4}-\d\d-\d\dT\S+Z .*POST \/ - 200/m, 'plain');
    is(scalar(() = $cli->must('logs', 'hello', '--tail=false', '--lines', '2')
        =~ /\n/g), 2, 'so many lines');
    like($cli->must('logs', 'hello', '--tail=false', '-o', 'keyvalue'),
        qr/^timestamp="\S+" name="hello" instance="\S+" text="/m, 'keyvalue');
    ok(decode_json((split /\n/, $cli->must('logs', 'hello', '--tail=false',
        '-j'))[0])->{text}, 'json');
    like($cli->must('logs', 'hello', '--tail=false', '--time-format', '%H',
        '--name', '--instance'), qr/^\d\d hello \(\S+\) /m,
        'a form of the time, name and replica');

    my ($date, $day) = $cli->must('logs', 'hello', '--tail=false',
        '--time-format', '%Y-%m-%d %a') =~ /^(\S+) (\w+) /m;
    is($day, Time::Piece->strptime($date, '%Y-%m-%d')->day,
        'the day of the week');

    is($cli->must('logs', 'hello', '--tail=false', '--since-time',
        '2100-01-01T00:00:00Z'), '', 'since a time');
    is($cli->run('logs', 'nope', '--tail=false')->{status}, 1,
        'an unknown function is an error');
};

subtest 'scale and remove' => sub {
    like($cli->must('scale', 'hello', '2'), qr/^Scaled hello to 2\.$/m,
        'scale');
    like($cli->must('describe', 'hello'), qr/^Replicas: +2$/m, 'to so many');
    $cli->must('scale', 'hello', '--replicas', '1');
    is($cli->run('scale', 'hello')->{status}, 1, 'without a number');
    is($cli->run('scale', 'nope', '1')->{status}, 1, 'without a function');

    my $res = $cli->run('remove', 'second', 'nope');
    like($res->{out}, qr/^Deleting: second\nRemoving old function\.$/m,
        'remove has the output of faas-cli');
    is($res->{status}, 1, 'one that is not there is an error');
    like($res->{err}, qr/No existing function to remove: nope/,
        'that says so');
    is($cli->run('rm', '-f', 'env.yml')->{status}, 0, 'by a stack file');
};

subtest 'secrets' => sub {
    my $res = $cli->run('secret', 'create', 'one', '--from-literal', 'abc');

    is($res->{status}, 0, 'a secret is made');
    is($res->{out}, "Creating secret: one\nCreated: 202 Accepted\n",
        'with the output of faas-cli');
    like($res->{err}, qr/^warning: /, 'on the command line with a warning');

    $res = $cli->run({ in => 'x' }, 'secret', 'create', 'one');
    is($res->{status}, 1, 'a second time it is an error');
    like($res->{err}, qr/secret with the name "one" already exists/,
        'with the text of faas-cli');
    like($cli->must({ in => 'x' }, 'secret', 'create', 'one', '--replace'),
        qr/^Updated: 20\d \w+$/m, 'unless it may be replaced');
    like($cli->must({ in => 'y' }, 'secret', 'update', 'one'),
        qr/^Updated: 20\d/m, 'an update');
    is($cli->run({ in => 'y' }, 'secret', 'update', 'two')->{status}, 1,
        'of none is an error');
    is($cli->must('secret', 'list'), "NAME\none\n", 'a list');
    is(decode_json($cli->must('secret', 'ls', '-j'))->[0]{name}, 'one',
        'as JSON');
    is($cli->run('secret', 'create', 'a/b')->{status}, 1, 'a wrong name');
    is($cli->run({ in => " \n" }, 'secret', 'create', 'two')->{status}, 1,
        'an empty value');
    $cli->must('secret', 'remove', 'one');
    is($cli->must('secret', 'list'), "No secrets found.\n", 'removed');

    like($cli->must('secret', 'generate'), qr/^\w{32}\n$/, 'one made up');
    $cli->must('secret', 'generate', '--length', '8', '-o', 'key');
    is((stat $cli->dir . '/key')[2] & 0777, 0600,
        'in a file for nobody else');

    $cli->file('.secrets/two', "value\n");
    $cli->file('s.yml', "functions:\n  a:\n    image: a\n"
        . "    secrets: [two]\n");
    $cli->must('secret', 'apply', '-f', 's.yml');
    is($cli->must('secret', 'list'), "NAME\ntwo\n", 'those of a stack file');
};

subtest 'namespaces' => sub {
    is($cli->must('namespace', 'list'), "Namespaces:\n - openfaas-fn\n",
        'with the output of faas-cli');
    $cli->must('namespace', 'create', 'team', '--label', 'a=b');
    like($cli->must('ns', 'get', 'team'), qr/^ - a: b$/m, 'with a label');
    $cli->must('namespace', 'update', 'team', '--annotation', 'c=d');
    like($cli->must('namespaces'), qr/^ - team$/m, 'its old name');
    is(scalar @{ decode_json($cli->must('namespace', '-j')) }, 2, 'as JSON');
    $cli->must('secret', 'create', 'x', '--from-literal', 'v', '-n', 'team');
    is($cli->must('secret', 'list', '-n', 'team'), "NAME\nx\n",
        'a secret in it');
    $cli->must('secret', 'remove', 'x', '-n', 'team');
    $cli->must('deploy', '--image', 'hello', '--name', 'deep', '-n', 'team');
    $cli->must('ready', 'deep', '-n', 'team');
    is($cli->must({ in => 'q' }, 'invoke', 'deep', '-n', 'team'), 'Q',
        'a function in it');
    $cli->must('remove', 'deep', '-n', 'team');
    $cli->must('namespace', 'remove', 'team');
    is($cli->run('namespace', 'get', 'team')->{status}, 1, 'it is gone');
};

subtest 'diff' => sub {
    $cli->file('d.yml', "functions:\n  hello:\n    image: hello\n"
        . "    limits: {memory: 64Mi}\n    environment: {a: b}\n");

    my $res = $cli->run('diff', '-f', 'd.yml');

    is($res->{status}, 1, 'what differs is status 1');
    like($res->{out}, qr/^hello: envVars\n-.*\n\+\{"a":"b"\}$/m,
        'and is shown');
    $cli->must('deploy', '-f', 'd.yml');
    is($cli->run('diff', '-f', 'd.yml')->{status}, 0,
        'what is deployed does not');
};

subtest 'flags' => sub {
    my $res = $cli->run('list', '--gatewey', 'x');

    is($res->{status}, 1, 'an unknown flag is an error');
    like($res->{err}, qr/list has no flag --gatewey, but --gateway;/,
        'that knows what was meant');
    like($cli->run('delpoy')->{err}, qr/no command "delpoy", but deploy/,
        'and so is a command');
    is($cli->must('-f', 'd.yml', 'list', '-qg', $cli->gateway),
        $cli->must('list', '--quiet=true', '--gateway=' . $cli->gateway),
        'forms of flags are those of faas-cli');
    is($cli->run('list', '--sort', 'x')->{status}, 1, 'a wrong choice');
    is($cli->run('list', '--timeout', 'x')->{status}, 1, 'a wrong time');
    is($cli->run('list', 'x')->{status}, 1, 'a word too many');
    is($cli->run('describe')->{status}, 1, 'a word too few');

    like($cli->must('version'), qr/^CLI:\n commit:  \S+\n version: \S+$/m,
        'version');
    like($cli->must('version', '--server'),
        qr/^Provider:\n.*orchestration: process$/ms, 'of the gateway as well');
    like($cli->must('version', '--short-version'), qr/^\d+\.\d+\.\d+\n$/,
        'the number alone');
};

subtest 'plugins' => sub {
    mkdir $cli->home . '/.openfaas/plugins';
    $t->spew($cli->home . '/.openfaas/plugins/hi',
        "#!/bin/sh\necho hi \"\$@\"\n", 0755);
    is($cli->must('hi', '--flag', 'word'), "hi --flag word\n",
        'a program in the folder of plugins is a command');
    $t->spew($cli->home . '/.openfaas/plugins/bad', "x\n", 0644);
    is($cli->run('bad')->{status}, 127, 'one that cannot be started: 127');
};

$t->finish;


# As "up" would, of a folder that is no template's.
sub deploy_sample {
    my ($name, $process) = @_;

    $t->run('cp', '-R', $t->build . "/samples/$name",
        $t->dir . "/functions/$name");
    $cli->must('deploy', '--image', $name, '--name', $name, '--fprocess',
        $process);

    return;
}
