# SPDX-License-Identifier: BSD-2-Clause
#
# A text in, its QR code out, a PNG.  It is made by the program qrencode.

package Handler;

use strict;
use warnings;

use IPC::Open2;

use constant TEXT_MAX => 2953;          # bytes, of the largest code


sub handle {
    my ($body) = @_;

    die "there is no text\n" if $body eq '';
    die 'the text has more than ' . TEXT_MAX . " bytes\n"
        if length $body > TEXT_MAX;

    my $pid = open2(my $out, my $in, 'qrencode', '-8', '-t', 'PNG', '-o', '-');

    binmode $_ for $in, $out;
    print {$in} $body;
    close $in;

    my $code = do { local $/; <$out> };

    waitpid $pid, 0;
    die "qrencode has failed\n" if $?;

    return $code;
}


1;
