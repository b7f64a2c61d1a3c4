#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The first minute of a user: "faas new" for each template, "faas up", a call.
# If this fails, what a template greets its user with does not work.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Cli;
use Faas::Template;
use Faas::Test;
use Test::More;

# what each sample answers to the body "world"
my %answer = (
    'bash'              => "Hello! You said: world\n",
    'c'                 => 'Hello! You said: world',
    'dockerfile'        => 'world',
    'go'                => 'Hello, Go. You said: world',
    'golang-middleware' => 'Body: world',
    'java'              => 'Hello, world!',
    'node'              => '{"body":"\"world\"","content-type":"text/plain"}',
    'perl'              => "Hello! You said: world\n",
    'php'               => 'world',
    'python3'           => "world\n",
    'python3-http'      => 'Hello from ngx_faas!',
    'ruby'              => "Hello! You said: world\n",
    'ruby-http'         => 'Hello! You said: world',
    'rust'              => 'Hello! You said: world',
);

my $t = Faas::Test->new(need => [qw(nginx redis-server module scaler watchdog
    ./faas bash cc go java javac node perl php python3 ruby rustc)]);

my @there = map { s{.*/}{}r } glob $t->root . '/templates/*';

is("@there", join(' ', sort keys %answer), 'each template is tested here');

$t->start_stack(scaler => { functions => Faas::Template::functions($t) });

my $cli = Faas::Cli->new($t);

$cli->login;

for my $lang (sort keys %answer) {
    my $stack = $cli->dir . '/stack.yaml';
    my $res = Faas::Template::faas($t, $cli, ['new', "my-$lang", '--lang',
        $lang,
        -e $stack ? ('--append', $stack) : ()]);

    is($res->{status}, 0, "$lang: faas new") or diag($res->{err});
}

my $up = Faas::Template::faas($t, $cli, ['up', '--parallel', 2,
    '--gateway', $cli->gateway]);

is($up->{status}, 0, 'faas up') or diag($up->{out}, $up->{err});

for my $lang (sort keys %answer) {
    $t->wait_available("my-$lang");

    is($t->post("/function/my-$lang", 'world',
        { 'content-type' => 'text/plain' })->{body}, $answer{$lang},
        "$lang: its sample answers");
}

$t->finish;
