#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Replicas as processes.  If this fails, functions do not run as described,
# do not come back after a crash, or leave something behind when they go.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Api;
use Faas::Proc;
use Faas::Redis;
use Faas::Test;
use JSON::PP;
use Test::More;
use Time::HiRes qw(time);

use constant WAIT => 30;    # seconds, for everything that has to happen


my $t = Faas::Test->new(need => [qw(nginx redis-server module scaler watchdog
    samples)]);
my $dir = $t->dir;
my $state = "$dir/state";

# functions of this test

mkdir "$dir/functions";
mkdir "$dir/functions/$_" for qw(plain slow gone);
$t->spew("$dir/functions/slow/handler.sh", <<'END', 0755);
#!/bin/sh
# ends when the file that its input names is there
read -r file
while [ -n "$file" ] && [ ! -e "$file" ]; do sleep 0.02; done
echo done
END

sub deploy {
    my ($name, $process, %change) = @_;

    my $res = call($change{method} // 'POST', '/system/functions',
        { service => $name, image => 'plain', envProcess => $process,
        %change });

    die "deploy of $name: $res->{body}" if $res->{status} != 202;

    return;
}

sub scale {
    my ($name, $n) = @_;

    return call(POST => "/system/scale-function/$name",
        { replicas => $n })->{status};
}

# addresses of a function's replicas, as the gateways know them
sub addrs {
    my ($name) = @_;

    my $json = $t->redis('HGET', 'faas:routes', "$name.openfaas-fn");

    return if !defined $json;
    return map { $_->{addr} } @{ decode_json($json)->{endpoints} };
}

sub children { return $t->replica_pids; }

