#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Configuration.  If this fails, a mistake in nginx.conf is not found by
# "nginx -t", or its message does not say where it is and what to do.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Nginx;
use Faas::Test;
use Test::More;


my $t = Faas::Test->new(need => [qw(nginx module)]);
my $nginx = Faas::Nginx->new($t);

# nginx -t of a minimal configuration with these pieces in it
sub check {
    my (%part) = @_;

    my $http = $part{http} // "faas_zone faas 4m;\nfaas_redis 127.0.0.1:6379;";
    my $main = $part{main} // '';
    my $upstream = $part{upstream} // "faas;\nkeepalive 4;";
    my $location = $part{location} // 'location /function/ { faas_function; '
        . 'proxy_pass http://functions$faas_uri; }';

    return $nginx->check(conf => <<"END");
load_module \@MODULE\@;
pid run/nginx.pid; $main
events {}
http {
    client_body_temp_path tmp/body; proxy_temp_path tmp/proxy;
    fastcgi_temp_path tmp/fastcgi; uwsgi_temp_path tmp/uwsgi;
    scgi_temp_path tmp/scgi;
$http
    upstream functions {
$upstream
    }
    server { listen \@LISTEN\@;
$location
    }
}
END
}

sub refuses {
    my ($name, $pattern, %part) = @_;

    my $res = check(%part);

    isnt($res->{status}, 0, "$name is refused");
    like($res->{output}, $pattern, "$name: the message says why");

    return $res;
}

my $res = $nginx->check;
is($res->{status}, 0, 'the shipped configuration is accepted')
    or diag($res->{output});

$res = check();
is($res->{status}, 0, 'a minimal configuration is accepted')
    or diag($res->{output});

# where it is

like(refuses('an unknown directive', qr/unknown directive "faas_zon"/,
        http => 'faas_zon faas 4m;')->{output},
    qr{\[emerg\] .* in \S+/conf/check\.conf:8$}m,
    'file and line are named as nginx does');

like(refuses('a wrong zone size', qr/invalid zone size "4x"/,
        http => "faas_zone faas 4x;\nfaas_redis 127.0.0.1:6379;")->{output},
    qr{check\.conf:8$}m, 'file and line are named for our directives');

# faas_zone

refuses('a zone without a size', qr/invalid number of arguments in "faas_zone"/,
    http => 'faas_zone faas;');
refuses('a zone below the minimum', qr/"64k" is too small, at least 1m/,
    http => "faas_zone faas 64k;\nfaas_redis 127.0.0.1:6379;");
refuses('a zone too small for its workers',
    qr/too small for the counters of 2000 workers: give it at least \d+m/,
    http => "faas_zone faas 1m;\nfaas_redis 127.0.0.1:6379;",
    main => 'worker_processes 2000;');
refuses('a second zone', qr/"faas_zone" directive is duplicate/,
    http => "faas_zone a 4m;\nfaas_zone b 4m;");
refuses('no zone', qr/no "faas_zone": add "faas_zone faas 32m;"/,
    http => 'faas_redis 127.0.0.1:6379;');

# faas_redis

refuses('no Redis', qr/no "faas_redis": add/, http => 'faas_zone faas 4m;');
refuses('a second Redis', qr/"faas_redis" directive is duplicate/,
    http => "faas_zone faas 4m;\nfaas_redis unix:/a;\nfaas_redis unix:/b;");

for my $addr ('localhost', 'localhost:0', 'localhost:65536', '127.0.0.1',
    '127.0.0.1:0', '127.0.0.256:1', 'unix:relative', 'unix:6379', 're/dis:1',
    'red*s:1', '-redis:1', 'redis-:1', 'a..b:1', '.:1', ':1', 'user@redis:1',
    "r\xc3\xa9dis:1", 'a' x 64 . ':1', 'a.' x 126 . 'aa:1', '[redis]:1')
{
    refuses("Redis at $addr",
        qr/invalid address "\Q$addr\E", expected IP:PORT/,
        http => "resolver 127.0.0.1;\nfaas_zone faas 4m;\nfaas_redis $addr;");
}

# by name

my $nameless = qr/"redis:6379" is a name, but there is no "resolver" at level/;
my $by_name = "faas_zone faas 4m;\nfaas_redis redis:6379;";

$res = refuses('a name without a resolver', $nameless, http => $by_name);
like($res->{output},
    qr/: add "resolver .*" .* to http in .*check\.conf, or give/s,
    'the message says what to do');
refuses('a name without a resolver, faas not being used', $nameless,
    http => $by_name, upstream => 'server 127.0.0.1:1;', location => '');
