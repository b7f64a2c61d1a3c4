#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# max_inflight over several workers, and the order of those that wait.  If
# this fails, a function gets more calls at a time than it can stand, places
# stay empty while calls wait, or a call waits while later ones go first.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Counter;
use Faas::Test;
use Test::More;


my $t = Faas::Test->new(need => [qw(nginx redis-server module)]);

sub counter {
    my ($name) = @_;

    return Faas::Counter->start(dir => $t->dir, name => $name,
        addr => 'unix:' . $t->dir . "/$name.sock");
}

my @one = map { counter("one$_") } 1;
my @many = map { counter("many$_") } 1 .. 5;

$t->start_redis;
$t->publish('one', { max_inflight => 1 }, map { $_->addr } @one);
$t->publish('many', { max_inflight => 3 }, map { $_->addr } @many);
$t->start_nginx(vars => { WORKERS => 4 });
$t->allow_log(qr/worker process \d+ exited on signal 9/);
wait_for(sub { $t->get('/function/one')->{status} == 200 }, 10, 'routes');

sub gauge {
    my ($name, $function) = @_;

    return $t->get('/metrics')->{body}
        =~ /^\Q$name\E\{function_name="\Q$function\E\.openfaas-fn"\} (\d+)$/m
        ? $1 : -1;
}

sub parked { return gauge('faas_function_parked', $_[0]); }

# the order: one place, clients that come one after another

my $first = Faas::HTTP->new($t->addr);
$first->send_request(GET => '/function/one/first?ms=1000');
wait_for(sub { $one[0]->counts->{all} == 2 }, 10, 'the first call');

my @client;

for my $i (1 .. 24) {
    push @client, Faas::HTTP->new($t->addr);
    $client[-1]->send_request(GET => "/function/one/$i");
    wait_for(sub { parked('one') == $i }, 10, "$i parked");
}

is($_->response->{status}, 200, 'answered') for $first, @client;
is_deeply([@{ $one[0]->counts->{paths} }[2 .. 25]], [map { "/$_" } 1 .. 24],
    'over all workers they go in the order in which they came');
is($one[0]->counts->{most}, 1, 'one at a time');

# a worker that does not take its turn loses it

my %by;                         # clients by worker

wait_for(sub {
    my @new = map { Faas::HTTP->new($t->addr) } 1 .. 16;
    $_->request(GET => '/healthz') for @new;
    push @{ $by{ $t->nginx->worker_of($_) } }, $_ for @new;
    return 2 <= grep { @$_ >= 2 } values %by;
}, 20, 'clients of two workers');

my ($stopped, $running) = grep { @{ $by{$_} } >= 2 } keys %by;

@client = ($by{$running}[0], $by{$stopped}[0], $by{$running}[1]);
$client[0]->send_request(GET => '/function/one/long?ms=2000');
wait_for(sub { $one[0]->counts->{all} == 27 }, 10, 'the long call');
$client[1]->send_request(GET => '/function/one/stopped');
wait_for(sub { parked('one') == 1 }, 10, 'one parked');
$client[2]->send_request(GET => '/function/one/running');
wait_for(sub { parked('one') == 2 }, 10, 'two parked');
kill 'STOP', $stopped;
is($client[2]->response->{status}, 200, 'the worker that runs goes on');
kill 'CONT', $stopped;
is($_->response->{status}, 200, 'answered') for @client[0, 1];
is_deeply([@{ $one[0]->counts->{paths} }[26 .. 28]],
    ['/long?ms=2000', '/running', '/stopped'], 'in place of the one that is');

# load: never more than max_inflight, and all of it is used

my $load = $t->start_load(path => '/function/many/?from=0&to=4',
    clients => 40, requests => 150);
my $sum = $load->wait;
is($sum->{ok}, 40 * 150, 'all calls are answered')
    or diag(join "\n", @{ $sum->{errors} });
is_deeply([map { $_->counts->{most} } @many], [(3) x 5],
    'each replica had three at a time, never more');
my $all = 0;
$all += $_->counts->{all} for @many;
is($all, 40 * 150, 'each call was made once');

# under load workers are killed, replicas come and go

$load = $t->start_load(path => '/function/many/?from=0&to=4', clients => 30,
    check => sub { return });

for my $round (1 .. 4) {
    my $n = $load->requests;
    wait_for(sub { $load->requests > $n + 200 }, 30, 'load');
    $t->publish('many', { max_inflight => 3 },
        map { $_->addr } @many[0 .. $round - 1]);

    my ($pid) = $t->nginx->workers;
    kill 'KILL', $pid;
    wait_for(sub { scalar($t->nginx->workers) == 4
        && !grep { $_ == $pid } $t->nginx->workers }, 20, 'a new worker');
}

$sum = $load->finish;
is($sum->{requests} - ($sum->{status}{200} // 0), $sum->{status}{0} // 0,
    'only calls of killed workers are lost');
wait_for(sub { parked('many') == 0
    && gauge('gateway_function_invocation_inflight', 'many') == 0 }, 10,
    'none');

# every place can be had afterwards

$t->publish('many', { max_inflight => 3 }, map { $_->addr } @many);
wait_for(sub { gauge('gateway_service_count', 'many') == 5 }, 10, 'route');
@client = map { Faas::HTTP->new($t->addr) } 1 .. 16;
$_->send_request(GET => '/function/many/?ms=3000') for @client;
wait_for(sub { parked('many') == 1
    && gauge('gateway_function_invocation_inflight', 'many') == 15 }, 10,
    'fifteen in flight, and one parked');
pass('no place was lost with the workers');
is($_->response->{status}, 200, 'answered') for @client;

$t->finish;
