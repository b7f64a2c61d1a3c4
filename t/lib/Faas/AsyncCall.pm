# SPDX-License-Identifier: BSD-2-Clause
#
# Asynchronous calls as they are in Redis, see lib/faas_async.h.

package Faas::AsyncCall;

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT_OK = qw(call_of queued request_of);


# The fields of a call's hash; with f (KEY), t (accepted), m (method),
# u (callback), p (path), h (headers), b (body) of its request, where that is
# there.
sub call_of {
    my ($t, $id) = @_;

    my $text = $t->redis(GET => "faas:async:request:$id");
    my %call = @{ $t->redis(HGETALL => "faas:async:call:$id") };

    return \%call if !defined $text;

    my ($line, $rest) = split /\n/, $text, 2;
    my ($path, $headers);

    (@call{qw(f t m u)}, $path, $headers) = split / /, $line, -1;
    @call{qw(p h b)} = unpack "a$path a$headers a*", $rest;

    return \%call;
}


# The ids in the queue of a function of the default namespace.
sub queued {
    my ($t, $name) = @_;

    return map { $_->[1][1] } @{ $t->redis('XRANGE',
        "faas:async:q:$name.openfaas-fn", '-', '+') };
}


# The text of a request of the same fields.
sub request_of {
    my (%call) = @_;

    return join(' ', @call{qw(f t m u)}, length $call{p}, length $call{h})
        . "\n" . join '', @call{qw(p h b)};
}


1;
