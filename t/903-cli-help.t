#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# If this fails, a command or a flag is missing in the help, the man page, the
# completion of a shell, or docs/cli.md: all are to say what is accepted.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Cli;
use Faas::Test;
use Test::More;


my $t = Faas::Test->new(need => [qw(faas bash)]);
my $cli = Faas::Cli->new($t, gateway => 'http://127.0.0.1:1');
my $doc = slurp($t->root . '/docs/cli.md');
my @commands = commands('');


# All that have something to do, as "secret create".
sub commands {
    my ($parent) = @_;

    my @words = split / /, $parent;
    my $help = $cli->must('help', @words);
    my ($list) = $help =~ /^commands\n\n((?:  .*\n)+)/m or return $parent;

    return map { commands($parent eq '' ? $_ : "$parent $_") }
        $list =~ /^  (\S+)/mg;
}


sub flags {
    my ($command) = @_;

    return split /\n/, $cli->must('__complete', split(/ /, $command), '--');
}


subtest 'help' => sub {
    cmp_ok(scalar @commands, '>', 40, 'there are commands');

    for my $command (@commands) {
        my $help = $cli->must(split(/ /, $command), '--help');

        like($help, qr/^faas \Q$command\E - \S/, "$command has a help");
        like($help, qr/^ .*\Q$_\E\b/m, "$command: $_") for flags($command);
        is((grep { length > 80 } split /\n/, $help), 0,
            "$command: lines are short");
    }

    is($cli->run('help', 'nope')->{status}, 1, 'an unknown command');
};

subtest 'man page' => sub {
    my $page = slurp($t->build . '/faas.1') // $cli->must('__man');

    for my $command (@commands) {
        like($page, qr/^\.SS "faas \Q$command\E[ "]/m, "$command is in it");
    }

    for my $flag (map { flags($_) } @commands) {
        my $escaped = $flag =~ s/-/\\-/gr;
        like($page, qr/\Q$escaped\E/, "$flag is in it");
    }

    SKIP: {
        my $man = $t->run('sh', '-c', 'command -v man');
        skip('there is no man', 1) if $man->{status};
        my $res = $t->run('man', '--warnings', '-E', 'UTF-8', '-l',
            $t->build . '/faas.1');
        unlike($res->{output}, qr/^.*warning:/m, 'troff has no complaint');
    }
};

subtest 'docs/cli.md' => sub {
    for my $command (@commands) {
        my ($first, @rest) = split / /, $command;

        like($doc, qr/^\|[^|]*`\Q$first\E\b/m, "$command is in it");
        like($doc, qr/\b\Q$_\E\b/, "$command: $_") for @rest;
    }

    my %seen;

    for my $flag (grep { !$seen{$_}++ } map { flags($_) } @commands) {
        like($doc, qr/`\Q$flag\E\b/, "$flag is in it");
    }
};

subtest 'completion' => sub {
    is($cli->must('__complete', 'des'), "describe\n", 'a command');
    is($cli->must('__complete', 'secret', 'cr'), "create\n",
        'a command below another');
    is($cli->must('__complete', 'secret', 'rm', '--tls'),
        "--tls-no-verify\n", 'a flag');
    is($cli->must('__complete', 'list', '--sort', 'i'), "invocations\n",
        'a choice');
    is($cli->must('__complete', 'list', '--sort=c'), "creation\n",
        'a choice behind a sign');
    is($cli->must('__complete', 'deploy', '-f', ''), ":file\n", 'a file');
    is($cli->must('__complete', 'new', 'x', '--handler', ''), ":dir\n",
        'a folder');
    is($cli->must('__complete', 'logs', ''), '',
        'nothing where no gateway answers');
    $cli->template('up');
    is($cli->must({ env => { FAAS_TEMPLATES => '/nope' } }, '__complete',
        'new', 'x', '--lang', ''), "up\n", 'a template');

    is($cli->run('completion', 'csh')->{status}, 1, 'another shell');
    like($cli->must('completion', '--shell', 'zsh'), qr/^#compdef faas$/m,
        'the flag of faas-cli');
};

$t->finish;
