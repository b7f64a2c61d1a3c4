#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Each shell is at a terminal and has its keys pressed.  If this fails, a user
# who presses TAB gets nothing, or something that no command takes.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Cli;
use Faas::Test;
use Test::More;


my $t = Faas::Test->new(need => [qw(faas bash zsh fish)]);
my $cli = Faas::Cli->new($t, gateway => 'http://127.0.0.1:9');

# What a shell reads first: with Ctrl-T it writes its line to a file.
my %setup = (
    bash => <<'END',
show() { printf '%s\n' "$READLINE_LINE" > new; mv new line; }
bind -x '"\C-t": show'
. ./script
END
    zsh => <<'END',
autoload -Uz compinit; compinit -u -D
show() { print -r -- "$BUFFER" > new; mv new line }
zle -N show; bindkey -e; bindkey '^T' show
. ./script
END
    fish => <<'END',
function show; commandline > new; mv new line; end
function fish_prompt; end
bind \ct show
source script
END
);

my %start = (bash => 'bash --norc --noprofile -i', zsh => 'zsh -f -i',
    fish => 'fish --no-config -i');

# what is typed before TAB, and what the line is then
my @cases = (
    ['a command', 'faas desc', 'faas describe'],
    ['one below another', 'faas secret cr', 'faas secret create'],
    ['a flag', 'faas secret rm --tls', 'faas secret rm --tls-no-verify'],
    ['a choice', 'faas list --sort i', 'faas list --sort invocations'],
    ['one behind a sign', 'faas list --sort=c', 'faas list --sort=creation'],
    ['a file', 'faas deploy -f oth', 'faas deploy -f other.yml'],
    ['one with a blank', 'faas deploy -f one', 'faas deploy -f one\ two.yml'],
    ['one behind a sign', 'faas deploy --yaml=oth',
        'faas deploy --yaml=other.yml'],
    ['after one with a blank', 'faas -f one\ two.yml desc',
        'faas -f one\ two.yml describe'],
    ['a folder', 'faas new x --handler o', 'faas new x --handler only/'],
    ['a template', 'faas new x --lang u', 'faas new x --lang up'],
    ['nothing that there is', 'faas nothing', 'faas nothing'],
);

# Presses the keys; each line goes to standard output.
my $driver = $t->spew($t->dir . '/driver', <<'END');
zmodload zsh/zpty zsh/zselect

# Until there is a line, or no more of it than so many times 50 ms.
await() {
    local i out

    for ((i = 0; i < $1; i++)); do
        # what nobody reads would stop the shell
        while zpty -r -t shell out; do :; done
        # there may be another one before this is read
        [[ -e line ]] && { mv line taken; line=$(< taken); return }
        zselect -t 5
    done

    return 1
}

zpty -b shell $1

# what is typed too early is lost, has another meaning, or counts later
for ((tries = 0; ; tries++)); do
    ((tries < 60)) || { print 'no prompt'; exit 1 }
    ((tries % 10)) || zpty -w -n shell $'\x15. ./setup\n'
    zpty -w -n shell $'\x15ready\x14'
    await 10 && [[ $line == ready ]] && break
done

zpty -w -n shell $'\x15go\x14'
until [[ $line == go ]]; do
    await 600 || { print 'not ready'; exit 1 }
done

for text in "$@[2,-1]"; do
    zpty -w -n shell $'\x15'"$text"$'\t\x14'
    await 600 || { print "nothing comes of: $text"; exit 1 }
    print -r -- $line
done
END

$cli->file($_, "x\n") for 'other.yml', 'one two.yml', 'only/x';
$cli->template('up');

for my $shell (sort keys %start) {
    $t->spew($cli->dir . '/script', $cli->must('completion', $shell));
    $t->spew($cli->dir . '/setup', $setup{$shell});
    unlink $cli->dir . '/line';

    my $res = $cli->run({ program => 'zsh', env => { TERM => 'xterm',
        PATH => $t->build . ":$ENV{PATH}", FAAS_TEMPLATES => '/nope',
        XDG_CONFIG_HOME => undef } }, '-f', $driver, $start{$shell},
        map { $_->[1] } @cases);

    is($res->{status}, 0, "$shell: keys are pressed")
        or diag("$res->{out}$res->{err}");

    my @lines = split /\n/, $res->{out};

    for my $case (@cases) {
        my ($what, $typed, $want) = @$case;

        is((shift(@lines) // '') =~ s/ +$//r, $want, "$shell: $what");
    }
}

$t->finish;
