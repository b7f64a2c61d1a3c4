#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Several scalers of one Redis: one leads.  If this fails, two of them
# overwrite each other's routes, or none publishes any, and calls go to
# replicas that are gone.
#
# "a" and "b" are scalers of processes, each with a state folder of its own, a
# function of its own name in it, and Redis behind a proxy for "a".

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::HTTP;
use Faas::Proc qw(spawn);
use Faas::RedisProxy;
use Faas::Test;
use JSON::PP;
use Test::More;

use constant {
    WAIT => 30,             # seconds, for everything that has to happen
    LONG => 600_000,        # msec, more than the test takes
};

my $t = Faas::Test->new(need => [qw(nginx redis-server module scaler watchdog
    samples)]);
my $dir = $t->dir;
my %scaler;

$t->start_redis;

my $proxy = Faas::RedisProxy->start($t, $t->redis_addr);


sub addr_of { return $_[0] eq 'a' ? $t->scaler_addr : "unix:$dir/$_[0].sock"; }

sub log_of { return slurp("$dir/$_[0].log") // ''; }

# a scaler; it gives up on Redis later than the lock does
sub start {
    my ($name, @args) = @_;

    $scaler{$name} = spawn(name => "scaler $name", log => "$dir/$name.log",
        env => Faas::Test::san_env(), cmd => [$t->build . '/faas-scaler',
        '--listen', addr_of($name), '--state-dir', "$dir/state-$name",
        '--redis', $name eq 'a' ? $proxy->address : $t->redis_addr,
        '--redis-timeout', '60s', '--drain-timeout', '1s', '--functions-dir',
        $t->build . '/samples', '--watchdog', $t->build . '/faas-watchdog',
        @args]);

    wait_for(sub {
        die "scaler $name does not start:\n" . log_of($name)
            if !$scaler{$name}->running;

        return http(GET => addr_of($name), '/healthz')->{status} == 200;
    }, WAIT, "scaler $name");

    return;
}

sub stop {
    my ($name) = @_;

    $scaler{$name}->stop;
    is($scaler{$name}->status, 0, "scaler $name ends well");
    $t->add_problem($scaler{$name}->problem);

    return;
}

sub call_of {
    my ($name, $method, $path, $data) = @_;

    return http($method, addr_of($name), $path, {}, $data
        && encode_json($data));
}

# deploys a function at a scaler, and waits until it is up there
sub deploy {
    my ($name, $fn) = @_;

    my $res = call_of($name, POST => '/system/functions', { service => $fn,
        image => 'wordcount', envProcess => './wordcount' });

    is($res->{status}, 202, "scaler $name takes function $fn");
    wait_for(sub {
        (json_of(call_of($name, GET => "/system/function/$fn"))
            ->{availableReplicas} // 0) >= 1;
    }, WAIT, "a replica of $fn");

    return;
}

sub state_of {
    my ($name) = @_;

    return json_of(call_of($name, GET => '/system/info'))->{scaler};
}

sub leads { return state_of($_[0])->{leader}; }

sub wait_leads {
    my ($name, $term) = @_;

    wait_for(sub { leads($name) && (!$term || state_of($name)->{term} > $term)
        }, WAIT, "leader $name");

    return state_of($name)->{term};
}

# what is published: names of functions
sub routes {
    return join ' ', sort map { s/\..*//r }
        @{ $t->redis(qw(HKEYS faas:routes)) };
}

sub wait_routes {
    my ($routes, $name) = @_;

    wait_for(sub { routes() eq $routes }, WAIT, "routes of \"$routes\"");
    pass($name);

    return;
}

sub wait_log {
    my ($name, $pattern, $n) = @_;

    $n //= 1;
    wait_for(sub { (() = log_of($name) =~ /$pattern/g) >= $n }, WAIT,
        "line of $name like $pattern");

    return;
}

sub count_log {
    my ($name, $pattern) = @_;

    return scalar(() = log_of($name) =~ /$pattern/g);
}

# functions of the changes in the stream
sub changed { return map { $_->[1][1] } @{ $t->redis(qw(XRANGE faas:changes -
    +)) }; }

# the names of functions that nginx has
sub wait_nginx {
    my ($has, $has_not, $name) = @_;

    wait_for(sub { $t->post("/function/$has", 'x')->{status} == 200
        && (!defined $has_not
            || $t->post("/function/$has_not", 'x')->{status} == 404) }, WAIT,
        $name);
    pass($name);

    return;
}

# how often Redis has carried out a command
sub calls {
    my ($command) = @_;

    return ($t->redis(qw(INFO commandstats))
        =~ /^cmdstat_$command:calls=(\d+)/m)[0] // 0;
}

sub holder { return ($t->redis(qw(GET faas:leader)) // '') =~ s/ .*//r; }

sub id_of { return slurp("$dir/state-$_[0]/id") =~ s/\n//r; }


subtest 'one leads' => sub {
    start('a');
    is(wait_leads('a'), 1, 'the first scaler leads, in term 1');
    like(log_of('a'), qr/notice: leads term=1 /, 'which it logs');
    is($t->redis(qw(GET faas:leader)), id_of('a') . ' 1',
        'it has the lock, by the name of its state folder');
    cmp_ok($t->redis(qw(PTTL faas:leader)), '>', 0, 'which expires');

    start('b');
    wait_log('b', 'warn: another scaler leads, routes of this one are not '
        . 'published until it ends id=' . id_of('a') . ' term=1');

    my $state = state_of('b');

    is_deeply([@$state{qw(leader term)}], [JSON::PP::false, 0],
        'the second one does not, and says so');
    is_deeply([map { @$_{qw(id leader_id)} } $state, state_of('a')],
        [map { id_of($_) } qw(b a a a)], 'both know themselves, and who does');

    deploy('a', 'fa');
    deploy('b', 'fb');
    wait_routes('fa', 'the functions of the leader are published');

    $t->start_nginx;
    wait_nginx('fa', 'fb', 'and can be called');

    my $info = wait_for(sub {
        my $now = json_of(call_of('a', GET => '/system/info'));
        return @{ $now->{gateways} } ? $now : undef;
    }, WAIT, 'gateway in info');

    is_deeply([map { $_->{id} } @{ $info->{gateways} }],
        $t->redis(qw(ZRANGE faas:gateways 0 -1)),
        'the leader names the gateways that report');
    ok($info->{redis}{connected}, 'and that it has Redis');
    is(count_log('b', 'another scaler leads'), 1, 'it is logged once');
};


subtest 'wake-ups' => sub {
    is(call_of($_, POST => "/system/scale-function/f$_",
        { replicas => 0 })->{status}, 202, "f$_ goes to zero") for qw(a b);

    my $replicas = sub { json_of(call_of($_[0], GET =>
        "/system/function/f$_[0]"))->{replicas} };

    wait_for(sub { !$replicas->('a') && !$replicas->('b') }, WAIT, 'zero');

    my $before = calls('xread');

    $t->redis('XADD', 'faas:wake', '*', name => "f$_.openfaas-fn", gateway =>
        'test', parked => 1) for qw(b a);
    wait_for(sub { $replicas->('a') }, WAIT, 'a start');
    wait_for(sub { calls('xread') >= $before + 6 }, WAIT, 'reads of both');
    is($replicas->('b'), 0, 'only the leader answers wake-ups');
    is(call_of(b => POST => '/system/scale-function/fb',
        { replicas => 1 })->{status}, 202, 'the other one can be told to');
};


subtest 'SIGTERM' => sub {
    stop('a');
    isnt(holder(), id_of('a'), 'the lock is given up before the end');
    cmp_ok(wait_leads('b'), '==', 2, 'the other one leads, in the next term');
    wait_routes('fb', 'and publishes all that it has');
    wait_nginx('fb', 'fa', 'nginx has it');
};


subtest 'SIGKILL' => sub {
    start('a');
    wait_log('a', 'another scaler leads');
    $scaler{b}->crash;
    cmp_ok(wait_leads('a'), '==', 3, 'the other one leads when it expires');
    wait_routes('fa', 'and publishes');
    wait_nginx('fa', 'fb', 'nginx has it');
};


subtest 'the same state folder' => sub {
    $scaler{a}->crash;
    $t->redis(qw(PEXPIRE faas:leader), LONG);

    start('b');
    wait_log('b', 'another scaler leads', 2);
    start('a');
    cmp_ok(wait_leads('a'), '==', 4,
        'a scaler that was killed takes its own lock over at once');
    wait_routes('fa', 'and publishes');
    is(holder(), id_of('a'), 'the lock is its own');
    ok(!leads('b'), 'another one does not');
};


subtest 'SIGSTOP' => sub {
    $scaler{a}->signal('STOP');

    # it waits in its socket
    my $client = Faas::HTTP->new(addr_of('a'));
    $client->send_request(POST => '/system/functions', {}, encode_json({
        service => 'late', image => 'wordcount',
        envProcess => './wordcount' }));

    cmp_ok(wait_leads('b'), '==', 5, 'the other one leads');
    wait_routes('fb', 'and publishes');

    my $lost = count_log('a', 'no longer leads');

    $scaler{a}->signal('CONT');
    is($client->response('POST')->{status}, 202, 'it goes on');
    ok(!leads('a'), 'and does not lead');
    wait_log('a', 'warn: no longer leads', $lost + 1);
    wait_log('a', 'another scaler leads, .* term=5');
    deploy('b', 'later');
    wait_routes('fb later', 'what was pending in it is not published');
    ok(!grep({ /^late\./ } changed()), 'nor was it in between');
};


# EXEC itself comes too late

subtest 'a change on its way' => sub {
    stop('b');
    my $term = wait_leads('a');
    wait_routes('fa late', 'it leads again');
    start('b');
    wait_log('b', "another scaler leads, .* term=$term");

    $proxy->hold;
    deploy('a', 'held');
    wait_for(sub { $proxy->held }, WAIT, 'an EXEC');
    cmp_ok(wait_leads('b'), '>', $term, 'the other one leads meanwhile');
    wait_routes('fb later', 'and publishes');
    ok(!leads('a'), 'the first one does not take itself for the leader');

    $proxy->pass;
    wait_log('a', 'warn: redis refuses routes of a term that has ended');
    wait_log('a', 'another scaler leads, .* term=' . ($term + 1));
    is(routes(), 'fb later', 'Redis has refused its change');
    ok(!grep({ /^held\./ } changed()), 'all of it');
};


subtest 'all routes on their way' => sub {
    my $refused = count_log('a', 'redis refuses routes of a term');

    $proxy->hold;
    stop('b');
    my $term = wait_leads('a');
    wait_for(sub { $proxy->held }, WAIT, 'an EXEC');
    start('b');
    cmp_ok(wait_leads('b'), '>', $term, 'the other one leads meanwhile');
    wait_routes('fb later', 'and publishes');

    $proxy->pass;
    wait_log('a', 'redis refuses routes of a term', $refused + 1);
    is(routes(), 'fb later', 'Redis has refused all of it');

    wait_log('a', "another scaler leads, .* term=" . ($term + 1));
    stop('b');
    wait_leads('a', $term);
    wait_routes('fa held late', 'when it leads again it starts over');
    wait_nginx('held', 'fb', 'nginx has it');
};


subtest 'Redis out of reach' => sub {
    my $term = state_of('a')->{term};

    start('b');
    wait_log('b', "another scaler leads, .* term=$term");

    my $lost = count_log('a', 'no longer leads');

    $proxy->refuse;
    cmp_ok(wait_leads('b'), '>', $term, 'another one leads');
    ok(!leads('a'), 'the first one had noticed before');
    wait_log('a', 'warn: no longer leads', $lost + 1);

    deploy('a', 'apart');
    is(state_of('a')->{term}, 0, 'its admin API works');
    wait_routes('fb later', 'the other one publishes');

    $proxy->pass;
    wait_log('a', 'another scaler leads, .* term=' . ($term + 1));
    ok(!leads('a'), 'it follows when it is back');
    is(routes(), 'fb later', 'and has not published');
};


# Who leads, by what the scalers say and by Redis, which may be of another mind
# for as long as a renewal takes after somebody has removed the lock.
sub wait_one {
    my ($after) = @_;

    return @{ wait_for(sub {
        my @all = grep { leads($_) } qw(a b);
        my $term = @all == 1 ? state_of($all[0])->{term} : 0;

        return $term > $after && $t->redis(qw(TYPE faas:leader)) eq 'string'
            && $t->redis(qw(GET faas:leader)) eq id_of($all[0]) . " $term"
            && [@all, $term];
    }, WAIT, "one leader after term $after") };
}


subtest 'Redis emptied' => sub {
    my $term = state_of('b')->{term};

    $t->redis('FLUSHALL');
    my ($name) = wait_one($term);
    pass('one leads, in a term greater than before');
    wait_routes($name eq 'a' ? 'apart fa held late' : 'fb later',
        'and publishes');
};


subtest 'rubbish' => sub {
    for my $rubbish ([HSET => 'faas:leader', 'x', 'y'], [SET => 'faas:leader',
        'not ours'], [SET => 'faas:leader:token', 'x'], [HSET =>
        'faas:leader:token', 'x', 'y'], [SET => 'faas:leader:token', '-5'])
    {
        my (undef, $term) = wait_one(0);

        $t->redis('DEL', 'faas:leader', $rubbish->[1]);
        $t->redis(@$rubbish);
        ok(wait_one($term), "@$rubbish: one leads, in a greater term");
    }
};


# somebody has copied a state folder

subtest 'two of one name' => sub {
    my ($name, $term) = wait_one(0);

    mkdir "$dir/state-c";
    $t->spew("$dir/state-c/id", id_of($name) . "\n");
    start('c');
    cmp_ok(wait_leads('c'), '==', $term + 1, 'the new one takes the lock');
    wait_log($name, 'another scaler leads, .* term=' . ($term + 1));

    my $before = calls('eval');

    wait_for(sub { calls('eval') > $before + 10 }, WAIT, 'more tries');
    is(state_of('c')->{term}, $term + 1, 'and keeps it');
};


subtest 'all terms' => sub {
    my %terms;

    push @{ $terms{$_->[1]} }, $_->[0] for map { my $name = $_;
        map { [$name, $_] } log_of($name) =~ /: leads term=(\d+) /g } qw(a b c);

    is(join(' ', grep { @{ $terms{$_} } > 1 } sort keys %terms), '',
        'no term has had two leaders');
    is(count_log($_, 'error: the lock'), 0, "nothing was refused to $_")
        for qw(a b c);
};

stop($_) for qw(c b a);
is($t->redis(qw(EXISTS faas:leader)), 0, 'when all are gone nobody leads');

$t->finish;
