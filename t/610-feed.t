#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The live feed.  If this fails, the portal shows what is not so, or nothing,
# or who looks at it holds a worker that is to end.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Proc qw(fork_child);
use Faas::Redis;
use Faas::Test;
use Faas::Viewer;
use Socket qw(AF_INET SOCK_STREAM SOL_SOCKET SO_RCVBUF pack_sockaddr_in
    inet_aton);
use Test::More;

use constant {
    MANY    => 3000,            # functions, for events that are large
    COMINGS => 100,             # of viewers that go at once
    TRIES   => 2000,            # to see a route while it is being written
};


my $t = Faas::Test->new(need => [qw(nginx redis-server module curl)]);
my ($port, $h2) = ($t->free_port, $t->free_port);
my $backend = $t->start_backend;
my @bounds = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10);

$t->start_redis(persist => 1);
$t->publish('echo', $backend->addr, $backend->addr);
$t->publish('idle', $backend->addr);
$t->publish('cold');

# little of an answer is in the kernel, so that who does not read is seen soon
$t->start_nginx(port => $port, vars => { LISTEN => "127.0.0.1:$port sndbuf=8k",
    HTTP_EXTRA => 'faas_feed_viewers 4;', SERVER_EXTRA => <<"END" });
        listen 127.0.0.1:$h2 http2 sndbuf=8k;
END
wait_for(sub { $t->get('/healthz')->{status} == 200 }, 10, 'routes');

sub viewer { return Faas::Viewer->new($t, @_); }

