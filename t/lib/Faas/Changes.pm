# SPDX-License-Identifier: BSD-2-Clause
#
# A client that changes what is deployed, one thing after the other, and knows
# what must be there: for scalers that are killed meanwhile.

package Faas::Changes;

use strict;
use warnings;

use Exporter qw(import);
use Faas::HTTP qw(http);
use Faas::Proc qw(slurp);
use JSON::PP;
use Time::HiRes qw(sleep);

our @EXPORT_OK = qw(change_until sum_of);

use constant KEYS => 6;         # functions of a client, one of them a secret

my $addr;


# Until the file is there changes its own functions and a secret, and looks at
# each before it is changed again: what was answered must be there, and what
# was not may be, but whole.  Options: addr (of the scaler), me (a number of
# its own), seed.
sub change_until {
    my ($stop, %opt) = @_;

    my (%state, %n);

    srand $opt{seed};
    $addr = $opt{addr};
    @n{qw(done unsure lost)} = (0, 0, 0);

    while (!-e $stop) {
        my $key = "c$opt{me}-" . int rand KEYS;

        $key =~ /-0$/ ? secret(\%state, \%n, $key)
            : function(\%state, \%n, $key);
    }

    # the last look, once the scaler is there for good

    $_ =~ /-0$/ ? look_at_secret(\%state, \%n, $_)
        : look_at_function(\%state, \%n, $_) for sort keys %state;
    print "sum @n{qw(done unsure lost)}\n";

    return;
}


sub function {
    my ($state, $n, $key) = @_;

    my $is_there = look_at_function($state, $n, $key) // return;
    my $version = int rand 1e9;
    my ($res, $new);

    if ($is_there && rand() < 0.4) {
        $res = try(DELETE => '/system/functions', { functionName => $key });
        $new = '';

    } else {
        $res = try($is_there ? 'PUT' : 'POST', '/system/functions', {
            service => $key, image => 'wordcount',
            envProcess => './wordcount', labels => { version => "$version",
                'com.openfaas.scale.min' => rand() < 0.5 ? '0' : '1' } });
        $new = $version;
    }

    note($state, $n, $key, $new, $res);

    return;
}


sub look_at_function {
    my ($state, $n, $key) = @_;

    my $res = try(GET => "/system/function/$key");
    return if !$res->{status};

    my $is_there = $res->{status} == 200;
    my $seen = $is_there ? decode_json($res->{body})->{labels}{version} : '';

    compare($state, $n, $key, $seen);

    return $is_there ? 1 : 0;
}


# The value of one cannot be seen, only that it is there.
sub secret {
    my ($state, $n, $key) = @_;

    my $is_there = look_at_secret($state, $n, $key) // return;
    my $res = $is_there
        ? try(DELETE => '/system/secrets', { name => $key })
        : try(POST => '/system/secrets', { name => $key, value => 'x' });

    note($state, $n, $key, $is_there ? '' : 'there', $res);

    return;
}


sub look_at_secret {
    my ($state, $n, $key) = @_;

    my $res = try(GET => '/system/secrets');
    return if !$res->{status};

    my $is_there = grep { $_->{name} eq $key } @{ decode_json($res->{body}) };

    compare($state, $n, $key, $is_there ? 'there' : '');

    return $is_there;
}


# $state->{KEY} is all that it may be now.
sub compare {
    my ($state, $n, $key, $seen) = @_;

    my @may_be = @{ $state->{$key} // [''] };

    if (!grep { $_ eq $seen } @may_be) {
        print "$key is \"$seen\", and not \"@may_be\"\n";
        $n->{lost}++;
    }

    $state->{$key} = [$seen];

    return;
}


sub note {
    my ($state, $n, $key, $new, $res) = @_;

    if ($res->{status} == 202) {
        $state->{$key} = [$new];
        $n->{done}++;

    } elsif ($res->{status}) {
        print "$key: $res->{status} $res->{body}\n";
        $n->{lost}++;

    } else {
        push @{ $state->{$key} }, $new;
        $n->{unsure}++;
    }

    return;
}


# Status 0 where the scaler is away.
sub try {
    my (@call) = @_;

    my $res = eval {
        http($call[0], $addr, $call[1], {}, $call[2] && encode_json($call[2]));
    } // { status => 0 };

    sleep 0.002 if !$res->{status};

    return $res;
}


# What all clients, which have ended, have printed: changes that were answered
# (done), that were not (unsure), and what was lost.
sub sum_of {
    my (@clients) = @_;

    my %sum = (lost => 0, done => 0, unsure => 0);

    for my $client (@clients) {
        my $log = slurp($client->log_file) // '';

        $client->stop(may_be_gone => 1);
        die "a client has died: $log\n"
            if $log !~ s/^sum (\d+) (\d+) (\d+)\n//m;
        $sum{done} += $1;
        $sum{unsure} += $2;
        $sum{lost} += $3;
        print STDERR $log;
    }

    return \%sum;
}

1;
