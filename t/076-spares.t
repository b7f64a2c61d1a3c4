#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Processes that the scaler makes before a replica needs them.  If this fails,
# they are left behind by a scaler that has ended, hold its lock, or a replica
# is lost where one of them was.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::HTTP qw(json_of);
use Faas::Proc;
use Faas::Test;
use Test::More;

use constant {
    WAIT   => 60,
    ROUNDS => 10,
};

my $t = Faas::Test->new(need => [qw(module nginx redis-server scaler watchdog
    samples)]);

$t->start_stack;

# Children of the scaler that are no replica.
sub spares {
    my %replica = map { $_ => 1 } $t->replica_pids;

    my @spares = grep { !$replica{$_}
        && Faas::Proc::proc_state($_) !~ /^Z?$/
        && (slurp("/proc/$_/comm") // '') =~ /^faas-scaler$/ }
        Faas::Proc::descendants($t->scaler->pid);

    return @spares;
}

sub wait_spares {
    my ($n) = @_;

    my @spares;

    wait_for(sub { (@spares = spares()) == $n }, WAIT, "$n spares");

    return @spares;
}

sub is_gone {
    my ($what, @pids) = @_;

    ok(wait_for(sub { !grep { Faas::Proc::proc_state($_) !~ /^Z?$/ } @pids },
        WAIT, 'their end'), $what);

    return;
}

sub scale {
    my ($name, $n) = @_;

    is($t->scaler_api(POST => "/system/scale-function/$name",
        { serviceName => $name, replicas => $n })->{status}, 202,
        "$name is scaled to $n");
    wait_for(sub { $t->replica_pids($name) == $n
        && (json_of($t->scaler_api(GET => "/system/function/$name"))
            ->{availableReplicas} // 0) == $n }, WAIT, "$n replicas");

    return;
}

is($t->scaler_api(POST => '/system/functions', { service => 'fn',
    image => 'wordcount', envProcess => './wordcount' })->{status}, 202,
    'a function');
wait_for(sub { $t->post('/function/fn', 'a')->{status} == 200 }, WAIT,
    'an answer');

subtest 'a replica takes a spare, and another one is made' => sub {
    my ($before, $other) = wait_spares(2);

    scale('fn', 2);
    my %replica = map { $_ => 1 } $t->replica_pids('fn');
    ok($replica{$before} || $replica{$other}, 'it is the replica now');
    scale('fn', 9);
    is(scalar $t->replica_pids('fn'), 9, 'more than there are spares for');
    wait_spares(2);
    pass('there are two again');
};

subtest 'it has nothing of the scaler' => sub {
    my ($pid) = wait_spares(2);

    is_deeply([sort map { s{.*/}{}r } glob "/proc/$pid/fd/*"], [0 .. 3],
        'no descriptor but a socket');
    is((stat "/proc/$pid/root/")[1], (stat '/')[1], 'it is not a replica yet');
    unlike(slurp("/proc/$pid/status"), qr/^NSpid:\s+\d+$/m,
        'it has its own processes') if $> == 0;
};

subtest 'spares that are killed' => sub {
    for my $round (1 .. ROUNDS) {
        kill KILL => spares();
        scale('fn', 1 + $round % 2);
    }

    pass('no replica is lost');
    kill KILL => my @killed = spares();
    is_gone('they are collected', @killed);
    scale('fn', 3);
    is($t->post('/function/fn', 'a')->{status}, 200, 'and it answers');
};

subtest 'a scaler that is killed' => sub {
    $t->scaler->crash;
    $t->start_scaler;

    my @spares = wait_spares(2);

    pass('the next one has the lock at once');

    for (1 .. ROUNDS) {
        $t->scaler->crash;
        is_gone('its spares end', @spares);
        $t->start_scaler;
        @spares = wait_spares(2);
    }

    is(scalar $t->replica_pids('fn'), 3, 'replicas go on');
};

subtest 'a scaler that ends' => sub {
    my @spares = wait_spares(2);

    $t->scaler->stop;
    is($t->scaler->status, 0, 'exit status');
    is_gone('its spares end with it', @spares);
};

subtest 'no spares' => sub {
    $t->start_scaler(args => ['--spares', 0]);
    wait_for(sub { $t->post('/function/fn', 'a')->{status} == 200 }, WAIT,
        'an answer');
    scale('fn', 5);
    is(scalar spares(), 0, 'there are none, and replicas start');
    $t->scaler->stop;
    $t->start_scaler(args => ['--spares', 0, '--isolation', 'off']);
    scale('fn', 2);
    is($t->post('/function/fn', 'a')->{status}, 200, 'nor isolation');
};

$t->finish;
