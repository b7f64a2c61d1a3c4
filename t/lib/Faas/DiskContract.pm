# SPDX-License-Identifier: BSD-2-Clause
#
# What t/067-api-contract.t checks of changes that cannot be kept: a folder is
# where a file of the state folder has to be, or the disk is full; of the Swarm,
# Docker has an error.

package Faas::DiskContract;

use strict;
use warnings;

use Test::More;


# test; refused, a reference to that function of the test.
sub new {
    my ($class, %opt) = @_;

    return bless { %opt, state => $opt{test}->dir . '/state',
        provider => $opt{test}->provider }, $class;
}


# A request that makes or changes what is in a folder of the state.
sub unwritable {
    my ($self, $folder, @request) = @_;

    return $self->fails_in_docker(@request) if $self->{provider}->is_swarm;

    my $new = "$self->{state}/$folder/.new";

    mkdir $new or die "$new: $!\n";
    $self->{refused}->(500, @request, 'cannot write');
    rmdir $new or die "$new: $!\n";

    return if $request[1] eq '/system/alert';

    symlink '/dev/full', $new or die "$new: $!\n";
    $self->{refused}->(507, @request, 'No space left');
    ok(!-l $new, 'nothing is left');

    return;
}


# A request that removes a file of the state.
sub undeletable {
    my ($self, $file, @request) = @_;

    return $self->fails_in_docker(@request) if $self->{provider}->is_swarm;

    my $path = "$self->{state}/$file";

    rename $path, "$path.away" or die "$path: $!\n";
    mkdir $path or die "$path: $!\n";
    $self->{refused}->(500, @request, 'cannot remove');
    rmdir $path or die "$path: $!\n";
    rename "$path.away", $path or die "$path: $!\n";

    return;
}


sub fails_in_docker {
    my ($self, @request) = @_;

    return $self->{provider}->while_failing('no space left', sub {
        $self->{refused}->(500, @request, 'Docker: no space left') });
}


1;
