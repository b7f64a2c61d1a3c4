#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# What is kept beside functions: images, secrets, namespaces; and alerts, which
# scale.  If this fails, a stack file does not name what it should, a secret
# is lost, read by somebody else or given away, functions of two namespaces
# are mixed up, or AlertManager scales wrongly.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Api;
use Faas::Redis;
use Faas::Test;
use File::Path qw(make_path);
use JSON::PP;
use MIME::Base64;
use Test::More;

use constant WAIT => 30;

my $t = Faas::Test->new(need => [qw(redis-server scaler watchdog)]);
my $dir = $t->dir;
my $images = "$dir/images";

$t->start_redis;
make_path("$images/plain", "$images/fn/\@1.0", "$images/fn/\@1.1",
    "$images/ghcr.io/me/fn/\@latest", "$images/localhost_5000/fn/\@latest",
    "$images/digest/\@sha256-" . 'ab' x 32, "$images/conf");
$t->spew("$images/$_/which", $_) for 'plain', 'fn/@1.0', 'fn/@1.1',
    'ghcr.io/me/fn/@latest', 'localhost_5000/fn/@latest',
    'digest/@sha256-' . 'ab' x 32;
$t->spew("$images/conf/image.json", encode_json({ env => {
    fprocess => 'printenv greeting', greeting => 'image',
    max_inflight => '3' } }));

$t->start_scaler(functions => $images);


sub answers {
    my ($call, $status, $pattern, $name) = @_;

    my $res = call(@$call);

    is($res->{status}, $status, "$name: $status");
    like($res->{body}, $pattern, "$name: what it says");

    return $res;
}

sub deploy {
    my ($name, %deployment) = @_;

    return [POST => '/system/functions', { service => $name,
        image => 'plain', envProcess => 'cat', %deployment }];
}

# a call of the function's only replica
sub invoke {
    my ($key) = @_;

    wait_ready($key);

    my $json = $t->redis('HGET', 'faas:routes', $key =~ /\./ ? $key
        : "$key.openfaas-fn");

    return http(GET => decode_json($json)->{endpoints}[0]{addr}, '/')->{body};
}

sub routes { return decode_json($t->redis('HGET', 'faas:routes', $_[0])); }


subtest 'images' => sub {
    my %folder = (plain => 'plain', 'plain:latest' => 'plain',
        'docker.io/plain' => 'plain', 'docker.io/library/plain' => 'plain',
        'library/plain' => 'plain', 'index.docker.io/plain' => 'plain',
        'fn:1.0' => 'fn/@1.0', 'fn:1.1' => 'fn/@1.1',
        'ghcr.io/me/fn' => 'ghcr.io/me/fn/@latest',
        'localhost:5000/fn:latest' => 'localhost_5000/fn/@latest',
        'digest@sha256:' . 'ab' x 32 => 'digest/@sha256-' . 'ab' x 32,
        'digest:any@sha256:' . 'ab' x 32 => 'digest/@sha256-' . 'ab' x 32,
        "$images/plain" => 'plain');

    for my $image (sort keys %folder) {
        is(call(@{ deploy('image', image => $image,
            envProcess => 'cat which') })->{status}, 202, "$image is there");
        is(invoke('image'), $folder{$image}, 'and is');
        is(status('image')->{image}, $image, 'and is named as it was');
        is(remove('image'), 202, 'and goes');
    }

    my %wrong = (none => qr/no "none", which would be the folder \S+\@latest/,
        'fn' => qr/of it there are( 1\.[01]){2}/, 'fn:2' => qr/there are 1/,
        'digest@sha256:' . 'cd' x 32 => qr/there is no/,
        map { ($_ => qr/is no reference of an image/) } 'Upper', 'a b', 'a//b',
        '../x', 'a/../b', '-a', 'a-', 'a:', ':a', 'a:b c', 'a@b', 'a:' . 'x' x
        129, 'a' x 256, 'a@sha256:12', 'a_-b', 'a...b', 'ho st.com/a', '.a/b',
        "plain\n");

    answers(deploy('wrong', image => $_), 400, $wrong{$_},
        'image ' . substr($_, 0, 20)) for sort keys %wrong;
    answers(deploy('wrong', image => $dir . '/nowhere'), 400,
        qr/is no folder/, 'no folder');
};