refuses('a name with a resolver of a server only', $nameless,
    http => $by_name, location => 'resolver 127.0.0.1;');

for my $addr ('redis:6379', 'tasks.My_stack-1.example.org.:1', 'a' x 63 . ':1',
    'a.' x 126 . 'a:65535')
{
    $res = check(http => "faas_zone faas 4m;\nfaas_redis $addr;\n"
        . "resolver 127.0.0.1 valid=1s;\nresolver_timeout 5s;");
    is($res->{status}, 0, "Redis at $addr is accepted") or diag($res->{output});
}

my %bad = (
    'db=x'          => qr/expected a number from 0 to 65535/,
    'db=70000'      => qr/expected a number from 0 to 65535/,
    'prefix='       => qr/expected at least one character/,
    'timeout=1ms'   => qr/expected a time from 10ms to 60s/,
    'flush=2001ms'  => qr/expected a time from 10ms to 2s/,
    'timeout=61s'   => qr/expected a time from 10ms to 60s/,
    'colour=red'    => qr/expected password_file=, db=, prefix=/,
    'password_file=missing' => qr/open\(\) "\S+missing" failed/,
    'prefix=' . 'p' x 65 => qr/is longer than 64 bytes/,
);

for my $param (sort keys %bad) {
    refuses("faas_redis $param", $bad{$param},
        http => "faas_zone faas 4m;\nfaas_redis unix:/r $param;");
}

$t->spew($nginx->prefix . '/conf/secret', "hidden-word\n");
$res = check(http => "faas_zone faas 4m;\nfaas_redis 127.0.0.1:1 "
    . "password_file=secret db=3 prefix=x: timeout=1s flush=100ms;");
is($res->{status}, 0, 'all parameters of faas_redis are accepted')
    or diag($res->{output});

$res = $nginx->run('-c', $nginx->prefix . '/conf/check.conf', '-T');
like($res->{output}, qr/password_file=secret/, 'nginx -T prints the file');
unlike($res->{output}, qr/hidden-word/, 'but not the password in it');

# faas in upstream

refuses('faas after keepalive', qr/must come before "keepalive"/,
    upstream => "keepalive 4;\nfaas;");
refuses('faas with another method', qr/must come before "keepalive" and/,
    upstream => "least_conn;\nfaas;");
refuses('a server before faas', qr/takes its servers from Redis/,
    upstream => "server 127.0.0.1:1;\nfaas;");
refuses('a server after faas', qr/takes its servers from Redis/,
    upstream => "faas;\nserver 127.0.0.1:1;");
refuses('a zone in the upstream', qr/keeps its replicas in faas_zone/,
    upstream => "faas;\nzone z 64k;");

%bad = (
    'keepalive=x'      => qr/expected a number from 0 to 1000000/,
    'keepalive='       => qr/expected max_fails=, fail_timeout=/,
    'max_fails=-1'     => qr/expected a number from 0 to 1000000/,
    'fail_timeout=0'   => qr/expected a time from 1ms to 1d/,
    'keepalive_time=2d' => qr/expected a time from 1ms to 1d/,
    'colour=red'       => qr/expected max_fails=, fail_timeout=, keepalive=/,
);

for my $param (sort keys %bad) {
    refuses("faas $param", $bad{$param}, upstream => "faas $param;");
}

$res = check(upstream => 'faas max_fails=0 fail_timeout=5s keepalive=0 '
    . 'keepalive_requests=10 keepalive_time=1h keepalive_timeout=30s;');
is($res->{status}, 0, 'all parameters of faas are accepted')
    or diag($res->{output});

# faas_queue, faas_park_timeout, faas_state

my $http = "faas_zone faas 4m;\nfaas_redis 127.0.0.1:6379;\n";

%bad = (
    'faas_queue x'             => qr/expected a number of requests up to/,
    'faas_queue 1000001'       => qr/expected a number of requests up to/,
    'faas_queue 1 2'           => qr/invalid parameter "2"/,
    'faas_queue 1 total='      => qr/invalid parameter "total="/,
    'faas_queue'               => qr/invalid number of arguments/,
    'faas_park_timeout x'      => qr/invalid value/,
    'faas_park_timeout 2d'     => qr/"faas_park_timeout" is over a day/,
    'faas_malloc_trim_threshold x'  => qr/invalid value/,
    'faas_malloc_trim_threshold 1025m' => qr/is over 1024m/,
    'faas_state ""'            => qr/needs a file/,
);

for my $directive (sort keys %bad) {
    refuses($directive, $bad{$directive}, http => "$http$directive;");
}

