#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# What a function's route allows: how long a call may take, who may call it;
# and what becomes of a call whose replica is not there.  If this fails, a
# call hangs or is cut too early, a private function can be called by anybody,
# or a call fails because of a replica that has just gone.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Test;
use IO::Socket::UNIX;
use Test::More;


my $t = Faas::Test->new(need => [qw(nginx redis-server module)]);
my @backend = map { $t->start_backend(name => "b$_") } 0 .. 1;
my $inner = $t->free_port;

$t->start_redis;
$t->publish('slow', { timeout_ms => 1500 }, $backend[0]->addr);
$t->publish('patient', { timeout_ms => 60_000 }, $backend[0]->addr);
$t->publish('hidden', { visibility => 'private' }, $backend[0]->addr);
$t->publish('open', $backend[0]->addr);
$t->start_nginx(vars => { WORKERS => 3, PARK => '20s', HTTP_EXTRA => <<"END" });
    server {
        listen 127.0.0.1:$inner;
        include faas/proxy.conf;

        location /function/ {
            faas_function internal;
            proxy_pass http://functions\$faas_uri;
            proxy_read_timeout 1s;
        }

        location \@faas_error {
            faas_error;
        }
    }
END
wait_for(sub { $t->get('/function/open')->{status} == 200 }, 10, 'routes');

sub inner { return http(GET => "127.0.0.1:$inner", @_); }

sub gauge {
    my ($name, $function) = @_;

    return $t->get('/metrics')->{body}
        =~ /^\Q$name\E\{function_name="\Q$function\E\.openfaas-fn"\} (\d+)$/m
        ? $1 : -1;
}

# timeout_ms

my $client;
my $res = $t->get('/function/slow/delay/10000');
is($res->{status}, 504, 'a call that takes too long: 504');
is($res->{headers}{'x-openfaas-internal'}, 'gateway', 'marked as ours');
my $error = json_of($res) // {};
is($error->{setting}, 'exec_timeout', 'that names the setting');
is($error->{replica}, 'slow-1', 'and the replica');
is($error->{hop}, 'replica', 'and the hop');
ok($t->nginx->log_lines(qr/\[error\].*"slow\.openfaas-fn" took longer than/),
    'it is logged');

is($t->get('/function/slow')->{status}, 200, 'the replica is not out');
is($t->get('/function/slow/delay/100')->{status}, 200, 'quick calls pass');

$client = Faas::HTTP->new($t->addr);
$client->send_request(GET => '/function/slow/chunked/50/100');
my $text = $client->read_all;
like($text, qr/chunk 1\n.*chunk 2\n/s, 'what has come in time is passed on');
unlike($text, qr/\r\n0\r\n/, 'an answer that takes too long is cut');
isnt($t->get('/function/slow/sse/50/100')->{error}, undef, 'so is a stream');

$client = Faas::HTTP->new($t->addr);
$client->write("POST /function/slow/echo HTTP/1.1\r\nHost: x\r\n"
    . "Content-Length: 1000\r\n\r\nabc");
is($client->response->{status}, 504, 'so is a call whose body does not come');

is(inner('/function/open/delay/5000')->{status}, 504,
    'without timeout_ms proxy_read_timeout is the limit');
is(inner('/function/patient/delay/2000')->{status}, 200,
    'with it the route alone says how long');

wait_for(sub { gauge('gateway_function_invocation_inflight', 'slow') == 0 },
    10, 'none in flight');

# visibility

is($t->get('/function/hidden')->{status}, 404,
    'a private function is unknown outside');
