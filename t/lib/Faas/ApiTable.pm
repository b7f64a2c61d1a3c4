# SPDX-License-Identifier: BSD-2-Clause
#
# The table of docs/api.md: each status of each route, and which subtest of
# which test shows it.  What one provider alone answers has its name in front
# of when it does.

package Faas::ApiTable;

use strict;
use warnings;

use Faas::Proc qw(slurp);
use FindBin;


# api is a Faas::OpenAPI.
sub load {
    my ($class, $file, $api) = @_;

    my $self = bless { api => $api, rows => [], root => $file =~
        s{/docs/[^/]*$}{}r }, $class;

    for my $line (grep { /^\| `?(?:[A-Z]+ \/|all of)/ }
        split /\n/, slurp($file))
    {
        my (undef, $route, $status, $when, $test) = split /\s*\|\s*/, $line;
        my ($number, $name) = $test =~ /^(\d{3}) (.+)$/;

        push @{ $self->{rows} }, { route => $route =~ tr/`//dr,
            status => $status, when => $when, file => $number,
            subtest => $name };
    }

    return $self;
}


# Rows, { route, status, when, file, subtest }; but those of a provider.
sub rows {
    my ($self, $but) = @_;

    return grep { !defined $but || $_->{when} !~ /^$but: / }
        @{ $self->{rows} };
}


# The operations of a row.
sub operations_of {
    my ($self, $route) = @_;

    my $api = $self->{api};
    my @private = grep { $api->is_private($_) } $api->operations;

    my @scaler = grep { $_->{path} ne '/system/feed' } @private;

    return @private if $route eq 'all of /system/';
    return @scaler if $route eq 'all of /system/ but /system/feed';
    return grep { $_->{method} ne 'GET' } @scaler
        if $route eq 'all of /system/ that changes something';
    return grep { $_->{path} !~ m{/(?:alert|info)$|^/system/async} } @scaler
        if $route eq 'all of /system/ that need Docker';
    return grep { $_->{path} =~ m{^/system/async} } @private
        if $route eq 'all of /system/async';
    return grep { $_->{path} =~ m{^/async-function/} } $api->operations
        if $route eq 'all of /async-function/';
    return grep { $_->{path} =~ m{^/function/} } $api->operations
        if $route eq 'all of /function/';
    return grep { "$_->{method} $_->{path}" eq $route } $api->operations;
}


# { operationId => { status => 1 } } of rows() but those of a provider.
sub statuses {
    my ($self, $but) = @_;

    my %found;

    for my $row ($self->rows($but)) {
        $found{ $_->{operationId} }{ $row->{status} } = 1
            for $self->operations_of($row->{route});
    }

    return %found;
}


# Whether the subtest of a row has seen the operation answer so; of another
# test, whether it is there.
sub is_shown {
    my ($self, $row, $op) = @_;

    my ($path) = glob "$self->{root}/t/$row->{file}-*.t";

    return 0 if !defined $path
        || slurp($path) !~ /^(?:at|subtest)\(?\s*'\Q$row->{subtest}\E' =>/m;

    return 1 if $path !~ /\Q$FindBin::Script\E$/;

    return grep { $_ eq $row->{subtest} }
        $self->{api}->seen($op->{operationId}, $row->{status});
}


# The routes of the scaler's own table: "METHOD PATH".
sub routes {
    my ($file) = @_;

    my ($table) = slurp($file) =~ /^static\sconst\sstruct\sroute\s+routes\[\]
        (.*?)^};/mxs;
    my @routes;

    push @routes, "$1 $2" while $table =~ /EVHTTP_REQ_(\w+),\s+"([^"]+)"/g;

    return @routes;
}


# A body for an operation that nothing is wrong with, of names that nobody has.
sub body_of {
    my ($op) = @_;

    my %function = (service => 'nobody', image => 'wordcount');
    my %secret = (name => 'nobody', value => 'x');
    my %namespace = (name => 'nobody', labels => { openfaas => '1' });
    my %body = (
        deployFunction  => \%function,
        updateFunction  => \%function,
        deleteFunction  => { functionName => 'nobody' },
        scaleFunction   => { replicas => 1 },
        createSecret    => \%secret,
        updateSecret    => \%secret,
        deleteSecret    => \%secret,
        createNamespace => \%namespace,
        updateNamespace => \%namespace,
    );

    return $body{ $op->{operationId} };
}


1;