# events until one says so of a function
sub until_is {
    my ($viewer, $name, $member, $value) = @_;

    return $viewer->until(sub {
        (($viewer->function($name) // {})->{$member} // -1) == $value;
    }, "$name $member $value");
}

# answers by the metrics page: of a code, all, and by bucket
sub counted {
    my ($name) = @_;

    my $page = $t->get('/metrics')->{body};
    my %sum = (c => 0, e => 0, h => [(0) x 12]);
    my $le = 0;
    my $before = 0;

    while ($page =~ /^gateway_functions_seconds_(bucket|count)\{function_name=
        "\Q$name\E\.openfaas-fn",code="(\d+)"[^}]*\}\ (\d+)$/mgx)
    {
        my ($what, $code, $n) = ($1, $2, $3);

        if ($what eq 'bucket') {
            $sum{h}[$le++] += $n - $before;
            $before = $n;
            next;
        }

        $sum{c} += $n;
        $sum{e} += $n if $code >= 500;
        ($le, $before) = (0, 0);
    }

    return \%sum;
}

# a viewer's sums, with what was counted before it came
sub total {
    my ($viewer, $name, $before) = @_;

    my $sum = $viewer->sum($name);

    return { c => $before->{c} + $sum->{c}, e => $before->{e} + $sum->{e},
        h => [map { $before->{h}[$_] + ($sum->{h}[$_] // 0) } 0 .. 11] };
}

# who may see it

is($t->get('/system/feed')->{status}, 401, 'no password: 401');
wait_for(sub {
    slurp($t->nginx->prefix . '/logs/access.log') =~ m{"/system/feed",
        "status":401}x;
}, 10, 'the access log');
pass('which is in the access log, as viewers are not');

for my $method (qw(POST HEAD)) {
    my $res = $t->admin($method => '/system/feed');

    is("$res->{status} $res->{body}", '405 ', "$method: 405");
}

# a route that is being written when the first event is made is missing there;
# calls from before are none of those that the next one counts

$t->get('/function/echo') for 1 .. 5;
wait_for(sub { counted('echo')->{c} == 5 }, 10, 'the calls counted');

my $writer = fork_child(name => 'writer', code => sub {
    my $redis = Faas::Redis->new($t->redis_addr);

    $redis->publish('echo', map { "127.0.0.1:$_" } 20000 .. 20255) while 1;
});
my $early;

for (1 .. TRIES) {
    $early->client->close if $early;
    $early = viewer();
    $early->event;
    last if !$early->function('echo');
}

$writer->stop;
$t->publish('echo', $backend->addr, $backend->addr);
until_is($early, echo => r => 2);
is($early->sum('echo')->{c}, 0, 'calls from before the first event: none');
$early->client->close;

# the first event

my $before = counted('echo');
my $viewer = viewer();

is($viewer->res->{status}, 200, 'the feed is there');
is($viewer->res->{headers}{'content-type'}, 'text/event-stream', 'its type');
is($viewer->res->{headers}{'cache-control'}, 'no-store', 'it is not kept');

my $event = $viewer->event;

is_deeply([sort keys %$event], [qw(bounds every full functions gateway redis
    t)], 'the first event has all members');
ok($event->{full}, 'it is the whole');
is($event->{every}, 1000, 'the next is due after a second');
is_deeply($event->{bounds}, \@bounds, 'bounds are those of the metrics');
ok(abs($event->{t} - time * 1000) < 60_000, 'the time is in milliseconds');
is_deeply($event->{functions}, {
    'echo.openfaas-fn' => { i => 0, p => 0, r => 2 },
    'idle.openfaas-fn' => { i => 0, p => 0, r => 1 },
    'cold.openfaas-fn' => { i => 0, p => 0, r => 0 },
}, 'all functions, and what they have now');

my $next = $viewer->event;

is_deeply([sort keys %$next], [qw(redis t)], 'then nothing has changed');
cmp_ok($next->{t}, '>', $event->{t}, 'but the time');

# counts agree with the metrics

$t->get('/function/echo') for 1 .. 20;
$t->get('/function/echo/status/404') for 1 .. 3;
$t->get('/function/echo/status/503') for 1 .. 2;
$t->get('/function/echo/delay/30');
$viewer->until(sub { $viewer->sum('echo')->{c} >= 26 }, 'all calls');
is_deeply(total($viewer, 'echo', $before), counted('echo'),
    'answers, failures and buckets are those of /metrics');
is($viewer->sum('echo')->{e}, 2, 'failures are those of 500 and above');
ok(!exists $viewer->{sum}{'idle.openfaas-fn'},
    'a function that nobody calls is in no event');

# what runs, and what waits

my $call = Faas::HTTP->new($t->addr);
$call->send_request(GET => '/function/echo?gate=held');
until_is($viewer, echo => i => 1);
pass('a call in flight is seen');

my $other = viewer();
$other->event;
is($other->function('echo')->{i}, 1, 'also by who comes meanwhile');
$other->client->close;

$t->spew($t->dir . '/backend.held', '');
is($call->response->{status}, 200, 'it is answered');
until_is($viewer, echo => i => 0);
pass('and is in flight no longer');

$call->send_request(GET => '/function/cold');
until_is($viewer, cold => p => 1);
pass('a call that is parked is seen');
$t->publish('cold', $backend->addr);
is($call->response->{status}, 200, 'it is answered when there is a replica');
until_is($viewer, cold => p => 0);
$viewer->until(sub { $viewer->sum('cold')->{c} == 1 }, 'the call');
is_deeply($viewer->function('cold')->{r}, 1, 'and the replica is seen');

# routes come and go

$t->publish('new', $backend->addr);
until_is($viewer, new => r => 1);
pass('a new function is seen');
$t->get('/function/new') for 1 .. 3;
$viewer->until(sub { $viewer->sum('new')->{c} == 3 }, 'its calls');
$t->unpublish('new');
$viewer->until(sub { exists $_[0]{functions}
    && exists $_[0]{functions}{'new.openfaas-fn'} }, 'its end');
is($viewer->function('new'), undef, 'a function that is gone is null');
$t->publish('new', $backend->addr);
until_is($viewer, new => r => 1);
is($viewer->sum('new')->{c}, 3, 'one of the same name counts from its start');

# Redis

$t->redis_proc->stop;
$viewer->until(sub { !$_[0]{redis} }, 'Redis is gone');
pass('that Redis is gone is seen');
$t->start_redis(persist => 1);
$viewer->until(sub { $_[0]{redis} }, 'Redis is back');
pass('and that it is back');

# EventSource comes again with what it has seen last

$other = viewer(headers => { 'last-event-id' => '7' });
ok($other->event->{full}, 'who comes again gets the whole');
$other->client->close;

# HTTP/2

sub curl {
    open my $curl, '-|', 'curl', '-sN', '--http2-prior-knowledge', '-H',
        'authorization: ' . $t->authorization,
        "http://127.0.0.1:$h2/system/feed" or die "curl: $!\n";

    return $curl;
}

my $curl = curl();
like(scalar(<$curl>), qr/^data: \{.*"full":true.*\}\n$/,
    'HTTP/2: the first event');
<$curl>;
like(scalar(<$curl>), qr/^data: \{"t":\d+,"redis":true.*\}\n$/,
    'HTTP/2: and the next');

# a worker that is to end does not wait

my @old = $t->nginx->workers;

$other = viewer(headers => { 'content-length' => 10 });
$other->event;
$t->nginx->write_conf(vars => { WORKERS => 1 });
$t->nginx->reload;
ok($viewer->drain, 'at a reload the answer ends as it should');
ok($other->drain, 'so does that of one who has not sent a body');
wait_for(sub { !grep { alive($_) } @old }, 20, 'end of the old workers');
pass('old workers do not wait for viewers');
close $curl;

$before = counted('echo');
$viewer = viewer();
$viewer->event;
$t->get('/function/echo') for 1 .. 7;
$viewer->until(sub { $viewer->sum('echo')->{c} >= 7 }, 'calls');
is_deeply(total($viewer, 'echo', $before), counted('echo'),
    'after a reload nothing is lost');

# several viewers of a worker, and too many

my @viewers = ($viewer, map { viewer() } 1 .. 3);
my %seen;

$_->event for @viewers[1 .. 3];

for my $v (@viewers) {
    for (1 .. 3) {
        $v->event;
        $seen{ $v->last_text }++;
    }
}

cmp_ok(scalar keys %seen, '<', 12, 'viewers have their events in common');

my $refused = $t->admin(GET => '/system/feed');

is($refused->{status}, 503, 'one too many: 503');
is($refused->{body}, "the feed has as many viewers as faas_feed_viewers\n",
    'which is said');

(pop @viewers)->client->abort;
wait_for(sub {
    my $v = viewer();
    push @viewers, $v if $v->res->{status} == 200;
    return $v->res->{status} == 200;
}, 10, 'room for another one');
pass('when one has gone another one may come');
$_->client->close for splice @viewers;

# large events, and one who does not read them

my @names = map { sprintf '%s-%04d', 'a' x 50, $_ } 1 .. MANY;

$viewer = viewer();
$viewer->event;

# it takes seconds, in which who does not read is cut off
my $publisher = fork_child(name => 'publisher', code => sub {
    my $redis = Faas::Redis->new($t->redis_addr);

    $redis->publish($_, $backend->addr) for @names;
});

$viewer->until(sub { $viewer->function($names[-1]) }, 'the last function');
wait_for(sub { !$publisher->running }, 20, 'end of the publisher');
is($publisher->stop(may_be_gone => 1), 0, 'many functions are published');
is(scalar(grep { $viewer->function($_) } @names), MANY,
    'all functions have come');

socket my $sock, AF_INET, SOCK_STREAM, 0 or die "socket: $!\n";
setsockopt $sock, SOL_SOCKET, SO_RCVBUF, 4096 or die "setsockopt: $!\n";
connect $sock, pack_sockaddr_in($port, inet_aton('127.0.0.1'))
    or die "connect: $!\n";

my $slow = Faas::HTTP->of_socket($sock);

$slow->send_request(GET => '/system/feed', { authorization =>
    $t->authorization });

sub until_cut {
    my ($n) = @_;

    wait_for(sub {
        $t->nginx->log_lines(qr/\[info\].*a viewer of the feed/) == $n;
    }, 20, "$n cut off");

    return;
}

until_cut(1);
unlike($slow->read_all, qr/\n\n/, 'who does not read is cut off');

$curl = curl();
until_cut(2);
unlike(join('', <$curl>), qr/\n\n/, 'HTTP/2: so is this one');
close $curl;
$viewer->event;
ok($viewer->event, 'others are not');
$viewer->client->close;

# viewers that go leave nothing

my ($pid) = $t->nginx->workers;

sub rss { return slurp("/proc/$pid/status") =~ /^VmRSS:\s+(\d+)/m ? $1 : 0; }

sub come_and_go {
    my $v;

    wait_for(sub {
        $v = viewer();
        return $v->res->{status} == 200;
    }, 10, 'a viewer');
    $v->client->read_some;
    $v->client->close;

    return;
}

come_and_go() for 1 .. 10;

my $kib = rss();

come_and_go() for 1 .. COMINGS;

SKIP: {
    skip('sanitizers have a malloc() of their own', 1) if $t->is_sanitized;

    cmp_ok(rss() - $kib, '<', 8192, 'viewers that have gone leave no memory');
}

# the end

$viewer = viewer();
$viewer->event;
$t->nginx->proc->signal('QUIT');
ok($viewer->drain, 'when nginx ends so does the answer');
wait_for(sub { !$t->nginx->proc->running }, 20, 'end of nginx');
pass('which does not wait for the viewer');

$t->finish;
