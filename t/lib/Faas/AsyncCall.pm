# SPDX-License-Identifier: BSD-2-Clause
#
# An asynchronous call as it is in Redis, see lib/faas_async.h.

package Faas::AsyncCall;

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT_OK = qw(call_of request_of);


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


# The text of a request of the same fields.
sub request_of {
    my (%call) = @_;

    return join(' ', @call{qw(f t m u)}, length $call{p}, length $call{h})
        . "\n" . join '', @call{qw(p h b)};
}


1;
