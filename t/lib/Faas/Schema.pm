# SPDX-License-Identifier: BSD-2-Clause
#
# JSON Schema (2020-12), as much of it as docs/openapi.yaml uses.  It dies on a
# keyword that it does not know, so that none is passed over.

package Faas::Schema;

use strict;
use warnings;

use B;
use Exporter qw(import);
use JSON::PP;

our @EXPORT_OK = qw(keywords kind_of problems subschemas);

# each takes the keyword's value, the value, where it is, and the schema and
# the root of its references, and returns what is wrong
my %keyword = (
    '$ref'               => \&check_ref,
    type                 => \&check_type,
    const                => sub { check_enum([$_[0]], @_[1, 2]) },
    enum                 => \&check_enum,
    not                  => \&check_not,
    anyOf                => \&check_any,
    pattern              => \&check_pattern,
    format               => \&check_format,
    contentEncoding      => \&check_encoding,
    minLength            => \&check_min_length,
    maxLength            => \&check_max_length,
    minimum              => \&check_minimum,
    maximum              => \&check_maximum,
    items                => \&check_items,
    minItems             => \&check_min_items,
    maxItems             => \&check_max_items,
    uniqueItems          => \&check_unique,
    required             => \&check_required,
    properties           => \&check_properties,
    propertyNames        => \&check_names,
    additionalProperties => \&check_additional,
    minProperties        => \&check_min_properties,
    maxProperties        => \&check_max_properties,
    description          => sub { return },
);

my $json = JSON::PP->new->canonical->allow_nonref;


# The keywords that are known.
sub keywords { return keys %keyword; }


# What of a value, as JSON::PP decodes it, is not as the schema says: a list
# of texts that begin with where it is.  root is the document that references
# lead into.
sub problems {
    my ($schema, $value, $root, $where) = @_;

    $where //= 'it';

    # true and false are schemas as well
    if (kind_of($schema) eq 'boolean') {
        return $schema ? () : "$where is not allowed";
    }

    return map {
        my $check = $keyword{$_} // die "unknown keyword $_ at $where\n";

        $check->($schema->{$_}, $value, $where, $schema, $root);
    } sort keys %$schema;
}


# The schemas right within one: (NAME, SCHEMA)...
sub subschemas {
    my ($schema) = @_;

    my @found;

    for my $name (qw(not items propertyNames additionalProperties)) {
        push @found, [$name, $schema->{$name}]
            if ref $schema->{$name} eq 'HASH';
    }

    for my $i (0 .. $#{ $schema->{anyOf} // [] }) {
        push @found, ["anyOf/$i", $schema->{anyOf}[$i]];
    }

    for my $name (sort keys %{ $schema->{properties} // {} }) {
        push @found, ["properties/$name", $schema->{properties}{$name}];
    }

    return @found;
}


# null, boolean, object, array, integer, number or string.
sub kind_of {
    my ($value) = @_;

    return 'null' if !defined $value;
    return 'boolean' if JSON::PP::is_bool($value);
    return 'object' if ref $value eq 'HASH';
    return 'array' if ref $value eq 'ARRAY';
    die 'no JSON value: ' . ref($value) . "\n" if ref $value;

    my $flags = B::svref_2object(\$value)->FLAGS;

    return 'string' if $flags & B::SVf_POK
        || !($flags & (B::SVf_IOK | B::SVf_NOK));

    my $number = $value;

    return $number == int $number ? 'integer' : 'number';
}


sub is_number { return kind_of($_[0]) =~ /^(?:integer|number)$/; }

sub is_text { return kind_of($_[0]) eq 'string'; }


sub check_ref {
    my ($ref, $value, $where, $schema, $root) = @_;

    return problems(resolve($root, $ref), $value, $root, $where);
}


# What a reference leads to.
sub resolve {
    my ($root, $ref) = @_;

    my ($path) = $ref =~ m{^#/(.+)$} or die "no reference: $ref\n";
    my $found = $root;

    for my $name (split m{/}, $path) {
        $found = ref $found eq 'HASH' ? $found->{$name} : undef;
    }

    return $found // die "$ref leads nowhere\n";
}


sub check_type {
    my ($type, $value, $where) = @_;

    my @types = ref $type ? @$type : $type;
    my $kind = kind_of($value);

    for my $name (@types) {
        die "unknown type $name at $where\n" if $name !~
            /^(?:null|boolean|object|array|integer|number|string)$/;
    }

    return if grep { $_ eq $kind || ($_ eq 'number' && $kind eq 'integer') }
        @types;
    return "$where is of type $kind, not " . join ' or ', @types;
}


sub is_same {
    my ($one, $other) = @_;

    my ($kind, $other_kind) = (kind_of($one), kind_of($other));

    return $kind eq $other_kind && $json->encode($one) eq $json->encode($other);
}


sub check_enum {
    my ($values, $value, $where) = @_;

    return if grep { is_same($_, $value) } @$values;
    return "$where is " . $json->encode($value) . ', none of '
        . join ', ', map { $json->encode($_) } @$values;
}


sub check_not {
    my ($not, $value, $where, $schema, $root) = @_;

    return if problems($not, $value, $root, $where);
    return "$where is " . $json->encode($value) . ', which it may not be';
}


sub check_any {
    my ($any, $value, $where, $schema, $root) = @_;

    my @wrong;

    for my $one (@$any) {
        my @problems = problems($one, $value, $root, $where);

        return if !@problems;
        push @wrong, @problems;
    }

    return "$where is nothing of what it may be: " . join '; ', @wrong;
}


# ECMAScript's $ is the end, Perl's may be before a newline.
sub check_pattern {
    my ($pattern, $value, $where) = @_;

    return if !is_text($value);

    my $perl = $pattern =~ s/(?<!\\)\$/\\z/gr;

    return if $value =~ /$perl/;
    return "$where is " . $json->encode($value) . ", which $pattern does not "
        . 'match';
}


sub check_format {
    my ($format, $value, $where) = @_;

    die "unknown format $format at $where\n" if $format ne 'date-time';

    return if !is_text($value) || $value =~
        /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])
          T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?
          (?:Z|[-+](?:[01]\d|2[0-3]):[0-5]\d)\z/xa;
    return "$where is $value, no time";
}


