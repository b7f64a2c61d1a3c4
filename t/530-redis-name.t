#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Redis by name.  If this fails, a gateway does not find a Redis that has
# moved, or a name server that is slow or away takes the gateway along.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::DNS;
use Faas::Proc qw(spawn);
use Faas::Redis;
use Faas::Test;
use Test::More;


my $t = Faas::Test->new(need => [qw(nginx redis-server module)]);
my $backend = $t->start_backend;
my $dns = Faas::DNS->start(dir => $t->dir);
my $port = $t->free_port;
my %redis;                      # processes by address

# a Redis at this address, with the route of a function
sub start_redis {
    my ($ip, $function) = @_;

    my $addr = ($ip =~ /:/ ? "[$ip]" : $ip) . ":$port";
    my $dir = $t->dir . '/redis-' . $ip =~ s/\W/-/gr;

    mkdir $dir;
    my $proc = $redis{$ip} = spawn(name => "redis at $ip", log => "$dir.log",
        cmd => ['redis-server', '--bind', $ip, '--port', $port, '--dir', $dir,
            '--save', '', '--daemonize', 'no']);

    wait_for(sub {
        die "redis-server does not start:\n" . slurp("$dir.log")
            if !$proc->running;

        return eval { Faas::Redis->new($addr)->command('PING') eq 'PONG' };
    }, 30, "redis-server at $addr");

    return Faas::Redis->new($addr)->publish($function, $backend->addr);
}

sub stop_redis {
    my ($ip) = @_;

    delete($redis{$ip})->stop;

    return;
}

sub serves {
    my ($function, $what) = @_;

    ok(eval {
        wait_for(sub { $t->get("/function/$function")->{status} == 200 }, 30,
            $function);
    }, $what) or diag($@);

    return;
}

# waits until Redis has been looked up once more
sub is_asked {
    my $n = $dns->queries;

    wait_for(sub { $dns->queries > $n }, 30, 'a query');

    return;
}

sub is_down {
    wait_for(sub { $t->get('/metrics')->{body} =~ /^faas_redis_up 0$/m }, 30,
        'faas_redis_up 0');

    return;
}

sub errors {
    my ($pattern) = @_;

    return scalar grep { /\[error\]/ } $t->nginx->log_lines($pattern);
}

# the worker that talks to Redis
sub leader {
    my ($line) = ($t->nginx->log_lines(qr/this worker follows routes/))[-1];

    return defined $line && $line =~ / (\d+)#/ ? $1 : 0;
}

# the name server is silent at first; "resolver" comes after "faas_redis"

my $resolver = 'resolver ' . $dns->addr . ' valid=1s;';
my $nginx = $t->start_nginx(vars => { REDIS => "Redis.Test:$port",
    HTTP_EXTRA => "$resolver resolver_timeout 1s;" });

my $res = $t->get('/function/first');
is($res->{status}, 503, 'the name server is silent: 503');
like($res->{body}, qr/has not read its routes from Redis yet/,
    'it says that routes are missing');

my $silent = qr/no\ connection\ to\ Redis\ at\ "redis\.test:$port"
    \ \(look-up\ of\ the\ name:\ Operation\ timed\ out\),\ trying\ again/x;
wait_for(sub { errors($silent) }, 30, 'the line in the log');
pass('the log says that the look-up timed out, and that it is tried again');
wait_for(sub { $nginx->log_lines($silent) >= 6 }, 60, 'more attempts');
is(errors($silent), 2, 'one line an outage and connection, not one a second');

start_redis('127.0.0.2', 'first');
$dns->answer('127.0.0.2');
serves('first', 'when the name server answers, routes are read');
ok($dns->queries('redis.test'), 'the name is asked for as it is');
ok(scalar $nginx->log_lines(
        qr/\[notice\].*connected .* "redis\.test:$port", now 127\.0\.0\.2:/),
    'the log has the address');

# it moves

