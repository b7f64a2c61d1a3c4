# SPDX-License-Identifier: BSD-2-Clause
#
# Stands between a scaler and Docker, and is as bad as Docker can be: slow,
# silent, away, full of errors, or something else altogether.
#
# It is a process of its own with one loop.  A test tells it what to be, and
# goes on when it is: nothing that was asked before is answered otherwise.

package Faas::DockerProxy;

use strict;
use warnings;

use Errno qw(EAGAIN EINTR EWOULDBLOCK);
use Faas::Proc qw(fork_child);
use IO::Handle;
use IO::Select;
use IO::Socket::UNIX;
use JSON::PP;
use Socket qw(AF_UNIX PF_UNSPEC SOCK_STREAM);
use Time::HiRes qw(time);

use constant {
    PIECE   => 65_536,      # bytes
    HELD    => 1 << 20,     # bytes for a client, then Docker waits
    BACKLOG => 1024,
};


# Docker's address, as of Faas::Docker's address(); name => of the socket.
sub start {
    my ($class, $test, $docker, %opt) = @_;

    my $name = $opt{name} // 'docker';
    my $self = bless { path => "$test->{dir}/$name.sock",
        docker => $docker =~ s{^unix://}{}r }, $class;

    socketpair my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC
        or die "socketpair: $!\n";
    $_->autoflush(1) for $ours, $theirs;

    $self->{control} = $ours;
    $self->{proc} = fork_child(name => 'docker proxy',
        log => "$test->{dir}/$name-proxy.log", code => sub {
            close $ours;
            $self->serve($theirs);
        });
    close $theirs;
    $self->mode('pass');

    return $self;
}


sub address { return "unix://$_[0]{path}"; }


# What it does from now on.  With only => PATTERN it does so to requests whose
# "METHOD PATH" matches, and lets the others pass.
#
#   pass                        nothing
#   delay => MSEC               each answer is late
#   hang                        takes requests and says nothing
#   refuse                      nobody is there
#   status => 500, text => T    each is answered with this error
#   body => TEXT                each is answered with 200 and this
#   short                       each answer ends before its end
#   huge => BYTES               each answer is that large
#   noise                       each answer is no HTTP
sub mode {
    my ($self, @words) = @_;

    my %mode = @words % 2 ? (@words, 1) : @words;
    my ($kind) = grep { $mode{$_} } qw(pass delay hang refuse status body short
        huge noise);

    return $self->tell({ mode => { %mode, kind => $kind } });
}


# Ends the connections of requests that match, in the middle of a line.
sub cut {
    my ($self, $pattern) = @_;

    return $self->tell({ cut => $pattern });
}


# { requests => that came since the last mode, held => that have no answer yet,
# connections => that are open }
sub counts { return $_[0]->tell({}); }


sub stop { return $_[0]{proc}->stop; }


sub tell {
    my ($self, $what) = @_;

    my $control = $self->{control};

    print {$control} encode_json($what), "\n"
        or die "the proxy is gone: $!\n";

    return decode_json(readline($control) // die "the proxy is gone\n");
}


# The loop, in its own process.

sub serve {
    my ($self, $control) = @_;

    $SIG{PIPE} = 'IGNORE';
    @{$self}{qw(control conns mode requests)} = ($control, {},
        { kind => 'pass' }, 0);
    $self->listen_again;

    while (1) {
        my ($read, $write) = (IO::Select->new($control), IO::Select->new);
        my $wait;

        $read->add($self->{listener}) if $self->{listener};
        $self->want($_, $read, $write, \$wait)
            for values %{ $self->{conns} };

        my ($can_read, $can_write) = IO::Select->select($read, $write, undef,
            $wait);
        my %ready = map { $_ => 1 } @{ $can_read // [] };

        for my $conn (values %{ $self->{conns} }) {
            $self->from_client($conn) if $ready{ $conn->{client} };
            $self->from_docker($conn)
                if $conn->{docker} && $ready{ $conn->{docker} };
            $self->to_client($conn);
        }

        $self->take_client if $self->{listener} && $ready{ $self->{listener} };
        $self->obey or return if $ready{$control};
    }

    return;
}


sub listen_again {
    my ($self) = @_;

    return if $self->{listener};

    unlink $self->{path};
    $self->{listener} = IO::Socket::UNIX->new(Local => $self->{path},
        Listen => BACKLOG) or die "cannot listen at $self->{path}: $!\n";
    $self->{listener}->blocking(0);

    return;
}


sub is_hanging {
    my ($self) = @_;

    return $self->{mode}{kind} eq 'hang' && !defined $self->{mode}{only};
}


# What is to be waited for.
sub want {
    my ($self, $conn, $read, $write, $wait) = @_;

    $read->add($conn->{client});
    return if $self->is_hanging;

    $read->add($conn->{docker})
        if $conn->{docker} && length($conn->{out}) < HELD;
    $write->add($conn->{client}) if $conn->{out} ne '' || $conn->{left};

    if (@{ $conn->{late} }) {
        my $left = $conn->{late}[0][0] - time;

        $left = 0 if $left < 0;
        $$wait = $left if !defined $$wait || $left < $$wait;
    }

    return;
}


sub take_client {
    my ($self) = @_;

    my $client = $self->{listener}->accept or return;

    $client->blocking(0);
    $self->{conns}{$client} = { client => $client, in => '', out => '',
        late => [], left => 0 };

    return;
}


sub drop {
    my ($self, $conn) = @_;

    delete $self->{conns}{ $conn->{client} };
    close $conn->{client};
    close $conn->{docker} if $conn->{docker};
    $conn->{is_gone} = 1;

    return;
}


# The bytes there are; undef where there are none now, '' at the end.
sub read_some {
    my ($fh) = @_;

    my $n = sysread $fh, my $data, PIECE;

    return $data if defined $n;
    return $! == EAGAIN || $! == EWOULDBLOCK || $! == EINTR ? undef : '';
}


sub from_client {
    my ($self, $conn) = @_;

    my $data = read_some($conn->{client}) // return;

    return $self->drop($conn) if $data eq '';

    $conn->{in} .= $data;
    $self->take_request($conn);

    return;
}


# One that is here as a whole.
sub take_request {
    my ($self, $conn) = @_;

    my ($head) = $conn->{in} =~ /^(.*?\r\n\r\n)/s or return;
    my ($len) = $head =~ /^Content-Length: *(\d+)/mi;
    my $size = length($head) + ($len // 0);

    return if length $conn->{in} < $size || defined $conn->{held};

    $conn->{held} = substr $conn->{in}, 0, $size, '';
    ($conn->{what}) = $head =~ /^(\S+ \S+)/;
    $self->{requests}++;
    $self->handle($conn);

    return;
}


sub handle {
    my ($self, $conn) = @_;

    my $mode = $self->{mode};
    my $is_meant = !defined $mode->{only} || $conn->{what} =~ /$mode->{only}/;
    my $kind = $is_meant ? $mode->{kind} : 'pass';

    return if $kind eq 'hang';
    return $self->pass_on($conn) if $kind eq 'pass' || $kind eq 'delay';

    delete $conn->{held};
    $conn->{is_last} = 1;
    $self->answer($conn, $mode);

    return;
}


sub pass_on {
    my ($self, $conn) = @_;

    $conn->{docker} //= IO::Socket::UNIX->new(Peer => $self->{docker})
        or return $self->drop($conn);

    # requests are short, and Docker reads them at once
    $conn->{docker}->blocking(1);
    print { $conn->{docker} } delete $conn->{held};
    $conn->{docker}->flush;
    $conn->{docker}->blocking(0);

    return;
}


sub answer {
    my ($self, $conn, $mode) = @_;

    my $kind = $mode->{kind};
    my $status = $mode->{status} // 200;
    my $body = $kind eq 'status' ? encode_json({ message => $mode->{text} })
        : $kind eq 'body' ? $mode->{body} : '[{"ID":"x"';
    my $size = $kind eq 'huge' ? $mode->{huge}
        : length($body) + ($kind eq 'short' ? 1000 : 0);

    $conn->{out} .= $kind eq 'noise' ? "\0\1\2\3 this is no HTTP\r\n\r\n"
        : "HTTP/1.1 $status Said\r\nApi-Version: 1.41\r\n"
            . "Content-Type: application/json\r\nConnection: close\r\n"
            . "Content-Length: $size\r\n\r\n"
            . ($kind eq 'huge' ? '' : $body);
    $conn->{left} = $size if $kind eq 'huge';

    return;
}


sub from_docker {
    my ($self, $conn) = @_;

    my $data = read_some($conn->{docker}) // return;

    if ($data eq '') {
        $conn->{is_last} = 1;
        close delete $conn->{docker};
        return;
    }

    if ($self->{mode}{kind} eq 'delay') {
        push @{ $conn->{late} }, [time + $self->{mode}{delay} / 1000, $data];

    } elsif (@{ $conn->{late} }) {
        push @{ $conn->{late} }, [0, $data];        # in order

    } else {
        $conn->{out} .= $data;
    }

    return;
}


sub to_client {
    my ($self, $conn) = @_;

    return if $conn->{is_gone} || $self->is_hanging;

    my $late = $conn->{late};

    $conn->{out} .= (shift @$late)->[1] while @$late && $late->[0][0] <= time;

    if ($conn->{left} && length $conn->{out} < PIECE) {
        my $n = $conn->{left} < PIECE ? $conn->{left} : PIECE;

        $conn->{out} .= ' ' x $n;
        $conn->{left} -= $n;
    }

    if ($conn->{out} ne '') {
        my $n = syswrite $conn->{client}, $conn->{out};

        return $self->drop($conn)
            if !defined $n && $! != EAGAIN && $! != EWOULDBLOCK;
        substr $conn->{out}, 0, $n // 0, '';
    }

    $self->drop($conn) if $conn->{is_last} && $conn->{out} eq ''
        && !$conn->{left} && !@$late;

    return;
}


# Does what the test says.  False: the test is gone.
sub obey {
    my ($self) = @_;

    my $control = $self->{control};
    my $line = readline($control) // return 0;
    my $what = decode_json($line);

    $self->become($what->{mode}) if $what->{mode};

    if (defined $what->{cut}) {
        for my $conn (values %{ $self->{conns} }) {
            next if ($conn->{what} // '') !~ /$what->{cut}/;

            syswrite $conn->{client}, "20\r\n{\"Type\":\"ser";
            $self->drop($conn);
        }
    }

    my @conns = values %{ $self->{conns} };

    print {$control} encode_json({ requests => $self->{requests},
        connections => scalar @conns,
        held => scalar grep { defined $_->{held} } @conns }), "\n";

    return 1;
}


sub become {
    my ($self, $mode) = @_;

    $self->{mode} = $mode;
    $self->{requests} = 0;

    if ($mode->{kind} eq 'refuse') {
        close delete $self->{listener} if $self->{listener};
        $self->drop($_) for values %{ $self->{conns} };
        return;
    }

    $self->listen_again;

    for my $conn (values %{ $self->{conns} }) {
        $self->handle($conn) if defined $conn->{held};
    }

    return;
}


1;
