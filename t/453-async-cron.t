#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Calls by schedule.  If this fails, a function with a schedule is not called,
# or by each worker, or a call that was missed is made too late or many times.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Test;
use Test::More;


my $t = Faas::Test->new(need => [qw(nginx redis-server module queue)]);
my $fn = $t->start_backend(name => 'fn');

$t->start_redis;
$t->publish($_, $fn->addr) for qw(fn late never);
$t->start_nginx;
wait_for(sub { $t->get('/healthz')->{status} == 200 }, 10, 'routes');

my $minute = int(time / 60) * 60;

sub schedule {
    my ($name, $text, $last) = @_;

    $t->redis(HSET => 'faas:async:ticks', "$name.openfaas-fn", $last)
        if defined $last;
    $t->redis(HSET => 'faas:async:settings', "$name.openfaas-fn",
        qq({"schedule":"$text"}));

    return;
}

sub ticks {
    my ($name) = @_;

    return map { /:(\d+)$/ } @{ $t->redis(KEYS =>
        "faas:async:tick:$name.openfaas-fn:*") };
}

# missed by three minutes: one call, by one of the workers, and the last one
schedule('fn', '* * * * *', $minute - 180);
# missed by more than is caught up with
schedule('late', '0 0 29 2 *', $minute - 86400 * 1000);
# a schedule that is none
schedule('never', 'now and then', $minute - 180);
# and other settings
$t->redis(HSET => 'faas:async:settings', 'other.openfaas-fn', '{"attempts":2}');

my @queues = map { $t->start_queue(name => "queue-$_") } 1 .. 3;

wait_for(sub { ticks('fn') }, 30, 'a call by schedule');
wait_for(sub { $fn->requests }, 10, 'the call');

my ($call) = $fn->requests;

is($call->{method}, 'POST', 'it is a POST');
is($call->{length}, 0, 'without a body');
is($call->{headers}{'x-topic'}, 'cron-function', 'as the connector sends it');
ok(defined $call->{headers}{'x-call-id'}, 'with an id');

# the next minute's, by whichever worker, or one that we were late for
my $due = int(time / 60) * 60 + 60;

wait_for(sub { grep { $_ >= $due } ticks('fn') }, 90, "the next minute's");
wait_for(sub { (() = $fn->requests) >= ticks('fn') }, 10, 'its call');

my @ticks = sort { $a <=> $b } (ticks('fn'));

is(scalar(() = $fn->requests), scalar @ticks, 'one call a tick');
cmp_ok($ticks[0], '>=', $minute, 'of several that were missed, the last');
is($t->redis(HGET => 'faas:async:ticks', 'fn.openfaas-fn'), $ticks[-1],
    'the last is known');
is(scalar ticks('late'), 0, 'what was missed for long is left');
is(scalar ticks('never'), 0, 'a bad schedule calls nothing');
like(slurp($queues[0]->log_file), qr/schedule is of no use.*never/,
    'and is said');

# taken away
$t->redis(HDEL => 'faas:async:settings', 'fn.openfaas-fn');
$_->signal('TERM') for @queues;
wait_for(sub { !grep { $_->running } @queues }, 10, 'the end');

$t->finish;
