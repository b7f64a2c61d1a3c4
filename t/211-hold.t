#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Calls that come before a gateway has read its routes: for a moment after its
# start.  If this fails, a gateway that takes the place of another one refuses
# the first calls.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Test;
use Test::More;


my $t = Faas::Test->new(need => [qw(nginx redis-server module)]);
my $backend = $t->start_backend;

# Redis is away, and is given much time

$t->start_nginx(vars => { WORKERS => 2,
    REDIS => $t->redis_addr . ' timeout=30s' });

my @clients = map { Faas::HTTP->new($t->addr) } 1 .. 8;

for (@clients) {
    $_->send_request(POST => '/function/f/echo', {}, 'held');
}

$clients[$_]->abort for 0 .. 1;
is($t->get('/healthz')->{status}, 503, 'it is not healthy yet');

$t->start_redis;
$t->publish('f', $backend->addr);

is($clients[$_]->response->{body}, 'held', "call $_ was held, and is answered")
    for 2 .. 5;

# as the client that has sent it sees it, on the same connection

is($clients[6]->response->{status}, 200, 'so is the next one');
$clients[6]->send_request(GET => '/function/nobody');
is($clients[6]->response->{status}, 404, 'an unknown function is unknown now');
is($clients[7]->response->{status}, 200, 'and the last one');
is(scalar(grep { $_->{path} eq '/echo' } $backend->requests), 6,
    'calls whose clients have gone are not made');

# an empty Redis, and little time

$t->redis('FLUSHALL');
$t->start_nginx(name => 'second', vars => {
    REDIS => $t->redis_addr . ' timeout=100ms' });

my $second = Faas::HTTP->new('127.0.0.1:' . $t->{nginx_all}[1]->port);

$second->send_request(GET => '/function/f');

my $res = $second->response;

is($res->{status}, 503, 'without routes in time: 503');
is($res->{headers}{'retry-after'}, 1, 'and when to try again');
$second->send_request(GET => '/function/f');
is($second->response->{status}, 503, 'the next one is refused');

$t->finish;
