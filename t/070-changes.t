#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Many changes at once, and a scaler that is killed among them.  If this fails,
# clients see answers that contradict one another, what was answered is lost
# or half made, or a function that nobody has touched does not answer.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Changes qw(change_until sum_of);
use Faas::HTTP qw(json_of);
use Faas::Proc qw(fork_child);
use Faas::Test;
use Test::More;
use Time::HiRes qw(sleep);

use constant {
    WAIT    => 60,
    CLIENTS => 50,
    CHANGES => 12,          # of each of them
    KILLS   => 15,
};

my $t = Faas::Test->new(need => [qw(module nginx redis-server scaler watchdog
    samples)]);
my $seed = $ENV{FAAS_SEED} // int time;

diag("FAAS_SEED=$seed");
srand $seed;
$t->start_stack;

sub deployment {
    my ($name, %more) = @_;

    return { service => $name, image => 'wordcount',
        envProcess => './wordcount', %more };
}


subtest 'fifty clients at once' => sub {
    my @clients = map { my $i = $_; fork_child(name => "client$i",
        log => $t->dir . "/client$i.log", code => sub { many_changes($i) })
    } 1 .. CLIENTS;

    wait_for(sub { !grep { $_->running } @clients }, WAIT, 'all clients');

    my %answers;

    for my $client (@clients) {
        $answers{$_}++ for split /\n/, slurp($client->log_file);
        $client->stop(may_be_gone => 1);
    }

    my $allowed = qr/^(?:POST[ ](?:202|400)|OWN[ ]202
        |(?:PUT|DELETE|SCALE)[ ](?:202|404))$/x;

    is_deeply([grep { !/$allowed/ } sort keys %answers], [],
        'each answer is one that it may be') or diag(explain(\%answers));

    # of what all of them changed: as many deploys as deletes, or one more

    my $list = json_of($t->scaler_api(GET => '/system/functions'));
    my $shared = grep { $_->{name} =~ /^shared/ } @$list;

    is(($answers{'POST 202'} // 0) - ($answers{'DELETE 202'} // 0), $shared,
        'deploys less deletes are what is there');
    is(scalar(grep { $_->{name} =~ /^own/ } @$list), CLIENTS,
        'what each had for itself is there');

    for my $fn (@$list) {
        is($t->scaler_api(DELETE => '/system/functions',
            { functionName => $fn->{name} })->{status}, 202,
            "$fn->{name} can be deleted");
        is($t->scaler_api(DELETE => '/system/functions',
            { functionName => $fn->{name} })->{status}, 404, 'once');
    }

    nothing_is_left();
};


subtest 'a scaler that is killed' => sub {
    my $stop = $t->dir . '/stop';

    is($t->scaler_api(POST => '/system/functions',
        deployment('steady'))->{status}, 202,
        'a function that nobody changes');
    $t->wait_available('steady', 1);
    wait_for(sub { $t->post('/function/steady', 'a')->{status} == 200 }, WAIT,
        'the gateway');

    my $load = $t->start_load(path => '/function/steady', clients => 2);
    my @clients = map { my $i = $_; fork_child(name => "changer$i",
        log => $t->dir . "/changer$i.log", code => sub {
            change_until($stop, addr => $t->scaler_addr, me => $i,
                seed => $seed + $i);
        }) } 1 .. 3;

    for (1 .. KILLS) {
        sleep rand 0.15;
        $t->scaler->crash;
        $t->start_scaler;
    }

    $t->spew($stop, '');
    wait_for(sub { !grep { $_->running } @clients }, WAIT, 'all clients');

    my $sum = sum_of(@clients);
    my $calls = $load->finish;

    cmp_ok($sum->{done}, '>', 0, 'changes were answered');
    is($sum->{lost}, 0, 'none of them is lost, none half made');
    is($calls->{failed}, 0, "none of $calls->{requests} calls failed")
        or diag(explain($calls->{errors}));
    is_deeply([glob $t->dir . '/state/functions/*.bad'], [],
        'no file is damaged');

    my @names = map { $_->{name} } @{ json_of($t->scaler_api(GET =>
        '/system/functions')) };

    $t->scaler_api(DELETE => '/system/functions', { functionName => $_ })
        for @names;
    nothing_is_left();
};


$t->finish;


sub nothing_is_left {
    wait_for(sub { !$t->replica_pids }, WAIT, 'the end of all replicas');
    wait_for(sub {
        !map { glob $t->dir . "/state/$_/*" } qw(functions s tmp secrets-of);
    }, WAIT, 'the end of their files');
    pass('nothing is left');

    return;
}


# Prints what and its status; functions that all change, and one of its own.
sub many_changes {
    my ($me) = @_;

    srand $seed + $me;
    print 'OWN ' . $t->scaler_api(POST => '/system/functions',
        deployment("own$me", labels => {
        'com.openfaas.scale.min' => '0' }))->{status} . "\n";

    for my $round (1 .. CHANGES) {
        my $name = 'shared' . int rand 5;
        my $what = (qw(POST PUT DELETE SCALE))[int rand 4];
        my $res = $what eq 'DELETE'
            ? $t->scaler_api(DELETE => '/system/functions',
                { functionName => $name })
            : $what eq 'SCALE'
            ? $t->scaler_api(POST => "/system/scale-function/$name",
                { replicas => int rand 3 })
            : $t->scaler_api($what, '/system/functions', deployment($name,
                labels => { client => "$me", round => "$round" }));

        print "$what $res->{status}\n";
    }

    return;
}
