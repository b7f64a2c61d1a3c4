#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# conf/examples, those of domains, the portal's host, TLS, canary and mirror.
# If this fails, nginx refuses an example, a host reaches another function than
# it was given, a function's page acts as the portal, a canary gets other
# clients than it should, or a copy of a request disturbs the request.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Example qw(start_examples);
use Faas::HTTP;
use Faas::Test;
use IO::Socket::INET;
use Test::More;

use constant CLIENTS => 200;


my $t = Faas::Test->new(need => [qw(nginx redis-server module openssl curl)]);

$t->start_redis;

my %backend = map { $_ => $t->start_backend(name => $_) }
    qw(orders orders-next shop);

$t->publish('orders', $backend{orders}->addr);
$t->publish('orders-next', $backend{'orders-next'}->addr);
$t->publish('shop.team', $backend{shop}->addr);

# all examples in one nginx

my @all = map { m{([^/]+)\.conf$} } glob $t->root . '/conf/examples/*.conf';
my $tls_port = $t->free_port;
my $dir = $t->dir;

mkdir "$dir/$_" for qw(tls nginx nginx/conf);
$t->spew("$dir/nginx/conf/api-keys.map", '');

my $made = $t->run(qw(openssl req -x509 -newkey ec -pkeyopt
    ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=gateway.example.com
    -addext subjectAltName=DNS:gateway.example.com), '-keyout',
    "$dir/tls/key.pem", '-out', "$dir/tls/fullchain.pem");
is($made->{status}, 0, 'a certificate is made') or diag($made->{output});

my $nginx = start_examples($t, http => [grep { $_ ne 'tls' } @all],
    server => ['tls'], tls_port => $tls_port);
pass('nginx takes all examples at once');
is(join("\n", $nginx->log_lines(qr/\[warn\]/)), '', 'without a warning');

sub from {
    my ($path, $host) = @_;

    my $res = $t->get($path, { host => $host });

    return $res->{headers}{'x-backend'} // $res->{status};
}

# domains

is(from('/', 'orders.example.com'), 'orders', 'a domain is its function');
is(from('/', 'ORDERS.example.com:80'), 'orders', 'however it is written');
is(from('/', 'shop.example.com'), 'shop',
    'a function of another namespace has one');
is(from('/', 'eu.shop.example.com'), 'shop', 'and all names below it');
is(from('/', 'orders-next.fn.example.com'), 'orders-next',
    'each function has one by its name');
is(from('/', 'nobody.fn.example.com'), 404, 'a name that is no function: 404');
is(from('/function/shop.team', 'orders.example.com'), 'orders',
    'a domain leads to no other function');
is(from('/', 'nobody.example.com'), 307, 'other hosts are the gateway\'s');
is(from('/function/shop.team', 'nobody.example.com'), 'shop',
    'with all functions');

$t->get('/a%2Fb/c?d=e', { host => 'orders.example.com' });
my $saw = ($backend{orders}->requests)[-1];
is($saw->{path}, '/a%2Fb/c?d=e', 'the function sees the whole path');
is($saw->{headers}{'x-forwarded-host'}, 'orders.example.com', 'and the host');

