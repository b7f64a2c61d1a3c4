#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Random input to every route of the scaler's admin API: each member of each
# body, each parameter and each name in a path.  If this fails, somebody's bad
# request ends the scaler, hangs, changes what it was refused to change, or is
# answered by something that no client expects.
#
# Every answer has to be one that docs/openapi.yaml lists, and after an accepted
# request what is there has to be described as well.  FAAS_SEED repeats a run;
# FAAS_ROUNDS makes more of it, FAAS_MUTATIONS more broken JSON (60 of each body
# and round); FAAS_PROVIDER=swarm has the scaler's functions on Docker Swarm.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Encode qw(encode);
use Faas::HTTP;
use Faas::OpenAPI;
use Faas::Test;
use JSON::PP;
use List::Util qw(shuffle);
use Storable qw(dclone);
use Test::More;

use constant {
    MAX_BODY  => 131_072,
    MUTATIONS => $ENV{FAAS_MUTATIONS} // 60,
    SHOWN     => 20,            # of what is wrong
    GROWTH    => 4096,          # KiB
};

my $seed = $ENV{FAAS_SEED} // int(time * $$) % 2 ** 31;
my $rounds = $ENV{FAAS_ROUNDS} // 2;

srand $seed;
note("FAAS_SEED=$seed");

my $t = Faas::Test->new(need => [qw(redis-server scaler watchdog)],
    provider => 1);
my $dir = $t->dir;
my $api = Faas::OpenAPI->load($t->root . '/docs/openapi.yaml');
my $json = JSON::PP->new->canonical->utf8->allow_nonref;
my $client;
my @wrong;
my %status;

# what each body looks like where nothing is wrong with it; "new" is to be
# made, "none" is not there

my %function = (image => 'fn', envProcess => './run', namespace => 'team',
    envVars => { a => 'b', max_inflight => '1', exec_timeout => '1m' },
    constraints => ['node.role==manager'], secrets => ['key'],
    labels => { 'com.openfaas.scale.min' => '0',
        'com.openfaas.scale.max' => '2', 'com.openfaas.scale.factor' => '20',
        'com.ngx-faas.queue' => '1', 'com.ngx-faas.park' => '1s',
        'com.ngx-faas.visibility' => 'public', a => 'b' },
    annotations => { a => 'b' }, limits => { memory => '512Mi' },
    requests => { cpu => '100m' }, readOnlyRootFilesystem => JSON::PP::false,
    network => 'functions', registryAuth => 'YTpi');
my %namespace = (labels => { openfaas => '1', a => 'b' },
    annotations => { a => 'b' });

my %body = (
    deployFunction  => { %function, service => 'new' },
    updateFunction  => { %function, service => 'base' },
    deleteFunction  => { functionName => 'none', namespace => 'team' },
    scaleFunction   => { serviceName => 'base', namespace => 'team',
        replicas => 0 },
    alert           => { status => 'firing', receiver => 'a', alerts => [
        { status => 'resolved', labels => { function_name => 'base.team',
            alertname => 'a' } }] },
    createSecret    => { name => 'new', namespace => 'team', value => 'a',
        rawValue => 'YQ==' },
    updateSecret    => { name => 'key', namespace => 'team', value => 'a',
        rawValue => 'YQ==' },
    deleteSecret    => { name => 'none', namespace => 'team' },
    createNamespace => { %namespace, name => 'new' },
    updateNamespace => { %namespace, name => 'team' },
);

my %path = (
    scaleFunction   => '/system/scale-function/base',
    createNamespace => '/system/namespace/new',
    updateNamespace => '/system/namespace/team',
    readLogs        => '/system/logs?name=base.team',
);

# the scaler, with little in it

mkdir "$dir/functions";
mkdir "$dir/functions/fn";
$t->spew("$dir/functions/fn/run", "#!/bin/sh\nexec cat\n", 0755);
$t->provider->images("$dir/functions", 'fn');
$t->start_redis;
$t->start_scaler(functions => "$dir/functions", args => ['--max-body',
    MAX_BODY, '--max-replicas', 2, '--max-functions', 5]);
$t->provider->wait_known;

my %is_route = map { $_ => 1 } slurp($t->root . '/scaler/api.c')
    =~ /EVHTTP_REQ_\w+,\s+"([^"]+)"/g;
