#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# samples/stack.yml, brought up by the one command that it names, and each of
# its functions called.  If this fails, what is meant to show what functions can
# do does not do it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha1_base64);
use Faas::Cli;
use Faas::HTTP;
use Faas::Template;
use Faas::Test;
use Test::More;

use constant {
    KEY  => 'dGhlIHNhbXBsZSBub25jZQ==',
    GUID => '258EAFA5-E914-47DA-95CA-C5AB0DC85B11',
    MASK => "\x01\x02\x03\x04",
    WAIT => 30,             # seconds
};

my @names = qw(markdown qrcode thumbnail ticker websocket words);
my $t = Faas::Test->new(need => [qw(nginx redis-server module scaler watchdog
    ./faas bash convert go node perl python3 qrencode rustc)]);

# width and height of a PNG
sub png_size {
    my ($png) = @_;

    return 'no PNG' if $png !~ /^\x89PNG\r\n\x1a\n.{4}IHDR(.{8})/s;
    return join 'x', unpack 'NN', $1;
}

# a picture of a colour, as another program makes it
sub picture {
    my ($format, $size) = @_;

    my $file = $t->dir . "/picture.$format";

    $t->run('convert', '-size', $size, 'xc:navy', "$format:$file");

    return slurp($file);
}

# a WebSocket frame of a client
sub frame {
    my ($head, $data) = @_;

    my $size = length $data;
    my $bytes = $size < 126 ? chr(0x80 | $size) : "\xfe" . pack('n', $size);

    return chr($head) . $bytes . MASK
        . ($data ^ substr(MASK x (1 + $size / 4), 0, $size));
}

sub wait_bytes {
    my ($client, $n) = @_;

    my $bytes = '';

    while (length $bytes < $n) {
        my $more = $client->read_some(WAIT);

        last if $more eq '';
        $bytes .= $more;
    }

    return $bytes;
}

sub test_markdown {
    my $res = $t->post('/function/markdown',
        "# A & B\n\nSome *text*.\n\n<script>alert(1)</script>\n");

    is($res->{headers}{'content-type'}, 'text/html; charset=utf-8',
        'markdown: HTML');
    like($res->{body}, qr{<title>A &amp; B</title>}, 'markdown: with a title');
    like($res->{body}, qr{<p>Some <em>text</em>\.</p>}, 'markdown: and text');
    unlike($res->{body}, qr{<script}, 'markdown: in which nothing runs');
    is($t->post('/function/markdown?fragment', '*a*')->{body},
        '<p><em>a</em></p>', 'markdown: a fragment');
    is($t->post('/function/markdown', "\xff")->{status}, 415,
        'markdown: bytes that are no text');
    is($t->get('/function/markdown')->{status}, 405, 'markdown: a GET');

    return;
}

sub test_thumbnail {
    for my $format (qw(png jpeg gif)) {
        my $res = $t->post('/function/thumbnail?size=50',
            picture($format, '200x100'));

        is(png_size($res->{body}), '50x25', "thumbnail: of a $format");
        is($res->{headers}{'content-type'}, 'image/png', 'thumbnail: its type');
    }

    is(png_size($t->post('/function/thumbnail', picture('png', '20x10'))
        ->{body}), '20x10', 'thumbnail: what is small stays so');
    is($t->post('/function/thumbnail', "push graphic-context\n")->{status},
        500, 'thumbnail: what is no picture is an error');
    is($t->post('/function/thumbnail?size=5000', picture('png', '9x9'))
        ->{status}, 500, 'thumbnail: so is a size too large');

    return;
}

sub test_words {
    my $res = $t->post('/function/words?top=2',
        "One two. Two three three three!\nNa\xc3\xafve?");

    is_deeply(json_of($res), { lines => 2, words => 7, characters => 38,
        sentences => 3, different => 4, mean_length => 4.14, minutes => 0.03,
        top => [{ word => 'three', count => 3 }, { word => 'two', count => 2 }]
    }, 'words: statistics') or diag($res->{body});
    is($res->{headers}{'content-type'}, 'application/json', 'words: JSON');
    is($t->post('/function/words', "\xff")->{status}, 415,
        'words: bytes that are no text');

    return;
}

