#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# nginx is started while Redis is away.  If this fails, a machine that boots
# without Redis serves nothing, or a damaged file keeps nginx from starting,
# or brings functions back that were deleted.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Test;
use Test::More;


my $t = Faas::Test->new(need => [qw(nginx redis-server module)]);
my $backend = $t->start_backend;
my $state = $t->dir . '/faas.state';
my %vars = (HTTP_EXTRA => "faas_state $state;", PARK => '100ms');

$t->start_redis;
$t->publish('echo', $backend->addr);
$t->publish('tcp', '127.0.0.1:1');
$t->publish("f$_", $backend->addr, "unix:/nowhere/$_") for 1 .. 100;
$t->publish('hidden', { visibility => 'private' }, $backend->addr);
$t->publish('quick', { timeout_ms => 50, max_inflight => 3, queue => 7,
    park_ms => 60 }, $backend->addr);
$t->start_nginx(vars => \%vars);

my $text = wait_for(sub {
    my $text = slurp($state);
    return $text && $text =~ /^end 104 [0-9a-f]{8}\n\z/m ? $text : undef;
}, 20, 'the file');
pass('routes are kept in a file');
like($text, qr/^tcp\.openfaas-fn \{.*"addr":"127\.0\.0\.1:1"/m,
    'with their replicas');
is((stat $state)[2] & oct(777), oct(600), 'that is nobody else\'s');

# what changes is in the file when nginx ends

$t->publish('late', $backend->addr);
wait_for(sub { $t->get('/function/late')->{status} == 200 }, 10, 'route');
$t->unpublish('f1');
wait_for(sub { $t->get('/function/f1')->{status} == 404 }, 10, 'no route');
$t->nginx->stop(signal => 'QUIT');
$t->redis_proc->stop;
$text = slurp($state);
like($text, qr/^late\.openfaas-fn /m, 'what was added last is there');
unlike($text, qr/^f1\.openfaas-fn /m, 'what was deleted last is not');
ok(!-e "$state.new", 'nothing is left half written');

# without Redis

$t->nginx->start;
is($t->get('/healthz')->{status}, 200, 'nginx without Redis is healthy');
is($t->get('/function/echo')->{status}, 200, 'and serves');
is($t->get('/function/hidden')->{status}, 404, 'a private function is');
is($t->get('/function/quick/delay/9000')->{status}, 504, 'limits hold');
is($t->get('/function/f1')->{status}, 404, 'what was deleted is not there');
ok($t->nginx->log_lines(qr/\[notice\].*read 104 of 104 routes/), 'it says so');

# Redis is back and knows better

$t->start_redis;
$t->publish('echo');
$t->publish('new', $backend->addr);
wait_for(sub { $t->get('/function/new')->{status} == 200 }, 20, 'new route');
is($t->get('/function/echo')->{status}, 503, 'what Redis says is newer');
is($t->get('/function/late')->{status}, 404, 'what it has not is gone');
$t->nginx->stop(signal => 'QUIT');
$t->redis_proc->stop;

# damage

my $good = slurp($state);

for my $case (
    ['cut off', substr $good, 0, -10],
    ['empty', ''],
    ['changed', $good =~ s/"replicas":1/"replicas":2/r],
    ['something else', "hello\nworld\n"],
    ['longer', "${good}x\n"],
    ['a number that is none', $good =~ s/^end \d+/end x/mr],
) {
    my ($what, $bad) = @$case;

    $t->spew($state, $bad);
    $t->nginx->start;
    is($t->get('/function/new')->{status}, 503, "$what: nginx starts without");
    like((json_of($t->get('/function/new')) // {})->{hop}, qr/^redis$/,
        "$what: and says what it waits for");
    ok($t->nginx->log_lines(qr/\[error\].*is no file of routes/),
        "$what: and why");
    $t->nginx->stop;
}

unlink $state;
$t->nginx->start;
is($t->get('/function/new')->{status}, 503, 'without a file it starts as well');

# a folder that workers cannot write to is no reason to stop

$t->start_redis;
$t->publish('new', $backend->addr);
$t->nginx->stop;
$t->nginx->start(vars => { HTTP_EXTRA => "faas_state /proc/nowhere/f;" });
wait_for(sub { $t->get('/function/new')->{status} == 200 }, 20, 'route');
wait_for(sub { $t->nginx->log_lines(qr/\[error\].*faas_state needs a folder/) },
    20, 'the line in the log');
pass('a file that cannot be written is logged');

$t->finish;
