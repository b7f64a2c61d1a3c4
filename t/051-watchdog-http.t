#!/usr/bin/env perl
# SPDX-License-Identifier: BSD-2-Clause
#
# One long-lived function process that serves HTTP.  If this fails, functions
# written as HTTP servers lose requests or answers: when they start, when they
# close connections, when bodies are large, when they fail.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use Faas::HTTP qw(http);
use Faas::Proc qw(alive fork_child slurp wait_for);
use Faas::Test;
use Faas::Watchdog;
use POSIX ();
use Test::More;

my $t = Faas::Test->new(need => ['watchdog']);
my $dir = $t->dir;

# The function: a server on the socket it is handed, or on TCP; a process a
# connection.  What it does is in the path.
$t->spew("$dir/server.pl", <<'SCRIPT');
use strict;
use warnings;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Socket;

$| = 1;
$SIG{CHLD} = 'IGNORE';
my ($dir, $port) = @ARGV;
my ($n, $n_bytes) = (0, 0);

sub wait_file { select undef, undef, undef, 0.005 while !-e $_[0] }
wait_file("$dir/start") if $ENV{WAIT};

my $listener;
if ($port) {
    $listener = IO::Socket::INET->new(LocalAddr => "127.0.0.1:$port",
        Listen => 100, ReuseAddr => 1) or die "listen: $!";
} else {
    die "LISTEN_PID\n" if $ENV{LISTEN_PID} != $$;
    die "LISTEN\n" if "$ENV{LISTEN_FDS} $ENV{LISTEN_FDNAMES}" ne '1 http';
    $listener = IO::Socket::UNIX->new_from_fd(3, '+<') or die "fd 3: $!";
}
print "serving\n";

while (1) {
    my $sock = $listener->accept or next;
    defined(my $pid = fork) or die;
    if ($pid) { close $sock; next }
    serve($sock);
    exit;
}