sub check_encoding {
    my ($encoding, $value, $where) = @_;

    die "unknown encoding $encoding at $where\n" if $encoding ne 'base64';

    return if !is_text($value);

    my $text = $value =~ tr/\r\n//dr;

    return if $text =~ m{^(?:[A-Za-z0-9+/]{4})*
        (?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\z}x;
    return "$where is no base64";
}


sub check_min_length {
    my ($min, $value, $where) = @_;

    return if !is_text($value) || length $value >= $min;
    return "$where has " . length($value) . " characters, less than $min";
}


sub check_max_length {
    my ($max, $value, $where) = @_;

    return if !is_text($value) || length $value <= $max;
    return "$where has " . length($value) . " characters, more than $max";
}


sub check_minimum {
    my ($min, $value, $where) = @_;

    return if !is_number($value) || $value >= $min;
    return "$where is less than $min";
}


sub check_maximum {
    my ($max, $value, $where) = @_;

    return if !is_number($value) || $value <= $max;
    return "$where is more than $max";
}


sub check_items {
    my ($items, $value, $where, $schema, $root) = @_;

    return if kind_of($value) ne 'array';
    return map { problems($items, $value->[$_], $root, "$where\[$_]") }
        0 .. $#$value;
}


sub check_min_items {
    my ($min, $value, $where) = @_;

    return if kind_of($value) ne 'array' || @$value >= $min;
    return "$where has " . @$value . " items, less than $min";
}


sub check_max_items {
    my ($max, $value, $where) = @_;

    return if kind_of($value) ne 'array' || @$value <= $max;
    return "$where has " . @$value . " items, more than $max";
}


sub check_unique {
    my ($is_wanted, $value, $where) = @_;

    return if !$is_wanted || kind_of($value) ne 'array';

    my %seen;

    return map { "$where has $_ twice" }
        grep { $seen{$_}++ == 1 } map { $json->encode($_) } @$value;
}


sub check_required {
    my ($names, $value, $where) = @_;

    return if kind_of($value) ne 'object';
    return map { "$where has no $_" } grep { !exists $value->{$_} } @$names;
}


sub check_properties {
    my ($properties, $value, $where, $schema, $root) = @_;

    return if kind_of($value) ne 'object';
    return map { problems($properties->{$_}, $value->{$_}, $root, "$where.$_") }
        grep { exists $value->{$_} } sort keys %$properties;
}


sub check_names {
    my ($names, $value, $where, $schema, $root) = @_;

    return if kind_of($value) ne 'object';
    return map { problems($names, $_, $root, "a name in $where") }
        sort keys %$value;
}


sub check_additional {
    my ($additional, $value, $where, $schema, $root) = @_;

    return if kind_of($value) ne 'object';
    return map { problems($additional, $value->{$_}, $root, "$where.$_") }
        grep { !exists $schema->{properties}{$_} } sort keys %$value;
}


sub check_min_properties {
    my ($min, $value, $where) = @_;

    return if kind_of($value) ne 'object' || keys %$value >= $min;
    return "$where has " . keys(%$value) . " members, less than $min";
}


sub check_max_properties {
    my ($max, $value, $where) = @_;

    return if kind_of($value) ne 'object' || keys %$value <= $max;
    return "$where has " . keys(%$value) . " members, more than $max";
}


1;
