#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Parts are restarted and killed while functions are called.  If this fails,
# an upgrade, a crash or a scale-down costs somebody's call.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Test;
use Test::More;


my $t = Faas::Test->new(need => [qw(nginx redis-server module scaler watchdog
    samples)]);

# the numbers of replicas are this test's

my @by_hand = ('--scale-by-load', 'false');

$t->start_stack(scaler => { args => ['--stop-timeout', '3s', @by_hand] });
$t->deploy('hello-node', labels => { 'com.openfaas.scale.min' => '2' });
$t->deploy('wordcount');
$t->wait_available('hello-node', 2);

sub load_of {
    my ($path, %opt) = @_;

    my $load = $t->start_load(path => $path, clients => 4, %opt);

    wait_for(sub { $load->requests > 50 }, 30, 'some load');

    return $load;
}

sub more {
    my ($load, $n) = @_;

    my $now = $load->requests;

    wait_for(sub { $load->requests > $now + $n }, 60, 'more load');

    return;
}

sub no_failure {
    my ($load, $name) = @_;

    my $sum = $load->finish;

    is($sum->{failed}, 0, "$name: no call failed")
        or diag(join "\n", @{ $sum->{errors} });

    return $sum;
}

# the same where a process of each call is killed: an answer that had begun is
# cut, which the client sees, and nobody can mend
sub no_failure_but_cut {
    my ($load, $name) = @_;

    my $sum = $load->finish;
    my @other = grep { !/answer cut short/ } @{ $sum->{errors} };

    is(scalar @other, 0, "$name: no call failed that had not begun to answer")
        or diag(join "\n", @other);

    return $sum;
}

# nginx reloads

my $load = load_of('/function/hello-node');

for (1 .. 2) {
    $t->nginx->reload;
    more($load, 100);
}

no_failure($load, 'two reloads of nginx');

# a replica is killed

$load = load_of('/function/hello-node');

for my $round (1 .. 4) {
    my ($victim) = $t->replica_pids('hello-node');

    kill 'KILL', $victim;
    wait_for(sub { my @w = $t->replica_pids('hello-node');
        @w == 2 && !grep { $_ == $victim } @w }, 20, 'another one');
    more($load, 100);
}

no_failure($load, 'replicas killed by SIGKILL');

# the only replica is killed

$load = load_of('/function/wordcount', method => 'GET');

for my $round (1 .. 3) {
    my ($victim) = $t->replica_pids('wordcount');

    kill 'KILL', $victim;
    wait_for(sub { my @w = $t->replica_pids('wordcount');
        @w == 1 && $w[0] != $victim }, 20, 'another one');
    more($load, 20);
}

no_failure_but_cut($load, 'the only replica killed');

# scaled up and down, updated

$load = load_of('/function/hello-node');

for my $n (4, 1, 3, 2) {
    $t->admin(POST => '/system/scale-function/hello-node',
        { replicas => $n });
    wait_for(sub { $t->replica_pids('hello-node') == $n }, 30, "$n replicas");
    more($load, 100);
}

no_failure($load, 'scaled up and down');

$load = load_of('/function/hello-node');

for my $round (1 .. 3) {
    my %old = map { $_ => 1 } $t->replica_pids('hello-node');

    $t->admin(PUT => '/system/functions', { service => 'hello-node',
        image => 'hello-node', envProcess => 'node handler.js',
        labels => { 'com.openfaas.scale.min' => '2' },
        envVars => { mode => 'http', round => "$round" } });
    wait_for(sub { my @w = $t->replica_pids('hello-node');
        @w == 2 && !grep { $old{$_} } @w }, 30, 'new replicas');
    more($load, 100);
}

no_failure($load, 'updated');

# Redis is restarted, empty

$load = load_of('/function/hello-node');
$t->redis_proc->stop;
more($load, 200);
$t->start_redis;
wait_for(sub { $t->get('/metrics')->{body} =~ /^faas_redis_up 1$/m }, 15,
    'Redis');
wait_for(sub { @{ $t->redis('HKEYS', 'faas:routes') } == 2 }, 15, 'routes');
more($load, 100);
no_failure($load, 'Redis restarted without its data');

wait_for(sub {
    my $count = json_of($t->admin(GET => '/system/function/hello-node'));
    my ($total) = $t->get('/metrics')->{body} =~
        /^gateway_function_invocation_started\{\S+hello-node\S+\} (\d+)$/m;

    return $count->{invocationCount} == $total;
}, 15, 'the counters');
pass('counters have caught up');

# the scaler is killed: functions go on, and the next one takes them over

my @old = sort($t->replica_pids);
is(scalar @old, 3, 'three replicas run');
$load = load_of('/function/hello-node');

for my $round (1 .. 5) {
    $t->scaler->crash;
    more($load, 100);
    $t->start_scaler(args => [@by_hand]);
    more($load, 50);
}

no_failure($load, 'the scaler is killed five times');
is_deeply([sort($t->replica_pids)], \@old, 'the replicas are the same');
$t->wait_available('hello-node', 2);
$t->wait_available('wordcount', 1);
kill 'KILL', @old;
wait_for(sub {
    my @new = $t->replica_pids;

    return @new == 3 && !grep { my $pid = $_; grep { $pid == $_ } @old } @new;
}, 30, 'three new ones');
pass('what it has taken over is started again where it ends');
wait_for(sub { $t->get('/function/hello-node')->{status} == 200 }, 10,
    'hello-node');
is($t->post('/function/wordcount', 'a b')->{status}, 200, 'it is called');

# the scaler is stopped in order

@old = $t->replica_pids;
$t->scaler->stop;
ok(!(grep { alive($_) } @old), 'a scaler that is stopped leaves no process');

$t->start_scaler(args => [@by_hand]);
$t->wait_available('hello-node', 2);
is(json_of($t->admin(GET => '/system/functions'))->[1]{name} ? 1 : 0, 1,
    'both functions are still deployed');

# nginx is stopped and started

$t->nginx->stop(signal => 'QUIT');
$t->nginx->start;
wait_for(sub { $t->get('/function/hello-node')->{status} == 200 }, 10,
    'the route');
pass('nginx started again');

$t->finish;
