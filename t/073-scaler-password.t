#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The password of the admin API, and the question how a scaler is.  If this
# fails, anybody on its network runs programs, or a container that is well is
# taken for ill.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::HTTP qw(listen_on);
use Faas::Proc;
use Faas::Test;
use IO::Socket::IP;
use MIME::Base64 qw(encode_base64);
use Test::More;

use constant {
    WAIT => 30,                 # seconds, for everything that has to happen
    USER => 'admin',
    PASS => "s3cret of \xc3\xa4ll: yes",
};

my $t = Faas::Test->new(need => [qw(scaler watchdog)]);
my $dir = $t->dir;
my $addr = $t->scaler_addr;
my $n = 0;

mkdir "$dir/$_" for qw(functions secrets);

sub secrets {
    my ($user, $password) = @_;

    $t->spew("$dir/secrets/basic-auth-user", $user);
    $t->spew("$dir/secrets/basic-auth-password", $password);

    return;
}

sub basic {
    my ($user, $password, $scheme) = @_;

    return ($scheme // 'Basic') . ' ' . encode_base64("$user:$password", '');
}

sub ask {
    my ($method, $path, $authorization) = @_;

    return http($method, $addr, $path, defined $authorization
        ? { authorization => $authorization } : {},
        $method =~ /^P/ ? '{}' : undef);
}

# whether it is the answer that OpenFaaS' gateway gives
sub is_refused {
    my ($res, $name) = @_;

    my @got = ($res->{status}, $res->{headers}{'www-authenticate'},
        $res->{body});

    return is_deeply(\@got, [401, 'Basic realm="Restricted"',
        'invalid credentials'], "$name: 401");
}

# the routes of the scaler's own table
sub routes_of_scaler {
    my $text = slurp($t->root . '/scaler/api.c');
    my ($table) = $text =~ /^static\sconst\sstruct\sroute\s+routes\[\]
        (.*?)^};/mxs;
    my @routes;

    push @routes, [$1, $2, $3]
        while $table =~ /EVHTTP_REQ_(\w+),\s+"([^"]+)",\s+(\w+)/g;

    return map { [$_->[0], $_->[1] . ($_->[2] eq 'NO_NAME' ? '' : 'nobody')] }
        @routes;
}

# a scaler that ends by itself
sub refused_start {
    my ($what, $pattern) = @_;

    my $res = $t->run($t->build . '/faas-scaler', '--listen', $addr,
        '--state-dir', "$dir/state", '--watchdog',
        $t->build . '/faas-watchdog', '--credentials-dir', "$dir/secrets");

    ok($res->{status} != 0 && $res->{output} =~ /--credentials-dir: .*$pattern/,
        "$what: the scaler does not start, and says why")
        or diag($res->{output});
    unlike($res->{output}, qr/s3cret/, "$what: nothing is told of it");

    return;
}

