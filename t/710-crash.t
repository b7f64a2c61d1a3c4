#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# A worker of nginx is killed.  If this fails, its calls stay in flight for
# ever (a function then never scales down), a lock stays held and everything
# hangs, or nobody follows the routes any more.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Test;
use Test::More;


my $t = Faas::Test->new(need => [qw(nginx redis-server module)]);
my @backend = map { $t->start_backend(name => "b$_") } 0 .. 1;

$t->start_redis;
$t->publish('echo', map { $_->addr } @backend);
$t->start_nginx(vars => { WORKERS => 3 });
$t->allow_log(qr/worker process \d+ exited on signal 9/);
wait_for(sub { $t->get('/healthz')->{status} == 200 }, 10, 'routes');

sub inflight {
    return $t->get('/metrics')->{body}
        =~ /^gateway_function_invocation_inflight\{[^}]*\} (\d+)$/m ? $1 : -1;
}

# all workers are killed while calls are in flight at both replicas

for my $round (1 .. 3) {
    my @client = map { Faas::HTTP->new($t->addr) } 1 .. 12;
    $_->send_request(GET => '/function/echo/delay/60000') for @client;
    wait_for(sub { inflight() == 12 }, 20, 'twelve calls in flight');

    my %old = map { $_ => 1 } $t->nginx->workers;
    kill 'KILL', keys %old;

    wait_for(sub {
        my @workers = $t->nginx->workers;
        return @workers == 3 && !grep { $old{$_} } @workers;
    }, 20, 'new workers');

    wait_for(sub { inflight() == 0 }, 10, 'nothing in flight');
    pass("round $round: what dead workers had in flight is taken back");

    $_->close for @client;
}

# the replicas' own counts went back too: new calls are spread evenly

my @client = map { Faas::HTTP->new($t->addr) } 1 .. 8;

for my $i (0 .. $#client) {
    $client[$i]->send_request(GET => '/function/echo/delay/700');
    wait_for(sub { inflight() == $i + 1 }, 10, 'the call in flight');
}

my %from;
$from{ $_->response->{headers}{'x-backend'} }++ for @client;
is_deeply(\%from, { b0 => 4, b1 => 4 }, 'replicas are free again');

# one after another, so that the leader is among them; routes are followed

for my $round (1 .. 3) {
    for my $pid ($t->nginx->workers) {
        kill 'KILL', $pid;
        wait_for(sub { scalar($t->nginx->workers) == 3
            && !grep { $_ == $pid } $t->nginx->workers }, 20, 'a new worker');
    }

    $t->publish("after$round", $backend[0]->addr);
    wait_for(sub { $t->get("/function/after$round")->{status} == 200 }, 10,
        'a new route');
    pass("round $round: another worker follows the routes");
}

# under load: only the killed worker's own calls are lost

my $load = $t->start_load(path => '/function/echo', clients => 6,
    check => sub { return });

for my $round (1 .. 5) {
    my $n = $load->requests;
    wait_for(sub { $load->requests > $n + 100 }, 30, 'load');

    my ($pid) = $t->nginx->workers;
    kill 'KILL', $pid;
    wait_for(sub { scalar($t->nginx->workers) == 3
        && !grep { $_ == $pid } $t->nginx->workers }, 20, 'a new worker');
}

my $sum = $load->finish;
my $lost = $sum->{status}{0} // 0;
cmp_ok($lost, '<=', 5 * 6, 'only calls of killed workers are lost');
is($sum->{requests} - ($sum->{status}{200} // 0), $lost,
    'all others are answered with 200');
wait_for(sub { inflight() == 0 }, 10, 'nothing in flight');
pass('nothing is left in flight');

$t->finish;
