#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The access log that is shipped: a JSON object a line, whatever clients send.
# If this fails, one hostile client makes the log unreadable for the programs
# that collect it, or nobody finds out what has become of a call.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Test;
use JSON::PP;
use Test::More;


my $t = Faas::Test->new(need => [qw(nginx redis-server module)]);
my $json = JSON::PP->new->utf8;     # dies of what is no UTF-8
my @numbers = qw(msec status tries parked_ms request_time bytes_in bytes_out);

$t->start_redis;

my $backend = $t->start_backend;
my $dead = "unix:$t->{dir}/dead.sock";

$t->publish('echo', $backend->addr);
$t->publish('half', $dead, $backend->addr);
$t->publish('cold');
$t->start_nginx;
wait_for(sub { $t->get('/healthz')->{status} == 200 }, 10, 'routes');

sub lines {
    return split /\n/, slurp($t->nginx->prefix . '/logs/access.log') // '';
}

# The lines that come by what code does, decoded, when there are so many.
sub logged {
    my ($n, $code) = @_;

    my $before = () = lines();

    $code->();
    wait_for(sub { (() = lines()) >= $before + $n }, 10, 'the access log');

    my @all = lines();

    return map { $json->decode($_) } @all[$before .. $#all];
}

sub raw {
    my ($text) = @_;

    my $client = Faas::HTTP->new($t->addr);

    $client->write($text);
    $client->read_all;
    $client->close;

    return;
}

# a call

my $trace = '0af7651916cd43dd8448eb211c80319c';
my ($line) = logged(1, sub {
    $t->request(POST => '/function/echo/status/201?secret=1', {
        'x-call-id' => 'my-call', 'user-agent' => 'tester/1.0',
        traceparent => "00-$trace-b7ad6b7169203331-01" }, 'body');
});

my %want = (method => 'POST', path => '/function/echo/status/201',
    status => 201, function => 'echo', namespace => 'openfaas-fn',
    replica => 'echo-1', tries => 1, parked_ms => 0, call_id => 'my-call',
    trace_id => $trace, user_agent => 'tester/1.0', client => '127.0.0.1',
    upstream_status => '201');

is($line->{$_}, $want{$_}, "$_ is $want{$_}") for sort keys %want;
like($line->{"upstream_${_}_time"}, qr/^\d+\.\d+$/, "time of the $_")
    for qw(connect header response);
cmp_ok($line->{bytes_in}, '>', 4, 'bytes in');
cmp_ok($line->{bytes_out}, '>', 4, 'bytes out');
like($line->{time}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$/,
    'a time that people read');

# its members are those that are documented

my $doc = slurp($t->root . '/docs/observability.md');
my ($table) = $doc =~ /^## The access log\n(.*?)^## /ms;
my %documented = map { $_ => 1 } map { /`(\w+)`/g }
    ($table =~ /^\| ((?:`\w+`(?:, )?)+) \|/mg);

is_deeply([sort keys %documented], [sort keys %$line],
    'docs/observability.md has each member, and no other');

# tries, and time parked

wait_for(sub {
    ($line) = logged(1, sub { $t->get('/function/half') });

    return $line->{tries} == 2;
}, 10, 'a call that is tried twice');
like($line->{upstream_status}, qr/^502, 200$/, 'the status of each try');

($line) = logged(1, sub {
    my $client = Faas::HTTP->new($t->addr);

    $client->send_request(GET => '/function/cold');
    wait_for(sub {
        $t->get('/metrics')->{body} =~ /^faas_function_parked\{\S+cold\S+ 1$/m
    }, 10, 'a call that is parked');
    $t->publish('cold', $backend->addr);
    $client->response;
});
is($line->{status}, 200, 'a call that has waited');
cmp_ok($line->{parked_ms}, '>', 0, 'says for how long');

# refused: no function, no password, no request at all

my %refused = (
    404 => sub { $t->get('/function/nobody') },
    401 => sub { $t->get('/system/functions') },
    400 => sub { raw("GET /\x01 HTTP/1.1\r\n\r\n") },
    414 => sub { raw('GET /' . 'x' x 40_000 . " HTTP/1.1\r\n\r\n") },
    431 => sub {
        raw("GET / HTTP/1.1\r\nHost: x\r\nX-Y: " . 'x' x 40_000 . "\r\n\r\n");
    },
    307 => sub { $t->get('/') },
);

for my $status (sort keys %refused) {
    ($line) = logged(1, $refused{$status});
    is($line->{status}, $status, "$status is in the log");
    is($line->{tries}, 0, 'and went to no replica');
}

# hostile

my %hostile = (
    'quotes'           => '","status":200,"x":"',
    'backslashes'      => 'a\\\\" \\u0000 \\',
    'what is no UTF-8' => "ok \xff\xfe \xc0\xaf",
    'half a character' => "ok \xe2\x82",
    'UTF-8'            => "ok \xe2\x82\xac",
    'a tab'            => "ok\tok",
    'much'             => 'x' x 20_000,
    'nothing'          => '',
    'a line feed'      => "ok\nok: ok",
);

for my $what (sort keys %hostile) {
    my $value = $hostile{$what};
    my $path = $value =~ s/[\0- ]/+/gr;

    ($line) = logged(1, sub {
        raw("GET /function/echo/$path HTTP/1.1\r\nHost: x\r\n"
            . "User-Agent: $value\r\nX-Call-Id: $value\r\n"
            . "Referer: $value\r\nCookie: $value\r\n"
            . "traceparent: $value\r\nConnection: close\r\n\r\n");
    });
    is($line->{method}, 'GET', "$what: the line can be read");
    is_deeply([sort keys %$line], [sort keys %documented],
        'and has its members, and no other');
}

logged(1, sub { raw("GET / HTTP/1.0\r\nHost: \xff\"\r\n\r\n") });

($line) = logged(1, sub { raw("GET /function/echo\r\n") });
is($line->{status}, 200, 'a call by HTTP/0.9, which has no headers');

logged(1, sub { raw("G\xc3\x9cT /function/echo HTTP/1.1\r\n\r\n") });
logged(1, sub { raw("\x16\x03\x01\x02\r\n\r\n") });

# all that was logged, also by what waited for this

my @all = map { $json->decode($_) } lines();

is(scalar(grep { my $l = $_; grep { ref $l->{$_} || $l->{$_} !~
    /^\d+(?:\.\d+)?$/ } @numbers } @all), 0, 'numbers are numbers');
is(scalar(grep { $_->{path} =~ /\?|secret/ } @all), 0,
    'no query is in the log');

$t->finish;
