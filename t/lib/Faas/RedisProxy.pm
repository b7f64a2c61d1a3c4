# SPDX-License-Identifier: BSD-2-Clause
#
# Stands between a scaler and Redis: it can hold what the scaler sends from its
# next EXEC on, or be away.
#
# It is a process of its own with one loop.  A test tells it what to be, and
# goes on when it is.

package Faas::RedisProxy;

use strict;
use warnings;

use Faas::HTTP qw(connect_to);
use Faas::Proc qw(fork_child);
use IO::Handle;
use IO::Select;
use IO::Socket::UNIX;
use JSON::PP;
use Socket qw(AF_UNIX PF_UNSPEC SOCK_STREAM);

use constant {
    PIECE => 65_536,                        # bytes
    EXEC  => "*1\r\n\$4\r\nEXEC\r\n",
};


# redis is the address of Redis.
sub start {
    my ($class, $test, $redis) = @_;

    my $self = bless { path => "$test->{dir}/redis-proxy.sock",
        redis => $redis }, $class;

    socketpair my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC
        or die "socketpair: $!\n";
    $_->autoflush(1) for $ours, $theirs;

    $self->{control} = $ours;
    $self->{proc} = fork_child(name => 'redis proxy',
        log => "$test->{dir}/redis-proxy.log", code => sub {
            close $ours;
            $self->serve($theirs);
        });
    close $theirs;
    $self->pass;

    return $self;
}


sub address { return "unix:$_[0]{path}"; }


# Lets everything through, what was held first.
sub pass { return $_[0]->tell('pass'); }


# Holds each connection's commands from its next EXEC on.
sub hold { return $_[0]->tell('hold'); }


# Ends all connections, and lets nobody in.
sub refuse { return $_[0]->tell('refuse'); }


# How many connections are held.
sub held { return $_[0]->tell('')->{held}; }


sub tell {
    my ($self, $mode) = @_;

    my $control = $self->{control};

    print {$control} "$mode\n" or die "the proxy is gone: $!\n";

    return decode_json(readline($control) // die "the proxy is gone\n");
}


# The loop, in its own process.

sub serve {
    my ($self, $control) = @_;

    $SIG{PIPE} = 'IGNORE';
    @{$self}{qw(control conns)} = ($control, {});

    while (1) {
        my @fhs = map { @{$_}{qw(client redis)} } values %{ $self->{conns} };
        my $select = IO::Select->new($control, @fhs,
            $self->{listener} ? $self->{listener} : ());
        my %ready = map { $_ => 1 } $select->can_read;

        for my $conn (values %{ $self->{conns} }) {
            $self->from_client($conn) if $ready{ $conn->{client} };
            $self->from_redis($conn) if $ready{ $conn->{redis} };
        }

        $self->take_client if $self->{listener} && $ready{ $self->{listener} };
        $self->obey or return if $ready{$control};
    }

    return;
}


sub take_client {
    my ($self) = @_;

    my $client = $self->{listener}->accept or return;
    my $redis = connect_to($self->{redis}) or return;

    binmode $_ for $client, $redis;
    $self->{conns}{$client} = { client => $client, redis => $redis,
        in => '' };

    return;
}


sub drop {
    my ($self, $conn) = @_;

    delete $self->{conns}{ $conn->{client} };
    $conn->{is_gone} = 1;
    close $_ for @{$conn}{qw(client redis)};

    return;
}


sub from_client {
    my ($self, $conn) = @_;

    my $n = sysread $conn->{client}, my $data, PIECE;

    return $self->drop($conn) if !$n;

    $conn->{in} .= $data;
    $self->to_redis($conn);

    return;
}


# What may go on.  An EXEC that is here in part only waits for its rest.
sub to_redis {
    my ($self, $conn) = @_;

    my $len = length $conn->{in};

    if ($self->{mode} eq 'hold') {
        my $at = index $conn->{in}, EXEC;

        $len = $at if $at >= 0;
        $conn->{is_held} = $at >= 0;

        for my $n (1 .. length(EXEC) - 1) {
            $len -= $n if $at < 0 && $n <= $len
                && substr($conn->{in}, -$n) eq substr(EXEC, 0, $n);
        }
    }

    syswrite $conn->{redis}, substr($conn->{in}, 0, $len, '') if $len > 0;

    return;
}


sub from_redis {
    my ($self, $conn) = @_;

    return if $conn->{is_gone};

    my $n = sysread $conn->{redis}, my $data, PIECE;

    return $self->drop($conn) if !$n;

    syswrite $conn->{client}, $data;

    return;
}


# Does what the test says.  False: the test is gone.
sub obey {
    my ($self) = @_;

    my $control = $self->{control};
    my $mode = readline($control) // return 0;

    chomp $mode;
    $self->become($mode) if $mode ne '';

    print {$control} encode_json({
        held => scalar grep { $_->{is_held} } values %{ $self->{conns} } }),
        "\n";

    return 1;
}


sub become {
    my ($self, $mode) = @_;

    $self->{mode} = $mode;

    if ($mode eq 'refuse') {
        close delete $self->{listener} if $self->{listener};
        $self->drop($_) for values %{ $self->{conns} };
        return;
    }

    if (!$self->{listener}) {
        unlink $self->{path};
        $self->{listener} = IO::Socket::UNIX->new(Local => $self->{path},
            Listen => 16) or die "cannot listen at $self->{path}: $!\n";
    }

    for my $conn (values %{ $self->{conns} }) {
        $conn->{is_held} = 0;
        $self->to_redis($conn);
    }

    return;
}


1;