subtest 'image.json' => sub {
    is(call(@{ deploy('conf', image => 'conf', envProcess => undef) })
        ->{status}, 202, 'the image has the process');
    is(invoke('conf'), "image\n", 'and variables');
    is(routes('conf.openfaas-fn')->{max_inflight}, 3, 'and limits');
    is(status('conf')->{envVars}, undef, 'which are none of the deployment');
    remove('conf');

    call(@{ deploy('conf', image => 'conf', envProcess => '', envVars => {
        greeting => 'deployment', max_inflight => '4' }) });
    is(invoke('conf'), "deployment\n", 'a deployment\'s go over them');
    is(routes('conf.openfaas-fn')->{max_inflight}, 4, 'and limits');
    remove('conf');

    call(@{ deploy('conf', image => 'conf', envProcess => 'echo own') });
    is(invoke('conf'), "own\n", 'and its process');
    remove('conf');

    my %wrong = ('{' => qr/is no JSON/, '{"env": []}' => qr/no object/,
        '{"env": {"a": 1}}' => qr/"a" is no string/,
        '{"env": {"port": "1"}}' => qr/"port" is set by the platform/,
        '{"env": {"max_inflight": "x"}}' => qr/max_inflight is "x"/,
        ' ' x 65537 => qr/too large/);

    for my $text (sort keys %wrong) {
        $t->spew("$images/plain/image.json", $text);
        answers(deploy('wrong'), 400, $wrong{$text},
            'image.json ' . substr($text, 0, 20));
    }

    $t->spew("$images/plain/image.json", '{}');
    answers(deploy('wrong', envProcess => undef), 400,
        qr/"envProcess" is missing/, 'no process');
    unlink "$images/plain/image.json";
};