sub serve {
    my ($sock) = @_;
    while (1) {
        my ($head, $body) = ('', '');
        while ($head !~ /\r\n\r\n/) {
            sysread($sock, $head, 65536, length $head) or return;
        }
        $head =~ s/\r\n\r\n(.*)/\r\n/s and $body = $1;
        my ($method, $path) = $head =~ /^(\S+) (\S+)/;
        $n++;
        if ($path eq '/early') {
            answer($sock, 'early', 'Connection: close');
            shutdown $sock, 1;
            1 while sysread $sock, $body, 65536;
            return;
        }
        if ($head =~ /^Content-Length: (\d+)/mi) {
            while (length $body < $1) {
                sysread $sock, $body, 65536, length $body or return;
            }
        } elsif ($head =~ /^Transfer-Encoding: chunked/mi) {
            while ($body !~ /(?:^|\r\n)0\r\n\r\n$/) {
                sysread $sock, $body, 65536, length $body or return;
            }
            my $in = $body;
            $body = '';
            while ($in =~ s/^([0-9a-f]+)\r\n//i && hex $1) {
                $body .= substr $in, 0, hex $1;
                substr($in, 0, 2 + hex $1) = '';
            }
        }
        if ($path eq '/upgrade') {
            put($sock, "HTTP/1.1 101 Switching Protocols\r\n"
                . ($head =~ /^Connection: Upgrade\r$/m
                   && $head =~ /^Upgrade: (.+)\r$/m
                   ? "Connection: upgrade\r\nUpgrade: $1\r\n" : '')
                . "X-Proto: 1\r\n\r\nwelcome ");
            put($sock, uc $body) while sysread $sock, $body, 65536;
            return;
        }
        if ($path eq '/hang') {
            sysread $sock, $body, 1;
            return;
        }
        if ($path =~ m{^/raw/(\w+)}) {
            put($sock, "HTTP/1.1 " . {
                cached  => "304 Not Modified\r\nContent-Length: 9\r\n\r\n",
                chunked => "304 Not Modified\r\nTransfer-Encoding: chunked"
                    . "\r\n\r\n",
                empty   => "204 No Content\r\nContent-Length: 9\r\n\r\n",
                digit   => "2 OK\r\nContent-Length: 0\r\n\r\n",
                codings => "200 OK\r\nTransfer-Encoding: gzip, chunked\r\n"
                    . "\r\n0\r\n\r\n",
                trailer => "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                    . "1\r\na\r\n0\r\nTransfer-Encoding: x\r\n",
            }->{$1});
            return if $1 eq 'trailer';
            next;
        }
        if ($path eq '/head') { answer($sock, $head) }
        elsif ($path eq '/count') { answer($sock, "$$ $n") }
        elsif ($path eq '/echo') { answer($sock, $body) }
        elsif ($path eq '/none') { put($sock, "HTTP/1.1 204 Fine\r\n\r\n") }
        elsif ($path eq '/headers') {
            answer($sock, 'x', "X-One: 1", "X-Two: 2", "Connection: X-Two",
                "Keep-Alive: timeout=9", 'X-Duration-Seconds: 9',
                'Set-Cookie: a', 'Set-Cookie: b');
        }
        elsif ($path eq '/status') {
            put($sock, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 418 I'm a "
                . "teapot\r\nContent-Length: 3\r\n\r\ntea");
        }
        elsif ($path eq '/chunks') {
            put($sock, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                . "\r\n3\r\nabc\r\n");
            wait_file("$dir/chunk");
            put($sock, "1\r\nd\r\n0\r\n\r\n");
        }
        elsif ($path eq '/to-the-end') {
            put($sock, "HTTP/1.0 200 OK\r\n\r\nall of it");
            return;
        }
        elsif ($path eq '/cut') {
            put($sock, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
            return;
        }
        elsif ($path eq '/cut-chunks') {
            put($sock, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                . "\r\n3\r\nabc\r\n");
            return;
        }
        elsif ($path eq '/close') { return }
        elsif ($path eq '/garbage') { put($sock, "what?\r\n\r\n"); return }
        elsif ($path eq '/bad') {
            put($sock, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                . "\r\nxyz\r\n");
            return;
        }
        elsif ($path eq '/silent') {
            put($sock, '');
            sleep 1000;
        }
        elsif ($path eq '/once') {      # keeps the connection, then closes
            answer($sock, "once $$");
            wait_file("$dir/once");
            shutdown $sock, 2;
            open my $f, '>', "$dir/closed" or die;
            return;
        }
        elsif ($path eq '/big') {
            put($sock, "HTTP/1.1 200 OK\r\nContent-Length: 33554432\r\n\r\n");
            put($sock, 'x' x 65536) for 1 .. 512;
        }
        elsif ($path eq '/size') { answer($sock, length $body) }
        elsif ($path eq '/exit') { kill TERM => getppid; return }
        else { answer($sock, "hello from $path") }
    }
}

sub put {
    my ($sock, $text) = @_;
    my $done = 0;
    while ($done < length $text) {
        $done += syswrite $sock, $text, length($text) - $done, $done or exit;
    }
}

sub answer {
    my ($sock, $body, @headers) = @_;
    put($sock, join "\r\n", 'HTTP/1.1 200 OK', 'Content-Length: '
        . length $body, @headers, '', $body);
}
SCRIPT


sub watchdog {
    my (%opt) = @_;

    my $args = delete $opt{args} // '';
    my $no_wait = delete $opt{no_wait};

    return Faas::Watchdog->start($t, no_wait => $no_wait,
        fprocess => "perl $dir/server.pl $dir$args",
        env => { mode => 'http', TMPDIR => $dir, %opt });
}


sub status_of {
    my ($res) = @_;

    return "$res->{status} " . ($res->{headers}{'x-openfaas-internal'} // '');
}


subtest 'passing on' => sub {
    my $wd = watchdog();
    my $res = http(POST => $wd->addr, '/head?a=%20b', { host => 'h:1',
        connection => 'close, X-Hop', 'x-hop' => 1, te => 'gzip',
        'X-MiXed' => 'kept', expect => '100-continue' }, 'abc');

    like($res->{body}, qr/^hello/, 'the query is part of the path');
    $res = http(POST => $wd->addr, '/head', { host => 'h:1',
        connection => 'close, X-Hop', 'x-hop' => 1, te => 'gzip',
        'X-MiXed' => 'kept', expect => '100-continue' }, 'abc');
    like($res->{body}, qr{^POST /head HTTP/1.1\r\n}, 'method and path');
    like($res->{body}, qr/^host: h:1\r$/mi, 'Host');
    like($res->{body}, qr/^X-MiXed: kept\r$/m, 'headers as they are');
    like($res->{body}, qr/^Content-Length: 3\r$/m, 'the length');
    unlike($res->{body}, qr/^(?:x-hop|connection|te|expect):/mi,
        'not what is for this connection');

    $res = $wd->get('/headers');
    is($res->{headers}{'x-one'}, 1, 'headers of the answer');
    is($res->{headers}{'set-cookie'}, 'a, b', 'each of several');
    ok(!exists $res->{headers}{$_}, "not $_") for qw(x-two keep-alive);
    like($res->{headers}{'x-duration-seconds'}, qr/^0\.\d{6}$/,
        'X-Duration-Seconds is ours');

    $res = $wd->get('/status');
    is("$res->{status} $res->{reason} $res->{body}",
        "418 I'm a teapot tea", 'status and reason; 100 is skipped');
    is($wd->get('/none')->{status}, 204, 'no body, no length');
    is(http(HEAD => $wd->addr, '/echo')->{status}, 200, 'HEAD');
    is($wd->post('/echo', "a\0b")->{body}, "a\0b", 'body with a length');
    is(http(POST => $wd->addr, '/echo', { 'transfer-encoding' => 'chunked' },
        "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")->{body}, 'abcde', 'chunks');
    is($wd->get('/to-the-end')->{body}, 'all of it',
        'an answer that ends with its connection');

    my $client = $wd->client;
    $client->send_request(GET => '/chunks');
    $client->head(time + 30);
    like($client->read_some, qr/^0*3\r\nabc\r\n/, 'chunks are not held back');
    $t->spew("$dir/chunk", '');
    like($client->read_some, qr/d\r\n0\r\n\r\n/, 'to the last one');

    my ($first, $pid) = map { (split ' ', $wd->get('/count')->{body})[0] }
        1, 2;
    is($first, $pid, 'connections to the function are kept');

    $client = $wd->client;
    $client->write(join '', map { "GET /$_ HTTP/1.1\r\nHost: x\r\n\r\n" }
        qw(a b c));
    is(join(' ', map { $client->response->{body} } 1 .. 3),
        'hello from /a hello from /b hello from /c', 'pipelining');
    is_deeply([glob "$dir/faas-*"], [], 'nothing is left in TMPDIR');
    $wd->stop;
};


subtest 'large bodies' => sub {
    my $wd = watchdog();
    my $big = 'abcdefgh' x (1024 * 1024);

    is($wd->post('/size', $big)->{body}, length $big, '8 MiB upwards');
    is(sha256_hex($wd->get('/big')->{body}),
        sha256_hex('x' x (32 * 1024 * 1024)), '32 MiB downwards');
    is($wd->post('/early', $big)->{body}, 'early',
        'an answer before the body was read');

    my $client = $wd->client;
    $client->send_request(GET => '/big');
    $client->head(time + 30);
    $client->abort;
    is($wd->get('/x')->{status}, 200, 'a client that aborts hurts nobody');

    SKIP: {
        skip('sanitizers need memory', 1) if $t->is_sanitized;
        cmp_ok($wd->peak, '<', 4096, 'all in constant memory');
    }

    $wd->stop;
};


subtest 'failing functions' => sub {
    my $wd = watchdog(exec_timeout => '500ms');

    is(status_of($wd->get($_)), '500 of-watchdog', "$_ gives 500")
        for qw(/close /garbage);

    my $res = $wd->get('/close');
    like($res->{body}, qr/closed the connection/, 'which says why');

    for my $path (qw(/cut /cut-chunks /bad)) {
        $res = $wd->get($path);
        is($res->{status}, 0, "$path: the answer is cut off too");
        is($res->{partial}{status}, 200, "$path: after it has begun");
    }

    $res = $wd->get('/silent');
    is(status_of($res), '504 of-watchdog', 'exec_timeout gives 504');
    like($res->{body}, qr/exec_timeout of 0\.5s/, 'naming the setting');
    is($wd->get('/x')->{status}, 200, 'the next request is served');
    $wd->stop;
};


subtest 'kept connections that the function closes' => sub {
    my $wd = watchdog();

    for my $method (qw(GET POST)) {
        unlink "$dir/once", "$dir/closed";
        like($wd->get('/once')->{body}, qr/^once/, 'a connection is kept');
        $t->spew("$dir/once", '');
        wait_for(sub { -e "$dir/closed" }, 30, 'closed connection');
        is(http($method => $wd->addr, '/echo', {},
            $method eq 'POST' ? 'body' : undef)->{status}, 200,
            "$method goes over another one");
    }

    $wd->stop;
};


subtest 'starting' => sub {
    my $wd = watchdog(WAIT => 1);
    my $client = $wd->client;

    $client->send_request(POST => '/echo', {}, 'early bird');
    $t->spew("$dir/start", '');
    is($client->response->{body}, 'early bird',
        'a request waits in the private socket while the function starts');
    $wd->stop;

    unlink "$dir/start";
    my $port = $t->free_port;
    $wd = watchdog(WAIT => 1, args => " $port",
        upstream_url => "http://127.0.0.1:$port");
    $client = $wd->client;
    $client->send_request(POST => '/echo', {}, 'early bird');
    wait_for(sub { $wd->get('/_/health')->{status} == 200 }, 30, 'health');
    $t->spew("$dir/start", '');
    is($client->response->{body}, 'early bird',
        'with upstream_url it is connected to again and again');
    $wd->stop;

    unlink "$dir/start";
    $wd = watchdog(WAIT => 1, args => " $port", read_timeout => '200ms',
        upstream_url => "http://localhost:$port/");
    my $res = $wd->get('/');
    is(status_of($res), '500 of-watchdog', 'but not for ever');
    like($res->{body}, qr/cannot connect to the function: Connection refused/,
        'and it says why');
    $wd->stop;
};


subtest 'the function ends' => sub {
    my $wd = watchdog();
    my $client = $wd->client;

    $client->send_request(GET => '/silent');
    wait_for(sub { $wd->log =~ /serving/ }, 30, 'function');
    my ($child) = $wd->children;
    kill KILL => $child;
    wait_for(sub { !$wd->proc->running }, 30, 'end of the watchdog');
    is($wd->proc->status >> 8, 1, 'the watchdog ends with 1');
    like($wd->log, qr/Forked function has terminated: signal: killed/,
        'the log says why');
    like($wd->log, qr/stdout: serving$/m, 'stdout of the function is there');
    $wd->stop(may_be_gone => 1);

    $wd = Faas::Watchdog->start($t, fprocess => 'no-such-program',
        env => { mode => 'http' }, no_wait => 1);
    wait_for(sub { !$wd->proc->running }, 30, 'end of the watchdog');
    is($wd->proc->status >> 8, 1, 'so it does where it cannot start');
    like($wd->log, qr/"no-such-program": executable file not found/,
        'saying so');
    $wd->stop(may_be_gone => 1);
};


subtest 'odd answers' => sub {
    my $wd = watchdog(exec_timeout => '5s');

    is($wd->get("/raw/$_->[0]")->{status}, $_->[1], "$_->[0]: $_->[1]")
        for ['cached', 304], ['chunked', 304], ['empty', 204],
            ['digit', 500], ['codings', 500];
    unlike($wd->raw("GET /raw/trailer HTTP/1.1\r\nHost: x\r\n\r\n"),
        qr/0\r\n\r\n\z/, 'one that is cut in its trailers does not look whole');
    like($wd->raw("GET /head HTTP/1.1\r\nHost: kept\r\n"
        . "Connection: close, Host\r\n\r\n"), qr/^Host: kept\r$/mi,
        'a client cannot have Host dropped');
    $wd->stop;
};


subtest 'upgrade' => sub {
    my $wd = watchdog(exec_timeout => '300ms', read_timeout => '300ms');
    my $client = $wd->client;

    $client->write("GET /upgrade HTTP/1.1\r\nHost: x\r\nConnection: Upgrade"
        . "\r\nUpgrade: websocket\r\n\r\nfirst");
    my $head = '';
    $head .= $client->read_some while $head !~ /FIRST$/;
    like($head, qr/^HTTP\/1\.1 101 Switching Protocols\r\n/, 'a 101');
    like($head, qr/^Connection: Upgrade\r$/m, 'Connection');
    like($head, qr/^Upgrade: websocket\r$/m, 'Upgrade');
    like($head, qr/^X-Proto: 1\r$/m, 'and other headers');
    like($head, qr/\r\n\r\nwelcome FIRST$/, 'what came with the heads');

    # longer than any time-out
    ok(!$client->fill(0.8), 'silence is no end');

    for my $text ("a\0b", 'x' x 300_000) {
        my $got = '';
        $client->write($text);
        $got .= $client->read_some while length $got < length $text;
        ok($got eq uc $text, 'bytes go both ways: ' . length $text);
    }

    is($wd->get('/count')->{status}, 200, 'other calls go on');
    $client->close;
    wait_for(sub { $wd->log =~ /GET \/upgrade - 101/ }, 10, 'its end');
    pass('the client closes: it ends');
    my $res = $wd->get('/upgrade');
    is($res->{status}, 500, 'a 101 that nobody has asked for: 500');
    like($res->{body}, qr/changes the protocol unasked/, 'saying so');
    $wd->stop;
};


subtest 'time of a call' => sub {
    my $wd = watchdog(exec_timeout => '600ms');

    is($wd->get('/hang', { 'x-timeout' => '100ms' })->{body},
        "function not done within X-Timeout of 0.1s\n", 'X-Timeout');
    is($wd->get('/hang', { 'x-timeout' => $_ })->{body},
        "function not done within exec_timeout of 0.6s\n",
        "exec_timeout where it is $_") for '5s', 'x', '0';

    my $client = $wd->client;
    $client->send_request(GET => '/hang', { accept => 'text/Event-Stream' });
    ok(!$client->fill(1.2), 'a stream has no limit');
    $client->close;
    $wd->stop;
};


subtest 'held bodies' => sub {
    my $wd = watchdog(buffer_http => 'true', max_held_body => 100_000);
    my $res = http(POST => $wd->addr, '/head', { 'transfer-encoding' =>
        'chunked' }, "3\r\nabc\r\n0\r\n\r\n");

    like($res->{body}, qr/^Content-Length: 3\r$/m, 'its length is told');
    unlike($res->{body}, qr/^Transfer-Encoding/m, 'in place of chunks');
    is($wd->post('/echo', 'x' x 99_999)->{body}, 'x' x 99_999, 'it is whole');
    is($wd->get('/echo')->{status}, 200, 'none is none');
    is($wd->post('/echo', 'x' x 100_001)->{status}, 413, 'too much: 413');

    my $client = $wd->client;
    $client->write("POST /count HTTP/1.1\r\nHost: x\r\n"
        . "Content-Length: 4\r\n\r\nab");
    my ($before) = $wd->get('/count')->{body} =~ / (\d+)/;
    my ($after) = $wd->get('/count')->{body} =~ / (\d+)/;
    is($after, $before + 1, 'half a body does not reach the function');
    $client->write('cd');
    is($client->response->{status}, 200, 'a whole one does');
    $wd->stop;
};


subtest 'many at once, nothing leaks' => sub {
    my $wd = watchdog();

    $wd->get('/x');
    my $fds = $wd->fds;
    my @clients = map { $wd->client } 1 .. 100;
    my $n_good = 0;

    for my $round (1 .. 3) {
        $_->send_request(POST => '/echo', {}, 'y' x 1000) for @clients;
        $n_good += $_->response->{body} eq 'y' x 1000 for @clients;
    }

    is($n_good, 300, 'each of 100 connections gets its answers');
    $_->close for @clients;

    # up to 64 connections to the function are kept for some seconds
    wait_for(sub { $wd->fds <= $fds + 64 }, 30, 'few descriptors');
    wait_for(sub { $wd->fds <= $fds }, 30, 'as few descriptors as before');
    pass('no descriptor is left');
    $wd->stop;
};


$t->finish;
