#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Every kind of traffic through the gateway as it is shipped: streams in both
# directions, large bodies, WebSockets, HTTP/2, clients that go away.  If this
# fails, a stream is held back, a body is damaged or fills disk or memory, or
# a connection that nobody wants any more stays at a function.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::MD5 qw(md5_hex);
use Faas::HTTP qw(listen_on);
use Faas::Proc qw(fork_child);
use Faas::Test;
use IO::Select;
use POSIX ();
use Test::More;


my $t = Faas::Test->new(need => [qw(nginx redis-server module curl)]);
my $backend = $t->start_backend;
my $raw = 'unix:' . $t->dir . '/raw.sock';
my $h2 = $t->free_port;

# A function that shows what it gets, byte by byte: what comes in on a
# connection is appended to a file; what is to be sent is read from a pipe.
my $seen = $t->dir . '/raw.seen';
my $say = $t->dir . '/raw.say';
POSIX::mkfifo($say, oct 600) or die "mkfifo: $!\n";
start_raw();

$t->start_redis;
$t->publish('echo', $backend->addr);
$t->publish('raw', $raw);
$t->start_nginx(vars => { WORKERS => 2, PARK => '5s', HTTP_EXTRA => <<"END" });
    server {
        listen 127.0.0.1:$h2 http2;
        include faas/proxy.conf;

        location /function/ {
            faas_function;
            proxy_pass http://functions\$faas_uri;
        }

        location \@faas_error {
            faas_error;
        }
    }
END
wait_for(sub { $t->get('/function/echo')->{status} == 200 }, 10, 'routes');

sub start_raw {
    my $listener = listen_on($raw);

    fork_child(name => 'raw', log => $t->dir . '/raw.log', code => sub {
        local $SIG{PIPE} = 'IGNORE';

        while (my $sock = $listener->accept) {
            open my $out, '>>', $seen or die "$seen: $!\n";
            $out->autoflush(1);
            open my $in, '+<', $say or die "$say: $!\n";
            my $select = IO::Select->new($sock, $in);

            while (my @ready = $select->can_read) {
                for my $from (@ready) {
                    my $n = sysread $from, my $data, 65536;

                    if ($from == $sock) {
                        print {$out} $n ? $data : '<end>';
                        goto closed if !$n;

                    } elsif ($data =~ s/<close>$//) {
                        syswrite $sock, $data;
                        goto closed;

                    } else {
                        syswrite $sock, $data;
                    }
                }
            }

        closed:
            close $sock;
        }
    });
    close $listener;

    return;
}

