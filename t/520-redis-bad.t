#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Redis is there, but bad: it stands still, has no memory, answers rubbish,
# has been emptied or filled with rubbish; or the zone has no room for what it
# says.  If this fails, any of that makes calls fail, or the gateway does not
# recover when Redis does.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Proc qw(fork_child);
use Faas::HTTP qw(listen_on);
use Faas::Test;
use Test::More;


my $t = Faas::Test->new(need => [qw(nginx redis-server module)]);
my $backend = $t->start_backend;

$t->start_redis;
$t->publish('echo', $backend->addr);
$t->publish('cold');
my $nginx = $t->start_nginx(vars => { PARK => '20s' });
wait_for(sub { $t->get('/function/echo')->{status} == 200 }, 10, 'routes');

my $path = $t->redis_addr =~ s/^unix://r;

sub gauge {
    my ($name, $function) = @_;

    return $t->get('/metrics')->{body}
        =~ /^\Q$name\E\{function_name="\Q$function\E\.openfaas-fn"\} (\d+)$/m
        ? $1 : -1;
}

sub is_up {
    return $t->get('/metrics')->{body} =~ /^faas_redis_up (\d)$/m ? $1 : -1;
}

sub follows {
    my ($what) = @_;

    my $name = 'new' . int rand 1e9;
    $t->publish($name, $backend->addr);
    wait_for(sub { $t->get("/function/$name")->{status} == 200 }, 20, 'route');
    pass("$what: routes are followed again");

    return;
}

# it stands still

kill 'STOP', $t->redis_proc->pid;
my $load = $t->start_load(path => '/function/echo', clients => 4);
wait_for(sub { is_up() == 0 }, 30, 'redis is seen to be down');
my $n = $load->requests;
wait_for(sub { $load->requests > $n + 200 }, 30, 'calls');
kill 'CONT', $t->redis_proc->pid;
wait_for(sub { is_up() == 1 }, 30, 'redis is up');
my $sum = $load->finish;
is($sum->{failed}, 0, 'Redis stands still: no call fails');
follows('Redis stood still');

# it has no memory

$t->redis(qw(CONFIG SET maxmemory 1));
wait_for(sub { $nginx->log_lines(qr/refuses the report of load.*OOM/) }, 20,
    'the line in the log');
pass('Redis has no memory: the log says so');
is($t->get('/function/echo')->{status}, 200, 'calls go on');

my $client = Faas::HTTP->new($t->addr);
$client->send_request(GET => '/function/cold');
wait_for(sub { $nginx->log_lines(qr/refuses the call for a replica.*OOM/) },
    20, 'the line in the log');
pass('a call for a replica that is refused is logged');
$t->redis(qw(CONFIG SET maxmemory 0));
wait_for(sub { @{ $t->redis(qw(XRANGE faas:wake - +)) } }, 20, 'the entry');
pass('and made again while the call waits');
$t->publish('cold', $backend->addr);
is($client->response->{status}, 200, 'which goes on then');
follows('Redis had no memory');

# it is emptied

$t->redis('FLUSHALL');
my $quiet = time + 1;
wait_for(sub { time > $quiet }, 10, 'a moment');
is($t->get('/function/echo')->{status}, 200,
    'Redis is emptied: the routes that are known stay');
is($t->get('/function/cold')->{status}, 200, 'all of them');
$t->publish('echo', $backend->addr);
wait_for(sub { $t->get('/function/cold')->{status} == 404 }, 20, 'new routes');
is($t->get('/function/echo')->{status}, 200,
    'when routes are published anew those count');

# rubbish in it

for my $rubbish (
    [qw(HSET faas:routes), 'echo.openfaas-fn', 'no json'],
    [qw(HSET faas:routes), "a\0b", '{}'],
    [qw(HSET faas:routes), 'x' x 3000, '{}'],
    [qw(XADD faas:changes * name), "a\0b", qw(rev 1 prev 2)],
    [qw(XADD faas:changes * name echo.openfaas-fn rev x prev y)],
    [qw(XADD faas:changes * something else)],
    [qw(SET faas:epoch), 'e' x 300],
) {
    $t->redis(@$rubbish);
    is($t->get('/function/echo')->{status}, 200, "rubbish: @$rubbish[0 .. 1]");
}

