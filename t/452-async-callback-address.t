#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Where callbacks may go.  If this fails, whoever may call a function has the
# queue worker make requests inside the operator's network.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::AsyncCall qw(request_of);
use Faas::Test;
use Test::More;


my $t = Faas::Test->new(need => [qw(nginx redis-server module queue)]);
my $fn = $t->start_backend(name => 'fn');
my $port = $t->free_port;
my $to = $t->start_backend(name => 'callback', addr => "0.0.0.0:$port");
my $secret = $t->start_backend(name => 'secret',
    addr => '127.0.0.1:' . $t->free_port);

$t->start_redis;
$t->publish('fn', $fn->addr);

$t->start_nginx;
wait_for(sub { $t->get('/healthz')->{status} == 200 }, 10, 'routes');

# the call as the gateway would write it, so that only the worker refuses
my $n = 0;

sub call_async {
    my ($url, %headers) = @_;

    my $id = 'call-' . ++$n;
    my $lines = join '', map { "$_: $headers{$_}\r\n" } sort keys %headers;

    $t->redis(SET => "faas:async:request:$id", request_of(
        f => 'fn.openfaas-fn', t => 1, m => 'POST', u => $url, p => '/x',
        h => $lines, b => 'secret'));
    $t->redis(HSET => "faas:async:call:$id", f => 'fn.openfaas-fn', t => 1,
        u => $url, s => 'delayed', e => '');
    $t->redis(HINCRBY => 'faas:async:totals', 'calls', 1);
    $t->redis(ZADD => 'faas:async:delayed', 1, $id);
    $t->redis(PUBLISH => 'faas:async:bell', '');

    return $id;
}

sub ended {
    my ($id) = @_;

    my $call;

    wait_for(sub {
        $call = { @{ $t->redis(HGETALL => "faas:async:call:$id") } };
        return $call->{s} =~ /^(?:done|dead)$/;
    }, 30, "end of $id");

    return $call;
}

sub refused {
    my ($url) = @_;

    my $call = ended(call_async($url));

    is($call->{s}, 'dead', "$url is refused");
    like($call->{x}, qr/^callback: its address is not public/, 'and says why');
    is($call->{n}, 1, 'the function was called once');
    ok(!defined $call->{k}, 'and it is not tried again');

    return;
}

my $queue = $t->start_queue(name => 'strict');

refused("http://$_:$port/") for qw(127.0.0.1 127.1.2.3 0.0.0.0 10.0.0.1
    172.16.0.1 192.168.0.1 169.254.169.254 100.64.0.1 224.0.0.1 [::1] [::]
    [::ffff:127.0.0.1] [::ffff:10.0.0.1] [fe80::1] [fc00::1] [ff02::1]
    [64:ff9b::7f00:1] [2002:7f00:1::]);

# other ways to write it
refused("http://$_:$port/") for qw(2130706433 0x7f.1 017700000001 127.1);

# names, whatever they lead to
refused("http://localhost:$port/");

# a connection to the gateway, which stays open, is no way around
refused('http://' . $t->addr . '/function/fn');

# neither are other protocols
for my $url ("file:///etc/passwd", "gopher://127.0.0.1:$port/", 'dict://x/',
    "ftp://127.0.0.1:$port/", "http://", 'nonsense')
{
    my $call = ended(call_async($url));

    is($call->{s}, 'dead', "$url is no callback");
    like($call->{x}, qr/^callback: it has no URL of http/, 'and is said');
    ok(!defined $call->{k}, 'once');
}

is(scalar(() = $to->requests), 0, 'nobody was called back');
$queue->signal('TERM');
wait_for(sub { !$queue->running }, 10, 'the end');

# what is allowed, and where that leads

$queue = $t->start_queue(name => 'open',
    args => ['--callback-allow', '127.0.0.0/30,192.0.2.0/24']);

is(ended(call_async("http://127.0.0.1:$port/a"))->{s}, 'done', 'allowed');
is(ended(call_async("http://localhost:$port/b"))->{s}, 'done',
    'allowed by name');
is(scalar(() = $to->requests), 2, 'both were called back');
refused("http://127.0.0.4:$port/");

my $call = ended(call_async("http://127.0.0.1:$port/status/302",
    'X-Answer-Header' => 'X-Answer-Header: Location: http://'
    . $secret->addr . '/'));

is($call->{s}, 'dead', 'a redirect is no answer');
like($call->{x}, qr/redirects are not followed, status 302/, 'and is said');
is(scalar(() = $secret->requests), 0, 'nor is it followed');

$t->finish;