like((json_of($t->get('/function/hidden')) // {})->{error},
    qr/^error finding function hidden/, 'just as one that is not there');
is(inner('/function/hidden')->{status}, 200, 'and served inside');
is(inner('/function/open')->{status}, 200, 'where others are served as well');
is(gauge('gateway_function_invocation_started', 'hidden'), 1,
    'calls from outside are not counted');

# a replica that refuses connections: nothing was sent, so the call waits

my $path = $t->dir . '/gone.sock';

$t->publish('gone', "unix:$path");
wait_for(sub { gauge('gateway_service_count', 'gone') == 1 }, 10, 'route');

for my $case (['GET', 'without a body', ''], ['POST', 'with a body', 'hello'])
{
    my ($method, $what, $body) = @$case;

    $client = Faas::HTTP->new($t->addr);
    $client->send_request($method => '/function/gone/echo', {}, $body);
    wait_for(sub { gauge('faas_function_parked', 'gone') == 1 }, 10,
        'the call waits');
    $t->publish('gone', $backend[1]->addr);
    $res = $client->response;
    is($res->{status}, 200, "a call $what goes to the next replica");
    is($res->{body}, $body, 'with what it had to say');

    $t->publish('gone', "unix:$path");
    wait_for(sub { $t->redis(qw(GET faas:epoch)) }, 10, 'route');
    wait_for(sub {
        my $probe = Faas::HTTP->new($t->addr);
        $probe->send_request(GET => '/function/gone');
        my $parked = wait_until_parked('gone');
        $probe->abort;
        return $parked;
    }, 10, 'route');
    wait_for(sub { gauge('faas_function_parked', 'gone') == 0 }, 10, 'none');
}

sub wait_until_parked {
    my ($function) = @_;

    for (1 .. 20) {
        return 1 if gauge('faas_function_parked', $function) == 1;
    }

    return 0;
}

$t->publish('never', { park_ms => 200 }, "unix:$path");
wait_for(sub { gauge('gateway_service_count', 'never') == 1 }, 10, 'route');
$res = $t->get('/function/never');
is($res->{status}, 502, 'one that nobody ever takes: 502');
is((json_of($res) // {})->{hop}, 'replica', 'that names the hop');

# refused for a while, and parked then: no longer in all than it may wait

$t->publish('shaky', { park_ms => 2000 }, "unix:$path");
wait_for(sub { gauge('gateway_service_count', 'shaky') == 1 }, 10, 'route');
$client = Faas::HTTP->new($t->addr);
$client->send_request(GET => '/function/shaky');
wait_for(sub {
    return 17 <= $t->nginx->log_lines(qr/connect\(\).*failed.*shaky/);
}, 10, 'tries for over a second');
$t->publish('shaky', { park_ms => 2000 });
$res = $client->response;
is($res->{status}, 503, 'one that is refused, and then parked: 503');
my ($waited) = $res->{body} =~ /waited (\d+)ms/;
cmp_ok($waited // 9**9, '<', 2800, 'after no longer than it may wait in all');

# passive health: what refuses is passed over

$t->publish('half', "unix:$path", $backend[1]->addr);
wait_for(sub { gauge('gateway_service_count', 'half') == 2 }, 10, 'route');
$t->get('/function/half') for 1 .. 60;
my @tried = $t->nginx->log_lines(qr/connect\(\).*failed.*function\/half/);
cmp_ok(scalar @tried, '<', 10, 'a replica that refuses is seldom tried');
cmp_ok(scalar @tried, '>', 0, 'but it is');

# it is back: it gets its share again, step by step

my $late = $t->start_backend(name => 'late', addr => "unix:$path");
wait_for(sub {
    return $t->get('/function/half')->{headers}{'x-backend'} eq 'late';
}, 20, 'a call at the replica that is back');
my %from;
$from{ $t->get('/function/half')->{headers}{'x-backend'} }++ for 1 .. 60;
cmp_ok($from{late} // 0, '>', 10, 'a replica that is back gets its share');

wait_for(sub { !grep { gauge('gateway_function_invocation_inflight', $_) }
    qw(gone never half open hidden slow patient) }, 10, 'none in flight');
pass('nothing is left in flight');

# a body that is too large

$res = $t->request(POST => '/function/open', { 'content-length' =>
    2 * 1024 ** 3 });
is($res->{status}, 413, 'a body over client_max_body_size: 413');
$error = json_of($res) // {};
is($error->{setting}, 'client_max_body_size', 'that names the setting');
is($error->{function}, 'open', 'and the function');

$t->finish;