for my $key (qw(faas:routes faas:changes faas:epoch faas:gateways faas:wake)) {
    $t->redis(DEL => $key);
    $t->redis(LPUSH => $key, 'a list');
    is($t->get('/function/echo')->{status}, 200, "$key is a list: calls go on");
    ok(!(grep { !alive($_) } $nginx->workers), 'no worker has died');
    $t->redis(DEL => $key);
}

$t->redis('FLUSHALL');
$t->publish('echo', $backend->addr);
follows('there was rubbish in Redis');

# it is something else

$t->redis_proc->stop;

for my $case (
    ['HTTP', "HTTP/1.0 200 OK\r\n\r\n"],
    ['a greeting', "+OK\r\n+OK\r\n+OK\r\n+OK\r\n"],
    ['a push', "*3\r\n\$7\r\nmessage\r\n\$1\r\na\r\n\$1\r\nb\r\n" x 3],
    ['numbers', ":1\r\n" x 50],
    ['nested lists', '*1' . "\r\n*1" x 40 . "\r\n"],
    ['a list that is too long', "*2147483647\r\n"],
    ['a string of a negative length', "\$-5\r\n"],
    ['zeros', "\0" x 1000],
    ['nothing', ''],
) {
    my ($what, $text) = @$case;

    my $seen = scalar $nginx->log_lines(qr/no connection to Redis/);
    unlink $path;
    my $listener = listen_on("unix:$path");
    my $fake = fork_child(name => 'fake', log => $t->dir . '/fake.log',
        code => sub {
            local $SIG{PIPE} = 'IGNORE';
            while (my $sock = $listener->accept) {
                syswrite $sock, $text if length $text;
                sysread $sock, my $in, 65536;
                syswrite $sock, $text if length $text;
                close $sock;
            }
        });
    close $listener;

    wait_for(sub { $nginx->log_lines(qr/no connection to Redis/) > $seen }, 30,
        'a try');
    is($t->get('/function/echo')->{status}, 200, "$what: calls go on");
    $fake->stop;
}

ok(!$nginx->log_lines(qr/exited on signal/), 'no worker has died of it');
unlink $path;
$t->start_redis;
$t->publish('echo', $backend->addr);
wait_for(sub { is_up() == 1 }, 30, 'redis is up');
follows('Redis is itself again');

# more functions than the zone has room for

$nginx->stop;
$t->redis('FLUSHALL');
my $conf = slurp($t->root . '/conf/nginx.conf.in');
$conf =~ s/faas_zone faas 32m;/faas_zone faas 1m;/;
$t->publish('first', $backend->addr);
$nginx->start(conf => $conf);
wait_for(sub { $t->get('/function/first')->{status} == 200 }, 20, 'routes');
my ($room) = ($nginx->log_lines(qr/has room for/))[-1]
    =~ /room for (\d+) functions/;
my @names = map { "many$_" } 1 .. $room + 20;
my $redis = Faas::Redis->new($t->redis_addr);
$redis->publish($_, $backend->addr) for @names;
wait_for(sub { $nginx->log_lines(qr/\[crit\].*the zone is full/) }, 20,
    'the line in the log');
pass('a full zone is logged');
is($t->get('/function/first')->{status}, 200, 'those that are there stay');
my $served = grep { $t->get("/function/$_")->{status} == 200 } @names;
cmp_ok($served, '>=', $room - 1, 'as many as there is room for are served');
$t->unpublish($names[0]);
$t->publish($names[-1], $backend->addr);
wait_for(sub {
    $t->publish($names[-1], $backend->addr);
    return $t->get("/function/$names[-1]")->{status} == 200;
}, 20, 'room');
pass('room that becomes free is used');

$t->finish;
