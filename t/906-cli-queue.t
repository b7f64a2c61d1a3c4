#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# If this fails, an operator cannot see which asynchronous calls were given up,
# or try them again.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Cli;
use Faas::Test;
use JSON::PP;
use Test::More;


my $t = Faas::Test->new(need => [qw(module nginx redis-server scaler watchdog
    samples faas ./faas-queue)]);

$t->start_stack;
$t->start_queue(args => ['--retry-attempts', '1']);

my $cli = Faas::Cli->new($t);

$cli->login;
$t->deploy('fail');
$t->deploy('env');


# Calls a function that fails; waits until so many calls are given up.
sub given_up {
    my ($n, @calls) = @_;

    for my $body (@calls) {
        $cli->must({ in => $body }, 'invoke', 'fail', '--async', '-H',
            'X-Mine: yes');
    }

    return wait_for(sub {
        my $list = decode_json($cli->must('queue', 'list', '-j'));
        return @$list == $n ? $list : undef;
    }, 60, "$n calls given up");
}


my $list = given_up(3, qw(one two three));
my ($id, $second) = map { $_->{id} } @$list;

like($cli->must('queue', 'list'), qr/^\Q$id\E\t+fail\S*\s+\t\d+\s+\t500\s+\t
    \d{4}-\d\d-\d\dT[\d:]+Z\s/mx, 'a list of those that were given up');
is(scalar @{ decode_json($cli->must('queue', 'ls', '--limit', '2', '-j')) },
    2, 'so many of them');
is($cli->must('queue', 'list', '--function', 'env', '-j'), "[]\n",
    'those of a function');

my $text = $cli->must('queue', 'show', $id);

like($text, qr/^Function: +fail/m, 'one of them');
like($text, qr/^Accepted: +\d{4}-\d\d-\d\dT/m, 'when it came');
like($text, qr/^Method: +POST$/m, 'its method');
like($text, qr/^Header: +X-Mine: yes$/mi, 'its headers');
like($text, qr/^(?:one|two|three)$/m, 'its body');

$cli->must('queue', 'purge', $id);
is(scalar @{ given_up(2) }, 2, 'one is removed');
is($cli->run('queue', 'show', $id)->{status}, 1, 'and gone');

like($cli->must('queue', 'retry', $second), qr/^\Q$second\E is queued again/,
    'one is tried again');
given_up(2);
is($cli->must('queue', 'retry', '--function', 'fail'),
    "2 calls queued again.\n", 'those of a function');
given_up(2);
is($cli->must('queue', 'purge', '--all'), "2 calls removed.\n", 'all');
given_up(0);
is($cli->run('queue', 'purge')->{status}, 1, 'which ones has to be said');

$t->finish;