start_redis('127.0.0.3', 'second');
$dns->answer('127.0.0.3');
stop_redis('127.0.0.2');
serves('second', 'Redis moves: the gateway follows it to its new address');

# there is no such name for a while

my $unknown = qr/\(look-up of the name: Host not found\), trying again/;
$dns->unknown;
stop_redis('127.0.0.3');
wait_for(sub { errors($unknown) }, 30, 'the line in the log');
pass('the log says that there is no such name');
is($t->get('/function/second')->{status}, 200, 'calls go on');
wait_for(sub { $nginx->log_lines($unknown) >= 6 }, 60, 'more attempts');
cmp_ok(errors($unknown), '<=', 2, 'one line an outage and connection');
start_redis('127.0.0.2', 'third');
$dns->answer('127.0.0.2');
serves('third', 'when the name is there, routes are read');

# several addresses, of which one answers

for my $ip ('127.0.0.4', '127.0.0.2', '127.0.0.3') {
    $dns->answer('127.0.0.2', '127.0.0.3', '127.0.0.4');
    start_redis($ip, "at$ip" =~ tr/.//dr) if !$redis{$ip};
    stop_redis($_) for grep { $_ ne $ip } keys %redis;
    serves("at$ip" =~ tr/.//dr, "of three addresses the one at $ip is found");
}

# IPv6

SKIP: {
    skip 'no IPv6 on this machine', 3
        if (slurp('/proc/net/if_inet6') // '') !~ /^0{31}1 /m;

    start_redis('::1', 'sixth');
    $dns->answer('::1');
    stop_redis('127.0.0.3');
    serves('sixth', 'an IPv6 address is used');

    start_redis('127.0.0.2', 'fourth');
    stop_redis('::1');
    $dns->answer('::1', '127.0.0.2');
    serves('fourth', 'and one of either kind');

    start_redis('::1', 'mixed');
    stop_redis('127.0.0.2');
    serves('mixed', 'in both directions');
}

start_redis('127.0.0.5', 'again');
$dns->answer('127.0.0.5');
stop_redis($_) for grep { $_ ne '127.0.0.5' } keys %redis;
wait_for(sub { $t->get('/function/again')->{status} == 200 }, 30, 'again');

# workers come, go and change the lead while a look-up is pending; that would
# time out long after all deadlines here

$nginx->write_conf(vars => { HTTP_EXTRA => "$resolver resolver_timeout 10m;" });
$nginx->reload;
serves('again', 'a reload with another resolver');

$dns->silent;
stop_redis('127.0.0.5');
is_asked();
is_down();
my %old = map { $_ => 1 } $nginx->workers;
$nginx->reload;
wait_for(sub { !grep { alive($_) } keys %old }, 60, 'the end of old workers');
pass('a look-up that is pending keeps no old worker alive');
is_asked();
is($t->get('/function/again')->{status}, 200, 'calls go on');

# a leader that stood still finds that it is none

my $leader = leader();
ok((grep { $_ == $leader } $nginx->workers), 'the leader is a live worker');
kill 'STOP', $leader;
wait_for(sub { leader() != $leader }, 30, 'another leader');
kill 'CONT', $leader;
wait_for(sub { $nginx->log_lines(qr/ $leader#.*another worker took the lead/) },
    30, 'the end of the lead');
pass('the lead is lost while a look-up is pending');
is_asked();

# a leader that is killed

$t->allow_log(qr/exited on signal 9/);
$leader = leader();
kill 'KILL', $leader;
wait_for(sub { leader() != $leader }, 30, 'another leader');
pass('the leader is killed while a look-up is pending');

start_redis('127.0.0.2', 'fifth');
$dns->answer('127.0.0.2');
serves('fifth', 'after all that routes are read');
is(scalar(grep { alive($_) } $nginx->workers), 2, 'all workers are there');

# the end

$dns->silent;
stop_redis('127.0.0.2');
is_asked();
$nginx->stop(signal => 'QUIT');
pass('nginx ends while a look-up is pending');

$t->finish;
