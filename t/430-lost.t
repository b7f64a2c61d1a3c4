#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Replicas of a node that is gone: nothing comes from them, not even the end of
# a connection.  If this fails, calls that are there wait for an answer until
# proxy_read_timeout, in place of being answered by another replica.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Test;
use IO::Socket::INET;
use Test::More;


my $t = Faas::Test->new(need => [qw(nginx redis-server module)]);
my ($gone, $other) = map { $t->start_backend(name => $_) } qw(gone other);

$t->start_redis;
$t->publish('f', $gone->addr);
$t->start_nginx(vars => { WORKERS => 2, PARK => '30s' });
wait_for(sub { $t->get('/healthz')->{status} == 200 }, 10, 'routes');

# gates that calls wait at; those of the other one are open
$t->spew($t->dir . "/other.$_", '') for qw(never once);

# Sends a request, and waits until the replica that is lost then has it.
sub at_gone {
    my ($method, $path, $body) = @_;

    my $before = () = $gone->requests;
    my $client = Faas::HTTP->new($t->addr);

    $client->send_request($method => "/function/f$path", {}, $body);
    wait_for(sub { (() = $gone->requests) == $before + 1 }, 10,
        'the request at a replica');

    return $client;
}

sub applied {
    my ($rev) = @_;

    wait_for(sub {
        return ($t->redis('HGET', 'faas:load:' . gateway(), '*') // 0) >= $rev;
    }, 10, 'change applied');

    return;
}

sub gateway { return $t->redis('ZRANGE', 'faas:gateways', 0, 0)->[0]; }

sub inflight {
    return $t->get('/metrics')->{body} =~
        /^gateway_function_invocation_inflight\{[^}]*"f\.openfaas-fn"\} (\d+)$/m
        ? $1 : -1;
}

# a replica that is taken out, but not lost, answers what it has

my $client = at_gone(GET => '/?gate=once');

applied($t->publish('f', $other->addr));
is($t->get('/function/f')->{headers}{'x-backend'}, 'other',
    'calls go to the other replica');
$t->spew($t->dir . '/gone.once', '');
is($client->response->{headers}{'x-backend'}, 'gone',
    'a replica that was taken out answers what it has');

# one that is lost; with both workers

applied($t->publish('f', $gone->addr));

my @clients = map { at_gone(GET => "/$_?gate=never") } 1 .. 8;
my $put = at_gone(PUT => '/?gate=never', 'x');
my $post = at_gone(POST => '/?gate=never', 'x');
my $stream = at_gone(GET => '/chunked/2/3600000');

$t->publish('f', { lost => ['f-1'] }, $other->addr);

my %from;
$from{ $_->response->{headers}{'x-backend'} // 'nobody' }++ for @clients;
is_deeply(\%from, { other => 8 }, 'calls at a lost replica go to another one');
is($put->response->{headers}{'x-backend'}, 'other', 'so does one with a body');

my $res = $post->response;
my $error = json_of($res) // {};

is($res->{status}, 502, 'one that may not be sent twice: 502');
like($error->{error}, qr/replica was lost/, '... which says why');
is($error->{hop}, 'replica', '... and who');
is($error->{replica}, 'f-1', '... in fact');

isnt($stream->response->{error} // '', '', 'an answer that has begun is cut');
wait_for(sub { inflight() == 0 }, 10, 'no call in flight');
pass('nothing counts as in flight');

# without another one

applied($t->publish('f', $gone->addr));
@clients = map { at_gone(GET => "/$_?gate=never") } 1 .. 2;
applied($t->publish('f', { lost => ['f-1'], replicas => 1 }));
is(inflight(), 0, 'calls of a lost replica wait for the next one');
$t->publish('f', $other->addr);
is($_->response->{headers}{'x-backend'}, 'other', 'and get its answer')
    for @clients;

# one that does not even answer connections: its queue is full

my $silent = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 0)
    or die "cannot listen: $!\n";
my $addr = '127.0.0.1:' . $silent->sockport;
my @fill = map {
    IO::Socket::INET->new(PeerAddr => $addr, Blocking => 0)
} 1 .. 4;

applied($t->publish('f', $addr));
@clients = map { Faas::HTTP->new($t->addr) } 1 .. 4;
$_->send_request(GET => '/function/f') for @clients;
wait_for(sub { inflight() == 4 }, 10, 'connecting');
$t->publish('f', { lost => ['f-1'] }, $other->addr);
is($_->response->{headers}{'x-backend'}, 'other',
    'one that was connecting goes to another replica') for @clients;

$t->finish;
