#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# conf/examples/cache.conf.  If this fails, who caches answers gets those of
# another function or another user, has each client wait where an old answer
# would do, or has many calls made where one would do.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Example qw(start_examples);
use Faas::HTTP;
use Faas::Test;
use Test::More;


my $t = Faas::Test->new(need => [qw(nginx redis-server module)]);

$t->start_redis;

my %backend = map { $_ => $t->start_backend(name => $_) } qw(one two);

$t->publish($_, $backend{$_}->addr) for sort keys %backend;

start_examples($t, http => ['cache']);

sub cached {
    my ($path, $headers) = @_;

    my $res = $t->get($path, { host => 'cached.example.com',
        %{ $headers // {} } });

    $res->{cache} = $res->{headers}{'x-cache-status'} // '';

    return $res;
}

# how many requests for this path a function has had
sub calls {
    my ($name, $path) = @_;

    return scalar grep { $_->{path} eq $path } $backend{$name}->requests;
}

sub open_gate {
    my ($name, $gate) = @_;

    return $t->spew($t->dir . "/$name.$gate", '');
}

# fresh answers

my $first = cached('/function/one/cache/3600');
is($first->{cache}, 'MISS', 'the first answer is the function\'s');

my $res = cached('/function/one/cache/3600');
is($res->{cache}, 'HIT', 'the second one is kept');
is($res->{body}, $first->{body}, 'it is the same');
is($res->{headers}{'x-backend'}, 'one', 'with the function\'s headers');
is(calls('one', '/cache/3600'), 1, 'the function was called once');
isnt($res->{headers}{'x-call-id'}, $first->{headers}{'x-call-id'},
    'a call has its own id nevertheless');

is(cached('/function/one.openfaas-fn/cache/3600')->{cache}, 'HIT',
    'the function\'s full name means the same entry');

$res = cached('/function/two/cache/3600');
is($res->{cache}, 'MISS', 'another function\'s same path is another entry');
is($res->{headers}{'x-backend'}, 'two', 'with that function\'s answer');

is(cached('/function/one/cache/3600?a=b')->{cache}, 'MISS',
    'another query is another entry');

# what is not to be kept

cached('/function/one/echo') for 1 .. 2;
is(calls('one', '/echo'), 2, 'an answer that does not say so is not kept');

$res = cached('/function/one/cache/3600', { authorization => 'Bearer x' });
is($res->{cache}, 'BYPASS', 'a user\'s request is not answered from the cache');
cached('/function/two/cache/3601', { cookie => 'a=b' });
is(cached('/function/two/cache/3601')->{cache}, 'MISS',
    'and a user\'s answer is not kept for others');

$res = $t->post('/function/one/cache/3600', 'x',
    { host => 'cached.example.com' });
isnt($res->{body}, $first->{body}, 'a POST reaches the function');

is($t->get('/function/one/cache/3600')->{headers}{'x-cache-status'}, undef,
    'other hosts have no cache');

# many clients want what is not there

my $path = '/cache/3600?gate=lock';
my @client = map { Faas::HTTP->new($t->addr) } 1 .. 3;

$_->send_request(GET => "/function/two$path", { host => 'cached.example.com' })
    for @client;

wait_for(sub {
    return $t->get('/metrics')->{body}
        =~ /_inflight\{function_name="two\S+\} 3$/m;
}, 10, 'three requests');

open_gate('two', 'lock');

my %body = map { $_->response->{body} => 1 } @client;
is(scalar keys %body, 1, 'those that come at once get the same answer');
is(calls('two', $path), 1, 'from one call');

# an answer gets old: the gate holds up the call that renews it

$path = '/cache/1?gate=renew';

open_gate('one', 'renew');
$first = cached("/function/one$path");
unlink $t->dir . '/one.renew';

wait_for(sub {
    $res = cached("/function/one$path");
    return $res->{cache} ne 'HIT';
}, 30, 'old answer');

is($res->{cache}, 'STALE', 'an old answer is sent');
is($res->{body}, $first->{body}, 'it is the one that was kept');

wait_for(sub { calls('one', $path) == 2 }, 30, 'call that renews it');
pass('the function is called in the background');

$res = cached("/function/one$path");
is($res->{cache}, 'UPDATING', 'the old answer is sent while it is renewed');
is($res->{body}, $first->{body}, 'the same one');
is(calls('one', $path), 2, 'and one call renews it');

open_gate('one', 'renew');

wait_for(sub { cached("/function/one$path")->{body} ne $first->{body} }, 30,
    'new answer');
pass('then the new answer is sent');

# a function that fails

$path = '/cache/1';
$first = cached("/function/two$path");
is($first->{status}, 200, 'an answer of a function that works');
$backend{two}->stop;

wait_for(sub {
    $res = cached("/function/two$path");
    return $res->{cache} ne 'HIT';
}, 30, 'old answer');

is($res->{status}, 200, 'when the function is gone the old answer is sent');
is($res->{body}, $first->{body}, 'as it was kept');
is(cached('/function/two/cache/3602')->{status}, 502,
    'where none is kept the error is');

wait_for(sub {
    $t->get('/metrics')->{body} !~ /_inflight\{[^}]*\} [1-9]/;
}, 10, 'nothing in flight');
pass('no call stays in flight');

$t->finish;
