# SPDX-License-Identifier: BSD-2-Clause
#
# A scaler's admin API as a test uses it, on the scaler's own address: that of
# the scaler that was started last, or of api_at().

package Faas::Api;

use strict;
use warnings;

use Exporter qw(import);
use Faas::HTTP qw(http json_of);
use Faas::Proc qw(wait_for);
use JSON::PP;

our @EXPORT = qw(api_at call remove status wait_ready);

use constant WAIT => 30;    # seconds, until replicas answer

my $addr;


sub api_at {
    ($addr) = @_;

    return;
}


# A request; data is a body, or what is sent as JSON.
sub call {
    my ($method, $path, $data) = @_;

    return http($method, $addr, $path, {},
        ref $data ? encode_json($data) : $data);
}


# Deletes a function, returns the status of the answer; %more is sent as well.
sub remove {
    my ($name, %more) = @_;

    return call(DELETE => '/system/functions', { functionName => $name,
        %more })->{status};
}


# What the scaler says of a function; {} where there is none.
sub status {
    my ($name) = @_;

    return json_of(call(GET => "/system/function/$name")) // {};
}


# Waits until just as many replicas (1) are available.
sub wait_ready {
    my ($name, $n) = @_;

    wait_for(sub {
        (status($name)->{availableReplicas} // -1) == ($n // 1);
    }, WAIT, "replicas of $name");

    return;
}


1;
