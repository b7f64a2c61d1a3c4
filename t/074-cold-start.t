#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Functions that are called while they have no replica.  If this fails, such a
# call waits for a disk, or for ever; a scaler that is killed meanwhile comes
# back with replicas that nobody wants, or without those that it has promised.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::HTTP qw(json_of);
use Faas::Test;
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep);

use constant {
    WAIT  => 60,
    MANY  => 40,
    KILLS => 12,
};

my $t = Faas::Test->new(need => [qw(module nginx redis-server scaler watchdog
    samples)]);
my $seed = $ENV{FAAS_SEED} // int time;
my $state = $t->dir . '/state';

diag("FAAS_SEED=$seed");
srand $seed;
$t->start_stack;

sub deploy {
    my ($name) = @_;

    is($t->scaler_api(POST => '/system/functions', { service => $name,
        image => 'wordcount', envProcess => './wordcount' })->{status}, 202,
        "$name is deployed");

    return;
}

sub scale {
    my ($name, $n) = @_;

    return $t->scaler_api(POST => "/system/scale-function/$name",
        { serviceName => $name, replicas => $n })->{status};
}

sub replicas {
    my ($name) = @_;

    return json_of($t->scaler_api(GET => "/system/function/$name"))->{replicas};
}

sub saved {
    my ($name) = @_;

    return decode_json(slurp("$state/functions/$name.openfaas-fn"))
        ->{replicas};
}

sub until_cold {
    is(scale($_, 0), 202, "$_ is scaled to zero") for @_;
    # glob is an iterator where it is asked for one
    wait_for(sub { !(() = glob "$state/s/* $state/tmp/*") }, WAIT,
        'the end of all replicas');

    return;
}

sub call { return $t->post("/function/$_[0]", 'a b a'); }

sub restart {
    $t->scaler->crash;
    $t->start_scaler;

    return;
}

# As many processes as are wanted, and one that answers.
sub is_consistent {
    my ($name, $what) = @_;

    ok(wait_for(sub {
        my $fn = json_of($t->scaler_api(GET => "/system/function/$name"))
            // return;

        return $t->replica_pids($name) == $fn->{replicas}
            && ($fn->{availableReplicas} // 0) == $fn->{replicas};
    }, WAIT, 'as many replicas as are wanted'), "$what: as many replicas as "
        . 'are wanted');
    ok(wait_for(sub { call($name)->{status} == 200 }, WAIT, 'an answer'),
        "$what: it answers");

    return;
}


deploy('cold');
wait_for(sub { call('cold')->{status} == 200 }, WAIT, 'the function');

subtest 'a call of a cold function' => sub {
    until_cold('cold');

    my $res = call('cold');

    is($res->{status}, 200, 'it is answered');
    is($res->{body}, "a 2\nb 1\n", 'by the function');
    is(replicas('cold'), 1, 'which has a replica now');
    wait_for(sub { saved('cold') == 1 }, WAIT, 'the file');
    pass('and is saved so');
};

subtest 'a disk that takes nothing' => sub {
    until_cold('cold');
    wait_for(sub { saved('cold') == 0 }, WAIT, 'the file');

    # a file cannot be written where there is a folder
    mkdir "$state/functions/.new" or die "mkdir: $!\n";
    is(call('cold')->{status}, 200, 'a call is answered all the same');
    wait_for(sub {
        slurp($t->scaler->log_file) =~ /cannot save that a function was woken/
    }, WAIT, 'the log');
    pass('that it is not saved is logged');
    is(saved('cold'), 0, 'it is not');
    like(scale('cold', 1), qr/^50[07]$/,
        'a scale to what there is is not said to last');
    rmdir "$state/functions/.new" or die "rmdir: $!\n";
    is(scale('cold', 1), 202, 'when it can be saved it is answered');
    is(saved('cold'), 1, 'and saved');
    restart();
    is(replicas('cold'), 1, 'it outlives a kill');
    is_consistent('cold', 'then');
};

subtest 'a scaler that is killed after a cold start' => sub {
    for my $round (1 .. 3) {
        until_cold('cold');
        is(call('cold')->{status}, 200, "call $round is answered");
        restart();
        is_consistent('cold', "round $round");
    }
};

subtest 'a scaler that is killed during cold starts' => sub {
    for my $round (1 .. KILLS) {
        until_cold('cold');

        my $client = Faas::HTTP->new($t->addr);

        $client->send_request(GET => '/function/cold');
        # at any step of the start, which chance has to choose
        sleep rand 0.03;
        restart();
        like($client->response->{status}, qr/^(?:200|502|503)$/,
            "the call of round $round has an end");
        is_consistent('cold', "round $round");
    }
};

subtest 'a scale that was answered' => sub {
    for my $round (1 .. KILLS) {
        my $n = int rand 4;

        call('cold') if $round % 2;     # a function that is woken, or is up
        is(scale('cold', $n), 202, "scaled to $n");
        restart();
        is(replicas('cold'), $n, 'a killed scaler comes back with it');
    }

    is_consistent('cold', 'in the end');
};

subtest 'many at once' => sub {
    my @names = map { "many$_" } 1 .. MANY;

    deploy($_) for @names;
    wait_for(sub { call($_)->{status} == 200 }, WAIT, $_) for @names;
    until_cold('cold', @names);

    my @clients = map { Faas::HTTP->new($t->addr) } @names;

    $clients[$_]->send_request(GET => "/function/$names[$_]") for 0 .. $#names;
    is($clients[$_]->response->{status}, 200, "$names[$_] answers")
        for 0 .. $#names;
};


$t->finish;
