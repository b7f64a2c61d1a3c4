#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Asynchronous calls that go to Redis together.  If this fails, calls of a busy
# gateway are lost or doubled, one that Redis refuses takes others with it,
# sums are wrong, or each call costs Redis what all of them could.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::AsyncCall;
use Faas::HTTP;
use Faas::Test;
use Test::More;


my $t = Faas::Test->new(need => [qw(nginx redis-server module)]);

$t->start_redis;
$t->publish($_) for qw(a b broken);
$t->start_nginx(vars => { WORKERS => 1, HTTP_EXTRA =>
    'faas_async_queue 5000 bytes=1g;' });
wait_for(sub { $t->get('/healthz')->{status} == 200 }, 10, 'routes');

sub call_of { return Faas::AsyncCall::call_of($t, @_); }
sub queued { return Faas::AsyncCall::queued($t, @_); }

sub total { return $t->redis('HGET', 'faas:async:totals', $_[0]) // 0; }

sub depth { return $t->redis('HGET', 'faas:depth', "$_[0].openfaas-fn") // 0; }

# how often a command was run since the last time it was asked
my %ran;

sub ran {
    my ($command) = @_;

    my ($n) = $t->redis('INFO', 'commandstats')
        =~ /^cmdstat_$command:calls=(\d+)/m;
    my $since = ($n // 0) - ($ran{$command} // 0);

    $ran{$command} = $n // 0;

    return $since;
}

# Sends calls, [name, body], each on a connection of its own, while Redis stands
# still; returns the answers.
sub at_once {
    my (@calls) = @_;

    my @client = map { Faas::HTTP->new($t->addr) } @calls;

    # one is under way, and the others gather
    my $first = Faas::HTTP->new($t->addr);

    $t->redis_proc->signal('STOP');
    $first->send_request(POST => '/async-function/a', {}, 'first');
    is($t->get('/healthz')->{status}, 200, 'it has come');

    for my $i (0 .. $#calls) {
        $client[$i]->send_request(POST => "/async-function/$calls[$i][0]", {},
            $calls[$i][1]);
    }

    # another one that is answered has come behind them
    is($t->get('/healthz')->{status}, 200, 'all are there');
    $t->redis_proc->signal('CONT');
    is($first->response->{status}, 202, 'the first is accepted');

    return map { $_->response } @client;
}

# what there is to know before a call may go without a script

is($t->post('/async-function/a', '')->{status}, 202, 'one before');
ran($_) for qw(exec publish);

# many, of two functions: each of them once, by few transactions

my @calls = map { [$_ % 3 ? 'a' : 'b', "body $_"] } 1 .. 150;
my %before = map { $_ => total($_) } qw(calls bytes);
my @answers = at_once(@calls);
my @id = map { $_->{headers}{'x-call-id'} } @answers;
my %id = map { $_ => 1 } @id;

is(scalar(grep { $_->{status} == 202 } @answers), 150, 'all are accepted');
is(scalar(keys %id), 150, 'under ids of their own');
is_deeply([map { call_of($_)->{b} } @id], [map { $_->[1] } @calls],
    'each is there, as it was');
is_deeply([map { call_of($_)->{f} } @id],
    [map { "$_->[0].openfaas-fn" } @calls], 'for its function');
is(scalar(grep { $id{$_} } queued('a')), 100, 'once in the one queue');
is(scalar(grep { $id{$_} } queued('b')), 50, 'and in the other');
is(depth('a'), 102, 'as its depth says');
is(depth('b'), 50, 'and the other');
is(total('calls') - $before{calls}, 151, 'they are counted');

my $size = 0;

$size += $t->redis('STRLEN', $_)
    for @{ $t->redis('KEYS', 'faas:async:request:*') };
is(total('bytes'), $size, 'with all their bytes');
is(ran('exec'), 4, 'transactions: the first, two of 64, the rest');
is(ran('publish'), 7, 'a bell for each function in each');

# the client that goes has had no answer; what it asked for is done all the same

my $gone = Faas::HTTP->new($t->addr);

$t->redis_proc->signal('STOP');
$gone->send_request(POST => '/async-function/b', {}, 'gone');
wait_for(sub { $t->nginx->worker_of($gone) }, 10, 'a call');
is($t->get('/healthz')->{status}, 200, 'it has come');
$gone->close;
$t->redis_proc->signal('CONT');
wait_for(sub { depth('b') == 51 }, 10, 'the call whose client is gone');
is(call_of((queued('b'))[-1])->{b}, 'gone', 'it is done');
ran('exec');

# large ones: no more than two at a time

@answers = at_once(map { ['a', $_ x 200_000] } 1 .. 6);
is(scalar(grep { $_->{status} == 202 } @answers), 6, 'large ones');
is_deeply([map { substr call_of($_->{headers}{'x-call-id'})->{b}, 0, 1 }
    @answers], [1 .. 6], 'in order');
cmp_ok(ran('exec'), '>=', 4, 'in pieces');

# what is wrong with one is no other's business

$t->redis(SET => 'faas:async:q:broken.openfaas-fn', 'x');
@answers = at_once(map { [$_ % 4 ? 'b' : 'broken', "mixed $_"] } 1 .. 40);
is_deeply([map { $_->{status} } @answers],
    [map { $_ % 4 ? 202 : 503 } 1 .. 40], 'only those fail that are wrong');
cmp_ok(scalar($t->nginx->log_lines(
    qr/refuses asynchronous calls \("WRONGTYPE/)), '>=', 1, 'why is logged');
is(scalar(grep { call_of($_)->{b} =~ /^mixed/ } queued('b')), 30,
    'the others are there');

# those that need a script leave room for the others, as many as they are

my @script = map { Faas::HTTP->new($t->addr) } 1 .. 900;

$t->redis_proc->signal('STOP');
$script[$_]->send_request(POST => '/async-function/a',
    { 'x-call-id' => "script-$_" }, 'script') for 0 .. $#script;
is($t->get('/healthz')->{status}, 200, 'many scripts');

my @plain = map { Faas::HTTP->new($t->addr) } 1 .. 70;

$_->send_request(POST => '/async-function/a', {}, 'plain') for @plain;
is($t->get('/healthz')->{status}, 200, 'and calls without');
$t->redis_proc->signal('CONT');
is(scalar(grep { $_->response->{status} == 202 } @plain), 70, 'are accepted');
is(scalar(grep { $_->response->{status} == 202 } @script), 900, 'as they are');

# Redis refuses all of them, or is lost

$t->redis(qw(CONFIG SET maxmemory 1));
@answers = map { $t->post('/async-function/a', 'x') } 1 .. 3;
is_deeply([map { $_->{status} } @answers], [(503) x 3], 'no memory');
$t->redis(qw(CONFIG SET maxmemory 0));

my $n = queued('a');
my @client = map { Faas::HTTP->new($t->addr) } 1 .. 100;

$t->redis_proc->signal('STOP');
$_->send_request(POST => '/async-function/a', {}, 'lost') for @client;
@answers = map { $_->response } @client;
is_deeply([map { $_->{status} } @answers], [(503) x 100],
    'Redis stands still: those under way and those that wait');
$t->redis_proc->signal('CONT');
wait_for(sub { $t->post('/async-function/a', 'again')->{status} == 202 }, 20,
    'Redis');
cmp_ok(scalar(queued('a')) - $n, '<=', 65 + 20,
    'what was not sent is not done later');

$t->finish;