sub test_ticker {
    my $res = $t->get('/function/ticker?every=10&count=3',
        { accept => 'text/event-stream' });

    is($res->{headers}{'content-type'}, 'text/event-stream', 'ticker: events');
    is(join(' ', $res->{body} =~ /^id: (\d+)$/mg), '1 2 3', 'ticker: three');

    # one that goes on: each tick comes by itself

    my $client = Faas::HTTP->new($t->addr);
    my $seen = '';

    $client->send_request(GET => '/function/ticker?every=10',
        { accept => 'text/event-stream' });

    while ($seen !~ /^id: 5$/m) {
        my $more = $client->read_some(WAIT);

        last if $more eq '';
        $seen .= $more;
    }

    like($seen, qr/^id: 5$/m, 'ticker: ticks come while it runs');
    $client->close;

    return;
}

sub test_websocket {
    my $client = Faas::HTTP->new($t->addr);

    $client->write("GET /function/websocket HTTP/1.1\r\nHost: x\r\n"
        . "Connection: Upgrade\r\nUpgrade: websocket\r\n"
        . 'Sec-WebSocket-Version: 13' . "\r\n"
        . 'Sec-WebSocket-Key: ' . KEY . "\r\n\r\n");

    my $res = $client->response;

    is($res->{status}, 101, 'websocket: it is one');
    is($res->{headers}{'sec-websocket-accept'},
        sha1_base64(KEY . GUID) . '=', 'websocket: its key is accepted');

    $client->write(frame(0x81, 'hello'));
    is(wait_bytes($client, 7), "\x81\x05hello", 'websocket: a text');

    my $large = 'large' x 200;

    $client->write(frame(0x82, $large));
    is(wait_bytes($client, 1004), "\x82\x7e\x03\xe8$large",
        'websocket: bytes');

    $client->write(frame(0x01, 'in ') . frame(0x89, 'p') . frame(0x80, 'two'));
    is(wait_bytes($client, 11), "\x8a\x01p\x81\x06in two",
        'websocket: parts, and a ping between them');

    $client->write(frame(0x88, "\x03\xe8"));
    is(wait_bytes($client, 4), "\x88\x02\x03\xe8", 'websocket: its end');
    ok($client->is_closed(WAIT), 'websocket: the connection\'s');

    is($t->get('/function/websocket')->{status}, 426,
        'websocket: an ordinary request is told so');

    return;
}

# what a user does

$t->run('cp', '-R', $t->root . '/samples', $t->dir);
$t->start_stack(scaler => { functions => Faas::Template::functions($t) });

my $cli = Faas::Cli->new($t);

$cli->dir('samples');
$cli->login;

my $up = Faas::Template::faas($t, $cli, ['up', '--gateway', $cli->gateway]);

is($up->{status}, 0, 'faas up') or diag($up->{out}, $up->{err});

# the ticker goes on for as long as it is listened to
$t->wait_available($_) for grep { $_ ne 'ticker' } @names;
wait_for(sub { $t->get('/function/ticker?count=1')->{status} == 200 }, WAIT,
    'ticks');

test_markdown();
test_thumbnail();

my $code = $t->post('/function/qrcode', 'https://example.com');

like(png_size($code->{body}), qr/^(\d+)x\1$/, 'qrcode: a square picture');
is($code->{headers}{'content-type'}, 'image/png', 'qrcode: its type');
is($t->post('/function/qrcode', 'x' x 3000)->{status}, 500,
    'qrcode: a text too long');

test_words();
test_ticker();
test_websocket();

my $remove = Faas::Template::faas($t, $cli, ['remove', '--gateway',
    $cli->gateway]);

is($remove->{status}, 0, 'faas remove') or diag($remove->{err});

$t->finish;
