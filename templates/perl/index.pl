#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Calls the handler once, with the request's body (bytes) and the request.  What
# it prints is sent at once, what it returns after that.  Where it dies the
# message is in the log, and the answer 500.

use strict;
use warnings;

use FindBin;
use IO::Handle;
use lib "$FindBin::Bin/function", "$FindBin::Bin/function/lib";

use Handler;


# The headers by their names, X-Name: as the watchdog has them, a variable each.
sub headers {
    my %headers;

    for my $name (grep { /^Http_/ } keys %ENV) {
        next if $name =~ /^Http_(?:Method|Path|Query)$/;
        $headers{ substr($name, 5) =~ tr/_/-/r } = $ENV{$name};
    }

    return \%headers;
}


binmode STDIN;
binmode STDOUT;
STDOUT->autoflush(1);

my $body = do { local $/; <STDIN> } // '';
my $result = Handler::handle($body, {
    method  => $ENV{Http_Method},
    path    => $ENV{Http_Path} // '/',
    query   => $ENV{Http_Query} // '',
    headers => headers(),
});

if (defined $result) {
    # text that is no bytes is sent as UTF-8
    utf8::encode($result) if utf8::is_utf8($result);
    print $result or die "cannot write the answer: $!\n";
}

close STDOUT or die "cannot write the answer: $!\n";
