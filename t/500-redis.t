#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Redis away.  If this fails, calls depend on Redis, or what was counted
# while it was away is lost.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Redis;
use Faas::Test;
use Test::More;


my $t = Faas::Test->new(need => [qw(nginx redis-server module)]);
my $backend = $t->start_backend;

# nginx comes first

$t->start_nginx;

my $res = $t->get('/function/echo');
is($res->{status}, 503, 'nginx without Redis: 503');
like($res->{body}, qr/has not read its routes from Redis yet/,
    'it says that routes are missing');
wait_for(sub { $t->nginx->log_lines(qr/\[error\].*no connection to Redis at/) },
    10, 'the log line');
pass('that Redis is away is logged');

$t->start_redis(persist => 1);
$t->publish('echo', $backend->addr);
wait_for(sub { $t->get('/function/echo')->{status} == 200 }, 15, 'the route');
pass('nginx finds Redis when it comes');
ok(scalar $t->nginx->log_lines(qr/\[notice\].*connected to Redis .* again/),
    'which is logged');

sub load {
    my ($gateway) = @{ $t->redis(qw(ZRANGE faas:gateways 0 -1)) };

    return {} if !defined $gateway;

    my @load = split ' ', $t->redis('HGET', "faas:load:$gateway",
        'echo.openfaas-fn') // return {};
    my %load;

    @load{qw(version rev inflight draining parked started finished failed
        inflight_ms parked_ms clock_ms)} = @load;

    return \%load;
}

sub started {
    my $page = $t->get('/metrics')->{body};

    return $page =~ /^gateway_function_invocation_started\{\S+\} (\d+)$/m
        ? $1 : -1;
}

$t->get('/function/echo') for 1 .. 9;
wait_for(sub { (load()->{finished} // 0) == started() }, 10, 'the load');
is(load()->{finished}, started(), 'what was counted arrives in Redis');

# Redis is restarted under load

my $before = started();
my $load = $t->start_load(path => '/function/echo', clients => 3);
wait_for(sub { $load->requests > 50 }, 20, 'some load');

$t->redis_proc->stop;
wait_for(sub { $t->get('/metrics')->{body} =~ /^faas_redis_up 0$/m }, 10,
    'faas_redis_up 0');
pass('faas_redis_up says that Redis is away');

my $n = $load->requests;
wait_for(sub { $load->requests > $n + 200 }, 20, 'load while Redis is away');
is($t->get('/healthz')->{status}, 200, 'the gateway is healthy all the same');

$t->start_redis(persist => 1);
wait_for(sub { $t->get('/metrics')->{body} =~ /^faas_redis_up 1$/m }, 15,
    'faas_redis_up 1');

my $sum = $load->finish;
is($sum->{failed}, 0, 'no call failed while Redis was restarted')
    or diag(join "\n", @{ $sum->{errors} });
cmp_ok($sum->{requests}, '>', 250, 'and there were some');

wait_for(sub { (load()->{started} // 0) == $before + $sum->{requests} }, 15,
    'the counters to catch up');
pass('the counters have caught up: not one is missing');
is(load()->{failed}, 0, 'none has failed');
wait_for(sub { load()->{inflight} == 0 }, 10, 'nothing in flight');
pass('none is in flight');

# the integral: one call of a second is about a thousand

my $was = load();
$t->get('/function/echo/delay/1000');
wait_for(sub { load()->{finished} == $was->{finished} + 1 }, 10, 'its load');
my $gained = load()->{inflight_ms} - $was->{inflight_ms};
cmp_ok($gained, '>=', 990, 'a call of a second adds a second in flight');
cmp_ok($gained, '<', 2000, 'and not much more');

# Redis that answers with errors

my $redis = Faas::Redis->new($t->redis_addr);
$redis->command(qw(CONFIG SET requirepass secret));
$redis->command(qw(CLIENT KILL TYPE normal SKIPME yes));
wait_for(sub {
    $t->nginx->log_lines(qr/\[error\].*Redis at .* answers "NOAUTH/);
}, 15, 'NOAUTH in the log');
pass('a password that is wanted is named in the log');
is($t->get('/function/echo')->{status}, 200, 'calls go on');

$t->finish;
