#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The number of replicas by the load on a real Swarm, with two scalers of which
# one decides.  If this fails, a function of a Swarm gets more or fewer
# replicas than its calls need, loses calls when it gets them or gives them up,
# or is scaled by two that do not know of one another.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Faas::Docker;
use Faas::HTTP;
use Faas::Proc qw(spawn);
use Faas::Swarm;
use Faas::Test;
use Test::More;

use constant {
    WAIT   => 120,
    CYCLES => 6,
};

my $t = Faas::Test->new(need => [qw(root nginx redis-server module scaler
    watchdog dockerd debootstrap)]);
my $docker = Faas::Docker->start($t);

$docker->step('image', sub {
    $docker->function_image('echo:1', env => { fprocess => 'cat',
        mode => 'classic' });
    $docker->function_image('slow:1', env => { fprocess => 'sleep 0.2',
        mode => 'classic' });
});
$docker->inside;

my @args = ('--provider', 'swarm', '--docker', $docker->address,
    '--log-level', 'info', '--scale-stable-window', '6s',
    '--scale-panic-window', '1s', '--scale-down-window', '3s');

$t->start_stack(scaler => { args => \@args },
    nginx => { vars => { PARK => '60s' } });

my $swarm = Faas::Swarm->new($t, $docker);
my $other_addr = 'unix:' . $t->dir . '/other.sock';
my $other_log = $t->dir . '/other.log';
my $other = spawn(name => 'the other scaler', log => $other_log,
    env => Faas::Test::san_env(), cmd => [$t->build . '/faas-scaler',
    '--listen', $other_addr, '--redis', $t->redis_addr, @args]);

wait_for(sub { http(GET => $other_addr, '/healthz')->{status} == 200 }, 30,
    'the other scaler');

sub deploy {
    my ($name, $image, $env, %label) = @_;

    my $res = $t->admin(POST => '/system/functions', { service => $name,
        image => $image, envVars => $env, labels => { map {
            ("com.openfaas.scale.$_" => "$label{$_}") } keys %label } });

    is($res->{status}, 202, "deploy of $name");
    wait_for(sub { $t->post("/function/$name", 'x')->{status} == 200 }, WAIT,
        "an answer of $name");

    return;
}

sub wanted { return $swarm->function($_[0])->{replicas} // -1; }

sub all_well {
    my ($sum, $what) = @_;

    is($sum->{failed}, 0, "$what: of $sum->{requests} calls none has failed")
        or diag(join "\n", @{ $sum->{errors} });

    return;
}

sub decisions {
    my ($log) = @_;

    return grep { /scaling function=/ } split /\n/, slurp($log) // '';
}

# a step of load up and down, by calls in flight, as the function has a bound

deploy('slow', 'slow:1', { max_inflight => '2' }, max => 5);

$docker->step('step', sub {
    my $load = $t->start_load(path => '/function/slow', clients => 8,
        timeout => 60);

    wait_for(sub { wanted('slow') >= 4 && $swarm->available('slow') >= 4 },
        WAIT, 'replicas for the load');
    pass('a step of load is met');
    all_well($load->finish, 'step');
    wait_for(sub { wanted('slow') == 1 && $swarm->available('slow') == 1 },
        WAIT, 'one');
    pass('and its end is seen');
});

# to zero and back, calls coming at random

deploy('echo', 'echo:1', {}, zero => 'true', 'zero-duration' => '1s');

$docker->step('zero', sub {
    for my $cycle (1 .. CYCLES) {
        wait_for(sub { wanted('echo') == 0 }, WAIT, 'none');

        # at once, or while the last one ends, or when it has ended
        select undef, undef, undef, rand 2;

        my $res = $t->post('/function/echo', "cycle $cycle");

        is($res->{body}, "cycle $cycle", "cycle $cycle: the call is answered");
    }
});

# the one that leads is killed under load

my $load = $t->start_load(path => '/function/slow', clients => 8,
    timeout => 60);

wait_for(sub { $swarm->available('slow') >= 4 }, WAIT, 'replicas');
is(scalar decisions($other_log), 0, 'the other one has decided nothing');
$t->scaler->crash;

my $n = $load->requests;
wait_for(sub { json_of(http(GET => $other_addr, '/system/info'))
    ->{scaler}{leader} }, 30, 'another leader');
wait_for(sub { $load->requests > $n + 200 }, WAIT, 'calls');
pass('the other one leads');

my @tasks = $swarm->tasks('slow');
cmp_ok(scalar @tasks, '>=', 4, 'nothing was taken away meanwhile');
all_well($load->finish, 'leader killed');
wait_for(sub { @tasks = $swarm->tasks('slow'); return @tasks == 1 }, WAIT,
    'one');
cmp_ok(scalar decisions($other_log), '>=', 1, 'and decides');
is($t->post('/function/echo', 'again')->{body}, 'again',
    'a call of none is answered by what it starts');

$other->stop;
$docker->stop;
$t->finish;