my @operations = grep { $_->{path} =~ m{^/system/}
    && $is_route{ $_->{path} =~ s/\{\w+\}//r } } $api->operations;

sub path_of {
    my ($op) = @_;

    return $path{ $op->{operationId} } // $op->{path} =~ s/\{\w+\}/none/r;
}

sub make {
    my ($id) = @_;

    my ($op) = grep { $_->{operationId} eq $id } @operations;

    return ($op->{method}, path_of($op), $json->encode($body{$id}));
}

sub ask {
    my ($method, $path, $body) = @_;

    $client //= Faas::HTTP->new($t->scaler_addr);

    my $res = $client->request($method, $path, {}, $body);

    $client = undef if $res->{status} == 0
        || ($res->{headers}{connection} // '') eq 'close';

    return $res;
}

for my $id (qw(updateNamespace updateSecret updateFunction)) {
    my ($method, $path, $body) = make($id);

    is(ask(POST => $path, $body)->{status}, $id =~ /Namespace/ ? 201 : 202,
        "$id: as it is there before");
}

my $base = state();

# what is there, by names
sub state {
    my @namespaces = @{ json_of(ask(GET => '/system/namespaces')) };
    my @names;

    for my $ns (@namespaces) {
        for my $kind (qw(functions secrets)) {
            my $res = listed(GET => "/system/$kind?namespace=$ns");

            push @names, map { "$kind $_->{name}.$ns" }
                @{ json_of($res) // [] };
        }
    }

    return join ', ', @namespaces, @names;
}

sub complain {
    my ($what, $method, $path, $body) = @_;

    push @wrong, "$what: $method " . shorten($path) . ' '
        . shorten($body // '') if @wrong < SHOWN;

    return;
}

sub shorten {
    my ($text) = @_;

    $text = substr($text, 0, 300) . '...(' . length($text) . ' bytes)'
        if length $text > 300;

    return $text =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ger;
}

# a request whose answer is to be a listed one, of a path that is a route
sub listed {
    my ($method, $path, $body) = @_;

    my $res = ask($method, $path, $body);

    complain($_, $method, $path, $body)
        for $api->check($method, $path, $res);

    return $res;
}

# a request with a body that is wrong in that member, or in no certain one
sub try_body {
    my ($op, $path, $body, $member) = @_;

    my ($id, $method) = @$op{qw(operationId method)};
    my $res = listed($method, $path, $body);

    $status{$id}{ $res->{status} }++;

    if ($res->{status} =~ /^2/) {
        complain("202, though $_", $method, $path, $body)
            for $api->request_problems($method, $path, $body);
        accepted($id, $method, $path, $body);

    } elsif ($res->{status} == 400 && defined $member
        && $res->{body} !~ /\bthe body is (?:no JSON|nested)\b/
        && $res->{body} !~ /\b\Q$member\E\b/)
    {
        complain("\"$member\" is not named: $res->{body}", $method, $path,
            $body);
    }

    return;
}

# what was accepted is there; then all is made as it was
sub accepted {
    my ($id, @request) = @_;

    my $body = eval { $json->decode($request[2]) } // {};
    my $ns = ($body->{namespace} // '') eq '' ? 'openfaas-fn'
        : $body->{namespace};

    if ($id =~ /^(?:deploy|update|scale)Function$/) {
        my $name = $body->{service} // 'base';
        my $res = listed(GET => "/system/function/$name.$ns");
        my $status = json_of($res) // {};

        complain("accepted, but $res->{status} to GET", @request)
            if $res->{status} != 200;
        listed(POST => "/system/scale-function/$name.$ns", '{"replicas":0}')
            if $status->{replicas};
        undo(DELETE => '/system/functions', { functionName => "$name.$ns" },
            @request) if $id eq 'deployFunction';

    } elsif ($id eq 'createSecret') {
        complain('accepted, but not listed', @request)
            if !grep { $_->{name} eq $body->{name} } @{ json_of(
                listed(GET => "/system/secrets?namespace=$ns")) };
        undo(DELETE => '/system/secrets', { name => $body->{name},
            namespace => $ns }, @request);

    } elsif ($id eq 'createNamespace') {
        listed(GET => $request[1]);
        undo(DELETE => $request[1], undef, @request);

    } elsif ($id =~ /^(?:update(?:Secret|Namespace)|alert)$/) {
        return;

    } else {
        complain('accepted', @request);
    }

    return;
}

sub undo {
    my ($method, $path, $body, @request) = @_;

    my $res = listed($method, $path, defined $body ? $json->encode($body)
        : undef);

    complain("accepted, but $res->{status} to DELETE", @request)
        if $res->{status} != 202;

    return;
}

# values as they stand in JSON, of each type, and some that are none

sub text_of { return '"' . $_[0] . '"'; }

sub random_bytes {
    my ($n) = @_;

    return join '', map { chr int rand 256 } 1 .. $n;
}

sub values_of {
    my @texts = ('', 'a', ' ', '-', 'a-', '.', 'a.b', 'a..b', '..', '../..',
        'a/b', '/', '%s%n', '%00', 'A', 'a\\u0000b', '\\u0000', '\\n',
        'a\\nb', 'a\\r\\nb: c', '\\u001b[1m', '\\u007f', '\\ud800', '\\"',
        '\\\\', "\xc3\xa9", "\xf0\x9f\x98\x80", "\xff", "\xc3", 'nul', '-1',
        '99999999999999999999', '1e3', '0x10', 'x' x 63, 'x' x 64, 'x' x 254,
        'x' x 318, 'x' x 40_000, "\xc3\xa9" x 41, 'x' . "\xc3\xa9" x 300,
        "\n", random_bytes(8), encode('UTF-8', join '',
            map { chr(0x20 + int rand 0xd000) } 1 .. 20) =~ tr/"\\//dr);

    return ('null', 'true', 'false', '0', '-1', '-0', '1.5', '1e400', '3',
        '18446744073709551616', '9' x 400, '[]', '{}', '[[]]', '[null]',
        '[1]', '["a","a"]', '["key","key"]', '[""]', '{"a":1}', '{"a":null}',
        '{"a":"b"}', '{"":""}', '{"a":{"b":[]}}', '{"a":"b","a":"b"}',
        '[' . join(',', ('"a"') x 300) . ']', '[' x 20 . ']' x 20,
        '{"a":' x 20 . '1' . '}' x 20, '[' x 40 . ']' x 40, '[' x 5000, '', '"',
        '{' . join(',', map { "\"a$_\":\"\"" } 1 .. 300) . '}',
        map { text_of($_) } @texts);
}

sub names_of {
    return ('', ' ', 'a b', 'a=b', '1', '\\n', 'a\\nb', '\\u0000', "\xff",
        "\xc3\xa9", 'x' x 400, '\\"', 'fprocess', 'com.openfaas.scale.min',
        'memory', 'a', random_bytes(4));
}

# all places in a value: ([a path to it]...)
sub places_in {
    my ($value, @at) = @_;

    my @keys = ref $value eq 'HASH' ? sort keys %$value
        : ref $value eq 'ARRAY' ? 0 .. $#$value : ();

    return ((@at ? [@at] : ()), map {
        places_in(ref $value eq 'HASH' ? $value->{$_} : $value->[$_], @at, $_);
    } @keys);
}

# the body as JSON, with other values, as JSON, in a place
sub with_values {
    my ($body, $place, @texts) = @_;

    my $copy = dclone($body);
    my $at = \$copy;

    for my $key (@$place) {
        $at = ref $$at eq 'HASH' ? \$$at->{$key} : \$$at->[$key];
    }

    $$at = '@@';

    my $template = $json->encode($copy);

    return map { $template =~ s/"\@\@"/$_/r } @texts;
}

# the same with a member more in an object
sub with_member {
    my ($body, $place, $name, $text) = @_;

    my $inner = $body;

    $inner = ref $inner eq 'HASH' ? $inner->{$_} : $inner->[$_] for @$place;
    return if ref $inner ne 'HASH';

    my $member = "\"$name\":$text";
    my $all = $json->encode($inner) =~ s/^\{(?=.)/{$member,/sr;

    return @$place ? with_values($body, $place, $all) : $all;
}

sub without {
    my ($body, $place) = @_;

    my $copy = dclone($body);
    my @path = @$place;
    my $last = pop @path;
    my $at = $copy;

    $at = ref $at eq 'HASH' ? $at->{$_} : $at->[$_] for @path;
    ref $at eq 'HASH' ? delete $at->{$last} : splice @$at, $last, 1;

    return $json->encode($copy);
}

# bytes flipped, cut, repeated, put in
sub mutate {
    my ($text) = @_;

    for (1 .. 1 + rand 3) {
        my $at = int rand length $text;
        my $n = 1 + int rand 8;
        my $kind = int rand 5;

        if ($kind == 0) {
            substr($text, $at, 1) ^= chr(1 << int rand 8);
        } elsif ($kind == 1) {
            substr($text, $at, $n, '');
        } elsif ($kind == 2) {
            substr($text, $at, 0, substr $text, $at, $n);
        } elsif ($kind == 3) {
            substr($text, $at, 0, random_bytes($n));
        } else {
            $text = substr $text, 0, $at;
        }

        last if $text eq '';
    }

    return $text;
}

# names and values for a path and a query, as they stand there

sub path_texts {
    return ('', 'a', 'A', 'base', 'base.team', 'none.none', 'a.', '.a', '..',
        '.', 'a..b', '%', '%zz', '%00', '%2e%2e', '%2f', '%61', 'a%20b', 'a+b',
        'a b', "\xff", "\xc3\xa9", 'x' x 63, 'x' x 64, 'x' x 127, 'x' x 5000,
        'x' x 63 . '.' . 'x' x 63, 'x' x 63 . '.' . 'x' x 64, 'a$b', 'a;b',
        'a&b', 'a=b', '%0a', '%0d%0ax:y', '"', '<a>', '*', '~', '{}', '|',
        "\x01", '-1', '9' x 30, 'true', 'a:b', '@', 'a@b:c',
        random_bytes(6) =~ s/[\0-\x20?#]/x/gr);
}

# what evhttp refuses before the scaler sees it is nobody's route
sub try_path {
    my ($op, $name) = @_;

    my ($id, $method) = @$op{qw(operationId method)};
    my $path = $op->{path} =~ s/\{\w+\}/$name/r;
    my $body = exists $body{$id} ? $json->encode($body{$id}) : undef;

    if ($api->operation($method, $path)) {
        defined $body ? try_body($op, $path, $body) : listed($method, $path);
        return;
    }

    my $res = ask($method, $path, $body);

    complain("$res->{status} $res->{body}" . ($res->{error} // ''), $method,
        $path) if "$res->{status} $res->{body}" ne "404 404 page not found\n"
            && $res->{status} != 400;
    complain("a page: $res->{body}", $method, $path)
        if ($res->{headers}{'content-type'} // '') =~ /html/;

    return;
}

sub try_query {
    my ($op, $query) = @_;

    my ($id, $method) = @$op{qw(operationId method)};
    my $path = path_of($op);

    $path .= ($path =~ /\?/ ? '&' : '?') . $query;

    # what is no query, and what has no end

    return if $path =~ /[^!-~]/ || $path =~ /\bfollow=(?:1|t|true)\b/i;
    return try_body($op, $path, $json->encode($body{$id}))
        if exists $body{$id};

    listed($method, $path);

    return;
}

sub is_quiet {
    my ($name) = @_;

    ok(!@wrong, $name) or diag(join "\n", "FAAS_SEED=$seed", @wrong);
    @wrong = ();
    is(&state(), $base, "$name: all is as before");

    return;
}

sub memory {
    my ($kib) = slurp('/proc/' . $t->scaler->pid . '/status')
        =~ /^VmRSS:\s+(\d+)/m;

    return $kib;
}

sub one_round {
    my ($round) = @_;

    for my $op (grep { exists $body{ $_->{operationId} } } @operations) {
        my $id = $op->{operationId};
        my $body = $body{$id};
        my $path = path_of($op);

        try_body($op, $path, $json->encode($body));

        for my $place (places_in($body)) {
            try_body($op, $path, $_, $place->[0])
                for with_values($body, $place, $round == 1 ? values_of()
                    : (shuffle(values_of()))[0 .. 9]);
            try_body($op, $path, without($body, $place), $place->[0]);
        }

        for my $place ([], places_in($body)) {
            for my $name ($round == 1 ? names_of()
                : (shuffle(names_of()))[0 .. 4])
            {
                my $text = (shuffle(values_of()))[0];

                try_body($op, $path, with_member($body, $place, $name, $text)
                    // next);
            }
        }

        is_quiet("$id, round $round: each member");

        try_body($op, $path, mutate($json->encode($body)))
            for 1 .. MUTATIONS;
        try_body($op, $path, $_) for '', ' ', "\0", '[]', '"a"', '1', 'null',
            '{}', $json->encode($body) . 'x', $json->encode($body) x 2,
            "\xef\xbb\xbf" . $json->encode($body), random_bytes(100),
            'x' x (MAX_BODY + 1), '{"a":' x 30_000;
        is_quiet("$id, round $round: broken JSON");
    }

    for my $op (@operations) {
        for my $param (@{ $op->{parameters} }) {
            for my $text (path_texts()) {
                try_path($op, $text) if $param->{in} eq 'path';
                try_query($op, "$param->{name}=$text")
                    if $param->{in} eq 'query';
            }

            next if $param->{in} ne 'query';

            my $name = $param->{name};

            try_query($op, $_) for "$name", "$name=", "$name=a&$name=",
                "$name=&$name=a", "&&=&$name=team&", "$name=team&" x 500,
                'a=' . 'x' x 5000, '=', '%00=%00', "$name==", "$name=%";
        }
    }

    is_quiet("round $round: names and parameters");

    return;
}

one_round(1);

my $before = memory();

one_round($_) for 2 .. $rounds;

SKIP: {
    skip('sanitizers keep what is freed', 1) if $t->is_sanitized;

    my $growth = memory() - $before;

    cmp_ok($growth, '<', GROWTH, 'memory of the scaler, KiB more');
    note("memory: $before KiB, $growth KiB more after " . ($rounds - 1)
        . ' rounds');
}

ok($t->scaler->running, 'the scaler is the same as before');
note("$_: " . join ', ', map { "$_->[0] $_->[1] times" }
    map { my $id = $_; map { [$_, $status{$id}{$_}] }
        sort keys %{ $status{$id} } } $_) for sort keys %status;

$t->finish;
