# SPDX-License-Identifier: BSD-2-Clause
#
# What a test does through the admin API: Faas::Test has these as its own
# methods.

package Faas::Admin;

use strict;
use warnings;

use Digest::SHA qw(sha1);
use Faas::HTTP qw(http json_of);
use Faas::Proc qw(slurp wait_for);
use JSON::PP;
use MIME::Base64 qw(encode_base64);

use constant {
    USER     => 'admin',
    PASSWORD => 'test-password',
};


# A request to the admin API through nginx, with the password; data is sent
# as JSON.
sub admin {
    my ($self, $method, $path, $data) = @_;

    my %headers = (authorization => $self->authorization);

    if (defined $data) {
        $headers{'content-type'} = 'application/json';
        $data = encode_json($data);
    }

    return $self->request($method, $path, \%headers, $data);
}


# The same to the scaler itself, as the gateway asks it; a text is sent as it
# is.
sub scaler_api {
    my ($self, $method, $path, $data) = @_;

    return http($method, $self->scaler_addr, $path, {},
        ref $data ? encode_json($data) : $data);
}


sub authorization {
    return 'Basic ' . encode_base64(USER . ':' . PASSWORD, '');
}


# Deploys a sample by its function.json, with changes over it, and waits until
# its replicas are up and nginx has its route.
sub deploy {
    my ($self, $sample, %change) = @_;

    my $file = $self->build . "/samples/$sample/function.json";
    my $spec = decode_json(slurp($file) // die "cannot read $file: $!\n");

    $spec = { %$spec, %change };

    my $res = $self->admin(POST => '/system/functions', $spec);

    die "deploy of $spec->{service}: $res->{status} $res->{body}\n"
        if $res->{status} !~ /^20[0-2]$/;

    $self->wait_available($spec->{service});

    return $spec;
}


sub wait_available {
    my ($self, $name, $replicas) = @_;

    wait_for(sub {
        my $res = $self->admin(GET => "/system/function/$name");
        my $status = json_of($res) // {};

        return $res->{status} == 200
            && ($status->{availableReplicas} // 0) >= ($replicas // 1);
    }, 30, "available replicas of $name");

    wait_for(sub {
        return $self->get("/function/$name/")->{status} !~ /^(?:404|503)$/;
    }, 30, "route of $name");

    return;
}


# The file that nginx checks the password by.
sub htpasswd {
    my ($self) = @_;

    my $hash = encode_base64(sha1(PASSWORD . 'salt') . 'salt', '');

    return $self->spew("$self->{dir}/htpasswd", USER . ":{SSHA}$hash\n");
}


1;
