# SPDX-License-Identifier: BSD-2-Clause
#
# What runs the functions of a test: processes of this machine, or, with
# FAAS_PROVIDER=swarm, a Docker Swarm of its own.  A test that asks this for
# what differs is a test of both.
#
# With FAAS_SWARM, which another test has set, it is that one's Swarm.

package Faas::Provider;

use strict;
use warnings;

use Faas::DockerProxy;
use Faas::HTTP qw(http);
use Faas::Proc qw(run_command);
use File::Find;


my $name = $ENV{FAAS_PROVIDER} // 'process';

die "FAAS_PROVIDER=$name, expected process or swarm\n"
    if $name !~ /^(?:process|swarm)$/;


sub is_swarm { return $name eq 'swarm'; }


# What a test that uses it cannot do without.
sub needs { return is_swarm() ? qw(root dockerd debootstrap) : (); }


# From now on the test is where functions can be reached.
sub start {
    my ($class, $test) = @_;

    my $self = bless { test => $test }, $class;

    return $self if !is_swarm();

    require Faas::Docker;

    my $docker = $self->{docker} = defined $ENV{FAAS_SWARM}
        ? Faas::Docker->attach($test, $ENV{FAAS_SWARM})
        : Faas::Docker->start($test);

    $docker->inside;
    $self->{proxy} = Faas::DockerProxy->start($test, $docker->address);

    return $self;
}


sub docker { return $_[0]{docker}; }


# What stands between the scaler and Docker, see Faas::DockerProxy.
sub proxy { return $_[0]{proxy}; }


# Arguments of the scaler.
sub args {
    my ($self) = @_;

    return is_swarm() ? ('--provider', 'swarm', '--docker',
        $self->{proxy}->address) : ();
}


# Waits until the scaler knows what there is.
sub wait_known {
    my ($self) = @_;

    Faas::Proc::wait_for(sub {
        return http(GET => $self->{test}->scaler_addr, '/system/functions')
            ->{status} == 200;
    }, 30, 'what Docker has');

    return;
}


# Makes sure that the images are there, each of a folder of functions of that
# name.
sub images {
    my ($self, $folder, @names) = @_;

    return if !is_swarm();

    for my $image (@names) {
        next if run_command(['docker', '-H', $self->{docker}->address, 'image',
            'inspect', $image], log => "$self->{test}{dir}/inspect.out")
            ->{status} == 0;

        my %files;

        find({ no_chdir => 1, wanted => sub {
            my ($file) = m{^\Q$folder/$image/\E(.+)} or return;

            $files{$file} = $_ if -f && $file !~ /^\./;
        } }, "$folder/$image");

        $self->{docker}->step("image $image", sub {
            $self->{docker}->function_image($image, files => \%files);
        });
    }

    return;
}


# What is made while Docker answers its changes with an error.
sub while_failing {
    my ($self, $text, $code) = @_;

    $self->{proxy}->mode(status => 500, text => $text,
        only => '^(?:POST|DELETE) ');
    $code->();
    $self->{proxy}->mode('pass');

    return;
}


sub stop {
    my ($self) = @_;

    $self->{docker}->stop if is_swarm();

    return;
}


1;
