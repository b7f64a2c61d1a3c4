# SPDX-License-Identifier: BSD-2-Clause
#
# An HTTP/1.1 client over TCP and unix sockets that can also misbehave:
# partial writes, half close, abort.  An address is PORT, IP:PORT or
# unix:/path.

package Faas::HTTP;

use strict;
use warnings;

use Exporter qw(import);
use IO::Select;
use IO::Socket::INET;
use IO::Socket::IP;
use IO::Socket::UNIX;
use JSON::PP;
use Socket qw(SOL_SOCKET SO_LINGER SOMAXCONN);
use Time::HiRes qw(time);

our @EXPORT_OK = qw(connect_to http json_of listen_on);

use constant {
    TIMEOUT   => 30,        # seconds for one read or write
    READ_SIZE => 65536,
};


# One request on a connection of its own.  Returns { status, reason, headers,
# list, body }: headers by lower-case name, several of a name joined by ", ";
# list is [[NAME, VALUE], ...].  Where there is no answer status is 0 and
# error says why.  Options: timeout (seconds).
sub http {
    my ($method, $addr, $path, $headers, $body, %opt) = @_;

    my $client = Faas::HTTP->new($addr, %opt);

    return failure("cannot connect to $addr: $@") if !$client;

    my $res = $client->request($method, $path,
        { connection => 'close', %{ $headers // {} } }, $body);

    $client->close;

    return $res;
}


# The body of an answer read as JSON; undef where it is none.
sub json_of {
    my ($res) = @_;

    return eval { JSON::PP->new->utf8->allow_nonref->decode($res->{body}) };
}


# A connected socket, or undef with the reason in $@.
sub connect_to {
    my ($addr, $timeout) = @_;

    if ($addr =~ /^unix:(.+)/) {
        my $sock = IO::Socket::UNIX->new(Peer => $1);
        $@ = "$!" if !$sock;
        return $sock;
    }

    $addr = "127.0.0.1:$addr" if $addr =~ /^\d+$/;

    my $class = $addr =~ /^\[/ ? 'IO::Socket::IP' : 'IO::Socket::INET';

    return $class->new(PeerAddr => $addr, Proto => 'tcp',
        Timeout => $timeout // TIMEOUT);
}


# A listening socket; dies where there is none to be had.
sub listen_on {
    my ($addr) = @_;

    if ($addr =~ /^unix:(.+)/) {
        return IO::Socket::UNIX->new(Local => $1, Listen => SOMAXCONN)
            // die "cannot listen on $addr: $!\n";
    }

    $addr = "127.0.0.1:$addr" if $addr =~ /^\d+$/;

    return IO::Socket::INET->new(LocalAddr => $addr, Proto => 'tcp',
        Listen => SOMAXCONN, ReuseAddr => 1)
        // die "cannot listen on $addr: $@\n";
}


# A connection; undef with the reason in $@.
sub new {
    my ($class, $addr, %opt) = @_;

    my $timeout = $opt{timeout} // TIMEOUT;
    my $sock = connect_to($addr, $timeout) // return;

    return $class->of_socket($sock, timeout => $timeout);
}


sub of_socket {
    my ($class, $sock, %opt) = @_;

    $sock->blocking(0);
    binmode $sock;

    return bless { sock => $sock, in => '', used => 0,
        timeout => $opt{timeout} // TIMEOUT }, $class;
}


sub socket_of { return $_[0]{sock}; }


# Sends a request and reads its answer.
sub request {
    my ($self, $method, $path, $headers, $body) = @_;

    my $is_sent = $self->send_request($method, $path, $headers, $body);

    # an early answer may be there although the body was not taken
    my $res = $self->response($method);

    if ($res->{status} == 0 && !$is_sent) {
        $res->{error} = "cannot send: $self->{error}; $res->{error}";
    }

    return $res;
}


# Sends a whole request; 0 where the connection is lost.
sub send_request {
    my ($self, $method, $path, $headers, $body) = @_;

    my %all = (host => '127.0.0.1', %{ $headers // {} });

    if (defined $body && !exists $all{'transfer-encoding'}) {
        $all{'content-length'} //= length $body;
    }

    my $text = "$method $path HTTP/1.1\r\n";

    for my $name (sort keys %all) {
        my $value = $all{$name} // next;

        $text .= "$name: $_\r\n" for ref $value ? @$value : $value;
    }

    return $self->write("$text\r\n" . ($body // ''));
}


# Writes bytes as they are; 0 where the connection is lost or too slow.
sub write {
    my ($self, $bytes) = @_;

    local $SIG{PIPE} = 'IGNORE';

    my $deadline = time + $self->{timeout};
    my $done = 0;

    while ($done < length $bytes) {
        my $n = syswrite $self->{sock}, $bytes, length($bytes) - $done,
            $done;

        if (defined $n) {
            $done += $n;
            next;
        }

        if (!$!{EAGAIN} && !$!{EINTR}) {
            $self->{error} = "$!";
            return 0;
        }

        my $left = $deadline - time;

        if ($left <= 0 || !IO::Select->new($self->{sock})->can_write($left)) {
            $self->{error} = 'timed out';
            return 0 if $left <= 0;
        }
    }

    return 1;
}


# Reads what comes next, at most timeout seconds: true where there is more
# in the buffer, 0 at the end or on an error (in $self->{error}).
sub fill {
    my ($self, $deadline) = @_;

    while (1) {
        my $n = sysread $self->{sock}, $self->{in}, READ_SIZE,
            length $self->{in};

        return 1 if $n;

        if (defined $n) {
            $self->{error} = 'connection closed';
            return 0;
        }

        if (!$!{EAGAIN} && !$!{EINTR}) {
            $self->{error} = "$!";
            return 0;
        }

        my $left = $deadline - time;

        if ($left <= 0) {
            $self->{error} = 'timed out';
            return 0;
        }

        IO::Select->new($self->{sock})->can_read($left);
    }
}


# The bytes that have come in and are not part of an answer read already;
# waits for some where there are none.  Empty at the end of the connection.
sub read_some {
    my ($self, $timeout) = @_;

    if ($self->{in} eq '') {
        $self->fill(time + ($timeout // $self->{timeout}));
    }

    my $bytes = $self->{in};
    $self->{in} = '';

    return $bytes;
}


# Reads to the end of the connection.
sub read_all {
    my ($self) = @_;

    my $deadline = time + $self->{timeout};

    1 while $self->fill($deadline);

    return $self->read_some(0);
}


# Reads one answer (not 1xx), as http() returns it.
sub response {
    my ($self, $method) = @_;

    my $deadline = time + $self->{timeout};
    my $res;

    $self->{error} = undef;

    do {
        $res = $self->head($deadline);
        return $res if $res->{status} == 0;
    } while ($res->{status} < 200 && $res->{status} != 101);

    my $error = $self->body($res, $method // 'GET', $deadline);

    if (defined $error) {
        return { %{ failure("answer cut short: $error") },
            partial => $res };
    }

    return $res;
}


# Reads a status line and headers.
sub head {
    my ($self, $deadline) = @_;

    while ($self->{in} !~ /\r\n\r\n/) {
        next if $self->fill($deadline);

        my $res = failure($self->{error});
        $res->{is_empty} = $self->{in} eq '';
        return $res;
    }

    my ($head) = $self->{in} =~ /^(.*?\r\n)\r\n/s;
    substr($self->{in}, 0, length($head) + 2, '');

    my ($line, @lines) = split /\r\n/, $head;

    if ($line !~ m{^HTTP/(1\.[01]) (\d{3})(?: (.*))?$}) {
        return failure("bad status line: $line");
    }

    my $res = { version => $1, status => $2 + 0, reason => $3 // '',
        headers => {}, list => [], body => '' };

    for my $header (@lines) {
        my ($name, $value) = $header =~ /^([^:\s]+):[ \t]*(.*?)[ \t]*$/
            or return failure("bad header line: $header");
        my $key = lc $name;

        push @{ $res->{list} }, [$name, $value];
        $res->{headers}{$key} = exists $res->{headers}{$key}
            ? "$res->{headers}{$key}, $value" : $value;
    }

    return $res;
}


# Reads the body of an answer into res; returns what is wrong, or undef.
sub body {
    my ($self, $res, $method, $deadline) = @_;

    my $headers = $res->{headers};

    if ($method eq 'HEAD' || $res->{status} =~ /^(?:101|204|304)$/) {
        return;
    }

    if (($headers->{'transfer-encoding'} // '') =~ /\bchunked$/i) {
        return $self->chunked($res, $deadline);
    }

    my $length = $headers->{'content-length'};

    if (defined $length) {
        return "bad length $length" if $length !~ /^\d{1,15}$/;
        $res->{body} = $self->take($length, $deadline)
            // return $self->{error};
        return;
    }

    1 while $self->fill($deadline);

    $res->{body} = $self->{in};
    $self->{in} = '';

    return $self->{error} eq 'connection closed' ? undef : $self->{error};
}


sub chunked {
    my ($self, $res, $deadline) = @_;

    while (1) {
        my $line = $self->line($deadline) // return $self->{error};

        return "bad chunk: $line" if $line !~ /^([0-9a-fA-F]{1,8})(?:;.*)?$/;

        my $size = hex $1;
        last if $size == 0;

        my $bytes = $self->take($size + 2, $deadline)
            // return $self->{error};

        return 'bad end of a chunk' if substr($bytes, -2) ne "\r\n";

        push @{ $res->{chunks} }, substr $bytes, 0, -2;
        $res->{body} .= substr $bytes, 0, -2;
    }

    while (1) {
        my $line = $self->line($deadline) // return $self->{error};

        return if $line eq '';

        push @{ $res->{trailers} }, $line;
    }
}


sub line {
    my ($self, $deadline) = @_;

    while ($self->{in} !~ /\r\n/) {
        $self->fill($deadline) or return;
    }

    $self->{in} =~ s/^(.*?)\r\n//s;

    return $1;
}


sub take {
    my ($self, $n, $deadline) = @_;

    while (length $self->{in} < $n) {
        $self->fill($deadline) or return;
    }

    return substr $self->{in}, 0, $n, '';
}


# Whether the other side has closed the connection, waiting for that at most
# timeout seconds.
sub is_closed {
    my ($self, $timeout) = @_;

    my $had = length $self->{in};

    if ($self->fill(time + ($timeout // 0)) || length $self->{in} > $had) {
        return 0;
    }

    return $self->{error} ne 'timed out';
}


# No more is sent; answers can still be read.
sub half_close {
    my ($self) = @_;

    return shutdown $self->{sock}, 1;
}


# Closes with a reset.
sub abort {
    my ($self) = @_;

    setsockopt $self->{sock}, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0);

    return $self->close;
}


sub close {
    my ($self) = @_;

    return close $self->{sock};
}


sub failure {
    my ($error) = @_;

    return { status => 0, reason => '', headers => {}, list => [],
        body => '', error => $error };
}


1;
