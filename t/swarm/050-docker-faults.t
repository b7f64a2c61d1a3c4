#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Docker's API is slow, silent, away, full of errors, or restarted, while
# functions are called.  If this fails, what is wrong with Docker becomes wrong
# with functions that run, or the scaler has to be restarted afterwards.
#
# Functions run on one node; the Docker that fails is that of the manager.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Faas::Docker;
use Faas::DockerProxy;
use Faas::HTTP;
use Faas::Load;
use Faas::Test;
use JSON::PP;
use Test::More;

use constant {
    WAIT     => 60,             # seconds, for all that has to happen
    TIMEOUT  => '1500ms',       # --docker-timeout
    LARGE    => 257 << 20,      # bytes; DOCKER_ANSWER_MAX and some
    MANY     => 4096 + 400,     # DOCKER_CALLS_MAX and some
    AT_ONCE  => 16 + 1,         # DOCKER_CALLS, and the events
    GROWTH   => 262_144,        # KiB, of MANY requests that wait
    LISTS    => '^GET /v[\d.]+/(?:services|tasks|networks|configs)\b',
};

my $t = Faas::Test->new(need => [qw(root nginx redis-server module scaler
    watchdog dockerd debootstrap)]);
my $docker = Faas::Docker->start($t, nodes => 2);

$docker->step('image', sub {
    $docker->function_image('echo:1', env => { fprocess => 'cat',
        mode => 'classic' });
});
$docker->inside(2);

my $proxy = Faas::DockerProxy->start($t, $docker->address);

$t->start_stack(scaler => { args => ['--provider', 'swarm', '--docker',
    $proxy->address, '--docker-timeout', TIMEOUT, '--scale-by-load', 'false'] },
    nginx => { vars => { PARK => '30s' } });

my $log = $t->dir . '/scaler.log';

sub scaler_call {
    my ($method, $path, $data) = @_;

    return http($method, $t->scaler_addr, "/system/$path", {},
        defined $data ? encode_json($data) : undef);
}

