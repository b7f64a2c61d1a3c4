# SPDX-License-Identifier: BSD-2-Clause
#
# A fake function: an HTTP/1.1 server whose answer the request's path asks
# for.
#
#   /echo             200 with the request's body and its content type
#   /headers          200 with the request line and headers as JSON
#   /status/CODE      that status, with a short body
#   /delay/MS         200 after MS milliseconds
#   /chunked/N/MS     200 in N chunks "chunk I\n", MS milliseconds apart
#   /sse/N/MS         the same as text/event-stream
#   /size/N           200 with N bytes
#   /cache/SECONDS    200, may be kept so long; the body is how many requests
#                     there have been
#   /close            closes the connection without an answer
#   /reset            resets it
#   /die-head         half a header and the end
#   /die-body         a body cut short
#   /last             200 with Connection: close
#   anything else     200 "ok\n"
#
# With ?gate=GATE the answer waits until its folder has a file NAME.GATE.  A
# request's header X-Answer is the answer's status, and X-Answer-Header a line
# of its header.

package Faas::Backend;

use strict;
use warnings;

use Faas::HTTP qw(listen_on);
use Faas::Proc qw(fork_child slurp);
use Fcntl qw(O_WRONLY O_CREAT O_APPEND);
use JSON::PP;
use POSIX qw(:sys_wait_h);
use Time::HiRes qw(time sleep);

use constant IDLE => 120;       # seconds that a connection may be idle


# Starts one: addr (PORT, IP:PORT or unix:/path), dir for its logs, name for
# its answers' X-Backend header.  It accepts when this returns.
sub start {
    my ($class, %opt) = @_;

    my $name = $opt{name} // 'backend';
    my $base = "$opt{dir}/$name";

    if ($opt{addr} =~ /^unix:(.+)/) {
        unlink $1;
    }

    # made here, so that the address answers from now on
    my $listener = listen_on($opt{addr});

    my $self = bless { addr => $opt{addr}, log => "$base.requests" }, $class;

    $self->{proc} = fork_child(
        name => $name,
        log  => "$base.log",
        code => sub { serve($listener, "$base.requests", $name) },
    );

    close $listener;

    return $self;
}


sub addr { return $_[0]{addr}; }

sub proc { return $_[0]{proc}; }

sub pid { return $_[0]{proc}->pid; }