sub seen { return slurp($seen) // ''; }

sub say_raw {
    my ($text) = @_;

    open my $out, '>', $say or die "$say: $!\n";
    syswrite $out, $text;
    close $out;

    return;
}

sub forget { unlink $seen; return; }

sub inflight {
    my ($function) = @_;

    return $t->get('/metrics')->{body}
        =~ /^gateway_function_invocation_inflight
            \{function_name="\Q$function\E\.openfaas-fn"\}\ (\d+)$/mx ? $1 : -1;
}

sub temp_files {
    my $n = 0;

    for my $dir (glob $t->nginx->prefix . '/tmp/*') {
        $n += grep { -f } glob "$dir/* $dir/*/* $dir/*/*/*";
    }

    # one that is open is unlinked already
    for my $pid ($t->nginx->workers) {
        $n += grep { (readlink // '') =~ m{/tmp/(?:body|proxy)} }
            glob "/proc/$pid/fd/*";
    }

    return $n;
}

sub rss_kb {
    my $most = 0;

    for my $pid ($t->nginx->workers) {
        my ($kb) = (slurp("/proc/$pid/status") // '') =~ /^RssAnon:\s+(\d+)/m;
        $most = $kb if defined $kb && $kb > $most;
    }

    return $most;
}

# an upload arrives as it is sent, an answer as it is made

my $client = Faas::HTTP->new($t->addr);
$client->write("POST /function/raw/up HTTP/1.1\r\nHost: x\r\n"
    . "Connection: close\r\nContent-Length: 12\r\n\r\nfirst");
wait_for(sub { seen() =~ /\r\n\r\nfirst$/ }, 10, 'the first bytes');
pass('the first bytes of a body reach the function before the rest is sent');
like(seen(), qr/^POST \/up HTTP\/1.1\r\n/, 'with the request');
$client->write(' second');
wait_for(sub { seen() =~ /first second$/ }, 10, 'the rest');
say_raw("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    . "data: 1\n\n");
my $text = '';
wait_for(sub { $text .= $client->read_some; $text =~ /data: 1\n\n/ }, 10,
    'the first event');
pass('an event reaches the client while the function goes on');
is(inflight('raw'), 1, 'an open stream is in flight');
say_raw("data: 2\n\n");
wait_for(sub { $text .= $client->read_some; $text =~ /data: 2\n\n/ }, 10,
    'the second event');
say_raw("data: 3\n\n<close>");
$text .= $client->read_all;
like($text, qr/data: 3\n\n.*0\r\n\r\n\z/s,
    'an answer without a length ends as a whole for the client');

# chunked in both directions

forget();
$client = Faas::HTTP->new($t->addr);
$client->write("POST /function/raw/ch HTTP/1.1\r\nHost: x\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
wait_for(sub { seen() =~ /hello/ }, 10, 'the first chunk');
$client->write("1\r\n!\r\n0\r\n\r\n");
wait_for(sub { seen() =~ /0\r\n\r\n$/ }, 10, 'the end');
like(seen(), qr/^Transfer-Encoding: chunked\r$/mi,
    'a chunked request stays chunked');
say_raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n"
    . "\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n<close>");
my $res = $client->response;
is($res->{body}, 'abc', 'a chunked answer arrives');
is($client->request(GET => '/function/echo')->{status}, 200,
    'trailers of an answer do not break the connection');

# Expect, HEAD, no content

forget();
$client = Faas::HTTP->new($t->addr);
$client->write("POST /function/echo/echo HTTP/1.1\r\nHost: x\r\n"
    . "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
like($client->read_some, qr/^HTTP\/1.1 100 /, 'Expect: 100-continue is met');
$client->write('abc');
is($client->response->{body}, 'abc', 'and the function gets the body');

$client = Faas::HTTP->new($t->addr);
$client->write("HEAD /function/echo/size/12345 HTTP/1.1\r\nHost: x\r\n\r\n"
    . "GET /function/echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
$text = $client->read_all;
like($text,
    qr/^HTTP\/1.1\ 200.*?Length:\ 12345\r.*?\r\n\r\nHTTP\/1.1\ 200/xs,
    'HEAD has a length, no body, and leaves the connection usable');

for my $status (204, 304) {
    $client = Faas::HTTP->new($t->addr);
    is($client->request(GET => "/function/echo/status/$status")->{status},
        $status, "status $status");
    is($client->request(GET => '/function/echo')->{status}, 200,
        "the connection is usable after $status");
}

$client = Faas::HTTP->new($t->addr);
$client->write("GET /function/echo/size/10 HTTP/1.0\r\n\r\n");
like($client->read_all, qr/^HTTP\/1.1 200.*\r\n\r\n.{10}\z/s,
    'an HTTP/1.0 client is served');

# large bodies: intact, not on disk, not in memory

my $file = $t->dir . '/large';
open my $out, '>:raw', $file or die "$file: $!\n";
my $block = join '', map { chr } 0 .. 255;
print {$out} $block x 4096 for 1 .. 8;
close $out;
my $sum = md5_hex(slurp($file));
my $before = rss_kb();

for my $case (['Content-Length', '-H', 'Expect:'],
    ['chunked', '-H', 'Transfer-Encoding: chunked', '-H', 'Expect:'])
{
    my ($what, @args) = @$case;
    my $got = $t->dir . '/got';
    my $done = $t->run('curl', '-sS', '--data-binary', "\@$file", '-o', $got,
        @args, '-w', '%{http_code}', 'http://' . $t->addr
        . '/function/echo/echo');

    is($done->{output}, '200', "8 MiB there and back, $what");
    is(md5_hex(slurp($got) // ''), $sum, "$what: not a byte is changed");
    is(temp_files(), 0, "$what: no temporary file");
}

cmp_ok(rss_kb() - $before, '<', 8192, 'workers have hardly grown');

# a client that does not read stops the function, not the gateway's memory

$client = Faas::HTTP->new($t->addr);
$client->send_request(GET => '/function/echo/size/300000000');
wait_for(sub { inflight('echo') == 1 }, 10, 'the call');
cmp_ok(rss_kb() - $before, '<', 8192, 'a slow reader fills no memory');
is(temp_files(), 0, 'nor the disk');
$client->abort;
wait_for(sub { inflight('echo') == 0 }, 10, 'none in flight');
pass('a client that goes away in the middle of an answer ends the call');

$client = Faas::HTTP->new($t->addr);
$client->write("POST /function/echo/echo HTTP/1.1\r\nHost: x\r\n"
    . "Content-Length: 100000\r\n\r\nabc");
wait_for(sub { inflight('echo') == 1 }, 10, 'the call');
$client->abort;
wait_for(sub { inflight('echo') == 0 }, 10, 'none in flight');
pass('so does one that goes away in the middle of its request');

# WebSocket

forget();
$client = Faas::HTTP->new($t->addr);
$client->write("GET /function/raw/ws HTTP/1.1\r\nHost: x\r\n"
    . "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
    . "Sec-WebSocket-Key: a\r\nKeep-Alive: 5\r\n\r\n");
wait_for(sub { seen() =~ /\r\n\r\n$/ }, 10, 'the request');
like(seen(), qr/^Upgrade: websocket\r$/m, 'a WebSocket request keeps Upgrade');
like(seen(), qr/^Connection: upgrade\r$/m, 'and Connection');
unlike(seen(), qr/^Keep-Alive:/mi, 'but not what is for this hop only');
is(scalar(() = seen() =~ /^Connection:/mg), 1, 'once');
say_raw("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n"
    . "Upgrade: websocket\r\n\r\n\x81\x02hi");
$text = '';
wait_for(sub { $text .= $client->read_some; $text =~ /hi$/ }, 10, 'a frame');
like($text, qr/^HTTP\/1.1 101 .*^Upgrade: websocket\r$/ms,
    'the protocol is switched');
$client->write("\x81\x82abcdxy");
wait_for(sub { seen() =~ /abcdxy$/ }, 10, 'the frame');
pass('frames go both ways');
is(inflight('raw'), 1, 'the open connection is in flight');
say_raw("\x88\x00<close>");
$text = $client->read_all;
is($text, "\x88\x00", 'what is sent last arrives');
wait_for(sub { inflight('raw') == 0 }, 10, 'none in flight');
pass('and is no longer when it is closed');

# HTTP/2

my @curl = ('curl', '-sS', '--http2-prior-knowledge', '-w', '%{http_version}');
my $url = "http://127.0.0.1:$h2/function/echo";
is($t->run(@curl, $url)->{output}, "ok\n2", 'HTTP/2: GET');
is($t->run(@curl, '-d', 'some text', "$url/echo")->{output}, 'some text2',
    'HTTP/2: POST');
my $got = $t->dir . '/got2';
$t->run(@curl, '--data-binary', "\@$file", '-o', $got, "$url/echo");
is(md5_hex(slurp($got) // ''), $sum, 'HTTP/2: 8 MiB there and back');
$t->publish('cold');
wait_for(sub { $t->get('/metrics')->{body} =~ /_service_count\S+cold\S+ 0$/m },
    10, 'route');
open my $curl, '-|', @curl, '-d', 'late',
    "http://127.0.0.1:$h2/function/cold/echo" or die "curl: $!\n";

sub parked {
    return $t->get('/metrics')->{body}
        =~ /^faas_function_parked\S+cold\S+ (\d+)$/m ? $1 : -1;
}
wait_for(sub { parked() == 1 }, 10, 'the parked stream');
$t->publish('cold', $backend->addr);
is(join('', readline $curl), 'late2',
    'HTTP/2: a parked stream goes on, with its body');
close $curl;

$t->publish('cold');
wait_for(sub { $t->get('/metrics')->{body} =~ /_service_count\S+cold\S+ 0$/m },
    10, 'route');
open my $gone, '-|', 'sh', '-c', "exec curl -s --http2-prior-knowledge -m 1"
    . " http://127.0.0.1:$h2/function/cold" or die "curl: $!\n";
wait_for(sub { parked() == 1 }, 10, 'the parked stream');
wait_for(sub { parked() == 0 }, 10, 'none');
pass('HTTP/2: a client that goes away frees its place');
close $gone;

wait_for(sub { inflight('echo') == 0 && inflight('cold') == 0 }, 10, 'none');
pass('nothing is left in flight');

$t->finish;
