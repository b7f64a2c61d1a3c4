#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Routing.  If this fails, calls reach the wrong function, functions see
# another path or other headers than OpenFaaS' clients sent, or the gateway's
# own answers are not those that these clients know.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::HTTP;
use Faas::Test;
use Test::More;


my $t = Faas::Test->new(need => [qw(nginx redis-server module)]);

$t->start_redis;

my $backend = $t->start_backend;
my $api = $t->start_backend(name => 'api');

$t->publish('echo', $backend->addr);
$t->publish('api.team', $api->addr);
$t->publish('cold');
$t->start_nginx(vars => { PARK => '50ms', SERVER_EXTRA =>
    'location /v1/ { faas_function name=api.team; '
    . 'proxy_pass http://functions$faas_uri; } '
    . 'location /both/ { faas_function name=echo; '
    . 'proxy_pass http://functions/status/404$is_args; '
    . 'proxy_http_version 1.1; proxy_intercept_errors on; '
    . 'error_page 404 = /v1/fallback; }' });

wait_for(sub { $t->get('/healthz')->{status} == 200 }, 10, 'routes');

# what the function saw of a request
sub seen {
    my ($path, $headers) = @_;

    my $res = $t->get($path, $headers);
    my $from = $res->{headers}{'x-backend'} // 'nobody';
    my ($request) = ($from eq 'api' ? $api : $backend)->requests
        ? (($from eq 'api' ? $api : $backend)->requests)[-1] : ();

    return { %$res, from => $from, saw => $request };
}

# which function

is(seen('/function/echo')->{from}, 'backend', 'a name alone is found');
is(seen('/function/echo.openfaas-fn')->{from}, 'backend',
    'the default namespace may be named');
is(seen('/function/api.team/x')->{from}, 'api',
    'a name in another namespace is found');
is(seen('/v1/users')->{from}, 'api', 'a location names its function');

for my $path ('/function/api', '/function/echo.team', '/function/echo.a.b',
    '/function/nobody')
{
    my $res = $t->get($path);

    is($res->{status}, 404, "$path: 404");
    like(json_of($res)->{error},
        qr/^error\ finding\ function\ \S+:\ server\ returned\ non-200
            \ status\ code\ \(404\)\ for\ function,\ \S+,\ body:/x,
        "$path: the text that clients know");
    is($res->{headers}{'x-openfaas-internal'}, 'gateway',
        "$path: marked as the gateway's own");
    ok($res->{headers}{'x-call-id'}, "$path: has a call id");
}

for my $path ('/function/', '/function/a$b', '/function/.openfaas-fn',
    '/function/echo.', '/function/a%24b', '/nowhere',
    '/function/' . 'x' x 64)
{
    my $res = $t->get($path);

    is($res->{status}, 404, "$path: 404");
    is($res->{body}, "404 page not found\n", "$path: no function is named");
}

my $cold = $t->get('/function/cold');
is($cold->{status}, 503, 'without a replica: 503');
like(json_of($cold)->{error}, qr/^No endpoints available for: cold\./,
    'without a replica: the text that clients know');
is($cold->{headers}{'x-openfaas-internal'}, 'gateway',
    'without a replica: marked as the gateway\'s own');

my $res = seen('/both/x');
is($res->{from}, 'api', 'error_page may lead to another function');
is($res->{saw}{path}, '/v1/fallback', 'which sees its own path');
my $page;
wait_for(sub {
    $page = $t->get('/metrics')->{body};
    return $page !~ /_inflight\{[^}]*\} [1-9]/;
}, 10, 'nothing in flight');
like($page, qr/^gateway_function_invocation_total\{function_name="echo\.[^"]+",
    code="404"\}\ 1$/mx, 'and each is counted: the first with its 404');
pass('and neither stays in flight');

# which path