# The requests seen so far: { method, path, headers, length }, ...  The last
# line may be there by half: a write is seen page by page.
sub requests {
    my ($self) = @_;

    return map { decode_json($_) } (slurp($self->{log}) // '') =~ /^(.*)\n/mg;
}


# From now on connections are refused; those that are open are lost.
sub stop {
    my ($self) = @_;

    kill 'KILL', -$self->pid;
    $self->proc->crash;

    return;
}


sub serve {
    my ($listener, $log, $name) = @_;

    local $SIG{PIPE} = 'IGNORE';
    local $SIG{CHLD} = sub { 1 while waitpid(-1, WNOHANG) > 0; };
    local $SIG{TERM} = sub {
        $SIG{TERM} = 'IGNORE';
        kill 'TERM', -$$;
        POSIX::_exit(0);
    };

    while (1) {
        my $sock = $listener->accept;

        if (!$sock) {
            next if $!{EINTR};
            die "cannot accept: $!\n";
        }

        my $pid = fork() // die "cannot fork: $!\n";
        next if $pid != 0;

        $SIG{TERM} = 'DEFAULT';
        close $listener;
        connection($sock, $log, $name);
        POSIX::_exit(0);
    }
}


sub connection {
    my ($sock, $log, $name) = @_;

    my $conn = Faas::HTTP->of_socket($sock, timeout => IDLE);

    while (my $req = read_request($conn)) {
        note_request($log, $req);

        my ($gate) = $req->{path} =~ /[?&]gate=(\w+)/;

        if (defined $gate) {
            sleep(0.01) while !-e $log =~ s/requests$/$gate/r;
        }

        my $is_last = answer($conn, $req, $name, $log);
        last if $is_last || ($req->{headers}{connection} // '') eq 'close';
    }

    return;
}


# A request is read as an answer is, but for its first line.
sub read_request {
    my ($conn) = @_;

    my $deadline = time + IDLE;

    while ($conn->{in} !~ m{\A\S+ \S+ HTTP/1\.[01]\r\n}) {
        $conn->fill($deadline) or return;
    }

    $conn->{in} =~ s{\A(\S+) (\S+) (HTTP/1\.[01])\r\n}{$3 200 request\r\n};

    my ($method, $path) = ($1, $2);
    my $req = $conn->head($deadline);

    return if $req->{status} == 0;

    $req->{method} = $method;
    $req->{path} = $path;

    if (lc($req->{headers}{expect} // '') eq '100-continue') {
        $conn->write("HTTP/1.1 100 Continue\r\n\r\n");
    }

    if (exists $req->{headers}{'content-length'}
        || exists $req->{headers}{'transfer-encoding'})
    {
        return if defined $conn->body($req, $method, $deadline);
    }

    return $req;
}


sub note_request {
    my ($log, $req) = @_;

    my $line = encode_json({ method => $req->{method}, path => $req->{path},
        headers => $req->{headers}, length => length $req->{body} });

    # one write a line, so that lines of several processes do not mix
    sysopen my $out, $log, O_WRONLY | O_CREAT | O_APPEND
        or die "cannot write $log: $!\n";
    syswrite $out, "$line\n";
    close $out;

    return;
}


# Answers; true where the connection ends with it.
sub answer {
    my ($conn, $req, $name, $log) = @_;

    my ($what, @args) = split m{/}, $req->{path} =~ s{^/|\?.*}{}gr;
    my $head = "X-Backend: $name\r\n";

    $what //= '';

    if ($what eq 'close') {
        return 1;
    }

    if ($what eq 'reset') {
        $conn->abort;
        return 1;
    }

    if ($what eq 'die-head') {
        $conn->write("HTTP/1.1 200 OK\r\nContent-Le");
        return 1;
    }

    if ($what eq 'die-body') {
        $conn->write("HTTP/1.1 200 OK\r\n${head}Content-Length: 1000\r\n\r\n"
            . 'x' x 500);
        return 1;
    }

    if ($what eq 'chunked' || $what eq 'sse') {
        return chunks($conn, $head, $what, @args);
    }

    my ($status, $type, $body) = (200, 'text/plain', "ok\n");

    if ($what eq 'status') {
        ($status, $body) = ($args[0], "status $args[0]\n");

    } elsif ($what eq 'delay') {
        sleep($args[0] / 1000);

    } elsif ($what eq 'size') {
        $body = 'x' x $args[0];

    } elsif ($what eq 'echo') {
        $type = $req->{headers}{'content-type'} // 'text/plain';
        $body = $req->{body};

    } elsif ($what eq 'headers') {
        $type = 'application/json';
        $body = encode_json({ method => $req->{method},
            path => $req->{path}, headers => $req->{headers} });

    } elsif ($what eq 'cache') {
        $head .= "Cache-Control: max-age=$args[0]\r\n";
        $body = slurp($log) =~ tr/\n//;

    } elsif ($what eq 'last') {
        $head .= "Connection: close\r\n";
    }

    $status = $req->{headers}{'x-answer'} // $status;

    if (defined $req->{headers}{'x-answer-header'}) {
        $head .= "$req->{headers}{'x-answer-header'}\r\n";
    }

    $head = "HTTP/1.1 $status Status\r\n${head}Content-Type: $type\r\n"
        . 'Content-Length: ' . length($body) . "\r\n\r\n";

    $conn->write($req->{method} eq 'HEAD' ? $head : $head . $body);

    return $what eq 'last';
}


sub chunks {
    my ($conn, $head, $what, $n, $ms) = @_;

    my $type = $what eq 'sse' ? 'text/event-stream' : 'text/plain';

    $conn->write("HTTP/1.1 200 OK\r\n${head}Content-Type: $type\r\n"
        . "Transfer-Encoding: chunked\r\n\r\n");

    for my $i (1 .. $n) {
        my $text = $what eq 'sse' ? "data: $i\n\n" : "chunk $i\n";

        $conn->write(sprintf "%x\r\n%s\r\n", length $text, $text) or return 1;
        sleep(($ms // 0) / 1000) if $i < $n;
    }

    return !$conn->write("0\r\n\r\n");
}


1;
