# The request has method, path, query and headers, each header by its name:
# $request->{headers}{'X-Name'}.

package Handler;

use strict;
use warnings;


sub handle {
    my ($body, $request) = @_;

    return "Hello! You said: $body\n";
}


1;
