#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# At least once, in fact: queue workers, the gateway, the scaler and Redis are
# killed at random moments under load.  If this fails, a call that was answered
# 202 is lost.
#
# Environment: FAAS_SOAK (seconds of kills; 30), FAAS_RATE (calls a second;
# 200), FAAS_SEED (of chance; printed).

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::AsyncKills;
use Faas::Test;
use Test::More;


my $seconds = $ENV{FAAS_SOAK} // 30;
my $seed = $ENV{FAAS_SEED} // int(rand 1e6);

alarm($seconds + 600);

my $t = Faas::Test->new(need => [qw(nginx redis-server module queue scaler
    watchdog samples)]);

diag("FAAS_SEED=$seed");

# what nginx says of its own death, and of Redis'
$t->allow_log(qr/exited on signal 9/);

my $res = Faas::AsyncKills->run($t, seconds => $seconds, seed => $seed,
    rate => $ENV{FAAS_RATE} // ($t->is_sanitized ? 50 : 200));

note(join ', ', map { "$_ killed $res->{kills}{$_} times" }
    sort keys %{ $res->{kills} });

cmp_ok($res->{accepted}, '>', 10 * $seconds, 'calls were accepted');
is(scalar @{ $res->{lost} }, 0, 'none is lost')
    or diag(join ' ', 'seed', $seed, @{ $res->{lost} });

diag("$res->{accepted} accepted, $res->{refused} not, $res->{dead} dead, "
    . "$res->{duplicates} run more than once");
print "# figure async_lost ", scalar @{ $res->{lost} }, "\n";

$t->finish;
