#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Routes followed from Redis.  If this fails, the gateway calls replicas that
# are gone, does not see new ones, or forgets functions because Redis did.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Redis;
use Faas::Test;
use Test::More;
use Time::HiRes qw(time);


my $t = Faas::Test->new(need => [qw(nginx redis-server module)]);

$t->start_redis;

my @backend = map { $t->start_backend(name => "b$_") } 0 .. 2;
my $long = $t->start_backend(name => 'long', addr => '127.0.0.1:'
    . $t->free_port);

$t->start_nginx(vars => { WORKERS => 4, PARK => '50ms' });

# who answers for a function, over many connections: all workers' view
sub answers {
    my ($name, $n) = @_;

    my %from;

    for (1 .. $n // 24) {
        my $res = $t->get("/function/$name");

        $from{ $res->{headers}{'x-backend'} // $res->{status} }++;
    }

    return join ' ', sort keys %from;
}

# a change that carries this command
sub change {
    my ($name, @command) = @_;

    return Faas::Redis->new($t->redis_addr)->change($name, sub { @command });
}

sub becomes {
    my ($name, $answers, $text) = @_;

    wait_for(sub { answers($name) eq $answers }, 10, $text);
    pass($text);

    return;
}

my $res = $t->get('/function/a');
is($res->{status}, 503, 'before the routes are read: 503, not 404');
is($res->{headers}{'retry-after'}, 1, 'and when to try again');
like($res->{body}, qr/has not read its routes from Redis yet/, 'and why');
is($t->get('/healthz')->{status}, 503, 'and it is not healthy');

$t->publish('a', $backend[0]->addr);
becomes('a', 'b0', 'a function that is new is found by every worker');
is($t->get('/healthz')->{status}, 200, 'it is healthy now');
is($t->get('/healthz')->{body}, 'OK', 'and says so');

$t->publish('a', map { $_->addr } @backend);
becomes('a', 'b0 b1 b2', 'replicas that are added get calls');

$t->publish('a', $backend[1]->addr);
becomes('a', 'b1', 'replicas that are taken out get none');

$t->publish('b', $long->addr);
becomes('b', 'long', 'a replica on TCP');

$t->publish('a');
becomes('a', '503', 'no replica is left');

$t->publish('a', $backend[2]->addr);
becomes('a', 'b2', 'there is one again');

# running requests of a replica that is taken out

my $client = Faas::HTTP->new($t->addr);
$client->send_request(GET => '/function/a/delay/1500');
wait_for(sub { grep { $_->{path} eq '/delay/1500' } $backend[2]->requests },
    10, 'the request at its replica');
$t->publish('a', $backend[0]->addr);
becomes('a', 'b0', 'the replica is out');

my $gateway = $t->redis(qw(ZRANGE faas:gateways 0 -1))->[0];
my $draining = sub {
    return (split ' ', $t->redis('HGET', "faas:load:$gateway",
        'a.openfaas-fn') // '')[3];
};
wait_for(sub { $draining->() == 1 }, 10, 'a draining request in the load');
pass('what still runs on it is reported as draining');
is($client->response->{status}, 200, 'and is answered');
wait_for(sub { $draining->() == 0 }, 10, 'nothing draining');
pass('then nothing is draining');

# removal

my $rev = $t->unpublish('a');
becomes('a', '404', 'a function that is removed is unknown');
wait_for(sub { !defined $t->redis('HGET', "faas:load:$gateway",
    'a.openfaas-fn') }, 10, 'no load of a removed function');
pass('and its load is gone from Redis');
cmp_ok($t->redis('HGET', "faas:load:$gateway", '*'), '>=', $rev,
    'the gateway says which change it has applied');

$t->publish('a', $backend[1]->addr);
becomes('a', 'b1', 'and may be deployed again');

# revisions

$t->redis('HSET', 'faas:routes', 'a.openfaas-fn', '{"rev":5,"replicas":1,'
    . '"endpoints":[{"id":"x","addr":"' . $backend[0]->addr . '"}]}');
change('a', 'PING');
$t->publish('marker', $backend[0]->addr);
becomes('marker', 'b0', 'a later change has arrived');
is(answers('a'), 'b1', 'a route that is older than the known one is ignored');

# rubbish

change('a', 'HSET', 'faas:routes', 'a.openfaas-fn', $_)
    for 'rubbish', '[]', '{"rev":9000000000000000000,"replicas":1}';
$t->redis('HSET', 'faas:routes', 'not/a/name', '{}', 'nodot', '{}');
change('no$name', 'PING');
$t->publish('b', $backend[0]->addr);
becomes('b', 'b0', 'rubbish does not keep other changes away');
is(answers('a'), 'b1', 'a function keeps its route when the new one is bad');
ok(scalar $t->nginx->log_lines(qr/\[error\].*"a\.openfaas-fn" keeps the route/),
    'which is logged with its name');
$t->redis(qw(HDEL faas:routes not/a/name nodot));
$t->publish('a', $backend[1]->addr);

# a gap: the stream was trimmed, or an entry is missing

$t->redis(qw(XADD faas:changes * name gap.openfaas-fn), rev => int(time * 1e6),
    prev => 12345);
$t->redis('HSET', 'faas:routes', 'silent.openfaas-fn', '{"rev":'
    . int(time * 1e6) . ',"replicas":1,"endpoints":[{"id":"x","addr":"'
    . $backend[2]->addr . '"}]}');
$t->redis(qw(XADD faas:changes * name gap.openfaas-fn), rev => int(time * 1e6),
    prev => 12345);
becomes('silent', 'b2', 'after a gap all routes are read');

# many at once, more than one read of changes takes

$t->publish("many$_", $backend[0]->addr) for 1 .. 600;
becomes('many600', 'b0', 'six hundred changes in a row');
is(answers("many$_", 1), 'b0', "many$_ is there") for 1, 300, 599;

# Redis loses everything, and the scaler publishes anew

$t->redis('FLUSHALL');
wait_for(sub { grep { $_ eq $gateway }
    @{ $t->redis(qw(ZRANGE faas:gateways 0 -1)) } }, 10, 'a report');
is(answers('a'), 'b1', 'routes stay when Redis is emptied');
wait_for(sub { defined $t->redis('HGET', "faas:load:$gateway",
    'a.openfaas-fn') }, 10, 'all of the load');
pass('the load that was lost is reported again');

$t->publish('a', $backend[2]->addr);
becomes('a', 'b2', 'what is published anew counts');
becomes('b', '404', 'and what is not is gone');

$t->finish;
