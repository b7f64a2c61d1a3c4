# SPDX-License-Identifier: BSD-2-Clause
#
# What t/950-templates.t asks of each template.

package Handler;

use strict;
use warnings;


sub handle {
    my ($body, $request) = @_;

    die "deliberate\n" if $request->{path} eq '/fail';

    return $body if $request->{path} ne '/request';

    return "$request->{method} $request->{path} $request->{query} "
        . $request->{headers}{'X-Test'};
}


1;