# a scaler at an address of its own: { proc, log }
sub scaler_at {
    my ($listen, @args) = @_;

    my $name = 'scaler-' . ++$n;
    my $log = "$dir/$name.log";
    my $proc = Faas::Proc::spawn(name => $name, log => $log,
        env => Faas::Test::san_env(),
        cmd => [$t->build . '/faas-scaler', '--listen', $listen,
            '--redis', "unix:$dir/none", '--state-dir', "$dir/$name",
            '--watchdog', $t->build . '/faas-watchdog', @args]);

    wait_for(sub {
        die "$name does not start:\n" . slurp($log) if !$proc->running;

        return (slurp($log) // '') =~ /notice: ready listen=/;
    }, WAIT, 'ready scaler');

    return { proc => $proc, log => $log };
}

sub health {
    my (@args) = @_;

    return $t->run($t->build . '/faas-scaler', '--health', @args);
}

sub warnings_of {
    my ($scaler) = @_;

    return scalar(() = slurp($scaler->{log})
        =~ /warn: the admin API asks for no password.*--credentials-dir/g);
}

# every route

secrets(USER . "\n", "\t " . PASS . " \r\n\n");
$t->start_scaler(functions => "$dir/functions",
    args => ['--credentials-dir', "$dir/secrets", '--log-level', 'debug']);

my @routes = routes_of_scaler();
my @closed = grep { $_->[1] ne '/healthz' } @routes;

cmp_ok(scalar @closed, '>=', 18, 'there are routes');

for my $route (@closed) {
    my $name = join ' ', @$route;

    is_refused(ask(@$route), "$name, without a password");
    is_refused(ask(@$route, basic(USER, 'wrong')), "$name, with a wrong one");
    isnt(ask(@$route, basic(USER, PASS))->{status}, 401,
        "$name, with the right one: not 401");
}

for my $method (qw(GET HEAD)) {
    is(ask($method, '/healthz')->{status}, 200,
        "$method /healthz asks for none");
    is(ask($method, '/healthz', basic(USER, 'wrong'))->{status}, 200,
        "$method /healthz: nor for a right one");
}

for my $route (['POST', '/healthz'], ['GET', '/'], ['GET', '/healthz/'],
    ['PATCH', '/system/functions'], ['HEAD', '/system/functions'],
    ['GET', '/system/functions?x=/healthz'], ['GET', '//healthz'])
{
    my $name = join ' ', @$route;

    is_refused(ask(@$route), "$name, which is no route, without a password")
        if $route->[0] ne 'HEAD';
    isnt(ask(@$route, basic(USER, PASS))->{status}, 401,
        "$name, with one: not 401");
}

is(ask(HEAD => '/system/functions')->{status}, 401, 'HEAD is asked as well');

# what is no password

my $right = basic(USER, PASS);
my %wrong = (
    'another user'          => basic('root', PASS),
    'no user'               => basic('', PASS),
    'an empty password'     => basic(USER, ''),
    'a longer password'     => basic(USER, PASS . 'x'),
    'a zero behind it'      => basic(USER, PASS . "\0"),
    'a shorter password'    => basic(USER, substr PASS, 0, -1),
    'white space around it' => basic(USER, PASS . ' '),
    'other letters'         => basic(USER, uc PASS),
    'a very long one'       => basic(USER, PASS . 'x' x 20_000),
    'no colon'              => 'Basic ' . encode_base64(USER . PASS, ''),
    'no base64'             => 'Basic %%%%',
    'nothing'               => '',
    'the scheme only'       => 'Basic',
    'and a blank'           => 'Basic ',
    'another scheme'        => $right =~ s/Basic/Bearer/r,
    'no scheme'             => $right =~ s/Basic //r,
    'something behind it'   => "$right AAAA",
);

for my $what (sort keys %wrong) {
    is_refused(ask(GET => '/system/functions', $wrong{$what}), $what);
}

for my $scheme (qw(Basic basic BASIC)) {
    is(ask(GET => '/system/functions', basic(USER, PASS, $scheme))->{status},
        200, "the scheme as $scheme");
}

is(http(POST => $addr, '/system/functions', { authorization => $right },
    '{"service": "fn", "image": "plain"}')->{status}, 400,
    'with it, what is asked for is looked at');

my $secret = encode_base64(USER . ':' . PASS, '');
my $log = slurp("$dir/scaler.log");
ok($log !~ /\Q$secret\E|s3cret/, 'the log knows nothing of it');
unlike($log, qr/asks for no password/, 'nor is it warned of its absence');
is($t->scaler->stop, 0, 'the scaler ends as it should');

# without it nothing is asked for

$t->start_scaler(functions => "$dir/functions");
is(ask(GET => '/system/functions')->{status}, 200,
    'without --credentials-dir nobody is asked');
$t->scaler->stop;

# what cannot be read

unlink "$dir/secrets/basic-auth-password";
refused_start('no password', qr/cannot open .*password: No such file/);
unlink "$dir/secrets/basic-auth-user";
refused_start('no user', qr/cannot open .*user: No such file/);
secrets(USER, " \n");
refused_start('a blank password', qr/password has 0 bytes/);
secrets('', 's3cret');
refused_start('an empty user', qr/user has 0 bytes/);
secrets(USER, 's3cret' x 100);
refused_start('a long password', qr/password has 600 bytes, expected 1 to 512/);
secrets(USER, 's3cret' . ' ' x 1100);
refused_start('a long file', qr/password has more than 1024 bytes/);
secrets('a:b', 's3cret');
refused_start('a colon in the user', qr/has a colon/);
unlink "$dir/secrets/basic-auth-user";
mkdir "$dir/secrets/basic-auth-user";
refused_start('a folder', qr/cannot read .*user: Is a directory/);
rmdir "$dir/secrets/basic-auth-user";
secrets('u' x 512, 'p' x 512);
$t->start_scaler(functions => "$dir/functions",
    args => ["--credentials-dir=$dir/secrets"]);
is(ask(GET => '/system/info', basic('u' x 512, 'p' x 512))->{status}, 200,
    'as long as may be');
is_refused(ask(GET => '/system/info', basic('u' x 512, 'p' x 513)),
    'one longer');
is_refused(ask(GET => '/system/info', basic('u' x 512, 'p' x 511 . 'q')),
    'another end');

# its health

my $res = health('--listen', $addr);
is($res->{status}, 0, 'a scaler that is well: 0, without a password');
is($res->{output}, '', 'and nothing is said');
$t->scaler->stop;
$res = health('--listen', $addr);
is($res->{status}, 1, 'one that is not there: 1');
like($res->{output}, qr/cannot connect to \Q$addr\E: /, 'which is said');
is(health()->{status}, 1, 'no address: 1');
is(health('--listen', 'nonsense')->{status}, 1, 'no good address: 1');
is(health('--listen', $addr, '--max-body', 'x')->{status}, 1,
    'a wrong option: 1');

# of all addresses, at loopback; who listens there is warned

my $port = $t->free_port;
my $scaler = scaler_at("0.0.0.0:$port");
is(health('--listen', "0.0.0.0:$port")->{status}, 0,
    'a scaler that listens everywhere is asked at loopback');
is(health('--redis', 'x', '--listen', "0.0.0.0:$port", '--isolation', 'x')
    ->{status}, 0, 'other options do not matter');
is(warnings_of($scaler), 1, 'that nobody is asked there is warned of, once');
$scaler->{proc}->stop;

$scaler = scaler_at("0.0.0.0:$port", '--credentials-dir', "$dir/secrets");
is(warnings_of($scaler), 0, 'with a password it is not');
$scaler->{proc}->stop;

$scaler = scaler_at("127.0.0.2:$port");
is(warnings_of($scaler), 0, 'nor at loopback');
is(health('--listen', "127.0.0.2:$port")->{status}, 0, 'which is asked');
$scaler->{proc}->signal('STOP');
is(health('--listen', "127.0.0.2:$port")->{status}, 1,
    'one that does not answer: 1');
$scaler->{proc}->signal('CONT');
$scaler->{proc}->stop;

SKIP: {
    skip('there is no IPv6', 3) if !IO::Socket::IP->new(
        LocalAddr => '[::1]:0', Listen => 1, Proto => 'tcp');

    $scaler = scaler_at("[::]:$port");
    is(health('--listen', "[::]:$port")->{status}, 0, 'IPv6: the same');
    is(warnings_of($scaler), 1, 'IPv6: the same warning');
    $scaler->{proc}->stop;

    $scaler = scaler_at("[::1]:$port");
    is(warnings_of($scaler), 0, 'IPv6: and none at loopback');
    $scaler->{proc}->stop;
}

# what others answer

my %says = (
    '200 '          => ["HTTP/1.1 200 OK\r\n\r\n", 0],
    '503'           => ["HTTP/1.1 503 Service Unavailable\r\n\r\n", 1],
    '2000'          => ["HTTP/1.1 2000 OK\r\n\r\n", 1],
    'nothing'       => ['', 1],
    'half a line'   => ['HTTP/1.1 20', 1],
    'something else' => ["-ERR unknown command\r\n", 1],
);

for my $what (sort keys %says) {
    my ($text, $status) = @{ $says{$what} };
    my $listener = listen_on("unix:$dir/other.sock");
    my $other = Faas::Proc::fork_child(name => 'other', code => sub {
        my $sock = $listener->accept;

        sysread $sock, my $request, 1024;
        syswrite $sock, $text;
    });

    close $listener;
    is(health('--listen', "unix:$dir/other.sock")->{status}, $status,
        "an answer that is $what: $status");
    $other->stop(may_be_gone => 1);
    unlink "$dir/other.sock";
}

$t->finish;
