#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# docs/openapi.yaml itself, and the judge of answers that t/067-api-contract.t
# and t/068-api-random.t have in it.  If this fails, the description is broken
# for those who generate clients from it, or a wrong answer is taken for right.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::OpenAPI;
use Faas::Schema;
use JSON::PP;
use Test::More;


my $api = Faas::OpenAPI->load("$FindBin::Bin/../docs/openapi.yaml");
my @faults = $api->faults;

ok(!@faults, 'the description has no faults') or diag(join "\n", @faults);
cmp_ok(scalar($api->operations), '>', 20, 'and many operations');

# a judge that never objects proves nothing

sub judged {
    my ($res, $pattern, $name) = @_;

    my ($method, $path) = @{ delete $res->{of} };
    my @wrong = $api->check($method, $path, { headers => {
        'content-type' => 'application/json', %{ delete $res->{more} // {} } },
        status => 200, %$res });

    is(scalar @wrong, 1, "$name: one fault") or diag(join "\n", @wrong);
    like($wrong[0] // '', $pattern, "$name: which is it");

    return;
}

my @get = (of => [GET => '/system/function/fn']);
my %good = (name => 'fn', image => 'x', namespace => 'openfaas-fn',
    labels => {}, annotations => {}, invocationCount => 0, replicas => 1,
    availableReplicas => 1, createdAt => '2020-02-02T02:02:02Z');
my %text = ('content-type' => 'text/plain; charset=utf-8');

my @good = $api->check(@{ $get[1] }, { status => 200, headers => {
    'content-type' => 'application/json' }, body => encode_json(\%good) });
is("@good", '', 'what is as described has no fault');

for my $case (['a member that is not described', { x => 1 }, qr/\.x is/],
    ['a text for a number', { replicas => '1' }, qr/string, not integer/],
    ['a number for a text', { image => 1 }, qr/integer, not string/],
    ['a number for true', { readOnlyRootFilesystem => JSON::PP::true,
        usage => { cpu => JSON::PP::true, totalMemoryBytes => 1 } },
        qr/cpu is of type boolean/],
    ['a fraction', { replicas => 1.5 }, qr/number, not integer/],
    ['null', { labels => undef }, qr/null, not object/],
    ['a label that is no text', { labels => { a => 1 } }, qr/labels\.a/],
    ['a bad name', { name => 'a_b' }, qr/name is "a_b"/],
    ['a name with a newline', { name => "a\n" }, qr/name is "a/],
    ['a negative number', { replicas => -1 }, qr/less than 0/],
    ['one too large', { replicas => 257 }, qr/more than 256/],
    ['an empty list', { secrets => [] }, qr/less than 1/],
    ['a secret twice', { secrets => ['a', 'a'] }, qr/twice/],
    ['a time that is none', { createdAt => '2020-13-02T02:02:02Z' },
        qr/no time/])
{
    my ($name, $change, $pattern) = @$case;

    judged({ @get, body => encode_json({ %good, %$change }) }, $pattern,
        $name);
}

delete $good{createdAt};
judged({ @get, body => encode_json(\%good) }, qr/no createdAt/,
    'a member is missing');
judged({ @get, body => '{' }, qr/no JSON/, 'what is no JSON');
judged({ @get, body => '', status => 418 }, qr/not listed/, 'a status');
judged({ @get, body => '{}', more => { 'content-type' => 'text/html' } },
    qr{"text/html" is not listed}, 'a type');
judged({ @get, status => 404, body => "x\n", more => \%text },
    qr/no header X-Content-Type-Options/, 'a header');

%text = (%text, 'x-content-type-options' => 'nosniff');
judged({ @get, status => 404, body => "x\ny\n", more => \%text },
    qr/does not match/, 'two lines');
judged({ @get, status => 404, body => "\xff\n", more => \%text },
    qr/no UTF-8/, 'a text that is no UTF-8');
judged({ of => [PUT => '/system/functions'], status => 202, body => 'x' },
    qr/there is a body/, 'a body where there is none');
judged({ of => [GET => '/system/logs?name=x'], body => encode_json({
    map { $_ => 'x' } qw(name namespace instance timestamp text) })
    . "\n", more => { 'content-type' => 'application/x-ndjson' } },
    qr/no time/, 'a line of a log');
judged({ of => [GET => '/system/none'] }, qr/no operation/, 'a path');

is(eval { Faas::Schema::problems({ minimal => 1 }, 1, {}); 1 }, undef,
    'an unknown keyword is none that is passed over');

done_testing();
