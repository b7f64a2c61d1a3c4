#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Redis that is known by its name.  If this fails, a scaler in a Docker Swarm
# loses Redis for good when that is started elsewhere, or stops for as long as
# a name server takes.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Api;
use Faas::Names;
use Faas::Proc;
use Faas::Redis;
use Faas::Test;
use IO::Socket::IP;
use JSON::PP;
use Test::More;

use constant WAIT => 30;    # seconds, for everything that has to happen


my $t = Faas::Test->new(need => [qw(redis-server scaler watchdog)]);
my $dir = $t->dir;
my $port = $t->free_port;
my $names = Faas::Names->start(dir => $dir);
my %redis;

mkdir "$dir/functions";
mkdir "$dir/functions/plain";

sub start_redis {
    my ($ip) = @_;

    mkdir "$dir/redis.$ip";
    $redis{$ip} = Faas::Proc::spawn(name => 'redis-server',
        log => "$dir/redis.$ip.log",
        cmd => ['redis-server', '--bind', $ip, '--port', $port,
            '--dir', "$dir/redis.$ip", '--save', '', '--daemonize', 'no',
            '--protected-mode', 'no']);
    wait_for(sub { eval { ask($ip, 'PING') eq 'PONG' } }, WAIT,
        "answering redis-server at $ip");

    return;
}

sub stop_redis { return $redis{ $_[0] }->stop; }

sub ask {
    my ($ip, @command) = @_;

    my $host = $ip =~ /:/ ? "[$ip]" : $ip;

    return Faas::Redis->new("$host:$port")->command(@command);
}

# the routes in the Redis at an address are these
sub has_routes {
    my ($ip, @names) = @_;

    return wait_for(sub {
        join(' ', sort @{ ask($ip, 'HKEYS', 'faas:routes') })
            eq join ' ', map { "$_.openfaas-fn" } sort @names;
    }, WAIT, "routes at $ip");
}

