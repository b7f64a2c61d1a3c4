#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The tests of the API against Docker Swarm: the same files as for processes,
# on one Swarm.  If this fails, the admin API answers for services of the Swarm
# otherwise than for processes, or than docs/openapi.yaml says.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Faas::Docker;
use Faas::Proc qw(run_command);
use Faas::Test;
use Test::More;

use constant TIMEOUT => 300;    # seconds, of each

my @tests = (
    ['067-api-contract'],
    ['066-clients'],
    ['068-api-random', FAAS_ROUNDS => 1, FAAS_MUTATIONS => 10],
);

my $t = Faas::Test->new(need => [qw(root nginx redis-server module scaler
    watchdog samples dockerd debootstrap)]);
my $docker = Faas::Docker->start($t);

for my $test (@tests) {
    my ($name, %env) = @$test;
    my $res = $docker->step($name, sub {
        return run_command(['perl', $t->root . "/t/$name.t"],
            timeout => TIMEOUT, log => $t->dir . "/$name.out",
            env => { %env, FAAS_PROVIDER => 'swarm',
                FAAS_SWARM => $docker->description });
    });

    # what is said of it, beside what is well

    diag($res->{output} =~ s/^ *(?:ok|#\s*Subtest:) .*\n//gmr)
        if $res->{status} != 0;
    note($_) for $res->{output} =~ /^# (FAAS_SEED=.*)/mg;
    is($res->{status}, 0, $name);
    is($docker->docker(qw(service ls -q)), '', 'it leaves nothing');
}

$docker->stop;
$t->finish;
