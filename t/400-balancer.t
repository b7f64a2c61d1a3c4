#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The balancer.  If this fails, one replica works while others idle, a dead
# replica costs calls that others could have answered, or an error does not
# say who failed.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Test;
use Test::More;


my $t = Faas::Test->new(need => [qw(nginx redis-server module)]);

$t->start_redis;

my @backend = map { $t->start_backend(name => "b$_") } 0 .. 3;

$t->publish('four', map { $_->addr } @backend);
$t->publish('one', $backend[0]->addr);
$t->start_nginx(vars => { WORKERS => 2, PARK => '300ms' });
wait_for(sub { $t->get('/healthz')->{status} == 200 }, 10, 'routes');

# as many slow requests as replicas, from both workers: one each

for my $round (1 .. 3) {
    my @client = map { Faas::HTTP->new($t->addr) } @backend;

    for my $i (0 .. $#client) {
        $client[$i]->send_request(GET => '/function/four/delay/2000');
        wait_for(sub {
            my $n = 0;
            $n += grep { $_->{path} eq '/delay/2000' } $_->requests
                for @backend;
            return $n == ($round - 1) * 4 + $i + 1;
        }, 10, 'the request at a replica');
    }

    my %from = map { $_->response->{headers}{'x-backend'} => 1 } @client;

    is(scalar keys %from, 4, "round $round: each replica has one request");
}

# nothing in flight: equals share

my %share;
$share{ $t->get('/function/four')->{headers}{'x-backend'} }++ for 1 .. 200;
is(scalar keys %share, 4, 'replicas that are idle all get calls');
cmp_ok($share{$_} // 0, '>', 15, "$_ has its share") for qw(b0 b1 b2 b3);

# a replica that is gone

$backend[3]->stop;

my %status;
$status{ $t->get('/function/four')->{status} }++ for 1 .. 60;
is_deeply(\%status, { 200 => 60 }, 'a replica that refuses costs no call');

%status = ();
$status{ $t->post('/function/four/echo', 'x')->{status} }++ for 1 .. 60;
is_deeply(\%status, { 200 => 60 }, 'nor one with a body');

$backend[2]->stop;
$backend[1]->stop;

%status = ();
$status{ $t->get('/function/four')->{status} }++ for 1 .. 40;
is_deeply(\%status, { 200 => 40 }, 'nor do three of four');

# an answer that does not come

my $res = $t->get('/function/one/close');
is($res->{status}, 502, 'the only replica closes the connection: 502');
my $error = json_of($res) // {};
is($error->{hop}, 'replica', 'the error names the hop');
is($error->{function}, 'one.openfaas-fn', 'and the function');
is($error->{replica}, 'one-1', 'and the replica');
is($error->{call_id}, $res->{headers}{'x-call-id'}, 'and the call');
is($res->{headers}{'x-openfaas-internal'}, 'gateway', 'and is marked as ours');
like($res->{headers}{'content-type'}, qr{^application/json}, 'it is JSON');

$res = $t->get('/function/one/close', { 'x-call-id' => 'a"b' });
is(json_of($res)->{call_id}, 'a"b', 'a client\'s own call id is escaped');

$backend[0]->stop;
is($t->get('/function/four')->{status}, 502, 'no replica is left: 502');
is(json_of($t->get('/function/four'))->{hop}, 'replica', 'it names the hop');

# gauges go back to zero

wait_for(sub {
    my $metrics = $t->get('/metrics')->{body};

    return $metrics =~ /_inflight\{function_name="four\S+\} 0$/m
        && $metrics =~ /_inflight\{function_name="one\S+\} 0$/m;
}, 10, 'nothing in flight');
pass('nothing is left in flight after failures');

$t->finish;