# a call that waits for a function is seen there: the other connection
sub follows_wakes {
    my ($ip) = @_;

    call(POST => '/system/scale-function/cold', { replicas => 0 });

    # what is written before it listens is not for it
    return wait_for(sub {
        ask($ip, qw(XADD faas:wake * name cold.openfaas-fn gateway test));

        return (status('cold')->{replicas} // 0) == 1;
    }, WAIT, "wake-up by $ip");
}

sub deploy {
    my ($name) = @_;

    my $res = call(POST => '/system/functions',
        { service => $name, image => 'plain', envProcess => 'env' });

    die "deploy of $name: $res->{body}" if $res->{status} != 202;

    return;
}

sub scaler {
    my (@args) = @_;

    return $t->start_scaler(functions => "$dir/functions", args => [
        '--resolver', $names->addr, '--redis', "redis:$port",
        '--redis-timeout', '2s', @args]);
}

sub scaler_log { return slurp("$dir/scaler.log") // ''; }

sub logged {
    my ($pattern) = @_;

    return scalar(() = scaler_log() =~ /$pattern/g);
}

# sockets of UDP that the scaler has
sub udp_sockets {
    my $pid = $t->scaler->pid;
    my %is_udp = map { (split)[9] => 1 } map { split /\n/, slurp($_) // '' }
        "/proc/$pid/net/udp", "/proc/$pid/net/udp6";

    return grep { (readlink // '') =~ /^socket:\[(\d+)\]/ && $is_udp{$1} }
        glob "/proc/$pid/fd/*";
}

sub asks {
    my ($n) = @_;

    my $before = $names->asked;

    wait_for(sub { $names->asked >= $before + $n }, WAIT, 'look-ups');

    return;
}

# there is no such name yet

scaler();
deploy('early');
deploy('cold');
asks(8);
wait_for(sub { logged(qr/no connection to redis/) }, WAIT, 'a line');
my $no_host = qr/error="there is no host of this name"/;
like(scaler_log(), qr/error: no connection to redis.*redis:$port $no_host/,
    'a name that there is not is logged');
is(logged(qr/no connection to redis/), 1, 'once');
is_deeply([grep { !/^redis A(?:AAA)?$/ } $names->asked], [],
    'it is asked for as it is written');

start_redis('127.0.0.2');
$names->says(redis => '127.0.0.2');
has_routes('127.0.0.2', qw(early cold));
pass('when it is there the routes are published');
follows_wakes('127.0.0.2');
pass('and wake-ups are followed');
wait_for(sub { !udp_sockets() }, WAIT, 'end of UDP sockets');
pass('who is connected has no socket for look-ups');
ok(!logged(qr/libevent/), 'nothing of it is logged by evdns itself');

# Redis moves

start_redis('127.0.0.3');
$names->says(redis => '127.0.0.3');
stop_redis('127.0.0.2');
has_routes('127.0.0.3', qw(early cold));
pass('Redis moves, and all is published where it is now');
follows_wakes('127.0.0.3');
pass('wake-ups are followed there');

# several addresses, of which one answers

$names->says(redis => '127.0.0.4', '127.0.0.5', '127.0.0.2', '127.0.0.6');
stop_redis('127.0.0.3');
asks(4);
start_redis('127.0.0.2');
has_routes('127.0.0.2', qw(early cold));
follows_wakes('127.0.0.2');
pass('of several addresses one after the other is tried');

stop_redis('127.0.0.2');
start_redis('127.0.0.6');
has_routes('127.0.0.6', qw(early cold));
follows_wakes('127.0.0.6');
pass('also when the one that was good is no more');

# name servers that do not do what they should

my $late = logged(qr/do not answer in time/);
$names->says(redis => 'silent');
stop_redis('127.0.0.6');
asks(4);
deploy('meanwhile');
is(status('meanwhile')->{name}, 'meanwhile',
    'while a name server is silent the API works');
start_redis('127.0.0.3');
$names->says(redis => '127.0.0.3', 'no-aaaa');
has_routes('127.0.0.3', qw(early cold meanwhile));
follows_wakes('127.0.0.3');
pass('when it answers, be it for IPv4 only, Redis is found');

$names->says(redis => 'broken');
stop_redis('127.0.0.3');
asks(20);
start_redis('127.0.0.2');
$names->says(redis => '127.0.0.2');
has_routes('127.0.0.2', qw(early cold meanwhile));
follows_wakes('127.0.0.2');
pass('so it is after a time when the name server failed');
is_deeply([grep { !/^redis / } $names->asked], [],
    'no other name was ever asked for');

# the end comes while a look-up runs

$names->says(redis => 'silent');
stop_redis('127.0.0.2');
asks(2);
is($t->scaler->stop, 0, 'a scaler ends while a look-up is not answered');

scaler('--redis-timeout', '100ms', '--log-level', 'info');
wait_for(sub { logged(qr/do not answer in time/) > $late + 1 }, WAIT,
    'a line');
pass('a look-up ends after --redis-timeout');
is($t->scaler->stop, 0, 'a scaler ends that has cancelled look-ups');

# IPv6

SKIP: {
    skip('there is no IPv6', 1) if !IO::Socket::IP->new(
        LocalAddr => '[::1]:0', Listen => 1, Proto => 'tcp');

    start_redis('::1');
    $names->says(redis => '::1');
    scaler();
    has_routes('::1', qw(early cold meanwhile));
    pass('an IPv6 address is used');
    $t->scaler->stop;
    stop_redis('::1');
}

# /etc/hosts goes first; addresses need no name server

start_redis('127.0.0.1');
scaler('--redis', "localhost:$port");
has_routes('127.0.0.1', qw(early cold meanwhile));
is_deeply([grep { /^localhost/ } $names->asked], [],
    '/etc/hosts is asked before name servers');
$t->scaler->stop;

ask('127.0.0.1', 'FLUSHALL');
my $before = $names->asked;
scaler('--redis', "127.0.0.1:$port");
has_routes('127.0.0.1', qw(early cold meanwhile));
is_deeply([udp_sockets()], [], 'with an address there is no such socket');
is(scalar $names->asked, $before, 'and no look-up');
$t->scaler->stop;

# what cannot be

my %bad = (
    'redis'           => qr/"redis" is no address, expected HOST:PORT/,
    'redis:'          => qr/is no address/,
    'redis:0'         => qr/is no address/,
    'redis:65536'     => qr/is no address/,
    'redis:123456'    => qr/is no address/,
    ':6379'           => qr/no name of a host/,
    '300.1.2.3:6379'  => qr/"300\.1\.2\.3" is no IP address and no name/,
    'a..b:6379'       => qr/no name of a host/,
    'a.:6379'         => qr/no name of a host/,
    '-a:6379'         => qr/no name of a host/,
    'a-.b:6379'       => qr/no name of a host/,
    'a b:6379'        => qr/no name of a host/,
    'x' x 64 . ':1'   => qr/no name of a host/,
    'x.' x 127 . ':1' => qr/no name of a host/,
);

for my $addr (sort keys %bad) {
    my $res = $t->run($t->build . '/faas-scaler', '--listen',
        "unix:$dir/bad.sock", '--state-dir', "$dir/bad", '--watchdog',
        $t->build . '/faas-watchdog', '--redis', $addr);

    ok($res->{status} != 0 && $res->{output} =~ /--redis: .*$bad{$addr}/,
        "--redis $addr is refused, and it is said why")
        or diag($res->{output});
}

for my $addr ('dns', 'dns:53', 'unix:/dns') {
    my $res = $t->run($t->build . '/faas-scaler', '--listen',
        "unix:$dir/bad.sock", '--state-dir', "$dir/bad", '--resolver', $addr);

    ok($res->{status} != 0 && $res->{output} =~ /--resolver: .*IP:PORT/,
        "--resolver $addr is refused, and it is said why")
        or diag($res->{output});
}

$t->finish;