sub environ_of {
    my ($pid) = @_;

    return { map { split /=/, $_, 2 }
        split /\0/, slurp("/proc/$pid/environ") // '' };
}

sub watchdogs { return $t->replica_pids(@_); }

sub fds {
    my ($pid) = @_;

    opendir my $handle, "/proc/$pid/fd" or return -1;

    return grep { /^\d/ } readdir $handle;
}

sub names { return map { s{.*/}{}r } glob "$_[0]/*"; }

# what all replicas of a function have printed
sub log_of { return join '', map { slurp($_) // '' } log_files($_[0]); }

sub log_files { return glob "$state/logs/$_[0].openfaas-fn/*.log*"; }

sub scaler_log { return slurp("$dir/scaler.log") // ''; }

# everything of all functions is gone
sub nothing_is_left {
    my ($name) = @_;

    my @left;

    Faas::Proc::wait_quietly(sub {
        @left = (children(), map { names("$state/$_") } qw(s tmp functions));
        return !@left;
    }, WAIT);
    is("@left", '', $name);

    return;
}

$t->start_redis;
$t->start_scaler(functions => "$dir/functions", env => { SECRET => 'x' },
    args => ['--stop-timeout', '5s']);

my $scaler = $t->scaler->pid;
wait_for(sub { Faas::Proc::descendants($scaler) == 2 }, WAIT, 'two spares');
my $idle_fds = () = fds($scaler);

# a process as described

deploy('env', 'env', envVars => { greeting => 'hello world', LANG => 'C' });
wait_ready('env');

my ($pid) = watchdogs('env');
my $env = environ_of($pid);
is($env->{greeting}, 'hello world', 'a variable of the function');
is($env->{fprocess}, 'env', 'the process');
is($env->{LANG}, 'C', 'a variable over the platform\'s');
is($env->{OPENFAAS_NAME} . ' ' . $env->{OPENFAAS_NAMESPACE},
    'env openfaas-fn', 'its own name');
is($env->{LISTEN_FDS} . ' ' . $env->{LISTEN_PID}, '1 1',
    'socket activation for just this process');
ok(!exists $env->{SECRET}, 'nothing else of the scaler\'s environment');
is($env->{TMPDIR}, '/tmp', 'TMPDIR');
is($env->{HOME}, '/tmp', 'HOME as well');
is(readlink "/proc/$pid/cwd", '/home/app', 'its folder');
is(join(' ', (stat "/proc/$pid/cwd")[0, 1]),
    join(' ', (stat "$dir/functions/plain")[0, 1]), 'is the image\'s');

is(readlink "/proc/$pid/fd/0", '/dev/null', 'standard input is empty');
like(readlink "/proc/$pid/fd/1", qr/^pipe:/, 'standard output is a pipe');
like(readlink "/proc/$pid/fd/3", qr/^socket:/, '3 is the socket');

my @stat = slurp("/proc/$pid/stat") =~ /\) \S \d+ (\d+) (\d+)/;
is("@stat", "$pid $pid", 'a session and a group of its own');
my ($soft) = slurp("/proc/$pid/limits") =~ /^Max open files\s+(\d+)/m;
my ($own) = slurp("/proc/$$/limits") =~ /^Max open files\s+(\d+)/m;
is($soft, $own, 'the limit of descriptors that there was');

my ($addr) = addrs('env');
like($addr, qr{^unix:\Q$state\E/s/\d+\.sock$}, 'its address');
is((stat $addr =~ s/^unix://r)[2] & 0777, 0600, 'for nobody else');
like(http(GET => $addr, '/')->{body}, qr/^greeting=hello world$/m,
    'it answers');

# what it is given, and no more: a watchdog that tells

$t->spew("$dir/tell.pl", <<'END', 0755);
#!/usr/bin/perl
opendir my $fds, '/proc/self/fd';
print "descriptor $_ ", readlink "/proc/self/fd/$_", "\n"
    for grep { /\d/ } readdir $fds;
print "end\n";
END
my $other = Faas::Proc::spawn(name => 'scaler-other', log => "$dir/other.log",
    env => Faas::Test::san_env(), cmd => [$t->build . '/faas-scaler',
        '--listen', "unix:$dir/other.sock", '--state-dir', "$dir/other",
        '--functions-dir', "$dir/functions", '--redis', $t->redis_addr,
        '--redis-prefix', 'other:', '--watchdog', "$dir/tell.pl"]);
wait_for(sub { -S "$dir/other.sock"
    && slurp("$dir/other.log") =~ /published all/ }, WAIT, 'another scaler');
my @idle = map { Faas::HTTP->new("unix:$dir/other.sock") } 1 .. 3;
http(POST => "unix:$dir/other.sock", '/system/functions', {}, encode_json({
    service => 'tell', image => 'plain', envProcess => 'x' }));
my $told = wait_for(sub {
    my $log = join '', map { slurp($_) // '' }
        glob "$dir/other/logs/tell.openfaas-fn/*.log";
    $log =~ / end\n/ ? $log : undef;
}, WAIT, 'what it tells');
my %fd = $told =~ /descriptor (\d+) (.*)$/mg;
delete @fd{ grep { $fd{$_} =~ m{/tell\.pl$|^/proc/} } keys %fd };
is_deeply([sort { $a <=> $b } keys %fd], [0 .. 3],
    'a watchdog is given descriptors 0 to 3 and no other') or diag($told);
$other->stop;
is($other->status, 0, 'a scaler in the midst of crashes ends well');

# a crash

for my $round (1 .. 3) {
    kill 'STOP', $pid;
    wait_for(sub { Faas::Proc::proc_state($pid) eq 'T' }, WAIT, 'a halt');
    my @clients = map { Faas::HTTP->new($addr) } 1 .. 5;
    $_->send_request(GET => '/') for @clients;
    kill 'KILL', $pid;
    wait_for(sub { my @w = watchdogs('env'); @w == 1 && $w[0] != $pid }, WAIT,
        'another process');
    ($pid) = watchdogs('env');

    my @new = map { http(GET => $addr, '/')->{status} } 1 .. 5;
    is("@new", '200 200 200 200 200', 'after a crash the socket answers');

    my @queued = map { $_->response('GET')->{status} } @clients;
    ok(!grep({ $_ ne 200 } @queued),
        'what waited in the queue is answered') or diag("@queued");
    wait_ready('env');
}

is_deeply([addrs('env')], [$addr], 'the address is the same');
is(scalar(() = scaler_log() =~ /replica ended, starting it again/g), 3,
    'each crash is logged');

# scale

is(scale('env', 4), 202, 'scale up');
wait_ready('env', 4);
is(scalar addrs('env'), 4, 'four addresses');
is(scale('env', 1), 202, 'scale down');
wait_for(sub { watchdogs('env') == 1 }, WAIT, 'one process');
wait_for(sub { names("$state/s") == 1 }, WAIT, 'one socket');
pass('the sockets of the others are gone');
is_deeply([addrs('env')], [$addr], 'the oldest stays');
is(scale('env', 0), 202, 'scale to zero');
wait_for(sub { !watchdogs('env') }, WAIT, 'no process');
is_deeply([addrs('env')], [], 'no address');
is(status('env')->{replicas}, 0, 'no replica is wanted');
is(scale('env', 2), 202, 'and back');
wait_ready('env', 2);
is(scalar(grep { http(GET => $_, '/')->{status} == 200 } addrs('env')), 2,
    'two answer');
is(remove('env'), 202, 'delete');
nothing_is_left('no process, socket, TMPDIR or file is left');

# a process that cannot start

deploy('loop', 'env', envVars => { mode => 'nonsense' });
my $begin = time;
my @cpu = (split ' ', slurp("/proc/$scaler/stat"))[13, 14];
deploy('healthy', 'env');
wait_ready('healthy');
wait_for(sub {
    scaler_log() =~ /starting it again in 1600ms replica=loop-/
}, WAIT, 'a long pause');
cmp_ok(time - $begin, '>', 1.5, 'a process that ends at once has pauses');
my $starts = () = scaler_log() =~ /starting it again.*replica=loop-/g;
is($starts, 5, 'each twice as long: five starts');
@cpu = map { $_ - shift @cpu } (split ' ', slurp("/proc/$scaler/stat"))[13, 14];
cmp_ok($cpu[0] + $cpu[1], '<', 60, 'which takes little time of the CPU');
is(status('loop')->{availableReplicas}, 0, 'it is not available');
wait_for(sub { !addrs('loop') }, WAIT, 'the route without it');
pass('and in no route');
isnt(log_of('loop'), '', 'why is in its log');
like(status('loop')->{annotations}{'com.ngx-faas.last-error'},
    qr/^replica loop-\d+ ended, status=1, its last line: .*mode: "nonsense"/,
    'and what it said is in its state');

deploy('loop', 'env', method => 'PUT');
wait_ready('loop');
is(http(GET => (addrs('loop'))[0], '/')->{status}, 200,
    'an update mends it at once');
wait_for(sub { !%{ status('loop')->{annotations} } }, WAIT, 'no error');

# an update that does not start

deploy('healthy', 'env', method => 'PUT', envVars => { mode => 'nonsense' });
wait_for(sub {
    (() = scaler_log() =~ /starting it again.*replica=healthy-/g) >= 3;
}, WAIT, 'crashes');
is(status('healthy')->{availableReplicas}, 1, 'the old process serves on');
is(http(GET => (addrs('healthy'))[0], '/')->{status}, 200, 'and answers');
is(scalar addrs('healthy'), 1, 'alone');
deploy('healthy', 'env', method => 'PUT', envVars => { v => '3' });
wait_for(sub {
    my ($one) = addrs('healthy');
    defined $one && http(GET => $one, '/')->{body} =~ /^v=3$/m;
}, WAIT, 'the third version');
wait_for(sub { watchdogs('healthy') == 1 }, WAIT, 'one process');
pass('the next update takes its place');

remove($_) for qw(loop healthy);
nothing_is_left('nothing is left of them');

# an update while requests run, through a gateway

$t->start_nginx;
my %two = map { ("com.openfaas.scale.$_" => '2') } qw(min max);

deploy('live', 'env', envVars => { v => '0' }, labels => \%two);
wait_ready('live', 2);
wait_for(sub { $t->get('/function/live')->{status} == 200 }, WAIT, 'a route');

my $load = $t->start_load(path => '/function/live', clients => 3);

for my $v (1 .. 3) {
    deploy('live', 'env', method => 'PUT', envVars => { v => "$v" },
        labels => \%two);
    wait_for(sub {
        my @w = watchdogs('live');
        @w == 2 && !grep { (environ_of($_)->{v} // '') ne $v } @w;
    }, WAIT, "version $v");
}

my $sum = $load->finish;
is($sum->{failed}, 0, 'updates cost no call')
    or diag(join "\n", @{ $sum->{errors} });

# a running request keeps its replica

deploy('slow', './handler.sh', image => 'slow');
wait_ready('slow');
wait_for(sub { $t->post('/function/slow', "/tmp\n")->{status} == 200 }, WAIT,
    'a route');
my $client = Faas::HTTP->new($t->addr);
$client->send_request(POST => '/function/slow', {}, "/tmp/go\n");
wait_for(sub {
    grep { (slurp("/proc/$_/cmdline") // '') =~ /handler/ }
        Faas::Proc::descendants($scaler);
}, WAIT, 'a running request');
is(remove('slow'), 202, 'delete while a request runs');
wait_for(sub { $t->get('/function/slow')->{status} == 404 }, WAIT, '404');
is(scalar watchdogs('slow'), 1, 'its process is there');
$t->spew($t->inside(watchdogs('slow'), '/tmp/go'), '');
my $res = $client->response('POST');
is("$res->{status} $res->{body}", "200 done\n", 'and ends its work');
wait_for(sub { !watchdogs('slow') }, WAIT, 'its end');
pass('then it goes');

remove('live');
nothing_is_left('nothing is left of it');
$t->nginx->stop;

# it is not waited for until its load expires
$t->redis('DEL', "faas:load:$_") for @{ $t->redis(qw(ZRANGE faas:gateways
    0 -1)) };

# many

deploy("many$_", 'env', labels => { 'com.openfaas.scale.min' => '3' })
    for 1 .. 40;
wait_for(sub {
    my $list = json_of(call(GET => '/system/functions'));
    my $n = 0;
    $n += $_->{availableReplicas} for @$list;
    $n == 120;
}, 60, '120 replicas');
pass('forty functions with three replicas each');
is(scalar children(), 120, 'are 120 processes');
is(http(GET => $_, '/')->{status}, 200, "$_ answers")
    for map { (addrs("many$_"))[0] } 1, 20, 40;

# the scaler is killed, and starts again

my @before = children();
my %created = map { $_->{name} => $_->{createdAt} }
    @{ json_of(call(GET => '/system/functions')) };
my %old_addr = map { my $name = $_; map { $_ => $name } addrs($name) }
    map { "many$_" } 1 .. 40;
my @kept = map { watchdogs("many$_") } 4 .. 6;
$t->scaler->crash;
is(http(GET => $_, '/')->{status}, 200, 'replicas outlive a killed scaler')
    for sort keys %old_addr;

$t->spew("$state/functions/$_->[0].openfaas-fn", $_->[1])
    for ['many1', '{"replicas": 1, "cre'], ['many2', '[]'], ['many3',
    slurp("$state/functions/many4.openfaas-fn")];

for my $case (['many7', 5], ['many8', 0]) {
    my $spec = decode_json(slurp("$state/functions/$case->[0].openfaas-fn"));

    $spec->{replicas} = $case->[1];
    $t->spew("$state/functions/$case->[0].openfaas-fn", encode_json($spec));
}

# an update that was written, but not made any more
my $spec = decode_json(slurp("$state/functions/many9.openfaas-fn"));
$spec->{revision}++;
$t->spew("$state/functions/many9.openfaas-fn", encode_json($spec));
my @many9 = watchdogs('many9');

$t->spew("$dir/functions/gone/x", '');
mkdir "$state/tmp/9999";
$t->spew("$state/s/9999.sock", '');
$t->start_scaler(functions => "$dir/functions", args => ['--max-starts', 8]);
$scaler = $t->scaler->pid;
wait_for(sub {
    my $list = json_of(call(GET => '/system/functions'));
    my $n = 0;
    $n += $_->{availableReplicas} for @$list;
    @$list == 37 && $n == 36 * 3 - 3 + 5;
}, 60, 'all replicas');
pass('a new one takes them over');
is_deeply([sort map { watchdogs("many$_") } 4 .. 6], [sort @kept],
    'they are the same processes');
wait_for(sub { !grep { alive($_) } @many9 }, WAIT, 'end of old replicas');
pass('those of an older deployment are replaced');
wait_for(sub { !map { watchdogs("many$_") } 1 .. 3, 8 }, WAIT, 'their end');
pass('those of no function, and those too many, end');
ok(!-e "$state/tmp/9999" && !-e "$state/s/9999.sock",
    'what was left of others is removed');
is(status('many7')->{replicas}, 5, 'as many as there were');
is(status('many8')->{replicas}, 0, 'or none');
is(status('many9')->{createdAt}, $created{many9}, 'createdAt is kept');
is_deeply([grep { /\.bad$/ } names("$state/functions")],
    [map { "many$_.openfaas-fn.bad" } 1, 2, 3],
    'specifications that are damaged are set aside');
is(scalar(() = scaler_log() =~ /specification cannot be read, setting/g), 3,
    'which is logged');
for my $name (map { "many$_" } 4 .. 40) {
    next if !grep { ($old_addr{$_} // $name) ne $name } addrs($name);
    fail("an address of $name was another function's before");
}

# the folder of a function is missing for a while

deploy('moved', 'env', image => 'gone');
wait_ready('moved');
my @all = children();
$t->scaler->stop;
is($t->scaler->status, 0, 'SIGTERM: exit status 0');
ok(!grep({ alive($_) } @all), 'no process is left');
is_deeply([names("$state/s"), names("$state/tmp")], [],
    'no socket and no TMPDIR');
unlink $_ for glob "$state/functions/many*";
rename "$dir/functions/gone", "$dir/functions/hidden";

$t->start_scaler(functions => "$dir/functions");
$scaler = $t->scaler->pid;
is_deeply([@{ status('moved') }{qw(replicas availableReplicas)}], [1, 0],
    'without its folder a function waits');
like(status('moved')->{annotations}{'com.ngx-faas.last-error'},
    qr/"image": there is no "gone"/, 'and says why');
is(scale('moved', 2), 400, 'it cannot be scaled');
rename "$dir/functions/hidden", "$dir/functions/gone";
is(scale('moved', 2), 202, 'with its folder it can');
wait_ready('moved', 2);
pass('and runs');
remove('moved');
nothing_is_left('nothing is left of it');

# nothing leaks

wait_for(sub { (() = fds($scaler)) <= $idle_fds }, WAIT, 'idle descriptors');

for my $round (1 .. 50) {
    deploy('leak', 'env');
    wait_ready('leak') if $round % 10 == 0;
    remove('leak');
}

wait_for(sub { !children() }, WAIT, 'end of all processes');
wait_for(sub { (() = fds($scaler)) <= $idle_fds }, WAIT, 'idle descriptors');
pass('fifty rounds of deploy and delete leave no descriptor open');
nothing_is_left('and no file');
ok(!grep({ Faas::Proc::proc_state($_) eq 'Z' } Faas::Proc::descendants(
    $scaler)), 'and no zombie');

$t->finish;