subtest 'secrets' => sub {
    my $raw = join '', map { chr } 0 .. 255;

    answers([GET => '/system/secrets'], 200, qr/^\[\]$/, 'none yet');
    answers(deploy('fn', secrets => ['one']), 400,
        qr/"secrets": there is no secret "one" in the namespace openfaas-fn/,
        'a secret that is not there');

    for my $case ([{ name => 'one', value => 'first' }],
        [{ name => 'raw', rawValue => encode_base64($raw),
            value => 'not this' }], [{ name => 'empty', value => '' }])
    {
        answers([POST => '/system/secrets', @$case], 202, qr/^$/,
            "make $case->[0]{name}");
    }

    my $list = [map { { name => $_, namespace => 'openfaas-fn' } }
        qw(empty one raw)];
    is_deeply(json_of(call(GET => '/system/secrets')), $list, 'their names');
    is_deeply(json_of(call(GET => '/system/secrets?namespace=openfaas-fn')),
        $list, 'of the namespace');
    answers([POST => '/system/secrets', { name => 'one', value => 'x' }], 409,
        qr/secret one exists already/, 'once more');
    answers([PUT => '/system/secrets', { name => 'two', value => 'x' }], 404,
        qr/secret two not found/, 'update of none');
    answers([DELETE => '/system/secrets', { name => 'two' }], 404,
        qr/secret two not found/, 'delete of none');

    my @wrong = ([{ value => 'x' }, qr/"name" is missing/],
        [{ name => 'a' }, qr/"value" is missing, or "rawValue"/],
        [{ name => 'a', value => 1 }, qr/"value" is no string/],
        [{ name => 'a', rawValue => [] }, qr/"rawValue" is no string/],
        [{ name => 'a', rawValue => '?' }, qr/"rawValue" is not base64/],
        [{ name => 'a', rawValue => 'YQ' }, qr/"rawValue" is not base64/],
        [{ name => 'a', value => 'x' x 524_289 }, qr/has 524289 bytes/],
        [{ name => 'a', value => 'x', namespace => 'none' },
            qr/"none" does not exist/],
        map { [{ name => $_, value => 'x' }, qr/is no name of a secret/] }
        'A', '../x', 'a/b', '.a', 'a..b', 'a.', '-a', 'a_b', 'a' x 254);

    answers([POST => '/system/secrets', $_->[0]], 400, $_->[1],
        'a wrong secret') for @wrong;

    call(@{ deploy('fn', secrets => ['one', 'raw'],
        envProcess => 'perl ' . script('cat.pl', <<'END')) });
my $dir = $ENV{FAAS_SECRETS_DIR};
for my $name (qw(one raw empty)) {
    my $file = "$dir/$name";
    next if !-e $file;
    open my $fh, '<:raw', $file or die "$name: $!";
    printf "%s %04o %s\n", $name, (stat $file)[2] & 07777,
        unpack 'H*', do { local $/; <$fh> };
}
END
    is(invoke('fn'), 'one 0400 ' . unpack('H*', 'first') . "\nraw 0400 "
        . unpack('H*', $raw) . "\n", 'a function reads its own');
    is_deeply(status('fn')->{secrets}, ['one', 'raw'], 'and is told to');

    answers([PUT => '/system/secrets', { name => 'one', value => 'second' }],
        202, qr/^$/, 'update');
    like(invoke('fn'), qr/^one 0400 @{[unpack 'H*', 'second']}$/m,
        'those that run get the new value');

    answers([DELETE => '/system/secrets', { name => 'one' }], 409,
        qr/in use by: fn$/, 'delete of one in use');
    remove('fn');
    answers([DELETE => '/system/secrets', { name => 'one' }], 202, qr/^$/,
        'delete');
    is_deeply([map { $_->{name} } @{ json_of(call(GET =>
        '/system/secrets')) }], [qw(empty raw)], 'it is gone');

    unlike(join('', map { slurp($_) // '' } glob "$dir/*.log"),
        qr/first|second/, 'no value is in a log');
};


subtest 'namespaces' => sub {
    my %body = (labels => { openfaas => '1', a => 'b' },
        annotations => { c => 'd' });

    is_deeply(json_of(call(GET => '/system/namespaces')), ['openfaas-fn'],
        'the default one');
    answers([POST => '/system/namespace/blue', { name => 'blue', %body }],
        201, qr/^$/, 'make');
    is_deeply(json_of(call(GET => '/system/namespaces')),
        ['blue', 'openfaas-fn'], 'it is there');
    is_deeply(json_of(call(GET => '/system/namespace/blue')),
        { name => 'blue', %body }, 'as it was given');
    answers([POST => '/system/namespace/blue', \%body], 409,
        qr/blue exists already/, 'once more');
    answers([PUT => '/system/namespace/blue',
        { labels => { openfaas => '1' } }], 202, qr/^$/, 'update');
    is_deeply(json_of(call(GET => '/system/namespace/blue')),
        { name => 'blue', labels => { openfaas => '1' }, annotations => {} },
        'takes effect');
    answers([PUT => '/system/namespace/red', \%body], 404, qr/red not found/,
        'update of none');
    answers([GET => '/system/namespace/red'], 404, qr/red not found/, 'none');
    answers([GET => '/system/namespace/'], 404, qr/not found/, 'no name');
    answers([DELETE => '/system/namespace/red'], 404, qr/red not found/,
        'delete of none');
    answers([DELETE => '/system/namespace/openfaas-fn'], 400,
        qr/the default namespace/, 'delete of the default one');

    answers([POST => "/system/namespace/$_->[0]", $_->[1]], 400, $_->[2],
        "a wrong one, $_->[0]") for
        ['red', {}, qr/openfaas: "1" is missing/],
        ['red', { labels => { openfaas => '0' } }, qr/is missing/],
        ['red', { %body, name => 'blue' }, qr/is not that of the path/],
        ['red', { labels => [] }, qr/"labels" is no object/],
        ['red', { %body, annotations => { a => 1 } }, qr/"a" is no string/],
        ['Red', \%body, qr/"Red" is no name/], ['', \%body, qr/is no name/],
        ['a.b', \%body, qr/is no name/];

    is(call(@{ deploy('same', namespace => $_, envProcess => "echo $_") })
        ->{status}, 202, "a function in $_") for 'blue', 'openfaas-fn';
    is(invoke('same.blue'), "blue\n", 'by its full name');
    is(invoke('same'), "openfaas-fn\n", 'that of the default one');
    is(status('same?namespace=blue')->{namespace}, 'blue', 'by the query');
    is_deeply([map { "$_->{name}.$_->{namespace}" } @{ json_of(call(GET =>
        '/system/functions?namespace=blue')) }], ['same.blue'], 'the list');
    is(call(POST => '/system/scale-function/same?namespace=blue',
        { replicas => 0 })->{status}, 202, 'scale by the query');
    is(status('same.blue')->{replicas}, 0, 'that one');
    is(status('same')->{replicas}, 1, 'and not the other');
    call(POST => '/system/scale-function/same', { replicas => 2,
        namespace => 'blue' });
    is(status('same.blue')->{replicas}, 2, 'scale by the body');

    call(POST => '/system/secrets', { name => 's', value => 'x',
        namespace => 'blue' });
    is_deeply(json_of(call(GET => '/system/secrets?namespace=blue')),
        [{ name => 's', namespace => 'blue' }], 'a secret in it');
    answers(deploy('other', secrets => ['s']), 400, qr/no secret "s"/,
        'is none of another');
    answers([DELETE => '/system/namespace/blue'], 409,
        qr/has 1 functions and 1 secrets/, 'delete of one that is not empty');

    $t->scaler->stop;
    $t->start_scaler(functions => $images);
    is_deeply(json_of(call(GET => '/system/namespaces')),
        ['blue', 'openfaas-fn'], 'after a restart: namespaces');
    is_deeply(json_of(call(GET => '/system/secrets?namespace=blue')),
        [{ name => 's', namespace => 'blue' }], 'secrets');
    is(status('same.blue')->{replicas}, 2, 'functions');

    is(remove('same', namespace => 'blue'), 202, 'delete by the body');
    is(call(DELETE => '/system/secrets?namespace=blue', { name => 's' })
        ->{status}, 202, 'delete by the query');
    is(status('same')->{replicas}, 1, 'the other is there');
    remove('same');
    answers([DELETE => '/system/namespace/blue'], 202, qr/^$/, 'delete');
    answers([GET => '/system/functions?namespace=blue'], 400,
        qr/"blue" does not exist/, 'it is gone');
    answers(deploy('x', namespace => 'blue'), 400, qr/"blue" does not exist/,
        'nothing can be put there');
};


subtest 'alert' => sub {
    my %labels = ('com.openfaas.scale.min' => '2',
        'com.openfaas.scale.max' => '10');
    my $alert = sub {
        return [POST => '/system/alert', { alerts => [map { {
            status => $_->[0], labels => { function_name => $_->[1] } } }
            @_] }];
    };
    my $replicas = sub { status($_[0])->{replicas} };

    call(@{ deploy('a', labels => \%labels) });
    call(@{ deploy('b', labels => { %labels,
        'com.openfaas.scale.factor' => '55' }) });
    call(@{ deploy('c', labels => { %labels,
        'com.openfaas.scale.factor' => '0' }) });

    answers($alert->([firing => 'a'], [firing => 'b.openfaas-fn'],
        [firing => 'c'], [firing => 'none'], [firing => 'a b']), 200, qr/^$/,
        'five alerts');
    is_deeply([map { $replicas->($_) } qw(a b c)], [4, 8, 2],
        'a fifth of the maximum; as the label says; not at all');
    call(@{ $alert->([firing => 'a'], [firing => 'b']) }) for 1 .. 5;
    is_deeply([map { $replicas->($_) } qw(a b)], [10, 10], 'to the maximum');
    answers($alert->([resolved => 'a'], [resolved => 'b']), 200, qr/^$/,
        'resolved');
    is_deeply([map { $replicas->($_) } qw(a b)], [2, 2], 'to the minimum');
    answers($alert->(), 200, qr/^$/, 'none');

    answers([POST => '/system/alert', $_], 400,
        qr/^Unable to parse alert, bad format\. /, 'a wrong one') for {},
        { alerts => {} }, { alerts => [{}] }, { alerts => [1] },
        { alerts => [{ status => 'firing' }] },
        { alerts => [{ labels => { function_name => 'a' } }] },
        { alerts => [{ status => 1, labels => { function_name => 'a' } }] },
        { alerts => [({ status => 'x', labels => { function_name => 'a' } })
            x 257] };
    answers([POST => '/system/alert', '{'], 400, qr/no JSON/, 'no JSON');
    remove($_) for qw(a b c);
};


sub script {
    my ($name, $code) = @_;

    $t->spew("$images/plain/$name", $code);

    return $name;
}

$t->finish;
