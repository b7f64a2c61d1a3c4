#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# A thousand calls are parked, half of the clients go away, a worker is
# killed.  If this fails, places in the queue, counters or memory are lost
# with each of them, until nothing can be parked any more.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Test;
use Test::More;


my $t = Faas::Test->new(need => [qw(nginx redis-server module)]);
my $backend = $t->start_backend;

$t->start_redis;
$t->publish('cold', { queue => 1000 });
$t->publish('other', { queue => 1000 });
$t->start_nginx(vars => { WORKERS => 3, PARK => '60s',
    HTTP_EXTRA => '', MAIN_EXTRA => '' });
$t->allow_log(qr/worker process \d+ exited on signal 9/);
wait_for(sub { $t->get('/healthz')->{status} == 200 }, 10, 'routes');

sub gauge {
    my ($name, $function) = @_;

    return $t->get('/metrics')->{body}
        =~ /^\Q$name\E\{function_name="\Q$function\E\.openfaas-fn"\} (\d+)$/m
        ? $1 : -1;
}

sub left {
    return gauge('faas_function_parked', 'cold')
        + gauge('gateway_function_invocation_inflight', 'cold');
}

# Memory of the zone that is in use, KiB: a file in memory has the blocks that
# were written to.
sub zone_kb {
    for my $fd (glob '/proc/' . $t->nginx->pid . '/fd/*') {
        return (stat $fd)[12] / 2 if (readlink($fd) // '') =~ /memfd:faas_zone/;
    }

    return;
}

sub round {
    my @client = map { Faas::HTTP->new($t->addr) } 1 .. 1000;
    $_->send_request(GET => '/function/cold') for @client;
    wait_for(sub { gauge('faas_function_parked', 'cold') == 1000 }, 30,
        'a thousand parked');

    is($t->get('/function/cold')->{status}, 429, 'the queue is full');

    $_->abort for @client[0 .. 499];
    wait_for(sub { gauge('faas_function_parked', 'cold') == 500 }, 30,
        'half of them');

    my ($pid) = $t->nginx->workers;
    kill 'KILL', $pid;
    wait_for(sub { scalar($t->nginx->workers) == 3
        && !grep { $_ == $pid } $t->nginx->workers }, 20, 'a new worker');

    # those of the killed worker see the end of their connection

    my @alive = @client[500 .. 999];
    wait_for(sub {
        @alive = grep { !$_->is_closed(0) } @alive;
        return gauge('faas_function_parked', 'cold') == @alive;
    }, 20, 'as many parked as clients that wait');
    pass('what the killed worker had parked is taken back');

    $t->publish('cold', { queue => 1000 }, $backend->addr);
    is(scalar(grep { $_->response->{status} == 200 } @alive), scalar @alive,
        'all others go on');
    wait_for(sub { left() == 0 }, 20, 'nothing left');
    pass('nothing is left parked or in flight');
    $_->close for @client;

    $t->publish('cold', { queue => 1000 });
    wait_for(sub { gauge('gateway_service_count', 'cold') == 0 }, 10, 'route');

    return;
}

round();
round();

my $before = zone_kb();
round();
round();
cmp_ok(zone_kb(), '<=', $before, 'the zone has not grown');

# the queue has its whole length

my @client = map { Faas::HTTP->new($t->addr) } 1 .. 1000;
$_->send_request(GET => '/function/cold') for @client;
wait_for(sub { gauge('faas_function_parked', 'cold') == 1000 }, 30,
    'a thousand parked');
pass('no place in the queue is lost');
$_->close for @client;
wait_for(sub { left() == 0 }, 20, 'nothing left');

printf "figure parked_leaked %d\n", left();

$t->finish;