for my $directive ('faas_queue 1', 'faas_park_timeout 1s', 'faas_state /a',
    'faas_malloc_trim_threshold 1m')
{
    refuses("$directive twice", qr/directive is duplicate/,
        http => "$http$directive;\n$directive;");
}

$res = check(http => "${http}faas_queue 0 total=1000000;\n"
    . "faas_park_timeout 1d;\nfaas_state logs/routes;\n"
    . 'faas_malloc_trim_threshold 0;');
is($res->{status}, 0, 'all of them are accepted') or diag($res->{output});

# faas_feed

my $feed = 'location = /feed { faas_feed; }';

$res = check(location => $feed, http => "${http}faas_feed_viewers 10000;");
is($res->{status}, 0, 'a feed is accepted') or diag($res->{output});

refuses("faas_feed: $_->[0]", $_->[1], location => $feed,
    http => "$http$_->[0];")
    for ['faas_feed_viewers x', qr/invalid number/],
    ['faas_feed_viewers 0', qr/must be between 1 and 10000/],
    ['faas_feed_viewers 10001', qr/must be between 1 and 10000/],
    ['faas_feed_viewers 1; faas_feed_viewers 1', qr/is duplicate/];
refuses('faas_feed with a parameter', qr/invalid number of arguments/,
    location => 'location = /feed { faas_feed all; }');
refuses('faas_feed without Redis', qr/no "faas_redis": add/,
    http => 'faas_zone faas 4m;', upstream => 'server 127.0.0.1:1;',
    location => $feed);

# faas_function

refuses('faas_function twice', qr/"faas_function" directive is duplicate/,
    location => 'location /f/ { faas_function; faas_function; }');
refuses('faas_function in a regex location', qr/needs "name="/,
    location => 'location ~ ^/f/ { faas_function; }');
refuses('faas_function without a slash', qr/prefix with a slash at its end/,
    location => 'location /f { faas_function; }');
refuses('faas_function with two names', qr/invalid parameter "name=b"/,
    location => 'location /f/ { faas_function name=a name=b; }');
refuses('faas_function with rubbish', qr/invalid parameter "x=y"/,
    location => 'location /f/ { faas_function x=y; }');
refuses('faas_function with an unknown variable', qr/unknown "nobody" variable/,
    location => 'location /f/ { faas_function name=$nobody; }');

$res = check(location => 'location ~ ^/(?<n>[a-z]+)$ { faas_function name=$n; '
    . 'proxy_pass http://functions$faas_uri; }');
is($res->{status}, 0, 'faas_function with name= may stand in a regex location')
    or diag($res->{output});

# faas_async

my $async = 'location /async-function/ { faas_async; } ';

$res = check(location => 'location /a/ { faas_async_max_body 511m; '
    . "faas_async internal; } $async", http => "faas_zone faas 4m;\n"
    . "faas_redis 127.0.0.1:6379;\nfaas_async_queue 0 bytes=1g;\n"
    . 'faas_async_window 30d;');
is($res->{status}, 0, 'asynchronous calls are accepted')
    or diag($res->{output});

refuses("faas_async: $_->[0]", $_->[1], location => $_->[0])
    for ['location /a/ { faas_async; faas_async; }', qr/is duplicate/],
    ['location /a/ { faas_async private; }', qr/expected "internal"/],
    ['location /a { faas_async; }', qr/prefix with a slash at its end/],
    ['location = /a { faas_async; }', qr/prefix with a slash at its end/],
    ['location ~ /a/ { faas_async; }', qr/cannot be in a location given/],
    ['location /a/ { faas_async_max_body 0; }', qr/expected 1 to 511m/],
    ['location /a/ { faas_async_max_body 512m; }', qr/expected 1 to 511m/],
    ['location /a/ { faas_async_max_body x; }', qr/expected 1 to 511m/];

refuses("http: $_->[0]", $_->[1], http => "faas_zone faas 4m;\n"
    . "faas_redis 127.0.0.1:6379;\n$_->[0]")
    for ['faas_async_queue x;', qr/a number of calls up to 100000000/],
    ['faas_async_queue 100000001;', qr/a number of calls up to 100000000/],
    ['faas_async_queue 1 size=1;', qr/expected "bytes=" with a size/],
    ['faas_async_queue 1 bytes=x;', qr/expected "bytes=" with a size/],
    ['faas_async_queue 1; faas_async_queue 1;', qr/is duplicate/],
    ['faas_async_window 0;', qr/is not 1ms to 30d/],
    ['faas_async_window 31d;', qr/is not 1ms to 30d/];

$t->finish;