my $res = $t->get('/close', { host => 'orders.example.com' });
is($res->{status}, 502, 'the function fails: 502');
is((json_of($res) // {})->{hop}, 'replica', 'that says who has failed');

# the portal's host

$t->htpasswd;

my %portal = (host => 'portal.example.com');
$res = $t->get('/function/orders', { %portal });
is($res->{headers}{'x-backend'}, 'orders', 'the portal\'s host has functions');
is($res->{headers}{'content-security-policy'}, 'sandbox',
    'whose answers are no pages of its origin');
is($t->get('/function/orders')->{headers}{'content-security-policy'}, undef,
    'elsewhere they are what they are');
is($t->get('/ui/', { %portal })->{status}, 401, 'it wants the password');
is($t->get('/ui/', { %portal, authorization => $t->authorization })
    ->{headers}{'content-security-policy'} =~ /sandbox/ ? 1 : 0, 0,
    'the portal itself is in no sandbox');
is($t->get('/templates/', { %portal })->{body}, "404 page not found\n",
    'of what is beside it nothing is served');

# TLS

sub curl {
    my ($path, @args) = @_;

    return $t->run('curl', '-sS', '-m', 30, '--cacert',
        "$dir/tls/fullchain.pem", '--resolve',
        "gateway.example.com:$tls_port:127.0.0.1", '-w',
        '|%{http_code}|%{http_version}', @args,
        "https://gateway.example.com:$tls_port$path");
}

$res = curl('/function/orders/echo?x=y', '--http2', '-d', 'some text');
is($res->{output}, 'some text|200|2', 'a call over TLS and HTTP/2');
$saw = ($backend{orders}->requests)[-1];
is($saw->{headers}{'x-forwarded-proto'}, 'https', 'is known to be over TLS');
is($saw->{headers}{'x-forwarded-host'}, "gateway.example.com:$tls_port",
    'and the host is');
is($saw->{path}, '/echo?x=y', 'and the path');

is(curl('/function/orders', '--http1.1')->{output}, "ok\n|200|1.1",
    'HTTP/1.1 over TLS');
is(curl('/system/functions', '--http2')->{output},
    'invalid credentials|401|2', 'the admin API wants its password');
$res = curl('/function/orders', qw(--tls-max 1.1 --ciphers
    DEFAULT@SECLEVEL=0));
isnt($res->{status}, 0, 'TLS 1.1 is refused');
is(from('/function/orders', 'gateway.example.com'), 'orders',
    'the gateway listens without TLS as well');

$t->spew("$dir/big", 'x' x 3_000_000);
$res = curl('/function/orders/echo', '--http2', '-T', "$dir/big", '-o',
    "$dir/echoed");
is($res->{output}, '|200|2', 'three megabytes over HTTP/2');
is(-s "$dir/echoed", 3_000_000, 'come back whole');

# canary; the part is a hash of the address, so the same in each run

sub canary_of {
    my ($i) = @_;

    my $client = Faas::HTTP->of_socket(IO::Socket::INET->new(
        LocalAddr => "127.0.1.$i", PeerAddr => $t->addr, Proto => 'tcp'));
    my $res = $client->request(GET => '/x', { host => 'canary.example.com',
        connection => 'close' });

    return $res->{headers}{'x-backend'} // "status $res->{status}";
}

my @first = map { canary_of($_) } 1 .. CLIENTS;
my @again = map { canary_of($_) } 1 .. CLIENTS;
my %share;
$share{$_}++ for @first;

is_deeply(\@again, \@first, 'a client stays with its version');
is_deeply([sort keys %share], [qw(orders orders-next)],
    'both versions have clients, and nobody else has');
cmp_ok($share{'orders-next'}, '>', CLIENTS * 0.03,
    'the next version has its part');
cmp_ok($share{'orders-next'}, '<', CLIENTS * 0.2, 'which is the smaller one');

# mirror

sub mirrored {
    my ($path, $body, $headers) = @_;

    return $t->post($path, $body, { host => 'mirrored.example.com',
        %{ $headers // {} } });
}

sub seen_by {
    my ($name, $path) = @_;

    return grep { $_->{path} eq $path } $backend{$name}->requests;
}

sub both_see {
    my ($path, $name, @send) = @_;

    my $res = mirrored($path, @send);

    is($res->{headers}{'x-backend'}, 'orders',
        "$name: the client gets the first one's answer");

    my ($copy) = wait_for(sub { (seen_by('orders-next', $path))[0] }, 30,
        'copy');
    my ($first) = seen_by('orders', $path);

    is($copy->{method}, 'POST', "$name: the copy has the method");
    is($copy->{length}, $first->{length}, "$name: and the body");
    is($copy->{headers}{host}, 'orders-next.openfaas-fn',
        "$name: and its own function's headers");

    return $res;
}

$res = both_see('/echo/m%2F1?a=b', 'a small body', 'some text');
is($res->{body}, 'some text', 'the first one answers as ever');

my $big = 'x' x 3_000_000;
$res = both_see('/echo/m2', 'a large body', $big);
ok($res->{body} eq $big, 'the first one gets the large one whole');

both_see('/echo/m3', 'a chunked body', "5\r\nhello\r\n0\r\n\r\n",
    { 'transfer-encoding' => 'chunked' });

is(mirrored('/status/418', '')->{status}, 418,
    'the answer is the first one\'s');

# the second one is slow: the gate holds it up

my $path = '/x?gate=slow';

$t->spew("$dir/orders.slow", '');
is(mirrored($path, 'x')->{status}, 200,
    'the answer does not wait for the copy');
wait_for(sub { seen_by('orders-next', $path) }, 30, 'copy');
pass('which the second one still works at');
is(mirrored('/x', 'x')->{status}, 200, 'nor do other requests');
$t->spew("$dir/orders-next.slow", '');

# or fails

is(mirrored('/x', '')->{status}, 200, 'both work');
$backend{'orders-next'}->stop;
is(mirrored('/x', 'x')->{status}, 200, 'the second one is gone: no matter');
$t->unpublish('orders-next');
wait_for(sub { $t->get('/function/orders-next')->{status} == 404 }, 10,
    'change of routes');
is(mirrored('/x', 'x')->{status}, 200, 'it is not deployed: no matter');
is(mirrored('/_mirror', 'x')->{headers}{'x-backend'}, undef,
    'clients cannot call it so');

wait_for(sub {
    $t->get('/metrics')->{body} !~ /_inflight\{[^}]*\} [1-9]/;
}, 10, 'nothing in flight');
pass('no call stays in flight');

my %counted = map { $_ => 1 } $t->get('/metrics')->{body}
    =~ /_invocation_total\{function_name="orders\.[^"]+",code="(\d+)"\}/g;
is_deeply([sort keys %counted], [200, 418, 502],
    'calls are counted by their own status, not by that of a copy');

$t->finish;