my %path = (
    '/function/echo'                => '/',
    '/function/echo/'               => '/',
    '/function/echo?a=b&c'          => '/?a=b&c',
    '/function/echo/x/y?a=b'        => '/x/y?a=b',
    '/function/echo/a%2Fb%3Fc'      => '/a%2Fb%3Fc',
    '/function/echo/%7Euser'        => '/%7Euser',
    '/function/echo.openfaas-fn/x'  => '/x',
    '/function/nobody/../echo/x'    => '/x',
    '/function//echo/x'             => '/x',
    '/function/echo//x'             => '/x',
    '/function/echo/./x/../y%20z'   => '/y%20z',
    '/f%75nction/echo/x%2Fy'        => '/x/y',
    '/v1/users?x=1'                 => '/v1/users?x=1',
);

for my $path (sort keys %path) {
    is(seen($path)->{saw}{path}, $path{$path},
        "$path: the function sees $path{$path}");
}

# which headers

$res = seen('/function/echo', { host => 'my.site', 'x-mine' => 'yes',
    'x_under' => 'kept', te => 'trailers', upgrade => 'h2c',
    connection => 'close', 'proxy' => 'http://evil',
    'proxy-authorization' => 'x', 'keep-alive' => '5',
    authorization => 'Bearer t' });
my %saw = map { lc $_ => $res->{saw}{headers}{$_} }
    keys %{ $res->{saw}{headers} };

is($saw{'x-mine'}, 'yes', 'the client\'s headers go on');
is($saw{'x_under'}, 'kept', 'and those with an underscore');
is($saw{authorization}, 'Bearer t', 'and Authorization');
is($saw{'x-forwarded-host'}, 'my.site', 'X-Forwarded-Host is the host');
is($saw{'x-forwarded-for'}, '127.0.0.1', 'X-Forwarded-For is the client');
is($saw{host}, 'echo.openfaas-fn', 'Host is the function');

ok(!exists $saw{$_}, "$_ is dropped") for qw(te upgrade connection proxy
    proxy-authorization keep-alive);

my $uuid = qr/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-
    [0-9a-f]{12}$/x;

like($saw{'x-call-id'}, $uuid, 'a call id is made');
is($res->{headers}{'x-call-id'}, $saw{'x-call-id'},
    'client and function see the same');
like($saw{'x-start-time'}, qr/^1\d{18}$/, 'X-Start-Time in nanoseconds');
is($res->{headers}{'x-start-time'}, $saw{'x-start-time'},
    'client and function see the same');

$res = seen('/function/echo', { 'x-call-id' => 'mine-1' });
%saw = map { lc $_ => $res->{saw}{headers}{$_} }
    keys %{ $res->{saw}{headers} };
is($saw{'x-call-id'}, 'mine-1', 'the client\'s own call id is kept');

isnt(seen('/function/echo')->{headers}{'x-call-id'},
    seen('/function/echo')->{headers}{'x-call-id'}, 'no id comes twice');

# methods and bodies

for my $method (qw(GET POST PUT PATCH DELETE OPTIONS)) {
    my $res = $t->request($method, '/function/echo/echo',
        { 'content-type' => 'text/x' }, "body of $method");

    is($res->{status}, 200, "$method: 200");
    is($res->{body}, "body of $method", "$method: the body arrives");
}

$res = $t->request(HEAD => '/function/echo/');
is($res->{status}, 200, 'HEAD: 200');
is($res->{body}, '', 'HEAD: no body');

is($t->get("/function/echo/status/$_")->{status}, $_,
    "the function's own $_ goes through") for 201, 302, 404, 418, 500, 502, 503;

$res = $t->get('/function/echo/status/502');
ok(!exists $res->{headers}{'x-openfaas-internal'},
    'the function\'s own 502 is not marked as ours');

my $big = 'x' x 3_000_000;
$res = $t->post('/function/echo/echo', $big);
ok($res->{body} eq $big, 'a body of three megabytes comes back whole');

$t->finish;
