#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Functions that answer while they still read.  If this fails, a call of "cat",
# "tr" or "gzip" with a body of more than a few hundred KiB stands still, for
# nobody reads it any more.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Test;
use Test::More;


my $t = Faas::Test->new(need => [qw(nginx redis-server module scaler watchdog
    samples curl)]);

$t->start_stack(nginx => { vars => { WORKERS => 2 } });
$t->deploy('env', service => 'cat', envProcess => 'cat');
$t->deploy('env', service => 'head', envProcess => 'head -c 1000');

my $file = $t->dir . '/body';
my $answer = $t->dir . '/answer';
my $body = join '', map { pack 'N', $_ } 1 .. 2_000_000;

$t->spew($file, $body);

# with a length, and chunked
sub send_body {
    my ($function, @args) = @_;

    return $t->run('curl', '-sS', '-m', '120', '-o', $answer, '-w',
        '%{http_code}', @args, 'http://' . $t->addr . "/function/$function")
        ->{output};
}

for my $case (['with a length', '--data-binary', "\@$file"],
    ['chunked', '-X', 'POST', '-H', 'Transfer-Encoding: chunked', '-T', $file],
    ['expected', '-H', 'Expect: 100-continue', '--data-binary', "\@$file"])
{
    my ($name, @args) = @$case;

    is(send_body('cat', @args), 200, "$name: answered");
    ok(slurp($answer) eq $body, "$name: byte for byte");
}

# who has read enough

for my $round (1 .. 5) {
    is(send_body('head', '--data-binary', "\@$file"), 200, "a part, $round");
    is(length slurp($answer), 1000, 'is enough');
}

is($t->get('/function/cat')->{status}, 200, 'connections are good');

$t->finish;
