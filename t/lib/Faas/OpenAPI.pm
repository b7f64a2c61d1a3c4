# SPDX-License-Identifier: BSD-2-Clause
#
# An OpenAPI description, docs/openapi.yaml, as a judge of answers: whether
# one has a listed status, the listed headers and type, and a body that is
# valid.  It also remembers what it has seen, and judges the description.

package Faas::OpenAPI;

use strict;
use warnings;

use Encode qw(decode FB_CROAK);
use Faas::Schema qw(keywords kind_of problems subschemas);
use JSON::PP;
use YAML::PP;

my @methods = qw(get head post put patch delete options);


# Reads a file; dies where it cannot.
sub load {
    my ($class, $file) = @_;

    my $root = YAML::PP->new(boolean => 'JSON::PP')->load_file($file);
    my $self = bless { root => $root, operations => [], seen => {} }, $class;

    for my $path (sort keys %{ $root->{paths} }) {
        my $item = $root->{paths}{$path};

        for my $method (grep { $item->{$_} } @methods) {
            push @{ $self->{operations} }, { method => uc $method,
                path => $path, %{ $item->{$method} },
                parameters => [map { $self->follow($_) }
                    @{ $item->{parameters} // [] },
                    @{ $item->{$method}{parameters} // [] }] };
        }
    }

    return $self;
}


# All operations: hashes with method and path beside what stands there.
sub operations { return @{ $_[0]{operations} }; }


# An operation's responses by status, without references.
sub responses {
    my ($self, $op) = @_;

    return %{ $op->{followed} //= { map {
        $_ => $self->follow($op->{responses}{$_})
    } keys %{ $op->{responses} } } };
}


# Whether clients need the password.
sub is_private {
    my ($self, $op) = @_;

    return @{ $op->{security} // $self->{root}{security} } > 0;
}


# The operation of a request, or undef.  Names in the path have to be such as
# their parameters may be; of a function the path may go on.
sub operation {
    my ($self, $method, $uri) = @_;

    my $path = $uri =~ s/\?.*//sr;

    for my $op (grep { $_->{method} eq $method } $self->operations) {
        return $op if $self->is_path($op, $path);
    }

    return;
}


# Whether any method has the path.
sub has_path {
    my ($self, $uri) = @_;

    my $path = $uri =~ s/\?.*//sr;

    return grep { $self->is_path($_, $path) } $self->operations;
}


sub is_path {
    my ($self, $op, $path) = @_;

    $op->{pattern} //= pattern_of($op->{path});

    my @names = $op->{path} =~ /\{(\w+)\}/g;
    my @values = $path =~ $op->{pattern} or return 0;

    for my $i (0 .. $#names) {
        my ($param) = grep { $_->{in} eq 'path' && $_->{name} eq $names[$i] }
            @{ $op->{parameters} };

        return 0 if problems($param->{schema}, $values[$i], $self->{root});
    }

    return 1;
}


sub pattern_of {
    my ($path) = @_;

    my $pattern = join '([^/]*)', map { quotemeta }
        split /\{\w+\}/, $path, -1;

    $pattern .= '(?:/.*)?' if $path =~ m{^/(?:async-)?function/};

    return qr/^$pattern\z/s;
}


# What is wrong with an answer, as Faas::HTTP has it: a list of texts, empty
# where it is as described.  Remembers operation, status and, as where, what
# the test was at.
sub check {
    my ($self, $method, $uri, $res, $where) = @_;

    return "no answer: $res->{error}" if $res->{status} == 0;

    my $op = $self->operation($method, $uri)
        // return "no operation is $method $uri";
    my ($status, $response) = $self->response_to($op, $res);

    return "$op->{operationId}: status $res->{status} is not listed: "
        . "$res->{body}" if !defined $status;

    $self->{seen}{$op->{operationId}}{$status}{ $where // '' } = 1;

    return map { "$op->{operationId}, $status: $_" }
        $self->header_problems($response, $res),
        $self->body_problems($response, $res, $method);
}


# A listed status is the gateway's only with the headers that it has to have;
# else the answer may be a function's.
sub response_to {
    my ($self, $op, $res) = @_;

    my %response = $self->responses($op);
    my $status = $res->{status};

    if (exists $response{default} && (!exists $response{$status}
        || $self->header_problems($response{$status}, $res)))
    {
        return (default => $response{default});
    }

    return exists $response{$status} ? ($status, $response{$status}) : ();
}


sub header_problems {
    my ($self, $response, $res) = @_;

    my @wrong;

    for my $name (sort keys %{ $response->{headers} // {} }) {
        my $header = $self->follow($response->{headers}{$name});
        my $value = $res->{headers}{ lc $name };

        if (defined $value) {
            push @wrong, problems($header->{schema}, $value, $self->{root},
                "header $name");
        } elsif ($header->{required}) {
            push @wrong, "there is no header $name";
        }
    }

    return @wrong;
}


sub body_problems {
    my ($self, $response, $res, $method) = @_;

    my $content = $response->{content};
    my $body = $res->{body};

    if ($method eq 'HEAD' || !defined $content) {
        return $body eq '' ? () : "there is a body: $body";
    }

    my $type = $res->{headers}{'content-type'} // '';
    my $media = $content->{$type} // $content->{'*/*'}
        // return "type \"$type\" is not listed";
    my $schema = $media->{schema} // return;

    return $self->value_problems($schema, $type, $body);
}


sub value_problems {
    my ($self, $schema, $type, $body) = @_;

    if ($type =~ m{^text/}) {
        my $text = eval { decode('UTF-8', my $bytes = $body, FB_CROAK) }
            // return "the text is no UTF-8: $body";

        return problems($schema, $text, $self->{root}, 'the text');
    }

    my @texts = $type eq 'application/x-ndjson' ? split(/(?<=\n)/, $body)
        : $body;
    my @wrong;

    for my $text (@texts) {
        push @wrong, $text =~ /\n\z/ ? () : "a line is cut: $text"
            if $type eq 'application/x-ndjson';

        my $value = eval { json()->decode($text) };

        push @wrong, $@ ? "no JSON: $text"
            : problems($schema, $value, $self->{root}, 'the body');
    }

    return @wrong;
}


sub json { return JSON::PP->new->utf8->allow_nonref; }


# What is wrong with the body of a request.
sub request_problems {
    my ($self, $method, $uri, $body) = @_;

    my $op = $self->operation($method, $uri)
        // return "no operation is $method $uri";
    my $schema = $self->body_schema($op) // return;

    my $value = eval { json()->decode($body // '') };

    return "no JSON: $body" if $@;
    return problems($schema, $value, $self->{root}, 'the request');
}


# The schema of an operation's JSON body, without a reference; or undef.
sub body_schema {
    my ($self, $op) = @_;

    my $request = $self->follow($op->{requestBody} // return);
    my $media = $request->{content}{'application/json'} // return;

    return $self->follow($media->{schema});
}


# A part of the description, by its reference if it is one.
sub follow {
    my ($self, $part) = @_;

    while (ref $part eq 'HASH' && exists $part->{'$ref'}) {
        my %beside = %$part;

        delete $beside{'$ref'};
        $part = { %{ Faas::Schema::resolve($self->{root}, $part->{'$ref'}) },
            %beside };
    }

    return $part;
}


# Where a status of an operation has been seen.
sub seen {
    my ($self, $id, $status) = @_;

    return sort keys %{ $self->{seen}{$id}{$status} // {} };
}


# What is wrong with the description itself.
sub faults {
    my ($self) = @_;

    my %used;

    return ((map { "$_ is there twice" } grep { $used{$_}++ == 1 }
            map { $_->{operationId} // 'no operationId' } $self->operations),
        (map { $self->operation_faults($_) } $self->operations),
        $self->reference_faults, $self->schema_faults);
}


sub operation_faults {
    my ($self, $op) = @_;

    my $id = $op->{operationId} // "$op->{method} $op->{path}";
    my %response = $self->responses($op);
    my @wrong;

    push @wrong, 'no operationId' if !defined $op->{operationId};
    push @wrong, 'no summary' if !defined $op->{summary};
    push @wrong, 'no 401' if $self->is_private($op) && !$response{401};
    push @wrong, '401' if !$self->is_private($op) && $response{401};

    for my $status (sort keys %response) {
        push @wrong, "status $status" if $status !~ /^(?:[2-5]\d\d|default)$/;
        push @wrong, "$status has no description"
            if ($response{$status}{description} // '') !~ /\S/;
    }

    my %in_path = map { $_ => 1 } $op->{path} =~ /\{(\w+)\}/g;

    for my $param (@{ $op->{parameters} }) {
        push @wrong, "parameter $param->{name} has no schema"
            if !$param->{schema};
        push @wrong, "parameter $param->{name} is not in the path"
            if $param->{in} eq 'path' && (!$param->{required}
                || !delete $in_path{ $param->{name} });
    }

    return map { "$id: $_" } @wrong,
        map { "{$_} is no parameter" } sort keys %in_path;
}


# References that lead nowhere, and components that nobody refers to.
sub reference_faults {
    my ($self) = @_;

    my %used;
    my @wrong;
    my @todo = $self->{root};

    while (defined(my $part = shift @todo)) {
        if (ref $part eq 'ARRAY') {
            push @todo, grep { ref } @$part;
            next;
        }

        next if ref $part ne 'HASH';
        push @todo, grep { ref } values %$part;

        my $ref = $part->{'$ref'} // next;

        next if ref $ref || $used{$ref}++;
        push @wrong, $@ =~ s/\n//r
            if !eval { Faas::Schema::resolve($self->{root}, $ref) };
    }

    my $components = $self->{root}{components};

    for my $kind (sort grep { $_ ne 'securitySchemes' } keys %$components) {
        push @wrong, map { "#/components/$kind/$_ is not used" }
            grep { !$used{"#/components/$kind/$_"} }
            sort keys %{ $components->{$kind} };
    }

    return @wrong;
}


# Keywords that are not known, and objects of answers that may have members
# that are not described.
sub schema_faults {
    my ($self) = @_;

    my %known = map { $_ => 1 } keywords();
    my @wrong;
    my @todo;

    for my $op ($self->operations) {
        my %response = $self->responses($op);

        my $request = $self->body_schema($op);

        for my $status (sort keys %response) {
            push @todo, map { [1, "$op->{operationId} $status", $_] }
                grep { defined } map { $_->{schema} }
                values %{ $response{$status}{content} // {} };
        }

        push @todo, [0, $op->{operationId}, $request] if $request;
    }

    my %seen;

    while (my $item = shift @todo) {
        my ($is_answer, $name, $schema) = @$item;

        next if $seen{"$is_answer $schema"}++;

        push @wrong, map { "$name: unknown keyword $_" }
            grep { !$known{$_} } sort keys %$schema;
        push @wrong, "$name: members are not bounded"
            if $is_answer && ($schema->{type} // '') eq 'object'
                && !exists $schema->{additionalProperties};
        push @todo, [$is_answer, $schema->{'$ref'},
            Faas::Schema::resolve($self->{root}, $schema->{'$ref'})]
            if exists $schema->{'$ref'};
        push @todo, map { [$is_answer, "$name/$_->[0]", $_->[1]] }
            grep { $_->[0] ne 'propertyNames' } subschemas($schema);
    }

    return @wrong;
}


1;