sub function { return json_of(scaler_call(GET => "function/$_[0]")) // {}; }

sub route { return $t->redis('HGET', 'faas:routes', 'echo.openfaas-fn'); }

# lines of the scaler's log from there on
sub lines {
    my ($from, $pattern) = @_;

    return scalar grep { /$pattern/ } split /\n/, substr slurp($log), $from;
}

# so many replicas, by docker itself
sub docker_scale {
    my ($n) = @_;

    $docker->docker('service', 'scale', '-d', "echo=$n");

    return;
}

wait_for(sub { scaler_call(GET => 'functions')->{status} == 200 }, WAIT,
    'Docker');

$docker->step('deploy', sub {
    for my $fn (['echo', 'worker', 2], ['local', 'manager', 1]) {
        my ($name, $role, $min) = @$fn;

        is(scaler_call(POST => 'functions', { service => $name,
            image => 'echo:1', constraints => ["node.role==$role"],
            labels => { 'com.openfaas.scale.min' => "$min" },
            envVars => { write_timeout => '1s', healthcheck_interval => '1s' }
            })->{status}, 202, "deploy of $name");
    }

    $t->wait_available('echo', 2);
    $t->wait_available('local', 1);
});

my $load = Faas::Load->start(dir => $t->dir, addr => $t->addr,
    path => '/function/echo', clients => 2, timeout => 60);
my $replicas = 2;

sub more_load {
    my ($name) = @_;

    my $before = $load->requests;

    wait_for(sub { $load->requests > $before + 20 }, WAIT, 'more load');
    pass("$name: calls go on");

    return;
}

# a change that Docker has to make; what it is answered
sub change { return scaler_call(POST => 'secrets', { name => 'none',
    value => 'x' }); }

# What has to be true while Docker cannot be asked.
sub is_served {
    my ($name, $before) = @_;

    is($t->get('/healthz')->{status}, 200, "$name: healthz");
    is_deeply([map { $_->{name} } @{ json_of(scaler_call(GET => 'functions'))
        }], [qw(echo local)], "$name: functions are listed");
    is(scaler_call(GET => 'function/echo')->{status}, 200,
        "$name: each is shown");
    is(scaler_call(GET => 'info')->{status}, 200, "$name: info");
    is(route(), $before, "$name: the route stays");
    more_load($name);

    for my $case ([POST => 'functions', { service => 'new',
        image => 'echo:1' }], [PUT => 'functions', { service => 'echo',
        image => 'echo:1' }], [DELETE => 'functions', { functionName =>
        'echo' }], [POST => 'scale-function/echo', { replicas => 1 }],
        [GET => 'secrets'], [POST => 'secrets', { name => 'a',
        value => 'b' }], [GET => 'logs?name=echo'],
        [POST => 'namespace/team', { name => 'team', labels => {
        openfaas => '1' } }])
    {
        my $res = scaler_call(@$case);

        is($res->{status}, 503, "$name: $case->[0] $case->[1]: 503");
        like($res->{body}, qr/Docker/, 'which names Docker');
    }

    return;
}

# Docker becomes so, and is well again; meanwhile somebody changes something.
sub fault {
    my ($name, $text, $begin, %opt) = @_;

    $docker->step($name, sub {
        my $from = length slurp($log);
        my $before = route();

        $begin->();
        $opt{meanwhile}->() if $opt{meanwhile};

        my $wanted = $replicas = 5 - $replicas;

        docker_scale($wanted) if !$opt{is_whole};
        wait_for(sub { lines($from, qr/error: docker fails/) }, WAIT,
            "$name: a line of it");
        is_served($name, $before) if !$opt{is_short};

        $opt{end} ? $opt{end}->() : $proxy->mode('pass');
        docker_scale($wanted) if $opt{is_whole};
        wait_for(sub { lines($from, qr/notice: docker is back/) }, WAIT,
            "$name: a line of its end");
        wait_for(sub { my $fn = function('echo');
            return $fn->{replicas} == $wanted
                && $fn->{availableReplicas} == $wanted }, WAIT,
            "$name: what was changed meanwhile");

        is(lines($from, qr/docker fails/), 1, "$name: one line of it");
        is(lines($from, qr/docker fails.*(?:$text)/), 1, 'which says what');
        is(lines($from, qr/docker is back/), 1, "$name: and one of its end");
        more_load("$name, afterwards");
    });

    return;
}

$docker->step('slow', sub {
    my $from = length slurp($log);

    $proxy->mode(delay => 200);
    $replicas = 3;
    is(scaler_call(POST => 'scale-function/echo', { replicas => 3 })
        ->{status}, 202, 'slow: scaled');
    wait_for(sub { function('echo')->{availableReplicas} == 3 }, WAIT,
        'slow: replicas');
    more_load('slow');
    $proxy->mode('pass');
    is(lines($from, qr/docker fails/), 0, 'slow: which is no fault');
});

# Docker is silent: a change waits for it, and nothing waits for the change.
sub begin_silence {
    $proxy->mode('hang');

    my $client = Faas::HTTP->new($t->scaler_addr);
    my $body = encode_json({ replicas => 1 });

    $client->send_request(POST => '/system/scale-function/echo', {}, $body);
    wait_for(sub { $proxy->counts->{held} > 0 }, WAIT, 'silence: a question');

    is($t->get('/healthz')->{status}, 200, 'silence: healthz');
    is(scaler_call(GET => 'functions')->{status}, 200, 'silence: list');
    is(scaler_call(GET => 'function/echo')->{status}, 200, 'silence: get');
    ok($proxy->counts->{held} > 0, 'silence: before Docker has answered');

    my $res = $client->response;

    is($res->{status}, 503, 'silence: the change is answered in the end');
    like($res->{body}, qr/Docker does not answer: no answer in time/,
        'silence: which says why');

    return;
}

fault('silence', 'Docker does not answer', \&begin_silence);

fault('refusal', 'Docker does not answer|has ended', sub {
    $proxy->mode('refuse') });

fault('errors', 'it is ill', sub { $proxy->mode(status => 500,
    text => 'it is ill') }, meanwhile => sub {
        my $res = scaler_call(GET => 'secrets');

        # the scaler itself may have met it first

        like("$res->{status} $res->{body}",
            qr/^(?:500 Docker: it is ill|503 Docker does not answer)/,
            'errors: they are told');
    });

fault('a page', 'no JSON', sub { $proxy->mode(body => '<html>') });

fault('half of the JSON', 'no JSON', sub { $proxy->mode(
    body => '[{"ID":"x","Ver', only => LISTS) }, is_short => 1);

fault('half of an answer', 'Docker does not answer', sub {
    $proxy->mode('short') });

fault('no HTTP', 'Docker does not answer', sub { $proxy->mode('noise') });

fault('too much', 'the answer is too large', sub { $proxy->mode(
    huge => LARGE, only => LISTS) }, is_short => 1);

fault('events end', 'listened to for events', sub { $proxy->cut('/events') },
    is_short => 1, end => sub { });

# all of it at once, while it is silent

sub memory {
    return slurp('/proc/' . $t->scaler->pid . '/status')
        =~ /^VmRSS:\s+(\d+)/m ? $1 : 0;
}

$docker->step('many requests', sub {
    my $before = memory();
    my $body = encode_json({ name => 'x', value => 'y' });
    my %status;

    $proxy->mode('hang');

    my @clients = map {
        my $client = Faas::HTTP->new($t->scaler_addr, timeout => WAIT);
        $client->send_request(POST => '/system/secrets', {}, $body);
        $client;
    } 1 .. MANY;

    my $peak = memory();

    cmp_ok($proxy->counts->{held}, '<=', AT_ONCE,
        'many requests: few of them are asked of Docker at a time');

    for my $client (@clients) {
        my $res = $client->response;

        $status{ $res->{status} . ($res->{body} =~ /Docker|wait/ ? '' : '?')
            }++;
        $peak = memory() if memory() > $peak;
        $client->close;
    }

    is_deeply(\%status, { 503 => MANY }, 'many requests: each is told');
    $proxy->mode('pass');
    wait_for(sub { scaler_call(GET => 'secrets')->{status} == 200 }, WAIT,
        'Docker');

    my $growth = $peak - $before;

    note("memory: $before KiB, at most $growth KiB more");
    cmp_ok($growth, '<', GROWTH, 'many requests: in bounded memory')
        if !$t->is_sanitized;
    more_load('many requests');
});

# dockerd of the manager is restarted

fault('restart', '.', sub { $docker->restart_dockerd(1) }, is_whole => 1,
    is_short => 1, end => sub {
        wait_for(sub { eval { $docker->docker(qw(node ls)) } }, WAIT,
            'the Swarm');
    });

$docker->step('what ran on the manager', sub {
    is($t->post('/function/local', 'x')->{body}, 'x',
        'what ran on the manager runs again');
});

my $sum = $load->finish;

is($sum->{failed}, 0, "of $sum->{requests} calls none failed")
    or diag(join "\n", @{ $sum->{errors} });

$t->scaler->stop;
$docker->step('end', sub { $docker->stop });
$t->finish;
