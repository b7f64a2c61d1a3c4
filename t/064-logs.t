#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Functions' logs, GET /system/logs.  If this fails, what functions print is
# lost, cannot be read or followed, or fills disk and memory.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Api qw(call remove);
use Faas::HTTP;
use Faas::Proc;
use Faas::Test;
use JSON::PP;
use Test::More;
use Time::HiRes qw(time);

use constant WAIT => 30;    # seconds, for everything that has to happen


my $t = Faas::Test->new(need => [qw(nginx redis-server module scaler
    watchdog)]);
my $dir = $t->dir;
my $state = "$dir/state";

mkdir "$dir/functions";
mkdir "$dir/functions/$_" for qw(print slow);
$t->spew("$dir/functions/print/handler.sh", <<'END_SH', 0755);
#!/bin/sh
# prints what it gets
cat >&2
END_SH
$t->spew("$dir/functions/slow/handler.sh", <<'END_SH', 0755);
#!/bin/sh
# says that it begins; ends when the file that its input names is there
read -r file
echo begin >&2
while [ ! -e "$file" ]; do sleep 0.02; done
echo end >&2
END_SH

sub start {
    return $t->start_scaler(functions => "$dir/functions", args => [@_]);
}

sub deploy {
    my ($name, %change) = @_;

    my $res = call(POST => '/system/functions', { service => $name,
        image => 'print', envProcess => './handler.sh', envVars => {
            mode => 'streaming', prefix_logs => 'false',
            access_log => 'false' }, %change });

    die "deploy of $name: $res->{body}" if $res->{status} != 202;

    wait_ready($name, 1);

    return;
}

