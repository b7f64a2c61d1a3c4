# SPDX-License-Identifier: BSD-2-Clause
#
# A watchdog of its own, without nginx: started with a function and settings,
# on a port or on a socket that is handed to it, and looked into from outside.

package Faas::Watchdog;

use strict;
use warnings;

use Faas::HTTP qw(connect_to http listen_on);
use Faas::Proc qw(fork_child proc_state slurp spawn wait_for);
use POSIX ();

my $count = 0;


# fprocess => '...', env => {...} with further settings; activate => 1 hands
# a unix socket over as descriptor 3; no_wait => 1 does not wait for health.
sub start {
    my ($class, $t, %opt) = @_;

    my $name = 'watchdog' . ++$count;
    my $tmp = $t->dir . "/$name.tmp";
    my $self = bless { t => $t, log => $t->dir . "/$name.log", tmp => $tmp,
        addr => $opt{addr} }, $class;
    my %env = (fprocess => $opt{fprocess}, mode => 'streaming',
        healthcheck_interval => 0, metrics_port => 0, TMPDIR => $tmp,
        LISTEN_FDS => undef, LISTEN_PID => undef, %{ $opt{env} // {} });
    my @cmd = ($t->build . '/faas-watchdog', @{ $opt{args} // [] });

    if ($t->is_sanitized) {
        $env{ASAN_OPTIONS} //= 'detect_odr_violation=0';
        $env{UBSAN_OPTIONS} //= 'print_stacktrace=1';
    }

    mkdir $tmp or die "cannot make $tmp: $!\n";

    if ($opt{activate}) {
        $self->{addr} = 'unix:' . $t->dir . "/$name.sock";
        $self->{listener} = $opt{listener} // listen_on($self->{addr});
        $self->{proc} = fork_child(name => $name, log => $self->{log},
            code => sub { exec_activated($self->{listener}, \%env, @cmd) });
    } else {
        $self->{addr} = $env{port} //= $t->free_port;
        $self->{proc} = spawn(name => $name, log => $self->{log},
            cmd => \@cmd, env => \%env, dir => $t->dir);
    }

    return $self if $opt{no_wait};

    wait_for(sub {
        die "watchdog does not start:\n" . $self->log
            if !$self->{proc}->running;
        return $self->get('/_/health')->{status} == 200;
    }, 30, 'healthy watchdog');

    return $self;
}


sub exec_activated {
    my ($listener, $env, @cmd) = @_;

    for my $key (keys %$env) {
        if (defined $env->{$key}) {
            $ENV{$key} = $env->{$key};
        } else {
            delete $ENV{$key};
        }
    }

    $ENV{LISTEN_FDS} = 1;
    $ENV{LISTEN_PID} = $$;
    POSIX::dup2(fileno $listener, 3) // die "cannot copy: $!\n";

    { no warnings 'exec'; exec { $cmd[0] } @cmd; }
    die "cannot start $cmd[0]: $!\n";
}


sub addr { return $_[0]{addr}; }

sub tmp { return $_[0]{tmp}; }

sub proc { return $_[0]{proc}; }

sub pid { return $_[0]{proc}->pid; }

sub log { return slurp($_[0]{log}) // ''; }


# The log with all that belongs to what has been answered: it is written once
# a turn of the loop, and this question is another turn.
sub said {
    my ($self) = @_;

    $self->get('/_/health');

    return $self->log;
}


# Ends it; returns its wait status.
sub stop {
    my ($self, %opt) = @_;

    my $status = $self->{proc}->stop(%opt);

    $self->{t}->add_problem($self->{proc}->problem);

    return $status;
}


# A connection to it.
sub client {
    my ($self, %opt) = @_;

    return Faas::HTTP->new($self->{addr}, %opt) // die "cannot connect: $@";
}


sub get {
    my ($self, $path, $headers) = @_;

    return http(GET => $self->{addr}, $path, $headers);
}


sub post {
    my ($self, $path, $body, $headers) = @_;

    return http(POST => $self->{addr}, $path, $headers, $body);
}


# All bytes that come back for these, to the end of the connection.
sub raw {
    my ($self, $bytes) = @_;

    my $client = $self->client;

    $client->write($bytes);

    return $client->read_all;
}


# Its children, dead ones that it has not waited for included.
sub children {
    my ($self) = @_;

    my $pid = $self->pid;

    return map { split ' ', slurp($_) // '' } glob "/proc/$pid/task/*/children";
}


sub fds {
    my ($self) = @_;

    opendir my $dir, '/proc/' . $self->pid . '/fd' or return -1;

    return scalar grep { /^\d/ } readdir $dir;
}


# Most memory ever resident, KiB.
sub peak {
    my ($self) = @_;

    return (slurp('/proc/' . $self->pid . '/status') // '')
        =~ /^VmHWM:\s+(\d+)/m ? $1 : -1;
}


# Ticks of CPU used so far.
sub cpu {
    my ($self) = @_;

    my @stat = split ' ', slurp('/proc/' . $self->pid . '/stat') // '';

    return $stat[13] + $stat[14];
}


1;
