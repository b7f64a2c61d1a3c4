#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# If this fails, a function cannot be tried without a gateway, logs are not
# shown as they come, a password goes to a server that is not the one it was
# meant for, or a function is lost while its image is built anew.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Cli;
use Faas::HTTP qw(http);
use Faas::Proc qw(spawn);
use Faas::Test;
use Test::More;


my $t = Faas::Test->new(need => [qw(module nginx redis-server scaler watchdog
    faas openssl)]);

mkdir $t->dir . '/functions';
$t->start_stack(scaler => { functions => $t->dir . '/functions' });

my $cli = Faas::Cli->new($t);

$cli->login;
$cli->template('up');
$cli->file('a/handler.sh', "cat\ncat \"\$FAAS_SECRETS_DIR/key\"\n"
    . "echo said >&2\n");
$cli->file('stack.yml', "functions:\n  a:\n    lang: up\n    handler: ./a\n"
    . "    image: a\n    secrets: [key]\n    environment: {one: 1}\n");


sub background {
    my ($name, @args) = @_;

    return spawn(name => $name, log => $t->dir . "/$name.log",
        dir => $cli->dir, cmd => [$cli->program, @args],
        env => { HOME => $cli->home, OPENFAAS_URL => $cli->gateway,
            CI => undef, FAAS_WATCHDOG => $t->build . '/faas-watchdog',
            %{ Faas::Test::san_env() } });
}


subtest 'local-run' => sub {
    my $res = $cli->run('local-run', '--print');
    is($res->{status}, 1, 'a secret without a file is an error');
    like($res->{err}, qr/functions\.a\.secrets: there is no file \.secrets/,
        'that says where it belongs');

    $cli->file('.secrets/key', 'secret');

    my $port = $t->free_port;
    my $run = background('local-run', 'local-run', 'a', '-p', $port, '-e',
        'two=2');

    my $answer = wait_for(sub {
        my $got = eval { http(POST => "127.0.0.1:$port", '/', {}, 'x') };
        return $got && $got->{status} == 200 ? $got : undef;
    }, 30, 'answer of a function without a gateway');

    is($answer->{body}, 'XSECRET', 'it answers, and has its secret');
    $run->stop;
    like($cli->must('local-run', '--print', '--build=false'),
        qr/one=1 .*faas-watchdog$/m, 'the command can be printed');
};

subtest 'follow' => sub {
    $cli->must('secret', 'create', 'key', '--from-file', '.secrets/key');
    $cli->must('up');
    $cli->must('ready', 'a');

    my $logs = background('logs', 'logs', 'a');

    is($cli->must({ in => 'b' }, 'invoke', 'a'), 'BSECRET', 'a call');
    wait_for(sub { slurp($t->dir . '/logs.log') =~ /said$/m }, 30,
        'line that is followed');
    pass('a line is shown when it is printed');
    $cli->must('remove', 'a');
    wait_for(sub { !$logs->running }, 60, 'end of what is followed');
    is($logs->status, 0, 'the end of the function is the end');
    $logs->stop(may_be_gone => 1);
};

subtest 'an image that is built anew' => sub {
    $cli->must('up');
    $cli->must('ready', 'a');

    my $load = $t->start_load(path => '/function/a', clients => 2,
        method => 'POST', body => 'x');

    wait_for(sub { $load->requests > 20 }, 60, 'load');
    $cli->must('up') for 1 .. 3;

    my $n = $load->requests;
    wait_for(sub { $load->requests > $n + 20 }, 60, 'more load');

    my $sum = $load->finish;
    is($sum->{failed}, 0, "of $sum->{requests} calls none failed")
        or diag(join "\n", @{ $sum->{errors} });
};

subtest 'certificates' => sub {
    my $port = $t->free_port;
    my $files = $t->dir . '/tls';

    mkdir $files;
    mkdir "$files/system";

    my $made = $t->run(qw(openssl req -x509 -newkey ec -pkeyopt
        ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1
        -addext subjectAltName=IP:127.0.0.1 -keyout), "$files/key.pem",
        '-out', "$files/cert.pem");
    die $made->{output} if $made->{status};

    $t->spew("$files/system/functions", "HTTP/1.0 200 OK\r\n"
        . "Content-Type: application/json\r\n\r\n[]\n");
    spawn(name => 'openssl', log => $t->dir . '/openssl.log', dir => $files,
        cmd => ['openssl', 's_server', '-quiet', '-HTTP', '-accept', $port,
            '-cert', 'cert.pem', '-key', 'key.pem']);

    my @list = ('list', '-g', "https://127.0.0.1:$port");
    wait_for(sub { $cli->run(@list, '--tls-no-verify')->{status} == 0 }, 30,
        'TLS server');
    pass('--tls-no-verify takes any');

    my $res = $cli->run(@list);
    is($res->{status}, 1, 'one that nobody has signed is refused');
    like($res->{err}, qr/certificate is not trusted.*--tls-no-verify/,
        'and what to do is said');
    is($cli->run({ in => 'x' }, 'invoke', 'a', '-g',
        "https://127.0.0.1:$port")->{status}, 1, 'by invoke as well');
};

$t->finish;
