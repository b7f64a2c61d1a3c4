# SPDX-License-Identifier: BSD-2-Clause
#
# What t/067-api-contract.t checks of browsers: the feed that one looks at, and
# that pages of other sites have it change nothing.

package Faas::BrowserContract;

use strict;
use warnings;

use Faas::Viewer;
use Test::More;
use Time::HiRes qw(time);

use constant TIMEOUT => 10;     # seconds


# test; check and path, references to is_described and path_of of the test.
sub new {
    my ($class, %self) = @_;

    return bless \%self, $class;
}


# A worker takes one viewer.
sub feed {
    my ($self) = @_;

    my $t = $self->{test};
    my @viewers = Faas::Viewer->new($t);
    my $res;

    $viewers[0]->event;
    $self->{check}->(GET => '/system/feed', { %{ $viewers[0]->res }, body =>
        'data: ' . $viewers[0]->last_text . "\n\n" }, 200, 'the feed');

    for (1 .. $t->nginx->workers) {
        push @viewers, Faas::Viewer->new($t);
        $res = $viewers[-1]->res;
        last if $res->{status} != 200;
    }

    if ($res->{status} != 200) {
        $viewers[-1]->client->body($res, GET => time + TIMEOUT);
    }

    $self->{check}->(GET => '/system/feed', $res, 503, 'a viewer too many');
    $_->client->close for @viewers;

    return;
}


# These operations, which change something.
sub cross_site {
    my ($self, @operations) = @_;

    for my $op (@operations) {
        my ($method, $path) = ($op->{method}, $self->{path}->($op));

        $self->{check}->($method, $path, $self->sent($method, $path, @$_), 403,
            "$method $path, @$_")
            for ['sec-fetch-site' => 'cross-site'], [origin => 'null'],
            [origin => 'http://evil.example'];
    }

    # a name that is none, so that nothing is made of it

    my @own = map { $self->sent(POST => '/system/namespace/No_Name', @$_) }
        ['sec-fetch-site' => 'same-origin', origin => 'http://evil.example'],
        [origin => 'http://' . $self->{test}->addr], [];

    is($_->{status}, 400, "one's own page is let through") for @own;

    is($self->sent(GET => '/system/functions', 'sec-fetch-site' =>
        'cross-site')->{status}, 200, 'so is what changes nothing');

    return;
}


sub sent {
    my ($self, $method, $path, %headers) = @_;

    my $t = $self->{test};

    return $t->request($method, $path, { host => $t->addr, authorization =>
        $t->authorization, %headers }, $method eq 'GET' ? undef : '{}');
}


1;
