# SPDX-License-Identifier: BSD-2-Clause
#
# What tests of functions on a Swarm share: how many there are, what happens to
# calls meanwhile, and the figures that are printed.

package Faas::Swarm;

use strict;
use warnings;

use Exporter qw(import);
use Faas::HTTP qw(http json_of);
use Faas::Load;
use Faas::Proc qw(wait_for);
use JSON::PP;
use Test::More;
use Time::Local qw(timegm);

our @EXPORT_OK = qw(figure median seconds_of);

use constant {
    CLIENTS  => 4,
    CALLS    => 50,         # before and after what happens
    SETTLED  => 120,        # seconds
};


# test is a Faas::Test whose requests go to a gateway, docker a Faas::Docker.
sub new {
    my ($class, $test, $docker) = @_;

    return bless { test => $test, docker => $docker }, $class;
}


sub figure {
    my ($name, $value) = @_;

    print {*STDERR} "figure $name $value\n";

    return;
}


sub median {
    my @sorted = sort { $a <=> $b } @_;

    return $sorted[$#sorted / 2];
}


# What the admin API says of a function.
sub function {
    my ($self, $name) = @_;

    return json_of($self->{test}->admin(GET => "/system/function/$name"))
        // {};
}


sub available {
    my ($self, $name) = @_;

    return $self->function($name)->{availableReplicas} // 0;
}


# Scales a function, and waits until so many replicas take requests.
sub scale {
    my ($self, $name, $replicas) = @_;

    my $res = $self->{test}->admin(POST => "/system/scale-function/$name",
        { serviceName => $name, replicas => $replicas });

    die "scale of $name: $res->{status} $res->{body}\n"
        if $res->{status} != 202;

    wait_for(sub { $self->available($name) == $replicas }, SETTLED,
        "$replicas replicas of $name");

    return;
}


# Ids of a service's containers at a node, or at all of them.
sub containers {
    my ($self, $service, $n) = @_;

    my $docker = $self->{docker};

    return map { split /\n/, $docker->docker_at($_, 'ps', '-q', '--no-trunc',
        '--filter', "label=com.docker.swarm.service.name=$service") }
        $n // $docker->live_nodes;
}


# Waits until none is left.
sub wait_gone {
    my ($self, $service) = @_;

    wait_for(sub { !$self->containers($service) }, SETTLED,
        "end of $service");

    return;
}


# A service's tasks that are to run, as Docker has them: in one answer, for each
# may be gone by the next.
sub tasks {
    my ($self, $service) = @_;

    my $filters = encode_json({ service => { $service => JSON::PP::true },
        'desired-state' => { running => JSON::PP::true } });
    my $res = http(GET => $self->{docker}->address =~ s{^unix://}{unix:}r,
        '/v1.41/tasks?filters='
        . $filters =~ s/([^\w.-])/sprintf '%%%02X', ord $1/ger);

    die "tasks of $service: $res->{status} $res->{body}\n"
        if $res->{status} != 200;

    return @{ decode_json($res->{body}) };
}


# A time of Docker's.
sub seconds_of {
    my ($stamp) = @_;

    my ($text, $fraction) = $stamp =~ /^(.*?)(\.\d+)?Z$/
        or die "odd time $stamp\n";
    my ($y, $m, $d, $h, $min, $s) = split /[-T:]/, $text;

    return timegm($s, $min, $h, $d, $m - 1, $y) + ($fraction // 0);
}


# Calls a function before, while and after something happens: a test that no
# call fails, and a figure of how many did.  More of Faas::Load's options.
sub under_load {
    my ($self, $figure, $code, %opt) = @_;

    my $test = $self->{test};
    my $load = Faas::Load->start(dir => $test->dir, addr => $test->addr,
        path => '/function/echo', clients => CLIENTS, timeout => 60, %opt);

    wait_for(sub { $load->requests > CALLS }, 60, 'load');
    $self->{docker}->step($figure, $code);

    my $before = $load->requests;
    wait_for(sub { $load->requests > $before + CALLS }, SETTLED, 'more load');

    my $sum = $load->finish;

    figure($figure, $sum->{failed});
    is($sum->{failed}, 0, "$figure: of $sum->{requests} requests none failed")
        or diag(join "\n", @{ $sum->{errors} });
    note(sprintf '%s: slowest %.0f ms', $figure, $sum->{max_ms});

    return;
}


1;
