#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# What functions of a Swarm use of the machine.  If this fails, nobody sees
# which of them eats the node's memory, or sees a part of it for the whole.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Faas::Docker;
use Faas::HTTP;
use Faas::Swarm;
use Faas::Test;
use Test::More;

use constant WAIT => 120;


my $t = Faas::Test->new(need => [qw(root nginx redis-server module scaler
    watchdog dockerd debootstrap)]);
my $docker = Faas::Docker->start($t, nodes => 2);

$docker->step('image', sub {
    $docker->function_image('busy:1', env => { mode => 'classic',
        fprocess => 'awk BEGIN{for(i=0;i<3000000;i++)s+=i}' });
});
$docker->inside;

my $metrics = 'unix:' . $t->dir . '/metrics.sock';

$t->start_stack(scaler => { args => ['--provider', 'swarm', '--docker',
    $docker->address, '--metrics-listen', $metrics] });

my $swarm = Faas::Swarm->new($t, $docker);

sub usage {
    my ($name) = @_;

    return json_of($t->admin(GET => "/system/function/$name?usage=1"))
        ->{usage};
}

# What the metrics say of it, a number; undef where they say nothing.
sub metric {
    my ($name, $function) = @_;

    return http(GET => $metrics, '/metrics')->{body}
        =~ /^\Q$name\E\{function_name="\Q$function\E\.openfaas-fn"\} (\S+)$/m
        ? $1 : undef;
}

sub deploy {
    my ($name, $role) = @_;

    my $res = $t->admin(POST => '/system/functions', { service => $name,
        image => 'busy:1', constraints => ["node.role == $role"] });

    is($res->{status}, 202, "deploy of $name");
    wait_for(sub { $swarm->available($name) == 1 }, WAIT, "$name");

    return;
}

deploy('near', 'manager');
deploy('far', 'worker');

$docker->step('usage', sub {
    wait_for(sub { (metric('faas_function_memory_bytes', 'near') // 0) > 0 },
        WAIT, 'memory of a function on this node');
    pass('memory of a function on this node is known');

    my $before = metric('faas_function_cpu_seconds_total', 'near');

    wait_for(sub {
        $t->get('/function/near');

        return metric('faas_function_cpu_seconds_total', 'near')
            > $before + 0.1;
    }, WAIT, 'CPU time that grows');
    pass('its CPU time grows with its calls');

    my $usage = wait_for(sub {
        $t->get('/function/near');

        my $now = usage('near');

        return $now->{cpu} > 0 ? $now : undef;
    }, WAIT, 'cores in use');

    cmp_ok($usage->{totalMemoryBytes}, '>', 0,
        'the admin API says the same, and how many cores it uses');
});

is(metric('faas_function_memory_bytes', 'far'), undef,
    'of another node nothing is said');
is(usage('far'), undef, 'nor by the admin API');

# what has gone was used all the same

my $spent = metric('faas_function_cpu_seconds_total', 'near');

$docker->step('gone', sub { $swarm->scale('near', 0) });
cmp_ok(metric('faas_function_cpu_seconds_total', 'near'), '>=', $spent,
    'CPU time does not fall with a replica');
is(metric('faas_function_memory_bytes', 'near'), 0, 'memory does');

$docker->stop;
$t->finish;
