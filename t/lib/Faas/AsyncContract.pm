# SPDX-License-Identifier: BSD-2-Clause
#
# Each answer that there is about asynchronous calls, for t/067-api-contract.t.

package Faas::AsyncContract;

use strict;
use warnings;

use Faas::Proc qw(wait_for);


# The function "fn" is there, and nobody delivers calls.  test; and what the
# test has: call (status, method, path), check (method, path, answer, status,
# name), path (operation), send (address, operation, headers).
sub new {
    my ($class, %self) = @_;

    return bless \%self, $class;
}


sub answers {
    my ($self) = @_;

    my $t = $self->{test};
    my $call = $self->{call};
    my @id = map { $self->later(202, {}, 'fn/path?q', 'x') } 1 .. 3;

    $self->later(400, { 'x-delay' => 'x' }, 'fn', 'x');
    $self->later(404, {}, 'nobody', 'x');
    $self->later(413, {}, 'fn', 'x' x (2 ** 20 + 1));
    $call->(200, $_, "/async-function/$id[0]") for qw(GET HEAD);
    $call->(404, $_, '/async-function/nobody') for qw(GET HEAD DELETE);
    $call->(202, DELETE => "/async-function/$id[2]");
    $t->redis('HSET', "faas:async:call:$id[2]", s => 'running');
    $call->(409, DELETE => "/async-function/$id[2]");
    $call->(409, DELETE => "/system/async/calls/$id[2]");
    $call->(200, GET => '/system/async');

    $self->dead($id[0]);

    return;
}


sub later {
    my ($self, $status, $headers, $name, $body) = @_;

    my $path = "/async-function/$name";
    my $res = $self->{test}->request(POST => $path, $headers, $body);

    $self->{check}->(POST => $path, $res, $status, "POST $path");

    return $res->{headers}{'x-call-id'};
}


sub dead {
    my ($self, $id) = @_;

    my $call = $self->{call};
    my $dead = '/system/async/dead';
    my $path = "/system/async/calls/$id";

    $self->give_up($id);
    $call->(200, GET => "$dead?limit=1&function=fn");
    $call->(400, GET => "$dead?limit=0");
    $call->(200, GET => $path);
    $call->(202, POST => "$path/retry");
    $call->(409, POST => "$path/retry");

    $self->give_up($id);
    $call->(202, POST => "$dead/retry?function=fn");
    $call->(400, POST => "$dead/retry?function=%2F");

    $self->give_up($id);
    $call->(202, DELETE => $path);
    $call->(404, GET => $path);
    $call->(404, DELETE => $path);
    $call->(404, POST => "$path/retry");
    $call->(200, DELETE => $dead);
    $call->(400, DELETE => "$dead?function=%2F");

    return;
}


# As a worker does it.
sub give_up {
    my ($self, $id) = @_;

    my $t = $self->{test};
    my $entry = $t->redis('XADD', 'faas:async:dead', '*', 'c', $id, 'f',
        'fn.openfaas-fn');

    $t->redis('HSET', "faas:async:call:$id", s => 'dead', y => $entry);

    return;
}


# These operations, while Redis stands still.
sub without_redis {
    my ($self, @operations) = @_;

    my $t = $self->{test};

    $t->redis_proc->signal('STOP');

    my @sent = map { [$_, $self->{send}->($t->addr, $_, authorization =>
        $t->authorization)] } @operations;

    $self->{check}->($_->[0]{method}, $self->{path}->($_->[0]),
        $_->[1]->response($_->[0]{method}), 503, $_->[0]{operationId})
        for @sent;

    $t->redis_proc->signal('CONT');
    wait_for(sub { $t->admin(GET => '/system/async')->{status} == 200 }, 30,
        'Redis');

    return;
}


1;