sub wait_ready {
    my ($name, $n) = @_;

    wait_for(sub {
        my $status = json_of(call(GET => "/system/function/$name")) // {};
        ($status->{availableReplicas} // -1) == $n
            && endpoints($name) == $n;
    }, WAIT, "replicas of $name");

    return;
}

sub scale {
    my ($name, $n) = @_;

    call(POST => "/system/scale-function/$name", { replicas => $n });
    wait_ready($name, $n);

    return;
}

# { id, addr } of each replica
sub endpoints {
    my ($name) = @_;

    my $json = $t->redis('HGET', 'faas:routes', "$name.openfaas-fn");

    return defined $json ? @{ decode_json($json)->{endpoints} } : ();
}

# has a replica print something
sub prints {
    my ($name, $text, $i) = @_;

    my $res = http(POST => (endpoints($name))[$i // 0]{addr}, '/', {}, $text);

    die "$name does not print: $res->{status}" if $res->{status} != 200;

    return;
}

# the objects of an answer's lines; dies where one is none
sub objects {
    my ($text) = @_;

    my @objects = map { JSON::PP->new->utf8->decode($_) } split /\n/, $text;

    for my $object (@objects) {
        join(' ', sort keys %$object) eq 'instance name namespace text '
            . 'timestamp' or die 'another object: ' . encode_json($object);
    }

    # what the watchdog says when it starts is not ours
    return grep { $_->{text} !~ m{^20\d\d/\d\d/\d\d } } @objects;
}

sub logs {
    my ($query) = @_;

    my $res = call(GET => "/system/logs?$query");

    die "logs of $query: $res->{status} $res->{body}$res->{error}"
        if $res->{status} != 200;

    return objects($res->{body});
}

sub texts { return join ' ', map { $_->{text} } logs($_[0]); }

# prints lines and waits until they are there
sub prints_all {
    my ($name, @lines) = @_;

    prints($name, join '', map { "$_\n" } @lines);
    wait_for(sub { texts("name=$name&tail=1") eq $lines[-1] }, WAIT,
        "the line $lines[-1]");

    return;
}

# somebody who follows
sub follow {
    my ($query, %opt) = @_;

    my $client = Faas::HTTP->new($opt{addr} // $t->scaler_addr)
        // die "cannot connect: $@";

    $client->send_request(GET => "/system/logs?follow=true&$query",
        $opt{headers});

    my $head = $client->head(time + WAIT);

    return { client => $client, head => $head, raw => '', text => '' };
}

# what has come so far, as it is
sub take {
    my ($f) = @_;

    while ((my $bytes = $f->{client}->read_some(0)) ne '') {
        $f->{raw} .= $bytes;
    }

    while ($f->{raw} =~ /^([0-9a-fA-F]+)\r\n/) {
        my ($size, $begin) = (hex $1, $+[0]);

        last if length $f->{raw} < $begin + $size + 2;

        $f->{is_over} = 1 if $size == 0;
        $f->{text} .= substr $f->{raw}, $begin, $size;
        substr $f->{raw}, 0, $begin + $size + 2, '';
    }

    return $f->{text};
}

# what has come so far, as objects
sub followed { return objects(take($_[0]) =~ s/[^\n]*\z//r); }

sub wait_followed {
    my ($f, $text) = @_;

    my $seen;

    Faas::Proc::wait_quietly(sub {
        $seen = join ' ', map { $_->{text} } followed($f);
        return $seen eq $text;
    }, WAIT);

    return $seen;
}

sub files {
    my @files = glob "$state/logs/$_[0].openfaas-fn/*";

    return @files;
}

sub bytes {
    my $sum = 0;

    $sum += -s $_ // 0 for files($_[0]);

    return $sum;
}

sub scaler_log { return slurp("$dir/scaler.log") // ''; }

$t->start_redis;
start('--max-log', 65536, '--max-followers', 3, '--stop-timeout', '5s');

# what is asked for

deploy('fn');
prints_all('fn', 1 .. 9);

my $res = call(GET => '/system/logs?name=fn');
my ($first) = objects($res->{body});
my ($id) = map { $_->{id} } endpoints('fn');
is($res->{status}, 200, 'logs: 200');
is($res->{headers}{'content-type'}, 'application/x-ndjson', 'NDJSON');
is($res->{headers}{'transfer-encoding'}, 'chunked', 'chunked');
like($res->{body}, qr/\}\n\z/, 'each line ends');
like($first->{timestamp}, qr/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/,
    'the time, RFC 3339 with nanoseconds');
is("$first->{name} $first->{namespace} $first->{instance}",
    "fn openfaas-fn $id", 'who printed it');
is(texts('name=fn'), '1 2 3 4 5 6 7 8 9', 'all lines, in order');

for my $case (['name=fn.openfaas-fn', '1 2 3 4 5 6 7 8 9'],
    ['name=fn&namespace=openfaas-fn', '1 2 3 4 5 6 7 8 9'],
    ['name=fn&namespace=', '1 2 3 4 5 6 7 8 9'],
    ['name=fn&tail=1', '9'], ['name=fn&tail=3', '7 8 9'],
    ['name=fn&tail=1000000', '1 2 3 4 5 6 7 8 9'],
    ['name=fn&tail=0', '1 2 3 4 5 6 7 8 9'],
    ['name=fn&tail=-1', '1 2 3 4 5 6 7 8 9'],
    ['name=fn&tail=', '1 2 3 4 5 6 7 8 9'],
    ['name=fn&tail=x&tail=2', '8 9'], ['name=none&name=fn&tail=1', '9'],
    ['name=fn&tail=1&follow=0', '9'], ['name=fn&tail=1&follow=yes', '9'],
    ['name=fn&tail=1&follow=1&follow=false', '9'],
    ["name=fn&instance=$id&tail=2", '8 9'], ['name=fn&instance=fn-0', ''],
    ['name=fn&instance=' . 'x' x 1000, ''], ['name=fn&other=%zz&tail=1', '9'],
    ['name=fn&since=1970-01-01T00:00:00Z&tail=1', '9'],
    ['name=fn&since=2999-01-01T00:00:00.5Z', ''])
{
    my ($query, $expected) = @$case;

    is(texts($query), $expected, 'asked for ' . substr $query, 0, 60);
}

my $stamp = (logs('name=fn'))[5]{timestamp};
is(texts("name=fn&since=$stamp"), '6 7 8 9', 'since a time, with fraction');
is(texts("name=fn&since=$stamp&tail=2"), '8 9', 'since, and the last ones');
is(texts("name=fn&since=$stamp&tail=100"), '6 7 8 9', 'or as many as are');
is(texts('name=fn&since=' . $stamp =~ s/Z$/%2b00:00/r), '6 7 8 9',
    'since a time with an offset');
is(texts('name=fn&since=' . $stamp =~ s/\.\d+Z$/Z/r), '1 2 3 4 5 6 7 8 9',
    'since a time without a fraction')
    if $stamp =~ s/\.\d+//r eq $first->{timestamp} =~ s/\.\d+//r;

for my $case (['', 422], ['name=', 422], ['tail=1', 422],
    ['name=fn&tail=x', 422], ['name=fn&tail=1x', 422],
    ['name=fn&tail=1&tail=x', 422], ['name=fn&tail=9' . '9' x 30, 422],
    ['name=fn&since=1h', 422], ['name=fn&since=2026-11-23', 422],
    ['name=fn&since=2026-02-30T00:00:00Z', 422], ['name=fn&name=', 422],
    ['name=none&tail=x', 422])
{
    $res = call(GET => "/system/logs?$case->[0]");
    is($res->{status}, $case->[1], 'status 422 of ' . substr $case->[0], 0,
        50);
    is($res->{body}, "could not parse the log request\n", 'and its text');
}

is($res->{headers}{'content-type'}, 'text/plain; charset=utf-8',
    'an error is text');
is($res->{headers}{'x-content-type-options'}, 'nosniff', 'and not sniffed');

for my $query ('name=none', 'name=fn.other', 'name=fn&namespace=other',
    'name=fn.openfaas-fn&namespace=other', 'name=a%24b', 'name=..%2ffn',
    'name=none&follow=1', 'name=' . 'a' x 300)
{
    $res = call(GET => "/system/logs?$query");
    is($res->{status}, 404, 'status 404 of ' . substr $query, 0, 50);
    like($res->{body}, qr/^function \S+ not found[^\n]*\n$/, 'and why');
}

is(call($_->[0] => '/system/logs?name=fn')->{status}, 405, "$_->[0]: 405")
    for ['POST'], ['PUT'], ['DELETE'], ['HEAD'];

my $client = Faas::HTTP->new($t->scaler_addr);
$client->write("GET /system/logs?name=fn&tail=1 HTTP/1.0\r\n\r\n");
$res = $client->response('GET');
is(join(' ', map { $_->{text} } objects($res->{body})), '9',
    'HTTP/1.0: no chunks');
ok(!exists $res->{headers}{'transfer-encoding'}, 'nor a header for them');

# what functions may print

prints_all('fn', "quote \" backslash \\ tab \t", 'x');
is((logs('name=fn&tail=2'))[0]{text}, "quote \" backslash \\ tab \t",
    'what JSON escapes');
prints_all('fn', "\xc3\xa4 \xff \xe2\x82 \xed\xa0\x80 \x00 \x1b[1m", 'y');
is((logs('name=fn&tail=2'))[0]{text},
    "\x{e4} \x{fffd} \x{fffd}\x{fffd} \x{fffd}\x{fffd}\x{fffd} \0 \e[1m",
    'what is no UTF-8 is replaced');
prints_all('fn', '', 'z');
is((logs('name=fn&tail=2'))[0]{text}, '', 'an empty line');

my $long = "a" . "\xc3\xa4" x 10_000;
prints_all('fn', 'before', $long, 'after');
my @parts = logs('name=fn&tail=5');
is(join(' ', map { length $_->{text} } @parts), '6 4096 4096 1809 5',
    'a long line is cut, not within a character');
is(join('', map { $_->{text} } @parts[1 .. 3]), "a" . "\x{e4}" x 10_000,
    'and nothing of it is lost');
prints_all('fn', 'b' x 8192, 'c' x 8193, 'd');
is(join(' ', map { length $_->{text} } logs('name=fn&tail=4')),
    '8192 8192 1 1', 'one that is just as long is not');

# the bound

my $n = 3000;
my $most = 0;

for my $i (1 .. $n / 100) {
    prints('fn', join '', map { sprintf "%-60d\n", $_ }
        $i * 100 - 99 .. $i * 100);
    $most = bytes('fn') if bytes('fn') > $most;
}

my @lines;

wait_for(sub { @lines = logs('name=fn'); $lines[-1]{text} =~ /^$n / }, WAIT,
    'the last line');
cmp_ok($most, '<=', 65536, 'all files together are never over the bound');
is_deeply([map { s{.*/}{}r } files('fn')], ["$id.log", "$id.log.1"],
    'one was renamed');
cmp_ok(scalar @lines, '>', 200, 'what there is room for is there');
is(join(' ', map { $_->{text} + 0 } @lines),
    join(' ', $n - $#lines .. $n), 'without a gap');

# several replicas, and who follows

deploy('many');
my $f = follow('name=many');
is($f->{head}{status}, 200, 'to follow: 200, before there is a line');
is($f->{head}{headers}{'content-type'}, 'application/x-ndjson', 'NDJSON');
scale('many', 3);

my @expected;

for my $i (1 .. 12) {
    prints('many', "$i\n", $i * 7 % 3);
    push @expected, $i;
    is(wait_followed($f, "@expected"), "@expected",
        "line $i comes when it was printed");
}

is(texts('name=many'), "@expected", 'lines of three replicas are in order');
is(texts('name=many&tail=5'), '8 9 10 11 12', 'the last ones of all');
my %seen = map { $_->{instance} => 1 } followed($f);
is_deeply([sort keys %seen], [sort map { $_->{id} } endpoints('many')],
    'from each replica, also from those that came later');

my $one = follow("name=many&tail=1&instance=" . (endpoints('many'))[1]{id});
my $tail = follow('name=many&tail=2');
is(wait_followed($tail, '11 12'), '11 12', 'the last two first');
prints('many', "13\n", 1);
wait_followed($f, "@expected 13");
prints('many', "14\n", 2);
is(wait_followed($tail, '11 12 13 14'), '11 12 13 14', 'then what comes');
like(wait_followed($one, (map { "$_ 13" } grep {
    (followed($f))[$_ - 1]{instance} eq (endpoints('many'))[1]{id} }
    reverse 1 .. 12)[0]), qr/^\d+ 13$/, 'one that follows one replica');

# too many who follow

my $more = follow('name=many');
is($more->{head}{status}, 503, 'more than --max-followers: 503');
is($more->{client}->read_some, "3 clients follow logs already, no more are "
    . "allowed: see --max-followers\n", 'and why');
is(texts('name=many&tail=1'), '14', 'others can be read');
$one->{client}->abort;
wait_for(sub { follow('name=many')->{head}{status} == 200 }, WAIT, 'a place');
pass('when one goes another one may come');

# what a client sends meanwhile does no harm

$f->{client}->write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" x 1000);
prints('many', "15\n");
is(wait_followed($tail, '11 12 13 14 15'), '11 12 13 14 15',
    'one sends requests, another one goes on');
is(wait_followed($f, join ' ', 1 .. 15), join(' ', 1 .. 15),
    'and so does the first');
$_->{client}->close for $f, $tail;

# replicas that went

scale('many', 1);
is(texts('name=many'), join(' ', 1 .. 15), 'their lines stay');

# a function that is deleted

deploy('late', image => 'slow');
$client = Faas::HTTP->new((endpoints('late'))[0]{addr});
$client->send_request(POST => '/', {}, "/tmp/go\n");
my ($pid) = $t->replica_pids('late');
wait_for(sub { texts('name=late') eq 'begin' }, WAIT, 'a running request');
$f = follow('name=late');
is(wait_followed($f, 'begin'), 'begin', 'somebody follows');
my ($old) = files('late');
is(remove('late'), 202, 'delete');
is(call(GET => '/system/logs?name=late')->{status}, 404, 'its logs: 404');
deploy('late');
prints_all('late', 'new');
is(texts('name=late'), 'new', 'another one of the name has its own');
$t->spew($t->inside($pid, '/tmp/go'), '');
wait_for(sub { followed($f); $f->{is_over} }, WAIT, 'the end');
is(join(' ', map { $_->{text} } followed($f)), 'begin end',
    'who follows gets the last line, and the end');
wait_for(sub { !-e $old }, WAIT, 'the end of the file');
is(texts('name=late'), 'new', 'the other one keeps its lines');
is(remove('late'), 202, 'delete of that one');
wait_for(sub { !-e "$state/logs/late.openfaas-fn" }, WAIT, 'no folder');
pass('the folder goes with the last replica');

# what cannot be written

deploy('full');
unlink files('full');
rmdir "$state/logs/full.openfaas-fn" or die "$!";
$t->spew("$state/logs/full.openfaas-fn", '');
prints('full', join '', map { "$_\n" } 1 .. 5000) for 1 .. 5;
wait_for(sub { scaler_log() =~ /cannot write what functions print/ }, WAIT,
    'the log line');
pass('what cannot be written is reported, and the function answers');
unlink "$state/logs/full.openfaas-fn";
prints_all('full', 'again');
pass('it goes on when it can');
is(() = scaler_log() =~ /cannot write what functions print/g, 1,
    'it was reported once');
remove('full');
wait_for(sub { !-e "$state/logs/full.openfaas-fn" }, WAIT, 'no folder');

# the scaler is killed: its replicas go on

deploy($_, image => 'slow') for qw(cut dead);
$client = Faas::HTTP->new((endpoints('cut'))[0]{addr});
$client->send_request(POST => '/', {}, "$dir/later\n");
my $other = Faas::HTTP->new((endpoints('dead'))[0]{addr});
$other->send_request(POST => '/', {}, "$dir/never\n");
wait_for(sub { texts("name=$_") eq 'begin' }, WAIT, 'a running request')
    for qw(cut dead);
my @dead = $t->replica_pids('dead');
remove($_) for qw(cut dead);
ok(-e "$state/logs/$_.openfaas-fn", "$_ is on its way out") for qw(cut dead);
prints_all('many', 16 .. 20);
my @before = logs('name=many');
$t->scaler->crash;
kill 'KILL', @dead;
wait_for(sub { !grep { alive($_) } @dead }, WAIT, 'its end');
mkdir "$state/logs/nobody.openfaas-fn";
$t->spew("$state/logs/nobody.openfaas-fn/nobody-1.log", 'x');
$t->spew("$state/logs/old.openfaas-fn.log", 'x');

start('--max-log', 8 << 20, '--max-followers', 3);
wait_ready('many', 1);
is_deeply([logs('name=many')], \@before,
    'a new scaler has the lines of the old one');
prints_all('many', 'new');
is(texts('name=many'), join(' ', 1 .. 20, 'new'), 'and goes on');
is((logs('name=many&tail=1'))[0]{instance}, $before[-1]{instance},
    'with the same replica');
is_deeply([map { s{.*/}{}r } glob "$state/logs/*"],
    [map { "$_.openfaas-fn" } qw(cut fn many)],
    'what belongs to no function is removed');
$t->spew("$dir/later", '');
wait_for(sub { !-e "$state/logs/cut.openfaas-fn" }, WAIT, 'no folder');
pass('one that was on its way out takes its log along');

# a client that does not read

my $line = 'l' x 990;
my $total = 6000;
prints_all('fn', 'first');
$f = follow('name=fn&tail=1');
wait_followed($f, 'first');

sub rss {
    my ($kb) = slurp('/proc/' . $t->scaler->pid . '/status')
        =~ /^VmRSS:\s+(\d+)/m;

    return $kb;
}

my $rss = rss();

for my $i (1 .. $total / 200) {
    prints('fn', join '', map { sprintf "%09d %s\n", $_, $line }
        ($i - 1) * 200 + 1 .. $i * 200);
}

wait_for(sub { texts('name=fn&tail=1') =~ /^0*$total / }, WAIT, 'all lines');

SKIP: {
    skip 'a sanitizer keeps what was freed', 1 if $t->is_sanitized;
    cmp_ok(rss() - $rss, '<', 2048, 'six megabytes for one who does not read '
        . 'take no memory');
}

wait_for(sub { take($f) =~ /"0*$total l+"\}\n\z/ }, WAIT, 'all lines');
is(join(' ', map { $_ + 0 } $f->{text} =~ /"text":"(\d+) /g),
    join(' ', 1 .. $total), 'it gets all of them when it does');
prints('fn', "live\n");
wait_for(sub { take($f) =~ /"live"\}\n\z/ }, WAIT, 'the next line');
pass('and what comes then');
$_->close for $f->{client}, $client, $other;

$res = call(GET => '/system/logs?name=fn&tail=2000');
is(scalar(() = $res->{body} =~ /\n/g), 2000, 'many lines at once');

# through the gateway

$t->start_nginx;
my %auth = (headers => { authorization => $t->authorization },
    addr => $t->addr);

is($t->get('/system/logs?name=many')->{status}, 401, 'without password: 401');
$res = $t->admin(GET => '/system/logs?name=many&tail=1');
is("$res->{status} " . (objects($res->{body}))[0]{text}, '200 new',
    'read through the gateway');
is($t->admin(GET => '/system/logs?name=none')->{status}, 404,
    'unknown: 404');
is($t->admin(GET => '/system/logs')->{status}, 422, 'no name: 422');

my @f = map { follow('name=many&tail=1', %auth) } 1 .. 3;
is($f[0]{head}{status}, 200, 'followed through the gateway');
is(wait_followed($f[0], 'new'), 'new', 'what there is');
@expected = 'new';

for my $i (1 .. 5) {
    prints('many', "g$i\n");
    push @expected, "g$i";
    is(wait_followed($f[0], "@expected"), "@expected",
        "line $i comes at once");
}

is($t->admin(GET => '/system/logs?name=many&follow=1')->{status}, 503,
    'too many: 503');
$_->{client}->close for @f;
my $again;
wait_for(sub {
    $again = follow('name=many&tail=1', %auth);
    $again->{head}{status} == 200;
}, WAIT, 'a place');
pass('the scaler notices who leaves the gateway');

remove('many');
wait_for(sub { followed($again); $again->{is_over} }, WAIT, 'the end');
pass('the end of a function is the end of its log');

# the scaler ends while somebody follows

$f = follow('name=fn&tail=1');
$t->scaler->stop;
is($t->scaler->status, 0, 'the scaler ends well while somebody follows');
ok($f->{client}->is_closed(WAIT) || $f->{client}->is_closed(WAIT),
    'whose connection is closed');
ok(-s (files('fn'))[0], 'the logs stay');

$t->finish;
