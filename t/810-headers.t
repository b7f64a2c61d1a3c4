#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# What the gateway adds to a call and to its answer.  If this fails, traces
# break at the gateway, calls cannot be found in logs, or a client can lie to
# functions about where it comes from.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Test;
use Test::More;


my $t = Faas::Test->new(need => [qw(nginx redis-server module)]);
my $backend = $t->start_backend;

$t->start_redis;
$t->publish('echo', $backend->addr);
$t->start_nginx(vars => { SERVER_EXTRA => <<'END' });
    location /own/ {
        faas_function;
        proxy_pass http://functions$faas_uri;
        include faas/proxy.conf;
        proxy_set_header Host $faas_host;
        proxy_set_header X-Forwarded-For hidden;
        proxy_set_header X-Mine $faas_traceparent;
        add_header X-Trace-Id $faas_trace_id;
    }
END
wait_for(sub { $t->get('/function/echo')->{status} == 200 }, 10, 'routes');

my $trace = '4bf92f3577b34da6a3ce929d0e0e4736';
my $good = "00-$trace-00f067aa0ba902b7-00";

# Headers that the function saw, by name in lower case, several joined by "|".
sub saw {
    my ($path, @lines) = @_;

    my $client = Faas::HTTP->new($t->addr);
    $client->write(join "\r\n", "GET $path/headers HTTP/1.1", 'Host: my.site',
        @lines, '', '');

    my $res = $client->response;
    my %saw;

    for my $name (keys %{ json_of($res)->{headers} }) {
        $saw{ lc $name } = json_of($res)->{headers}{$name};
    }

    return (\%saw, $res);
}

# traces

my ($saw, $res) = saw('/function/echo');
like($saw->{traceparent}, qr/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/,
    'a call without a trace begins one');
my $call = $saw->{'x-call-id'};
(my $digits = $call) =~ tr/-//d;
is(substr($saw->{traceparent}, 3, 32), $digits,
    'which has the digits of the call id');
is($res->{headers}{'x-call-id'}, $call, 'the client is told the call id');

for my $valid ($good, "cc-$trace-00f067aa0ba902b7-01-more") {
    ($saw) = saw('/function/echo', "traceparent: $valid");
    is($saw->{traceparent}, $valid, "$valid is passed on as it is");
}

for my $bad ('', 'x', "ff-$trace-00f067aa0ba902b7-01", uc $good,
    '00-' . '0' x 32 . '-00f067aa0ba902b7-01', "$good-more")
{
    ($saw) = saw('/function/echo', "traceparent: $bad");
    like($saw->{traceparent} =~ s/^, //r,
        qr/^00-(?!0{32})[0-9a-f]{32}-[0-9a-f]{16}-01$/,
        "\"$bad\" is replaced");
}

# call ids and times

($saw, $res) = saw('/function/echo', 'X-Call-Id: mine');
is($saw->{'x-call-id'}, 'mine', 'a client\'s own call id is passed on');
is($res->{headers}{'x-call-id'}, 'mine', 'and repeated');

($saw, $res) = saw('/function/echo', 'X-Start-Time: 7');
like($saw->{'x-start-time'}, qr/^7, \d{19}$/,
    'a client\'s own start time stays, the gateway\'s is added');
my $start = $res->{headers}{'x-start-time'};
like($start, qr/^\d{19}$/, 'the answer has it in nanoseconds');
cmp_ok(abs($start / 1e9 - time), '<', 60, 'since 1970');

$res = $t->request(GET => '/function/echo', {
    'x-answer-header' => 'X-Call-Id: theirs' });
is($res->{headers}{'x-call-id'}, 'theirs',
    'a header that the function sets goes before the gateway\'s');

# where it comes from

($saw) = saw('/function/echo');
is($saw->{'x-forwarded-for'}, '127.0.0.1', 'X-Forwarded-For is the client');
is($saw->{'x-forwarded-host'}, 'my.site', 'X-Forwarded-Host the host');
is($saw->{'x-forwarded-proto'}, 'http', 'X-Forwarded-Proto the protocol');
is($saw->{host}, 'echo.openfaas-fn', 'and Host is the function');

($saw) = saw('/function/echo', 'X-Forwarded-For: 1.2.3.4, 5.6.7.8',
    'X-Forwarded-Host: outer.site', 'X-Forwarded-Proto: https');
is($saw->{'x-forwarded-for'}, '1.2.3.4, 5.6.7.8, 127.0.0.1',
    'the client is added to those before');
is($saw->{'x-forwarded-host'}, 'outer.site', 'an outer proxy\'s host stays');
is($saw->{'x-forwarded-proto'}, 'http', 'a protocol that is claimed does not');

# proxy_set_header still has the last word

($saw, $res) = saw('/own/echo', "traceparent: $good",
    'X-Forwarded-For: 9.9.9.9');
is($saw->{'x-forwarded-for'}, 'hidden', 'proxy_set_header replaces a header');
is($saw->{'x-mine'}, $good, '$faas_traceparent is what the function sees');
is($res->{headers}{'x-trace-id'}, $trace, '$faas_trace_id its id');

# what a function says of itself

$res = $t->get('/function/echo/status/502');
is($res->{status}, 502, 'a function\'s own 502 is passed on');
ok(!$res->{headers}{'x-openfaas-internal'}, 'and is not marked as ours');
unlike($res->{body}, qr/"hop"/, 'nor is its body replaced');

for my $header ('Location: /elsewhere', 'X-Accel-Redirect: /metrics') {
    $res = $t->request(GET => '/function/echo', { 'x-answer' => 302,
        'x-answer-header' => $header });
    is($res->{status}, 302, "$header: the status is the function's");
}

# HTTP/0.9 has no headers at all

my $old = Faas::HTTP->new($t->addr);

$old->write("GET /function/echo\r\n");
isnt($old->read_all, '', 'a call by it is answered');

# all in the access log

my $line = wait_for(sub {
    my ($found) = grep { /"trace_id":"$trace"/ }
        split /\n/, slurp($t->nginx->prefix . '/logs/access.log');
    return $found;
}, 10, 'the access log');
like($line, qr/"function":"echo","namespace":"openfaas-fn","replica":"echo-1"/,
    'the access log has function, replica and trace');

$t->finish;
